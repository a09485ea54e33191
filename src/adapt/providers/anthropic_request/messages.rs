//! Messages into Anthropic's turns: system apart, neighbours of one role merged, every part in its block, and nothing
//! lost that Anthropic can carry: `cache_control`, thinking with its signatures, ids, server tools and their results.

use super::names::Names;
use crate::adapt::usage::Object;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Stands for a text that is empty, which Anthropic refuses.
const EMPTY: &str = "[System: Empty message content sanitised to satisfy protocol]";

/// A translated conversation.
#[derive(Debug, Default)]
pub struct Conversation {
    /// The system's blocks.
    pub system: Vec<Value>,
    /// The turns.
    pub turns: Vec<Value>,
    /// Whether a part names a file of the files API.
    pub names_file: bool,
    /// Whether a part is an upload to the code container.
    pub uploads: bool,
}

/// Whether messages call tools or answer calls.
pub fn calls_tools(messages: &[Object]) -> bool {
    messages.iter().any(|message| {
        let calls = message.get("tool_calls").and_then(Value::as_array);
        calls.is_some_and(|calls| !calls.is_empty()) || role(message) == "tool"
    })
}

/// The first role that no conversation has.
pub fn unknown_role(messages: &[Object]) -> Option<&str> {
    messages.iter().map(role).find(|role| {
        !matches!(
            *role,
            "system" | "developer" | "user" | "assistant" | "tool" | "function"
        )
    })
}

fn role(message: &Object) -> &str {
    message
        .get("role")
        .and_then(Value::as_str)
        .unwrap_or("user")
}

/// The translation of one conversation.
pub struct Translation<'a> {
    names: &'a Names,
    /// Whether later system messages have to go as the user's.
    hides_later_system: bool,
    out: Conversation,
    /// Ids of calls that the client answered itself.
    answered: BTreeSet<String>,
    /// The id made up for the last call of a legacy function.
    function_id: String,
}

impl<'a> Translation<'a> {
    /// A translation that has not begun.
    pub fn new(names: &'a Names, hides_later_system: bool) -> Self {
        Self {
            names,
            hides_later_system,
            out: Conversation::default(),
            answered: BTreeSet::new(),
            function_id: String::new(),
        }
    }

    /// Translates all messages.
    pub fn of(mut self, messages: &[Object]) -> Conversation {
        let answers = messages.iter().filter(|message| role(message) == "tool");
        self.answered = answers
            .filter_map(|message| message.get("tool_call_id")?.as_str().map(str::to_owned))
            .collect();
        let is_system = |message: &&Object| matches!(role(message), "system" | "developer");
        let leading = messages.iter().take_while(is_system).count();
        for (index, message) in messages.iter().enumerate() {
            let (role, content) = match role(message) {
                "system" | "developer" if index < leading => {
                    let blocks = Self::texts(message);
                    self.out.system.extend(blocks);
                    continue;
                }
                "system" | "developer" if self.hides_later_system => ("user", Self::texts(message)),
                "system" | "developer" => ("system", Self::texts(message)),
                "assistant" => ("assistant", self.assistant(message)),
                "tool" | "function" => ("user", vec![self.tool_result(message)]),
                _ => ("user", self.user(message)),
            };
            self.push(role, content);
        }
        if let Some(last) = self.out.turns.last_mut()
            && last["role"] == "assistant"
        {
            trim_end(last);
        }
        self.out
    }

    fn push(&mut self, role: &str, content: Vec<Value>) {
        if content.is_empty() {
            return;
        }
        if let Some(last) = self.out.turns.last_mut()
            && last["role"] == role
            && let Some(Value::Array(blocks)) = last.get_mut("content")
        {
            let known: BTreeSet<String> = ids(blocks);
            blocks.extend(content.into_iter().filter(|block| {
                block["type"] != "tool_use"
                    || block["id"].as_str().is_none_or(|id| !known.contains(id))
            }));
            return;
        }
        self.out
            .turns
            .push(json!({"role": role, "content": content}));
    }

