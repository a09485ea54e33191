//! Lines of `/api/generate`: pieces of a text.
//!
//! A text that begins as JSON may be a call of a tool, which only its end tells: it is held back till then.

use super::lines::{Added, Reader};
use super::reply::{json_of, tool_call};
use crate::adapt::stream_usage::MAX_KEPT_TEXT;
use serde_json::{Value, json};

/// What was read so far.
#[derive(Debug, Default)]
pub struct GenerateReader {
    /// Thinking began, and ended, in the text.
    thinks: bool,
    thought: bool,
    /// Text was handed on, so that nothing is held back any more.
    begun: bool,
    held: String,
}

/// What the beginning of a text is.
#[derive(PartialEq, Eq)]
enum Beginning {
    Json,
    /// It may still become JSON.
    Open,
    Text,
}

fn beginning(text: &str) -> Beginning {
    let text = text.trim_start();
    let Some(fence) = text.strip_prefix("```") else {
        return match text.as_bytes().first() {
            Some(b'{') => Beginning::Json,
            Some(b'`') if text == "`" || text == "``" => Beginning::Open,
            None => Beginning::Open,
            Some(_) => Beginning::Text,
        };
    };
    let inner = fence.strip_prefix("json").unwrap_or(fence).trim_start();
    if inner.starts_with('{') {
        Beginning::Json
    } else if inner.is_empty() || "json".starts_with(fence.trim_end()) {
        Beginning::Open
    } else {
        Beginning::Text
    }
}

impl Reader for GenerateReader {
    fn read(&mut self, line: &Value, id: &str) -> Added {
        if line["done"] == true {
            return self.end(id);
        }
        let delta = if let Some(text) = line["response"].as_str().filter(|text| !text.is_empty()) {
            self.text(text)
        } else {
            let thought = line["thinking"].as_str();
            let thought = thought.filter(|thought| !thought.is_empty());
            thought.map(|thought| json!({"reasoning_content": thought}))
        };
        Added {
            delta,
            finish: None,
        }
    }
}

impl GenerateReader {
    fn text(&mut self, text: &str) -> Option<Value> {
        let mut text = text.to_owned();
        if text.contains("<think>") {
            text = text.replace("<think>", "");
            self.thinks = true;
        } else if text.contains("</think>") {
            text = text.replace("</think>", "");
            self.thought = true;
        }
        if self.thinks && !self.thought {
            return Some(json!({"reasoning_content": text}));
        }
        if self.begun {
            return Some(json!({"content": text}));
        }
        self.held.push_str(&text);
        if beginning(&self.held) != Beginning::Text && self.held.len() <= MAX_KEPT_TEXT {
            return None;
        }
        self.begun = true;
        Some(json!({"content": std::mem::take(&mut self.held)}))
    }

    fn end(&mut self, id: &str) -> Added {
        let held = std::mem::take(&mut self.held);
        let call = json_of(&held).and_then(|answer| tool_call(&answer, id));
        let finish = if call.is_some() { "tool_calls" } else { "stop" };
        let delta = match call {
            Some(mut call) => {
                call["index"] = json!(0);
                Some(json!({"content": "", "tool_calls": [call]}))
            }
            None => (!held.is_empty()).then(|| json!({"content": held})),
        };
        Added {
            delta,
            finish: Some(finish.to_owned()),
        }
    }
}
