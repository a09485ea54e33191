//! Turns of Anthropic's dialect as messages of a chat.
//!
//! A user's turn may hold results of tools beside its own words: they become messages of their own, before it. An
//! assistant's turn keeps its thoughts with their signatures.

use super::request::Kind;
use super::{signature, tools};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::repr::{Style, written};
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// The messages of a call, its system prompt first.
///
/// # Errors
/// Turns of the wrong shape.
pub fn of(given: &Params, kind: Kind) -> Result<Vec<Value>> {
    let turns: Vec<Object> = given.read("messages")?.unwrap_or_default();
    let mut out = Vec::with_capacity(turns.len() + 1);
    if let Some(system) = given.read::<Value>("system")? {
        out.extend(instruction(&system, kind));
    }
    for turn in &turns {
        let content = turn.get("content").unwrap_or(&Value::Null);
        match turn.get("role").and_then(Value::as_str) {
            Some("system") => out.extend(instruction(content, kind)),
            Some("assistant") => out.extend(assistant(content, kind)),
            Some("user") => user(content, kind, &mut out)?,
            _ => {
                return Err(no_role());
            }
        }
    }
    Ok(out)
}

/// What is said of a turn of nobody's.
pub fn no_role() -> Error {
    Error::bad_request("a message has a `role` that is neither `user` nor `assistant`")
}

/// What is said of a turn that says nothing.
pub fn no_content() -> Error {
    Error::bad_request("a message has no `content`")
}

/// A system prompt; `None` for an empty one.
fn instruction(content: &Value, kind: Kind) -> Option<Value> {
    let content = match content {
        Value::String(text) if !text.is_empty() => content.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter_map(|block| text(block, kind));
            let texts: Vec<Value> = texts.collect();
            (!texts.is_empty()).then_some(Value::Array(texts))?
        }
        _ => return None,
    };
    Some(json!({"role": "system", "content": content}))
}

fn text(block: &Value, kind: Kind) -> Option<Value> {
    let text = match block {
        Value::String(text) => text,
        _ if block["type"] == "text" => block["text"].as_str()?,
        _ => return None,
    };
    Some(marked(block, json!({"type": "text", "text": text}), kind))
}

/// The same with the block's mark for the prompt cache, where that means something.
pub fn marked(block: &Value, mut part: Value, kind: Kind) -> Value {
    let mark = block.get("cache_control").filter(|mark| !mark.is_null());
    if let Some(mark) = mark.filter(|_| kind.caches) {
        part["cache_control"] = mark.clone();
    }
    part
}

fn user(content: &Value, kind: Kind, out: &mut Vec<Value>) -> Result<()> {
    let blocks = match content {
        Value::String(text) => {
            if !text.is_empty() {
                out.push(json!({"role": "user", "content": text}));
            }
            return Ok(());
        }
        Value::Array(blocks) => blocks,
        _ => return Err(no_content()),
    };
    let mut parts = Vec::new();
    for block in blocks {
        if block["type"] == "tool_result" {
            out.push(result(block, kind));
        } else {
            parts.extend(part(block, kind)?);
        }
    }
    if !parts.is_empty() {
        out.push(json!({"role": "user", "content": parts}));
    }
    Ok(())
}

fn result(block: &Value, kind: Kind) -> Value {
    let content = match &block["content"] {
        Value::Array(inner) => {
            let mut parts: Vec<Value> = inner.iter().filter_map(|b| inner_part(b, kind)).collect();
            match parts.as_slice() {
                [] => json!(""),
                [one] if one["type"] == "text" => parts[0]["text"].take(),
                _ => Value::Array(parts),
            }
        }
        Value::String(text) => json!(text),
        _ => json!(""),
    };
    let id = block["tool_use_id"].as_str().unwrap_or_default();
    let mut message =
        json!({"role": "tool", "tool_call_id": signature::into_chat(id), "content": content});
    if kind.claude && block["is_error"] == true {
        message["is_error"] = true.into();
    }
    marked(block, message, kind)
}

/// What a tool may have answered with.
pub fn inner_part(block: &Value, kind: Kind) -> Option<Value> {
    if let Value::String(text) = block {
        return Some(json!({"type": "text", "text": text}));
    }
    match block["type"].as_str()? {
        "tool_reference" => {
            Some(json!({"type": "tool_reference", "tool_name": block["tool_name"]}))
        }
        _ => part(block, kind).ok().flatten(),
    }
}

/// A part of a user's message.
///
/// # Errors
/// A block that no chat has a place for.
pub fn part(block: &Value, kind: Kind) -> Result<Option<Value>> {
    let source = &block["source"];
    let made = match block["type"].as_str() {
        Some("text") => block["text"]
            .as_str()
            .map(|text| json!({"type": "text", "text": text})),
        Some("image") => image(source),
        Some("document") => document(block, source),
        Some("search_result") => Some(json!({"type": "text", "text": search_result(block)})),
        other => {
            let name = other.unwrap_or("without a type");
            let what = format!("a content block `{name}` is not supported for this model");
            return Err(Error::bad_request(what));
        }
    };
    Ok(made.map(|made| marked(block, made, kind)))
}

