//! Input items as chat messages.
//!
//! An item is one step of a turn, a message is one side of it: calls of tools go together into one assistant's
//! message, and reasoning goes before the words or calls that it led to. Signed thinking comes back in
//! `encrypted_content` (see [`super::output`]) and reaches the provider byte for byte.

use super::Lost;
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// The messages of a call.
///
/// # Errors
/// An item that chat has no form for, unless `lost` allows dropping it.
pub(super) fn messages(
    instructions: Option<&str>,
    input: Value,
    lost: &Lost<'_>,
) -> Result<Vec<Value>> {
    let mut turns = Turns::default();
    if let Some(text) = instructions.filter(|text| !text.is_empty()) {
        turns
            .messages
            .push(json!({"role": "system", "content": text}));
    }
    match input {
        Value::String(text) => turns
            .messages
            .push(json!({"role": "user", "content": text})),
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::Object(item) => turns.take(item, lost)?,
                    Value::String(text) => {
                        turns.plain(json!({"role": "user", "content": text}));
                    }
                    _ => {
                        return Err(Error::bad_request(
                            "`input` holds an item that is no object",
                        ));
                    }
                }
            }
        }
        _ => {
            return Err(Error::bad_request(
                "`input` must be a text or a list of items",
            ));
        }
    }
    turns.flush();
    Ok(turns.messages)
}

#[derive(Default)]
struct Turns {
    messages: Vec<Value>,
    /// Reasoning that waits for the message it led to: texts, and signed blocks.
    texts: Vec<String>,
    blocks: Vec<Value>,
}

impl Turns {
    fn take(&mut self, item: Object, lost: &Lost<'_>) -> Result<()> {
        let kind = item
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("message");
        match kind {
            "message" => self.message(&item),
            "function_call" | "custom_tool_call" => self.call(&item),
            "function_call_output" | "custom_tool_call_output" | "computer_call_output" => {
                self.outcome(&item);
            }
            "reasoning" => self.reasoning(&item),
            "web_search_call" => self.search(&item),
            other => return lost.item(other),
        }
        Ok(())
    }

    fn message(&mut self, item: &Object) {
        let role = text(item, "role").unwrap_or("user");
        let content = match item.get("content") {
            Some(Value::String(text)) => json!(text),
            Some(Value::Array(parts)) => parts.iter().filter_map(part).collect(),
            _ => return,
        };
        let mut message = json!({"role": role, "content": content});
        if let Some(mark) = item.get("cache_control").filter(|mark| mark.is_object()) {
            marked(&mut message, mark);
        }
        if role == "assistant" {
            self.say(message);
        } else {
            self.plain(message);
        }
    }

    /// The assistant's words. After its calls they join the message of these: tools' results have to follow the calls.
    fn say(&mut self, mut message: Value) {
        self.apply(&mut message);
        let last = self.messages.last_mut().and_then(Value::as_object_mut);
        let calling = last.filter(|last| {
            last.get("role") == Some(&json!("assistant")) && last.contains_key("tool_calls")
        });
        let Some(calling) = calling else {
            self.messages.push(message);
            return;
        };
        let said = message["content"].take();
        let content = match calling.remove("content") {
            None | Some(Value::Null) => said,
            Some(before) => {
                Value::Array(parts_of(before).into_iter().chain(parts_of(said)).collect())
            }
        };
        calling.insert("content".into(), content);
    }

    fn plain(&mut self, message: Value) {
        self.flush();
        self.messages.push(message);
    }

    fn call(&mut self, item: &Object) {
        let custom = text(item, "type") == Some("custom_tool_call");
        let id = text(item, "call_id")
            .or(text(item, "id"))
            .unwrap_or_default();
        let arguments = match item.get("arguments") {
            Some(Value::String(text)) => text.clone(),
            None | Some(Value::Null) if custom => {
                json!({"content": text(item, "input").unwrap_or_default()}).to_string()
            }
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        };
        let name = text(item, "name").unwrap_or_default();
        let name = match text(item, "namespace") {
            Some(space) if !custom && !space.is_empty() => format!("{space}__{name}"),
            _ => name.to_owned(),
        };
        let mut call = json!({
            "id": id, "type": "function", "function": {"name": name, "arguments": arguments},
            "index": 0,
        });
        for name in ["cache_control", "provider_specific_fields"] {
            if let Some(fields) = item.get(name).filter(|fields| fields.is_object()) {
                call[name] = fields.clone();
            }
        }
        let last = self.messages.last_mut().and_then(Value::as_object_mut);
        let own = last.filter(|last| {
            last.get("role") == Some(&json!("assistant"))
                && self.texts.is_empty()
                && self.blocks.is_empty()
        });
        if let Some(own) = own {
            let calls = own.entry("tool_calls").or_insert_with(|| json!([]));
            if let Value::Array(calls) = calls {
                calls.push(call);
            }
            return;
        }
        let mut message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
        self.apply(&mut message);
        self.messages.push(message);
    }

    fn outcome(&mut self, item: &Object) {
        let Some(id) = text(item, "call_id").filter(|id| !id.is_empty()) else {
            return;
        };
        let content = outcome_content(item.get("output").unwrap_or(&Value::Null));
        let mut message = json!({"role": "tool", "content": content, "tool_call_id": id});
        if let Some(mark) = item.get("cache_control").filter(|mark| mark.is_object()) {
            message["cache_control"] = mark.clone();
        }
        self.plain(message);
    }

    fn reasoning(&mut self, item: &Object) {
        if let Some(text) = reasoning_text(item) {
            self.texts.push(text);
        }
        self.blocks.extend(signed_blocks(item));
    }

