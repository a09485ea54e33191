//! Tools: the caller's as functions of a chat, and the names by which their calls find the way back.
//!
//! A `custom` tool (Codex's `apply_patch`) takes free text; chat has functions only, so that it becomes one with a
//! single text, `content`, its grammar told in the description. Tools in a `namespace` are told apart by
//! `namespace__name`. Schemas stay the bytes they were: models read their members in order.

use super::Lost;
use crate::error::Result;
use crate::params::Params;
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Members of a function that go beside it in chat's form.
const BESIDE: [&str; 5] = [
    "cache_control",
    "defer_loading",
    "allowed_callers",
    "input_examples",
    "eager_input_streaming",
];

/// What the caller's tools are in a chat.
#[derive(Default)]
pub(super) struct Asked {
    /// Raw JSON, one each.
    pub(super) functions: Vec<Bytes>,
    /// Of a tool that searches the web.
    pub(super) web_search: Option<Value>,
}

/// How calls of the chat's functions are told to the caller.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    custom: Vec<String>,
    /// Name in the chat -> namespace and name in it.
    spaces: BTreeMap<String, (String, String)>,
}

impl Names {
    /// Whether the caller's tool of this name takes free text.
    pub(super) fn is_custom(&self, name: &str) -> bool {
        self.custom.iter().any(|custom| custom == name)
    }

    /// The caller's name of a function, with its namespace.
    pub(super) fn restored<'a>(&'a self, name: &'a str) -> (&'a str, Option<&'a str>) {
        match self.spaces.get(name) {
            Some((space, own)) => (own, Some(space)),
            None => (name, None),
        }
    }

    /// Of the tools of a call.
    pub(super) fn of(tools: Option<&Bytes>) -> Self {
        let mut names = Self::default();
        let mut plain = Vec::new();
        for tool in members(tools) {
            let name = tool.get::<String>("name").unwrap_or_default();
            match tool.get::<String>("type").as_deref() {
                Some("custom") => names.custom.push(name),
                Some("function") => plain.push(name),
                Some("namespace") => names.note_space(&name, &tool),
                _ => {}
            }
        }
        // A bare name means the tool of a namespace only where nothing else has it.
        names.spaces.retain(|chat, _| !plain.contains(chat));
        names
    }

    fn note_space(&mut self, space: &str, tool: &Params) {
        for inner in members(tool.raw("tools")) {
            let name = inner.get::<String>("name").unwrap_or_default();
            if inner.get::<String>("type").as_deref() == Some("custom") {
                self.custom.push(name);
            } else {
                let own = (space.to_owned(), name.clone());
                self.spaces.insert(format!("{space}__{name}"), own);
            }
        }
    }
}

/// The tools of a call in chat's form.
///
/// # Errors
/// A tool of the provider's own that chat has no form for, unless `lost` allows dropping it.
pub(super) fn asked(tools: Option<&Bytes>, lost: &Lost<'_>) -> Result<Asked> {
    let mut asked = Asked::default();
    for tool in members(tools) {
        let kind: String = tool.get("type").unwrap_or_default();
        match kind.as_str() {
            "function" => asked.functions.push(function(&tool, None)),
            "custom" => asked.functions.push(custom(&tool, None)),
            "namespace" => asked.functions.extend(namespace(&tool)),
            "web_search" | "web_search_preview" | "web_search_2025_08_26" => {
                asked.web_search = Some(web_search(&tool));
            }
            "mcp" => asked.functions.push(tool.to_json()),
            kind if !super::HOSTED.contains(&kind) => asked.functions.push(tool.to_json()),
            kind => lost.tool(kind)?,
        }
    }
    Ok(asked)
}

fn members(tools: Option<&Bytes>) -> Vec<Params> {
    let Some(tools) = tools else {
        return Vec::new();
    };
    let raw: Vec<&RawValue> = serde_json::from_slice(tools).unwrap_or_default();
    raw.iter()
        .filter_map(|raw| Params::parse(&tools.slice_ref(raw.get().as_bytes())).ok())
        .collect()
}

fn web_search(tool: &Params) -> Value {
    let mut options = json!({});
    for name in ["search_context_size", "user_location"] {
        if let Some(value) = tool.get::<Value>(name) {
            options[name] = value;
        }
    }
    options
}

/// A function; `space` is the namespace's name and description.
fn function(tool: &Params, space: Option<(&str, &str)>) -> Bytes {
    let own: String = tool.get("name").unwrap_or_default();
    let description: String = tool.get("description").unwrap_or_default();
    let mut function = Params::default();
    match space {
        None => {
            function.set("name", &own);
            function.set("description", &description);
        }
        Some((space, about)) => {
            function.set("name", &format!("{space}__{own}"));
            let parts: Vec<&str> = [about, &description]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect();
            function.set("description", &parts.join("\n\n"));
        }
    }
    function.set_raw("parameters", schema(tool.raw("parameters")));
    function.set("strict", &tool.get::<bool>("strict").unwrap_or(false));
    wrapped(tool, &function)
}