fn image(source: &Value) -> Option<Value> {
    let text = |name: &str| source[name].as_str().filter(|text| !text.is_empty());
    let part = match text("type")? {
        "base64" => {
            let kind = text("media_type").unwrap_or("image/jpeg");
            let url = format!("data:{kind};base64,{}", text("data")?);
            json!({"type": "image_url", "image_url": {"url": url}})
        }
        "url" => json!({"type": "image_url", "image_url": {"url": text("url")?}}),
        "file" => json!({"type": "file", "file": {"file_id": text("file_id")?}}),
        _ => return None,
    };
    Some(part)
}

fn document(block: &Value, source: &Value) -> Option<Value> {
    match source["type"].as_str()? {
        "base64" => {
            let kind = source["media_type"].as_str().unwrap_or("application/pdf");
            let data = source["data"].as_str()?;
            let title = block["title"].as_str().filter(|title| !title.is_empty());
            Some(json!({"type": "file", "file": {
                "filename": title.unwrap_or("document.pdf"),
                "file_data": format!("data:{kind};base64,{data}"),
            }}))
        }
        "text" => Some(json!({"type": "text", "text": source["data"]})),
        "content" => {
            let text = match &source["content"] {
                Value::String(text) => text.clone(),
                blocks => texts(blocks),
            };
            Some(json!({"type": "text", "text": text}))
        }
        _ => image(source),
    }
}

/// All texts of a list of blocks.
pub fn texts(blocks: &Value) -> String {
    let blocks = blocks.as_array().into_iter().flatten();
    let texts: Vec<&str> = blocks.filter_map(|block| block["text"].as_str()).collect();
    texts.join("\n")
}

fn search_result(block: &Value) -> String {
    let head = ["title", "source"].map(|name| block[name].as_str().unwrap_or_default());
    format!("{}\n{}\n{}", head[0], head[1], texts(&block["content"]))
}

/// A turn of the model; `None` for an empty one.
fn assistant(content: &Value, kind: Kind) -> Option<Value> {
    let mut message = Object::new();
    message.insert("role".into(), "assistant".into());
    let blocks = match content {
        Value::Array(blocks) => blocks,
        Value::String(_) => {
            message.insert("content".into(), content.clone());
            return Some(message.into());
        }
        _ => return None,
    };
    let mut parts: Vec<Value> = Vec::new();
    let (mut thoughts, mut calls, mut signatures) = (Vec::new(), Vec::new(), Vec::new());
    for block in blocks {
        match block["type"].as_str() {
            Some("thinking") => thoughts.push(json!({"type": "thinking",
                "thinking": block["thinking"].as_str().unwrap_or_default(),
                "signature": block["signature"].as_str().unwrap_or_default()})),
            Some("redacted_thinking") => {
                thoughts.push(json!({"type": "redacted_thinking", "data": block["data"]}));
            }
            Some("tool_use") => calls.push(call(block, kind)),
            Some("text") | None => {
                let kept = block["provider_specific_fields"]["thought_signatures"].as_array();
                signatures.extend(kept.into_iter().flatten().cloned());
                parts.extend(text(block, kind));
            }
            // What a provider's own tools were asked and answered: words are all that another one understands of it.
            Some(_) => parts.push(json!({"type": "text", "text": block.to_string()})),
        }
    }
    if parts.is_empty() && thoughts.is_empty() && calls.is_empty() {
        return None;
    }
    if parts.iter().any(|part| part.get("cache_control").is_some()) {
        message.insert("content".into(), Value::Array(parts));
    } else if !parts.is_empty() {
        let texts = parts.iter().filter_map(|part| part["text"].as_str());
        message.insert("content".into(), texts.collect::<String>().into());
    }
    if !thoughts.is_empty() {
        let texts = thoughts
            .iter()
            .filter_map(|thought| thought["thinking"].as_str());
        let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
        if !texts.is_empty() {
            message.insert("reasoning_content".into(), texts.join("\n").into());
        }
        message.insert("thinking_blocks".into(), Value::Array(thoughts));
    }
    if !signatures.is_empty() {
        let fields = json!({"thought_signatures": signatures});
        message.insert("provider_specific_fields".into(), fields);
    }
    if !calls.is_empty() {
        message.insert("tool_calls".into(), Value::Array(calls));
    }
    Some(message.into())
}

fn call(block: &Value, kind: Kind) -> Value {
    let id = block["id"].as_str().unwrap_or_default();
    let name = block["name"].as_str().unwrap_or_default();
    let mut function = json!({"name": tools::short(name), "arguments": arguments(&block["input"])});
    let kept = block["provider_specific_fields"]["signature"].as_str();
    if let Some(kept) = kept {
        function["provider_specific_fields"] = json!({"thought_signature": kept});
    }
    let call = json!({"id": signature::into_chat(id), "type": "function", "function": function});
    marked(block, call, kind)
}

/// Arguments as text, spaced as Python's `json.dumps` does: the same bytes as LiteLLM's, so that a provider's prompt
/// cache knows them again.
pub fn arguments(input: &Value) -> String {
    let input = match input {
        Value::Null => "{}".to_owned(),
        input => input.to_string(),
    };
    written(input.as_bytes(), Style::Json).unwrap_or_default()
}
