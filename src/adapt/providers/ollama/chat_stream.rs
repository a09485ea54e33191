//! Lines of `/api/chat`: pieces of a message.

use super::lines::{Added, Reader};
use crate::adapt::canonical::text_arguments;
use serde_json::{Value, json};

/// What was read so far.
#[derive(Debug, Default)]
pub struct ChatReader {
    /// Thinking began, and ended; the tags of some models say it in the content.
    thinks: bool,
    thought: bool,
    /// Calls so far.
    calls: usize,
}

impl Reader for ChatReader {
    fn read(&mut self, line: &Value, id: &str) -> Added {
        let message = &line["message"];
        let mut delta = json!({});
        if let Some(thought) = filled(&message["thinking"]) {
            delta["reasoning_content"] = json!(thought);
            self.thinks = true;
        }
        if let Some(content) = filled(&message["content"]) {
            self.thought |= self.thinks;
            let mut content = content.to_owned();
            if content.contains("<think>") {
                content = content.replace("<think>", "");
                self.thinks = true;
            }
            if self.thinks && content.contains("</think>") {
                content = content.replace("</think>", "");
                self.thought = true;
            }
            let name = if self.thinks && !self.thought {
                "reasoning_content"
            } else {
                "content"
            };
            delta[name] = json!(content);
        }
        if let Some(calls) = message["tool_calls"]
            .as_array()
            .filter(|calls| !calls.is_empty())
        {
            let calls = calls.iter().map(|call| self.call(call, id));
            delta["tool_calls"] = calls.collect();
        }
        let done = line["done"] == true;
        let finish = done.then(|| match line["done_reason"].as_str() {
            _ if self.calls > 0 => "tool_calls".to_owned(),
            reason => reason.unwrap_or("stop").to_owned(),
        });
        let empty = delta.as_object().is_none_or(serde_json::Map::is_empty);
        Added {
            delta: (!empty).then_some(delta),
            finish,
        }
    }
}

impl ChatReader {
    /// A call: Ollama sends each whole, without index and, in older versions, without id.
    fn call(&mut self, call: &Value, id: &str) -> Value {
        let index = self.calls;
        self.calls += 1;
        let mut function = crate::adapt::canonical::into_object(call["function"].clone());
        text_arguments(&mut function);
        let id = match filled(&call["id"]) {
            Some(id) => id.to_owned(),
            None => format!("call_{id}_{index}"),
        };
        json!({"index": index, "id": id, "type": "function", "function":
            {"name": function.get("name"), "arguments": function.get("arguments")}})
    }
}

fn filled(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}
