//! Tools as Converse's `toolSpec`, and the choice among them.

use super::models;
use crate::adapt::habits::Mapping;
use crate::adapt::providers::anthropic_request::schema;
use crate::adapt::tree::{Tree, tree};
use crate::error::Result;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Tools that Claude was trained on; they go to the model as they are.
const COMPUTER: [&str; 4] = ["computer_use_preview", "computer_", "bash_", "text_editor_"];

/// What the cache points of a model may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachePoints {
    taken: bool,
    lifetimes: bool,
}

impl CachePoints {
    /// Those of a model. A model that the catalogue does not know may take them.
    pub fn of(model: &str) -> Self {
        let declared = models::flag(model, "supports_prompt_cache_breakpoint");
        let priced =
            || !models::has_entry(model) || models::supports(model, "supports_prompt_caching");
        Self {
            taken: !models::is_openai(model) && declared.unwrap_or_else(priced),
            lifetimes: models::has_member(model, "cache_creation_input_token_cost_above_1hr"),
        }
    }

    /// The block that a `cache_control` mark asks for.
    pub fn block(self, mark: Option<&Tree<'_>>) -> Option<Tree<'static>> {
        let mark = mark.filter(|mark| !mark.is_null())?;
        self.taken.then(|| self.point(mark))
    }

    /// The block of a mark on the list of tools, which has to be ephemeral.
    pub fn of_tool(self, tool: &Tree<'_>) -> Option<Tree<'static>> {
        let mark = tool.get("cache_control")?;
        let kind = mark.get("type");
        let ephemeral = kind.is_none_or(|kind| *kind == "ephemeral");
        self.block(Some(mark)).filter(|_| ephemeral)
    }

    /// The block of a mark that is asked for elsewhere.
    pub fn wanted(self, mark: &Tree<'_>) -> Option<Tree<'static>> {
        self.taken.then(|| self.point(mark))
    }

    fn point(self, mark: &Tree<'_>) -> Tree<'static> {
        let mut point = tree!({"type": "default"});
        let lifetime = ["5m", "1h"].into_iter().find(|life| mark["ttl"] == *life);
        if let Some(lifetime) = lifetime.filter(|_| self.lifetimes) {
            point.set("ttl", lifetime);
        }
        tree!({"cachePoint": point})
    }
}

/// Names of tools as Bedrock takes them, and the caller's for those that had to be rewritten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// Of tools in OpenAI's or Anthropic's form.
    pub fn of(tools: &[Tree<'_>]) -> Self {
        let names = tools.iter().filter_map(name_of);
        let rewritten = names.filter_map(|name| {
            let sent = valid(name);
            (sent != name).then(|| (sent, name.to_owned()))
        });
        Self(rewritten.collect())
    }

    /// The caller's name for one that came back.
    pub fn given<'a>(&'a self, name: &'a str) -> &'a str {
        self.0.get(name).map_or(name, String::as_str)
    }
}

fn name_of<'b>(tool: &'b Tree<'_>) -> Option<&'b str> {
    let name = tool["function"].get("name").or_else(|| tool.get("name"));
    name?.as_str()
}

/// Bedrock takes letters, digits, `_` and `-`, and a letter first.
pub fn valid(name: &str) -> String {
    let letter_first = name.chars().next().is_none_or(char::is_alphabetic);
    let mut out = String::from(if letter_first { "" } else { "a" });
    let plain = |c: char| {
        if c.is_alphanumeric() || "_-".contains(c) {
            c
        } else {
            '_'
        }
    };
    out.extend(name.chars().map(plain));
    out
}

/// Whether a tool is one that Claude was trained on.
pub fn is_computer(tool: &Tree<'_>) -> bool {
    let kind = tool["type"].as_str().unwrap_or_default();
    COMPUTER.iter().any(|start| kind.starts_with(start))
}

/// Such a tool as Claude takes it.
pub fn computer<'a>(tool: &Tree<'a>) -> Tree<'a> {
    let kind = tool["type"].as_str().unwrap_or_default();
    let function = &tool["function"];
    if kind.starts_with("computer_") && !function.is_null() {
        let name = function
            .get("name")
            .cloned()
            .unwrap_or_else(|| "computer".into());
        let mut out = tree!({"type": kind.to_owned(), "name": name});
        if let (Tree::Object(out), Tree::Object(parameters)) = (&mut out, &function["parameters"]) {
            out.extend(parameters.clone());
        }
        return out;
    }
    let mut tool = tool.clone();
    let default = if kind.starts_with("bash_") {
        Some("bash")
    } else if kind.starts_with("text_editor_") {
        Some("str_replace_editor")
    } else {
        None
    };
    if let Some(default) = default.filter(|_| tool.get("name").is_none()) {
        tool.set("name", default);
    }
    tool
}

/// The beta that such tools have at a model.
pub fn computer_beta(model: &str) -> &'static str {
    const LATEST: [&str; 4] = ["opus-4-7", "opus-4-6", "sonnet-4-6", "opus-4-5"];
    const LATE: [&str; 6] = [
        "sonnet-4-5",
        "haiku-4-5",
        "opus-4-1",
        "sonnet-4",
        "opus-4",
        "sonnet-3-7",
    ];
    let name = model.to_lowercase().replace(['_', '.'], "-");
    let has = |names: &[&str]| names.iter().any(|known| name.contains(known));
    if has(&LATEST) {
        "computer-use-2025-11-24"
    } else if has(&LATE) {
        "computer-use-2025-01-24"
    } else {
        "computer-use-2024-10-22"
    }
}

/// The tools of a request, each followed by its cache point.
pub fn specs<'a>(tools: &[Tree<'a>], model: &str, caches: CachePoints) -> Vec<Tree<'a>> {
    let strict = takes_strict(model);
    let mut out = Vec::new();
    for (at, tool) in tools.iter().enumerate() {
        let own = ["systemTool", "toolSpec", "cachePoint"];
        if own.iter().any(|name| tool.get(name).is_some()) {
            out.push(tool.clone());
            continue;
        }
        let kind = tool["type"].as_str().unwrap_or_default();
        let callable = tool.get("function").is_some() || tool.get("input_schema").is_some();
        // Tools that run elsewhere have no form here.
        if !callable || kind.starts_with("tool_search_tool_") {
            continue;
        }
        out.push(spec(tool, at, strict));
        out.extend(caches.of_tool(tool));
    }
    out
}

