//! From a chat to a call of the Responses API.

use crate::adapt::Target;
use crate::adapt::providers::openai_request;
use crate::adapt::providers::openai_responses::SUMMARY;
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// The call that a chat asks.
///
/// # Errors
/// A parameter that the model does not take, and messages that are none.
pub fn responses(call: &Call, target: &Target) -> Result<Call> {
    let given = openai_request::with_defaults(&call.params, &target.defaults);
    let mapping = openai_request::map_params(
        &given,
        target.provider,
        &target.model,
        target.supported(),
        &target.options,
        call.stream,
    )?;
    let mut params = Params::default();
    params.set("model", &target.model);
    let messages: Vec<Value> = given.get("messages").ok_or_else(|| {
        Error::bad_request("`messages` must be a list").at(target.provider.name, &target.model)
    })?;
    let (instructions, items) = input(&messages);
    params.set("input", &items);
    if let Some(instructions) = instructions {
        params.set("instructions", &instructions);
    }
    for (name, raw) in mapping.params.iter().chain(mapping.extra.iter()) {
        param(&mut params, name, raw);
    }
    // A search that the provider's chats do not take any more, its responses do.
    let name = "web_search_options";
    if let Some(raw) = given.raw(name).filter(|_| target.provider.name == "xai") {
        param(&mut params, name, raw);
    }
    if call.stream {
        params.set("stream", &true);
    }
    let mut asked = call.clone();
    asked.op = Op::Responses;
    asked.format = Op::Responses.format();
    asked.params = params;
    Ok(asked)
}

fn param(params: &mut Params, name: &str, raw: &Bytes) {
    match name {
        // How the chat's stream is told is the chat's own matter.
        "stream" | "stream_options" | "messages" | "model" | "n" | "max_retries" => {}
        "max_tokens" | "max_completion_tokens" => params.set_raw("max_output_tokens", raw.clone()),
        "tools" => params.set_raw("tools", tools(params.raw("tools"), raw)),
        "web_search_options" => {
            let mut tool = Params::parse(raw).unwrap_or_default();
            tool.set("type", &"web_search");
            if let Some(place) = place(&tool) {
                tool.set("user_location", &place);
            }
            let list = crate::adapt::dialects::responses::list(&[tool.to_json()]);
            params.set_raw("tools", joined(params.raw("tools"), &list));
        }
        "tool_choice" => {
            if let Ok(choice) = serde_json::from_slice::<Value>(raw) {
                params.set("tool_choice", &choice_of(&choice));
            }
        }
        "response_format" => {
            if let Some(format) = format(raw) {
                let mut text = text(params);
                text.set_raw("format", format);
                params.set_raw("text", text.to_json());
            }
        }
        "verbosity" => {
            let mut text = text(params);
            text.set_raw("verbosity", raw.clone());
            params.set_raw("text", text.to_json());
        }
        "reasoning_effort" => {
            let mut reasoning = reasoning(params);
            match serde_json::from_slice::<Value>(raw) {
                Ok(Value::Object(effort)) => reasoning.extend(effort),
                Ok(effort) => {
                    reasoning.insert("effort".into(), effort);
                }
                Err(_) => {}
            }
            params.set("reasoning", &reasoning);
        }
        name if SUMMARY.contains(&name) => {
            let mut reasoning = reasoning(params);
            if let Ok(summary) = serde_json::from_slice(raw) {
                reasoning.insert("summary".into(), summary);
            }
            params.set("reasoning", &reasoning);
        }
        name => params.set_raw(name, raw.clone()),
    }
}

/// A chat's place of the user, flat.
fn place(tool: &Params) -> Option<Value> {
    let mut given: Value = tool.get("user_location")?;
    let Value::Object(mut place) = given.get_mut("approximate")?.take() else {
        return None;
    };
    place.insert("type".into(), json!("approximate"));
    Some(Value::Object(place))
}

fn reasoning(params: &Params) -> Object {
    params.get("reasoning").unwrap_or_default()
}

fn text(params: &Params) -> Params {
    let given = params.raw("text").and_then(|raw| Params::parse(raw).ok());
    given.unwrap_or_default()
}

/// `response_format` as `text.format`, its schema the bytes that it was.
fn format(raw: &Bytes) -> Option<Bytes> {
    let given = Params::parse(raw).ok()?;
    let kind: String = given.get("type")?;
    let mut made = Params::default();
    made.set("type", &kind);
    if kind == "json_schema" {
        let schema = Params::parse(given.raw("json_schema")?).ok()?;
        let name: Option<String> = schema.get("name");
        made.set("name", &name.as_deref().unwrap_or("response_schema"));
        let body = schema.raw("schema").cloned();
        made.set_raw("schema", body.unwrap_or_else(|| Bytes::from_static(b"{}")));
        made.set("strict", &schema.get::<bool>("strict").unwrap_or(false));
    }
    Some(made.to_json())
}

/// The chat's tools behind those that are there.
fn tools(before: Option<&Bytes>, raw: &Bytes) -> Bytes {
    let given: Vec<&RawValue> = serde_json::from_slice(raw).unwrap_or_default();
    let made: Vec<Bytes> = given
        .iter()
        .filter_map(|tool| Params::parse(&raw.slice_ref(tool.get().as_bytes())).ok())
        .map(|tool| tool_of(&tool))
        .collect();
    joined(before, &crate::adapt::dialects::responses::list(&made))
}

