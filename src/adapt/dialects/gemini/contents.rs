//! Turns of Gemini's dialect as messages of a chat.

use super::member;
use super::signature::Kept;
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;

/// The messages of `contents`: a list, one content, or a text.
///
/// # Errors
/// Parts that no chat has a place for.
pub fn messages(contents: &Value, system: Option<&Value>) -> Result<Vec<Value>> {
    let mut out = Vec::new();
    if let Some(text) = system.map(texts).filter(|text| !text.is_empty()) {
        out.push(json!({"role": "system", "content": text}));
    }
    let mut calls = Calls::default();
    match contents {
        Value::Array(list) => {
            for content in list {
                turn(content, &mut calls, &mut out)?;
            }
        }
        one => turn(one, &mut calls, &mut out)?,
    }
    Ok(out)
}

/// Calls of tools that are not answered yet, by name: Gemini need not give them ids.
#[derive(Default)]
struct Calls {
    begun: usize,
    open: VecDeque<(String, String)>,
}

impl Calls {
    fn begin(&mut self, name: &str, id: Option<&str>) -> String {
        self.begun += 1;
        let id = id.map_or_else(|| format!("call_{}", self.begun), str::to_owned);
        self.open.push_back((name.to_owned(), id.clone()));
        id
    }

    fn end(&mut self, name: &str, id: Option<&str>) -> String {
        let found = self.open.iter().position(|(called, own)| match id {
            Some(id) => own == id,
            None => called == name,
        });
        let open = found.and_then(|at| self.open.remove(at));
        match (id, open) {
            (Some(id), _) => id.to_owned(),
            (None, Some((_, id))) => id,
            (None, None) => format!("call_{name}"),
        }
    }
}

/// All texts of a content, its parts, or a text.
fn texts(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<String> = parts.iter().map(texts).collect();
            texts.join("\n")
        }
        _ => match content.get("parts") {
            Some(parts) => texts(parts),
            None => content["text"].as_str().unwrap_or_default().to_owned(),
        },
    }
}

fn turn(content: &Value, calls: &mut Calls, out: &mut Vec<Value>) -> Result<()> {
    if let Value::String(text) = content {
        out.push(json!({"role": "user", "content": text}));
        return Ok(());
    }
    let none = Vec::new();
    let parts = match content.get("parts") {
        Some(Value::Array(parts)) => parts,
        Some(_) | None => &none,
    };
    match content["role"].as_str() {
        Some("model" | "assistant") => out.extend(model(parts, calls)?),
        Some("system") => out.push(json!({"role": "system", "content": texts(content)})),
        _ => user(parts, calls, out)?,
    }
    Ok(())
}

fn user(parts: &[Value], calls: &mut Calls, out: &mut Vec<Value>) -> Result<()> {
    let mut said = Vec::new();
    for part in parts {
        if let Some(response) = member(part, "functionResponse", "function_response") {
            let name = response["name"].as_str().unwrap_or_default();
            let id = calls.end(name, response["id"].as_str());
            let content = match &response["response"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            out.push(json!({"role": "tool", "tool_call_id": id, "name": name, "content": content}));
        } else {
            said.push(medium(part)?);
        }
    }
    match said.as_slice() {
        [] => {}
        [one] if one["type"] == "text" => {
            out.push(json!({"role": "user", "content": one["text"]}));
        }
        _ => out.push(json!({"role": "user", "content": said})),
    }
    Ok(())
}

/// A text, or a medium.
fn medium(part: &Value) -> Result<Value> {
    if let Some(text) = part["text"].as_str() {
        return Ok(json!({"type": "text", "text": text}));
    }
    let kind = |of: &Value| {
        let kind = member(of, "mimeType", "mime_type").and_then(Value::as_str);
        kind.unwrap_or("application/octet-stream").to_owned()
    };
    if let Some(data) = member(part, "inlineData", "inline_data") {
        let kind = kind(data);
        let bytes = data["data"].as_str().unwrap_or_default();
        // Clients may write either alphabet of base64; chats know one.
        let bytes = bytes.replace('-', "+").replace('_', "/");
        if let Some(format) = kind.strip_prefix("audio/") {
            let audio = json!({"data": bytes, "format": format});
            return Ok(json!({"type": "input_audio", "input_audio": audio}));
        }
        let url = format!("data:{kind};base64,{bytes}");
        return Ok(if kind.starts_with("image/") {
            json!({"type": "image_url", "image_url": {"url": url}})
        } else {
            json!({"type": "file", "file": {"file_data": url, "filename": "file"}})
        });
    }
    if let Some(file) = member(part, "fileData", "file_data") {
        let kind = kind(file);
        let uri = member(file, "fileUri", "file_uri");
        return Ok(if kind.starts_with("image/") {
            json!({"type": "image_url", "image_url": {"url": uri}})
        } else {
            json!({"type": "file", "file": {"file_id": uri, "format": kind}})
        });
    }
    let names = part.as_object().into_iter().flat_map(Map::keys);
    let names: Vec<&str> = names.map(String::as_str).collect();
    let what = format!(
        "a part with `{}` is not supported for this model",
        names.join("`, `")
    );
    Err(Error::bad_request(what))
}

/// A turn of the model; `None` for an empty one.
fn model(parts: &[Value], calls: &mut Calls) -> Result<Option<Value>> {
    let mut text = String::new();
    let (mut thoughts, mut called, mut signatures) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        let kept = member(part, "thoughtSignature", "thought_signature").and_then(Value::as_str);
        if let Some(call) = member(part, "functionCall", "function_call") {
            let name = call["name"].as_str().unwrap_or_default();
            let id = calls.begin(name, call["id"].as_str());
            let arguments = call
                .get("args")
                .map_or_else(|| "{}".to_owned(), Value::to_string);
            let mut made = json!({"id": id, "type": "function",
                "function": {"name": name, "arguments": arguments}});
            if let Some(kept) = kept {
                made["provider_specific_fields"] = json!({"thought_signature": kept});
            }
            called.push(made);
        } else if part["thought"] == true {
            let said = part["text"].as_str().unwrap_or_default();
            thoughts.push(match kept.map(Kept::decode) {
                Some(Kept::Redacted(data)) => json!({"type": "redacted_thinking", "data": data}),
                Some(Kept::Signature(signature)) => {
                    json!({"type": "thinking", "thinking": said, "signature": signature})
                }
                None => json!({"type": "thinking", "thinking": said, "signature": ""}),
            });
        } else if let Some(said) = part["text"].as_str() {
            text.push_str(said);
            signatures.extend(kept.map(str::to_owned));
        } else if part.get("executableCode").is_some() || part.get("codeExecutionResult").is_some()
        {
            text.push_str(&part.to_string());
        } else {
            // A picture that the model drew is no word of its own in a chat.
            medium(part)?;
        }
    }
    if text.is_empty() && thoughts.is_empty() && called.is_empty() {
        return Ok(None);
    }
    let mut message = json!({"role": "assistant"});
    if !text.is_empty() {
        message["content"] = json!(text);
    }
    if !thoughts.is_empty() {
        let texts = thoughts
            .iter()
            .filter_map(|thought| thought["thinking"].as_str());
        let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
        message["reasoning_content"] = json!(texts.join("\n"));
        message["thinking_blocks"] = Value::Array(thoughts);
    }
    if !signatures.is_empty() {
        message["provider_specific_fields"] = json!({"thought_signatures": signatures});
    }
    if !called.is_empty() {
        message["tool_calls"] = Value::Array(called);
    }
    Ok(Some(message))
}