fn spec<'a>(tool: &Tree<'a>, at: usize, strict: bool) -> Tree<'a> {
    let function = tool.get("function").unwrap_or(tool);
    let parameters = function
        .get("parameters")
        .or_else(|| function.get("input_schema"));
    let name = function["name"]
        .as_str()
        .filter(|name| !name.trim().is_empty());
    let name = name.map_or_else(|| format!("litellm_unnamed_tool_{at}"), valid);
    let description = match &function["description"] {
        Tree::Text(text) if !text.is_empty() => Tree::Text(text.clone()),
        _ => name.clone().into(),
    };
    let schema = tree!({"json": input(parameters, strict)});
    let mut spec = tree!({"inputSchema": schema, "name": name, "description": description});
    if strict && function["strict"] == true {
        spec.set("strict", true);
    }
    tree!({"toolSpec": spec})
}

/// The schema with its references replaced and the members that Converse knows.
fn input<'a>(parameters: Option<&Tree<'a>>, strict: bool) -> Tree<'a> {
    const TYPES: [&str; 7] = [
        "array", "boolean", "integer", "null", "number", "object", "string",
    ];
    let given = parameters.filter(|given| given.is_object()).cloned();
    let mut schema = schema::without_references(given.unwrap_or_else(|| tree!({})));
    plain_types(&mut schema);
    let kind = TYPES.into_iter().find(|kind| schema["type"] == *kind);
    let Tree::Object(mut schema) = schema else {
        return schema;
    };
    let properties = schema.remove("properties").unwrap_or_else(|| tree!({}));
    let required = schema.remove("required").unwrap_or(Tree::List(Vec::new()));
    let mut out = tree!({
        "type": kind.unwrap_or("object"), "properties": properties, "required": required,
    });
    let more = schema.remove("additionalProperties").filter(|_| strict);
    if let Some(more) = more.filter(|more| !more.is_null()) {
        out.set("additionalProperties", more);
    }
    out
}

/// Anthropic's `custom` type is an object to everybody else.
fn plain_types(node: &mut Tree<'_>) {
    let Tree::Object(members) = node else { return };
    if members.get("type").is_some_and(|kind| *kind == "custom") {
        members.set("type", "object");
    }
    for name in ["items", "additionalProperties"] {
        if let Some(below) = members.get_mut(name) {
            plain_types(below);
        }
    }
    if let Some(Tree::Object(properties)) = members.get_mut("properties") {
        properties.values_mut().for_each(plain_types);
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        if let Some(Tree::List(list)) = members.get_mut(name) {
            list.iter_mut().for_each(plain_types);
        }
    }
}

/// Only Claude honours strict schemas, and not every one.
fn takes_strict(model: &str) -> bool {
    let base = models::base_model(model);
    base.starts_with("anthropic")
        && models::flag(base, "bedrock_converse_supports_strict_tools").unwrap_or(true)
}

/// Converse's word for a choice; `None` where there is nothing to say.
///
/// # Errors
/// A choice that Converse has no word for.
pub fn choice(mapping: &Mapping<'_>, model: &str) -> Result<Option<Value>> {
    let Some(given) = mapping.value("tool_choice") else {
        return Ok(None);
    };
    let unsupported = |more: &str| {
        let shown = given
            .as_str()
            .map_or_else(|| given.to_string(), str::to_owned);
        mapping.unsupported(format!(
            "Bedrock doesn't support tool_choice={shown}.{more} To drop it from the call, set `litellm.drop_params = \
             True."
        ))
    };
    let forced = match (&given, given.as_str()) {
        (_, Some("auto")) => return Ok(Some(json!({"auto": {}}))),
        (_, Some("none")) if mapping.drop_params => return Ok(None),
        (_, Some("none")) => return Err(unsupported("")),
        (_, Some("required")) => json!({"any": {}}),
        (Value::Object(choice), _) => {
            let name = choice
                .get("function")
                .and_then(|function| function["name"].as_str());
            json!({"tool": {"name": valid(name.unwrap_or_default())}})
        }
        _ => {
            let known = " Supported tool_choice values=['auto', 'required', json object].";
            return Err(unsupported(known));
        }
    };
    if can_be_forced(model) {
        return Ok(Some(forced));
    }
    if mapping.drop_params {
        return Ok(Some(json!({"auto": {}})));
    }
    Err(mapping.unsupported(format!(
        "{model} does not support forced tool use (tool_choice='required' or a named tool). Use tool_choice='auto' and \
         tell the model in the prompt when to call the tool, or set `litellm.drop_params = True` to downgrade to 'auto' \
         automatically."
    )))
}

/// Whether a model may be told which tool to call.
pub fn can_be_forced(model: &str) -> bool {
    models::claude_flag(model, "supports_forced_tool_use") != Some(false)
}