fn joined(before: Option<&Bytes>, after: &Bytes) -> Bytes {
    let values = |list: &Bytes| -> Vec<Bytes> {
        let raw: Vec<&RawValue> = serde_json::from_slice(list).unwrap_or_default();
        raw.iter()
            .map(|raw| list.slice_ref(raw.get().as_bytes()))
            .collect()
    };
    let mut all = before.map(values).unwrap_or_default();
    all.extend(values(after));
    crate::adapt::dialects::responses::list(&all)
}

/// A chat's tool, flat; its schema the bytes that it was.
fn tool_of(tool: &Params) -> Bytes {
    let kind: String = tool.get("type").unwrap_or_default();
    let inner = tool.raw(&kind).and_then(|raw| Params::parse(raw).ok());
    let Some(inner) = inner else {
        return tool.to_json();
    };
    let mut made = Params::default();
    made.set("type", &kind);
    for (name, raw) in inner.iter() {
        made.set_raw(name, raw.clone());
    }
    if kind == "function" && !made.contains("strict") {
        made.set_raw("strict", Bytes::from_static(b"null"));
    }
    made.to_json()
}

fn choice_of(choice: &Value) -> Value {
    let kind = choice.get("type").and_then(Value::as_str);
    match kind {
        Some(kind @ ("auto" | "none" | "required")) => json!(kind),
        Some(kind @ ("function" | "custom")) => {
            let name = choice
                .get("name")
                .or_else(|| choice.get(kind)?.get("name"))
                .and_then(Value::as_str);
            match name {
                Some(name) => json!({"type": kind, "name": name}),
                None => choice.clone(),
            }
        }
        _ => choice.clone(),
    }
}

/// The instructions and the items of a chat's messages.
fn input(messages: &[Value]) -> (Option<String>, Vec<Value>) {
    let mut instructions: Option<String> = None;
    let mut items = Vec::new();
    let mut leading = true;
    for message in messages.iter().filter_map(Value::as_object) {
        let role = text_of(message, "role").unwrap_or("user");
        let content = message.get("content").unwrap_or(&Value::Null);
        leading &= role == "system";
        match (role, content) {
            ("system", Value::String(text)) if leading => {
                instructions = Some(match instructions {
                    Some(before) => format!("{before} {text}"),
                    None => text.clone(),
                });
            }
            ("tool" | "function", content) => items.push(json!({
                "type": "function_call_output",
                "call_id": message.get("tool_call_id"),
                "output": parts(content, "user"),
            })),
            ("assistant", content) => assistant(message, content, &mut items),
            (_, Value::Null) => {}
            (role, content) => items.push(json!({
                "type": "message", "role": role, "content": parts(content, role),
            })),
        }
    }
    (instructions, items)
}

fn assistant(message: &Object, content: &Value, items: &mut Vec<Value>) {
    let stored = message.get("reasoning_items").and_then(Value::as_array);
    for item in stored.into_iter().flatten().filter_map(Value::as_object) {
        let mut told = json!({"type": "reasoning", "summary": item.get("summary").cloned().unwrap_or(json!([]))});
        for name in ["id", "encrypted_content"] {
            if let Some(value) = item.get(name).filter(|value| value.is_string()) {
                told[name] = value.clone();
            }
        }
        items.push(told);
    }
    let calls = message.get("tool_calls").and_then(Value::as_array);
    let silent = match content {
        Value::Null => true,
        Value::String(text) => text.is_empty() && calls.is_some(),
        _ => false,
    };
    if !silent {
        items.push(json!({
            "type": "message", "role": "assistant", "content": parts(content, "assistant"),
        }));
    }
    for call in calls.into_iter().flatten() {
        let custom = call.get("custom").filter(|custom| custom.is_object());
        items.push(match (call.get("function"), custom) {
            (None, Some(custom)) => json!({
                "type": "custom_tool_call", "call_id": call.get("id"),
                "name": custom.get("name"), "input": custom.get("input"),
            }),
            (function, _) => json!({
                "type": "function_call", "call_id": call.get("id"),
                "name": function.and_then(|f| f.get("name")),
                "arguments": function.and_then(|f| f.get("arguments")),
            }),
        });
    }
}

/// Content in parts of the Responses API.
pub fn parts(content: &Value, role: &str) -> Vec<Value> {
    let worded = |text: &str| {
        let kind = if role == "assistant" {
            "output_text"
        } else {
            "input_text"
        };
        json!({"type": kind, "text": text})
    };
    match content {
        Value::String(text) => vec![worded(text)],
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| {
                let Value::Object(fields) = part else {
                    return part.as_str().map(worded);
                };
                Some(match text_of(fields, "type").unwrap_or("text") {
                    "text" => worded(text_of(fields, "text").unwrap_or_default()),
                    "image_url" => image(fields)?,
                    "file" => file(fields),
                    _ => part.clone(),
                })
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn image(fields: &Object) -> Option<Value> {
    let (url, detail) = match fields.get("image_url")? {
        Value::String(url) => (url.as_str(), None),
        image => (
            image.get("url")?.as_str()?,
            image.get("detail").and_then(Value::as_str),
        ),
    };
    Some(json!({"type": "input_image", "image_url": url, "detail": detail.unwrap_or("auto")}))
}

fn file(fields: &Object) -> Value {
    let mut made = json!({"type": "input_file"});
    let file = fields.get("file").and_then(Value::as_object);
    for (name, value) in file.into_iter().flatten() {
        if matches!(
            name.as_str(),
            "file_id" | "file_data" | "filename" | "file_url"
        ) {
            made[name] = value.clone();
        }
    }
    made
}

fn text_of<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}
