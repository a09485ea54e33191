//! The request side of Anthropic's protocol: text, tools, thinking and what goes with them.

use crate::adapt::canonical::into_object;
use crate::adapt::usage::Object;
use crate::adapt::{Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::request::Call;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

/// The protocol's version.
const VERSION: &str = "2023-06-01";
/// `max_tokens` is mandatory; this is sent when nobody says.
const DEFAULT_MAX_TOKENS: u64 = 4096;
/// Members that are translated, or that Anthropic does not know.
const TRANSLATED: [&str; 11] = [
    "model",
    "messages",
    "stop",
    "user",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_completion_tokens",
    "stream_options",
    "reasoning_effort",
    "n",
];

/// Builds the request for a call at a target.
///
/// # Errors
/// Messages that cannot be read, a key that no header may hold.
pub fn request(call: &Call, target: &Target) -> Result<UpstreamRequest> {
    let mut body = Object::new();
    for (name, raw) in call.params.iter().chain(target.defaults.iter()) {
        if !TRANSLATED.contains(&name)
            && !body.contains_key(name)
            && let Ok(value) = serde_json::from_slice::<Value>(raw)
            && !value.is_null()
        {
            body.insert(name.into(), value);
        }
    }
    body.insert("model".into(), json!(target.model));
    let messages: Vec<Object> = call.params.read("messages")?.unwrap_or_default();
    let (system, messages) = split_system(messages);
    if !system.is_empty() {
        body.insert("system".into(), Value::Array(system));
    }
    body.insert("messages".into(), Value::Array(merge_turns(messages)));
    match call.params.get::<Value>("stop") {
        Some(Value::String(stop)) => body.insert("stop_sequences".into(), json!([stop])),
        Some(stops @ Value::Array(_)) => body.insert("stop_sequences".into(), stops),
        _ => None,
    };
    if let Some(user) = call.params.get::<String>("user") {
        body.insert("metadata".into(), json!({"user_id": user}));
    }
    if let Some(tools) = call.params.get::<Vec<Value>>("tools") {
        let tools = tools.iter().map(tool).collect();
        body.insert("tools".into(), Value::Array(tools));
    }
    if let Some(choice) = tool_choice(call) {
        body.insert("tool_choice".into(), choice);
    }
    if let Some(most) = call.params.get::<u64>("max_completion_tokens") {
        body.insert("max_tokens".into(), json!(most));
    }
    body.entry("max_tokens")
        .or_insert(json!(DEFAULT_MAX_TOKENS));
    Ok(UpstreamRequest {
        method: Method::POST,
        url: url(target),
        headers: headers(target)?,
        body: Bytes::from(serde_json::to_vec(&Value::Object(body)).unwrap_or_default()),
    })
}

fn url(target: &Target) -> String {
    let base = target.api_base.trim_end_matches('/');
    if base.ends_with("/v1/messages") {
        return base.to_owned();
    }
    format!("{base}/v1/messages")
}

fn headers(target: &Target) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
    if let Some(key) = &target.api_key {
        let mut value = HeaderValue::from_str(key.expose()).map_err(|_| {
            Error::new(
                ErrorKind::Authentication,
                "the api key holds bytes that no header may hold",
            )
        })?;
        value.set_sensitive(true);
        headers.insert("x-api-key", value);
    }
    Ok(headers)
}

/// System messages stand apart from the turns.
fn split_system(messages: Vec<Object>) -> (Vec<Value>, Vec<Object>) {
    let mut system = Vec::new();
    let mut turns = Vec::new();
    for message in messages {
        match message.get("role").and_then(Value::as_str) {
            Some("system" | "developer") => system.extend(blocks(message.get("content"))),
            _ => turns.push(message),
        }
    }
    (system, turns)
}

/// Turns must alternate: tool results are the user's, and neighbours of one role become one message.
fn merge_turns(messages: Vec<Object>) -> Vec<Value> {
    let mut turns: Vec<Value> = Vec::new();
    for message in messages {
        let (role, content) = turn(&message);
        match turns.last_mut() {
            Some(last) if last["role"] == role => {
                if let Some(Value::Array(blocks)) = last.get_mut("content") {
                    blocks.extend(content);
                }
            }
            _ => turns.push(json!({"role": role, "content": content})),
        }
    }
    turns
}

fn turn(message: &Object) -> (&'static str, Vec<Value>) {
    let content = message.get("content");
    match message.get("role").and_then(Value::as_str) {
        Some("tool") => {
            let result = match content {
                Some(Value::String(text)) => json!(text),
                other => Value::Array(blocks(other)),
            };
            let id = message.get("tool_call_id").cloned().unwrap_or_default();
            let block = json!({"type": "tool_result", "tool_use_id": id, "content": result});
            ("user", vec![block])
        }
        Some("assistant") => {
            let thinking = message.get("thinking_blocks").and_then(Value::as_array);
            let mut content: Vec<Value> = thinking.cloned().unwrap_or_default();
            content.extend(blocks(message.get("content")));
            let calls = message.get("tool_calls").and_then(Value::as_array);
            content.extend(calls.into_iter().flatten().map(tool_use));
            ("assistant", content)
        }
        _ => ("user", blocks(content)),
    }
}

fn tool_use(call: &Value) -> Value {
    let function = &call["function"];
    let arguments = function["arguments"].as_str().unwrap_or("{}");
    let input: Value = serde_json::from_str(arguments).unwrap_or_else(|_| json!({}));
    json!({"type": "tool_use", "id": call["id"], "name": function["name"], "input": input})
}

/// Content as blocks; empty texts, which Anthropic refuses, are left out.
fn blocks(content: Option<&Value>) -> Vec<Value> {
    match content {
        Some(Value::String(text)) if !text.is_empty() => {
            vec![json!({"type": "text", "text": text})]
        }
        Some(Value::Array(parts)) => parts.clone(),
        _ => Vec::new(),
    }
}

fn tool(tool: &Value) -> Value {
    let Value::Object(function) = &tool["function"] else {
        return tool.clone();
    };
    let schema = function
        .get("parameters")
        .cloned()
        .unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    let mut out = into_object(
        json!({"type": "custom", "name": function.get("name"), "input_schema": schema}),
    );
    if let Some(description) = function.get("description") {
        out.insert("description".into(), description.clone());
    }
    Value::Object(out)
}

fn tool_choice(call: &Call) -> Option<Value> {
    let parallel = call.params.get::<bool>("parallel_tool_calls");
    let mut choice = match call.params.get::<Value>("tool_choice") {
        Some(Value::String(choice)) => match choice.as_str() {
            "required" => json!({"type": "any"}),
            "none" => json!({"type": "none"}),
            _ => json!({"type": "auto"}),
        },
        Some(Value::Object(choice)) => {
            json!({"type": "tool", "name": choice.get("function")?.get("name")?})
        }
        _ if parallel.is_some() => json!({"type": "auto"}),
        _ => return None,
    };
    if let Some(parallel) = parallel {
        choice["disable_parallel_tool_use"] = json!(!parallel);
    }
    Some(choice)
}