    /// What a search of the provider's found is context of the assistant's turn.
    fn search(&mut self, item: &Object) {
        let told = format!("Hosted web search: {}", Value::Object(item.clone()));
        self.say(json!({"role": "assistant", "content": told}));
    }

    /// Gives the waiting reasoning to the assistant's message that follows it.
    fn apply(&mut self, message: &mut Value) {
        if !self.texts.is_empty() {
            message["reasoning_content"] = json!(std::mem::take(&mut self.texts).join("\n"));
        }
        if !self.blocks.is_empty() {
            message["thinking_blocks"] = Value::Array(std::mem::take(&mut self.blocks));
        }
    }

    /// Reasoning that led to nothing stays a message of its own.
    fn flush(&mut self) {
        if self.texts.is_empty() && self.blocks.is_empty() {
            return;
        }
        let mut message = json!({"role": "assistant", "content": null});
        self.apply(&mut message);
        self.messages.push(message);
    }
}

/// A content part in chat's form; `None` for one without content.
fn part(part: &Value) -> Option<Value> {
    let fields = match part {
        Value::String(text) => return Some(json!({"type": "text", "text": text})),
        Value::Object(fields) => fields,
        _ => return None,
    };
    let mut made = match text(fields, "type").unwrap_or("text") {
        "input_image" | "image_url" | "computer_screenshot" => image(fields)?,
        "input_file" | "file" => file(fields),
        "input_audio" => Value::Object(fields.clone()),
        "refusal" => json!({"type": "text", "text": text(fields, "refusal")?}),
        _ => json!({"type": "text", "text": text(fields, "text")?}),
    };
    if let Some(mark) = fields.get("cache_control") {
        made["cache_control"] = mark.clone();
    }
    Some(made)
}

fn image(fields: &Object) -> Option<Value> {
    let source = fields.get("image_url").or_else(|| fields.get("url"));
    let mut image = match source {
        Some(Value::Object(image)) => image.clone(),
        Some(Value::String(url)) => Object::from_iter([("url".to_owned(), json!(url))]),
        _ => {
            let id = fields.get("file_id")?;
            return Some(json!({"type": "file", "file": {"file_id": id}}));
        }
    };
    for name in ["detail", "format", "video_metadata"] {
        if let Some(value) = fields.get(name).filter(|value| !value.is_null()) {
            image.entry(name).or_insert_with(|| value.clone());
        }
    }
    image.entry("detail").or_insert_with(|| json!("auto"));
    Some(json!({"type": "image_url", "image_url": image}))
}

fn file(fields: &Object) -> Value {
    let mut file = match fields.get("file") {
        Some(Value::Object(nested)) => nested.clone(),
        _ => Object::new(),
    };
    for name in ["file_data", "filename", "file_id", "format", "detail"] {
        if let Some(value) = fields.get(name).filter(|value| !value.is_null()) {
            file.insert(name.into(), value.clone());
        }
    }
    if let Some(url) = fields.get("file_url").filter(|url| url.is_string()) {
        file.entry("file_id").or_insert_with(|| url.clone());
    }
    json!({"type": "file", "file": file})
}

/// A tool's result: text, or parts where there is more than text.
fn outcome_content(output: &Value) -> Value {
    match output {
        Value::Null => json!(""),
        Value::String(text) => json!(text),
        Value::Array(parts) => {
            let made: Vec<Value> = parts.iter().filter_map(part).collect();
            let texts: Option<Vec<&str>> = made
                .iter()
                .map(|part| part.get("text").and_then(Value::as_str))
                .collect();
            match texts {
                Some(texts) if texts.len() == parts.len() => json!(texts.concat()),
                Some(_) => json!(output.to_string()),
                None => Value::Array(made),
            }
        }
        Value::Object(fields) => match part(output) {
            Some(part) if fields.contains_key("type") => json!([part]),
            _ => json!(output.to_string()),
        },
        other => json!(other.to_string()),
    }
}

/// The words of a reasoning item: its content, else its summary.
fn reasoning_text(item: &Object) -> Option<String> {
    let joined = |name: &str| {
        let texts: Vec<&str> = item
            .get(name)?
            .as_array()?
            .iter()
            .filter_map(|part| part.get("text")?.as_str())
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .collect();
        Some(texts.join("\n")).filter(|text| !text.is_empty())
    };
    text(item, "content")
        .filter(|text| !text.trim().is_empty())
        .map(str::to_owned)
        .or_else(|| joined("content"))
        .or_else(|| joined("summary"))
}

/// The signed blocks that [`super::output`] put into `encrypted_content`; none for another's secret.
fn signed_blocks(item: &Object) -> Vec<Value> {
    text(item, "encrypted_content")
        .and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok())
        .unwrap_or_default()
        .into_iter()
        .filter(is_signed)
        .collect()
}

/// Whether a block of thinking can be proven to its provider.
pub(super) fn is_signed(block: &Value) -> bool {
    let filled = |name: &str| {
        block
            .get(name)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    match block.get("type").and_then(Value::as_str) {
        Some("thinking") => filled("signature"),
        Some("redacted_thinking") => filled("data"),
        _ => false,
    }
}

/// Puts an item's `cache_control` where chat carries it: on the last part, or beside a text.
fn marked(message: &mut Value, mark: &Value) {
    match message.get_mut("content") {
        Some(Value::Array(parts)) => {
            if let Some(Value::Object(last)) = parts.last_mut() {
                last.entry("cache_control").or_insert_with(|| mark.clone());
            }
        }
        _ => message["cache_control"] = mark.clone(),
    }
}

fn parts_of(content: Value) -> Vec<Value> {
    match content {
        Value::Array(parts) => parts,
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => vec![json!({"type": "text", "text": text})],
        _ => Vec::new(),
    }
}

fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}