    /// The texts of a message, empty ones left out.
    fn texts(message: &Object) -> Vec<Value> {
        match message.get("content") {
            Some(Value::String(text)) if !text.is_empty() => {
                vec![marked(text_block(text), message)]
            }
            Some(Value::Array(parts)) => parts
                .iter()
                .filter(|part| {
                    part["type"] != "text" || part["text"].as_str().is_some_and(|t| !t.is_empty())
                })
                .map(|part| marked_by(json!({"type": part["type"], "text": part["text"]}), part))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn user(&mut self, message: &Object) -> Vec<Value> {
        match message.get("content") {
            Some(Value::String(text)) => {
                let text = if text.trim().is_empty() { EMPTY } else { text };
                vec![marked(text_block(text), message)]
            }
            Some(Value::Array(parts)) => parts.iter().filter_map(|part| self.part(part)).collect(),
            _ => Vec::new(),
        }
    }

    /// One part of content; kinds that Anthropic has no block for are left out, as LiteLLM leaves them out.
    fn part(&mut self, part: &Value) -> Option<Value> {
        let block = match part["type"].as_str()? {
            "text" => {
                let text = part["text"].as_str().unwrap_or_default();
                text_block(if text.trim().is_empty() { EMPTY } else { text })
            }
            "image_url" => image(&part["image_url"]),
            "file" => self.file(&part["file"])?,
            "tool_reference" => json!({"type": "tool_reference", "tool_name": part["tool_name"]}),
            "document" | "image" | "search_result" | "container_upload" | "tool_result" => {
                part.clone()
            }
            _ => return None,
        };
        self.out.uploads |= block["type"] == "container_upload";
        Some(marked_by(block, part))
    }

    fn file(&mut self, file: &Value) -> Option<Value> {
        let format = file["format"].as_str();
        if let Some(data) = file["file_data"].as_str().filter(|data| !data.is_empty()) {
            let source = inline(data, format);
            return Some(json!({"type": "document", "source": source}));
        }
        let id = file["file_id"].as_str()?;
        self.out.names_file |= !id.starts_with("http");
        let source = json!({"type": "file", "file_id": id});
        Some(match format {
            Some(format) if format.starts_with("image/") => {
                json!({"type": "image", "source": source})
            }
            Some("application/pdf" | "text/plain") => json!({"type": "document", "source": source}),
            None if id.starts_with("http") => {
                json!({"type": "document", "source": {"type": "url", "url": id}})
            }
            _ => json!({"type": "container_upload", "file_id": id}),
        })
    }

    fn tool_result(&mut self, message: &Object) -> Value {
        let content = match message.get("content") {
            Some(Value::Array(parts)) => {
                let part = |part: &Value| match part["image_url"]["url"]
                    .as_str()
                    .or(part["image_url"].as_str())
                {
                    // A document in a data URI is no image.
                    Some(uri) if part["type"] == "image_url" && is_document(uri) => {
                        Some(marked_by(
                            json!({"type": "document", "source": inline(uri, None)}),
                            part,
                        ))
                    }
                    _ if part["type"] == "text" => Some(marked_by(
                        json!({"type": "text", "text": part["text"]}),
                        part,
                    )),
                    _ => self.part(part),
                };
                Value::Array(parts.iter().filter_map(part).collect())
            }
            Some(Value::String(text)) => json!(text),
            Some(Value::Null) | None => json!(""),
            Some(other) => json!(other.to_string()),
        };
        let id = match message.get("tool_call_id").and_then(Value::as_str) {
            Some(id) => plain_id(id),
            None => self.function_id.clone(),
        };
        let mut block = json!({"type": "tool_result", "tool_use_id": id, "content": content});
        if message.get("is_error") == Some(&Value::Bool(true)) {
            block["is_error"] = json!(true);
        }
        marked(block, message)
    }

    fn assistant(&mut self, message: &Object) -> Vec<Value> {
        let own = message.get("provider_specific_fields");
        let own = |name: &str| own.and_then(|own| own.get(name)?.as_array());
        let mut content: Vec<Value> = own("compaction_blocks").cloned().unwrap_or_default();
        let thinking = message.get("thinking_blocks").and_then(Value::as_array);
        content.extend(thinking.into_iter().flatten().filter_map(replayed));
        let calls = message.get("tool_calls").and_then(Value::as_array);
        let function = message.get("function_call").filter(|call| !call.is_null());
        let speaks = calls.is_some_and(|calls| !calls.is_empty())
            || function.is_some()
            || !content.is_empty();
        match message.get("content") {
            Some(Value::String(text)) if !text.trim().is_empty() => {
                content.push(marked(text_block(text), message));
            }
            Some(Value::String(_)) if !speaks => content.push(text_block(EMPTY)),
            Some(Value::Array(parts)) => content.extend(parts.iter().filter_map(assistant_part)),
            _ => {}
        }
        let results: Vec<&Value> = ["web_search_results", "tool_results"]
            .iter()
            .filter_map(|name| own(name))
            .flatten()
            .collect();
        let mut known = ids(&content);
        for call in calls.into_iter().flatten() {
            let id = call["id"].as_str().unwrap_or_default();
            if !known.insert(plain_id(id)) {
                continue;
            }
            let result = results.iter().find(|result| result["tool_use_id"] == id);
            let served =
                !self.answered.contains(id) && (result.is_some() || id.starts_with("srvtoolu_"));
            content.push(self.tool_use(call, served));
            content.extend(result.filter(|_| served).map(|result| (*result).clone()));
        }
        if let Some(function) = function {
            self.function_id = format!("call_{}", self.out.turns.len());
            let call = json!({"id": self.function_id, "function": function});
            content.push(self.tool_use(&call, false));
        }
        content
    }

    fn tool_use(&self, call: &Value, served: bool) -> Value {
        let function = &call["function"];
        let name = function["name"].as_str().unwrap_or_default();
        let input = match &function["arguments"] {
            Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| json!({})),
            Value::Null => json!({}),
            given => given.clone(),
        };
        let (kind, id) = match (served, call["id"].as_str().unwrap_or_default()) {
            (true, id) => ("server_tool_use", id.to_owned()),
            (false, id) => ("tool_use", plain_id(id)),
        };
        marked_by(
            json!({"type": kind, "id": id, "name": self.names.sent(name), "input": input}),
            call,
        )
    }
}

fn ids(blocks: &[Value]) -> BTreeSet<String> {
    let calls = blocks
        .iter()
        .filter(|block| block["type"] == "tool_use" || block["type"] == "server_tool_use");
    calls
        .filter_map(|block| block["id"].as_str().map(str::to_owned))
        .collect()
}

/// A thinking block as it was signed: only Anthropic's own members go back.
fn replayed(block: &Value) -> Option<Value> {
    match block["type"].as_str()? {
        "redacted_thinking" => Some(json!({"type": "redacted_thinking", "data": block["data"]})),
        // Without a signature Anthropic refuses the block; another provider made it.
        "thinking" => {
            let signature = block["signature"].as_str().filter(|s| !s.is_empty())?;
            Some(marked_by(
                json!({"type": "thinking", "thinking": block["thinking"], "signature": signature}),
                block,
            ))
        }
        _ => None,
    }
}

fn assistant_part(part: &Value) -> Option<Value> {
    match part["type"].as_str()? {
        "thinking" | "redacted_thinking" => replayed(part),
        "text" => {
            let text = part["text"].as_str().filter(|text| !text.is_empty())?;
            Some(marked_by(text_block(text), part))
        }
        "server_tool_use" | "tool_use" | "compaction" => Some(part.clone()),
        kind if kind.ends_with("_tool_result") => Some(part.clone()),
        _ => None,
    }
}

/// Anthropic refuses white space at the end of what it has to go on with.
fn trim_end(turn: &mut Value) {
    for block in turn["content"].as_array_mut().into_iter().flatten() {
        if let Some(text) = block.get("text").and_then(Value::as_str) {
            block["text"] = json!(text.trim_end());
        }
    }
}

fn text_block(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn marked_by(block: Value, original: &Value) -> Value {
    match original {
        Value::Object(original) => marked(block, original),
        _ => block,
    }
}

fn marked(mut block: Value, original: &Object) -> Value {
    if let Some(mark) = original.get("cache_control").filter(|mark| !mark.is_null()) {
        block["cache_control"] = mark.clone();
    }
    block
}

/// An id as Anthropic takes it: letters, digits, `_` and `-`.
fn plain_id(id: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "_-".contains(c) {
            c
        } else {
            '_'
        }
    };
    id.chars().map(plain).collect()
}

fn is_document(uri: &str) -> bool {
    uri.starts_with("data:application/pdf") || uri.starts_with("data:text/")
}

fn image(given: &Value) -> Value {
    let url = given
        .as_str()
        .or_else(|| given["url"].as_str())
        .unwrap_or_default();
    if url.starts_with("http://") || url.starts_with("https://") {
        return json!({"type": "image", "source": {"type": "url", "url": url}});
    }
    let source = inline(url, given["format"].as_str());
    let kind = if is_document(url) {
        "document"
    } else {
        "image"
    };
    json!({"type": kind, "source": source})
}

/// A data URI, or bare base64, as a source.
fn inline(uri: &str, format: Option<&str>) -> Value {
    let (head, data) = match uri
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(','))
    {
        Some((head, data)) => (head, data),
        None => ("", uri),
    };
    let named = head.split(';').next().unwrap_or_default();
    let media = format.unwrap_or(if named.is_empty() {
        "image/jpeg"
    } else {
        named
    });
    let media = if media == "image/jpg" {
        "image/jpeg"
    } else {
        media
    };
    json!({"type": "base64", "media_type": media, "data": data})
}