fn wrapped(tool: &Params, function: &Params) -> Bytes {
    let mut made = Params::default();
    made.set_raw("type", Bytes::from_static(b"\"function\""));
    made.set_raw("function", function.to_json());
    for name in BESIDE {
        let said = tool
            .raw(name)
            .filter(|raw| !matches!(&raw[..], b"null" | b"false"));
        if let Some(raw) = said {
            made.set_raw(name, raw.clone());
        }
    }
    made.to_json()
}

/// A schema as it came; one without a type is an object's.
fn schema(given: Option<&Bytes>) -> Bytes {
    let given = given
        .and_then(|raw| Params::parse(raw).ok().map(|members| (raw, members)))
        .filter(|(_, members)| !members.is_empty());
    match given {
        None => Bytes::from_static(br#"{"type":"object"}"#),
        Some((raw, members)) if members.contains("type") => raw.clone(),
        Some((_, mut members)) => {
            members.set("type", &"object");
            members.to_json()
        }
    }
}

fn custom(tool: &Params, about: Option<&str>) -> Bytes {
    let name: String = tool.get("name").unwrap_or_default();
    let mut description: String = tool.get("description").unwrap_or_default();
    if let Some(about) = about.filter(|about| !about.is_empty()) {
        description = format!("{about}\n\n{description}");
    }
    if let Some(Value::Object(format)) = tool.get("format")
        && let Some(definition) = format.get("definition").and_then(Value::as_str)
    {
        let syntax = format.get("syntax").and_then(Value::as_str);
        let syntax = syntax.unwrap_or("given");
        description.push_str("\n\n`content` follows this ");
        description.push_str(syntax);
        description.push_str(" grammar:\n");
        description.push_str(definition);
    }
    let mut function = Params::default();
    function.set("name", &name);
    function.set("description", &description);
    let about = format!("The {name} content following the specified format");
    function.set(
        "parameters",
        &json!({
            "type": "object",
            "properties": {"content": {"type": "string", "description": about}},
            "required": ["content"],
        }),
    );
    wrapped(tool, &function)
}

fn namespace(tool: &Params) -> Vec<Bytes> {
    let space: String = tool.get("name").unwrap_or_default();
    let about: String = tool.get("description").unwrap_or_default();
    members(tool.raw("tools"))
        .iter()
        .map(|inner| match inner.get::<String>("type").as_deref() {
            Some("custom") => custom(inner, Some(&about)),
            _ => function(inner, Some((&space, &about))),
        })
        .collect()
}

/// Raw JSON values as a list.
pub(super) fn list(values: &[Bytes]) -> Bytes {
    let mut out = BytesMut::with_capacity(values.iter().map(|v| v.len() + 1).sum::<usize>() + 2);
    out.put_u8(b'[');
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            out.put_u8(b',');
        }
        out.put_slice(value);
    }
    out.put_u8(b']');
    out.freeze()
}

/// The caller's choice of a tool in chat's form.
pub(super) fn choice(choice: &Value) -> Value {
    let Value::Object(fields) = choice else {
        return choice.clone();
    };
    let named = |name: &str| fields.get(name).and_then(Value::as_str);
    let inner = |of: &str| fields.get(of).and_then(|of| of.get("name")?.as_str());
    match named("type") {
        _ if inner("function").is_some() => choice.clone(),
        Some(kind @ ("auto" | "none")) => json!(kind),
        Some("required" | "tool" | "any") => json!("required"),
        Some("function" | "custom") => match named("name").or(inner("custom")) {
            Some(name) => json!({"type": "function", "function": {"name": name}}),
            None => json!("required"),
        },
        Some("allowed_tools") => json!(named("mode").unwrap_or("auto")),
        _ => choice.clone(),
    }
}

/// The choice as the response tells it.
pub(super) fn told_choice(given: Option<&Value>) -> Value {
    let Some(given) = given.filter(|given| !given.is_null()) else {
        return json!("auto");
    };
    if let Some(name) = given.get("function").and_then(|f| f.get("name")?.as_str()) {
        return json!({"type": "function", "name": name});
    }
    match given.get("type").and_then(Value::as_str) {
        Some(kind @ ("auto" | "none" | "required")) => json!(kind),
        Some("tool" | "any") => json!("required"),
        _ => given.clone(),
    }
}

/// The caller's tools as the response tells them: functions with every member, `null` where nothing is said.
pub(super) fn told(tools: Option<&Bytes>, nulls: bool) -> Bytes {
    let told: Vec<Bytes> = members(tools)
        .into_iter()
        .map(|mut tool| {
            if nulls && tool.get::<String>("type").as_deref() == Some("function") {
                for name in [
                    "strict",
                    "allowed_callers",
                    "async",
                    "defer_loading",
                    "description",
                    "output_schema",
                ] {
                    if !tool.contains(name) {
                        tool.set_raw(name, Bytes::from_static(b"null"));
                    }
                }
            }
            tool.to_json()
        })
        .collect();
    list(&told)
}

/// The free text in the arguments of a custom tool's call; arguments without one are the text themselves.
pub(super) fn free_text(arguments: &str) -> String {
    let content = serde_json::from_str::<Value>(arguments)
        .ok()
        .and_then(|arguments| Some(arguments.get("content")?.as_str()?.to_owned()));
    content.unwrap_or_else(|| arguments.to_owned())
}
