//! What a stream wrote, kept for counting: copied raw by the hot path, decoded only at the end.

use super::fold::MORE_THAN_TEXT;
use super::stream_deltas::text_of;
use super::stream_template::Hole;
use super::stream_usage::{RawText, StreamText};
use super::usage::Object;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most tool calls that one stream may have.
const MAX_TOOL_CALLS: usize = 4096;

/// One tool call as told so far.
#[derive(Clone, Debug, Default)]
struct ToolCall {
    id: String,
    name: String,
    arguments: RawText,
}

/// Everything written so far, over all choices.
#[derive(Debug, Default)]
pub(super) struct Written {
    content: RawText,
    reasoning: RawText,
    function_call: Option<(String, RawText)>,
    /// By choice and tool call index.
    tools: BTreeMap<(u64, u64), ToolCall>,
    more_than_text: bool,
    truncated: bool,
}

impl Written {
    /// Keeps what a sent chunk adds.
    pub(super) fn note(&mut self, chunk: &Object) {
        let Some(Value::Array(choices)) = chunk.get("choices") else {
            return;
        };
        for choice in choices {
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
            let Some(delta) = choice.get("delta").and_then(Value::as_object) else {
                continue;
            };
            let mut kept = self.content.push_text(text_of(delta, "content"));
            kept &= self
                .reasoning
                .push_text(text_of(delta, "reasoning_content"));
            if let Some(Value::Object(call)) = delta.get("function_call") {
                let (name, arguments) = self.function_call.get_or_insert_default();
                if name.is_empty() {
                    text_of(call, "name").clone_into(name);
                }
                kept &= arguments.push_text(text_of(call, "arguments"));
            }
            if let Some(Value::Array(calls)) = delta.get("tool_calls") {
                for call in calls {
                    kept &= self.note_call(index, call);
                }
            }
            self.truncated |= !kept;
            self.more_than_text |= MORE_THAN_TEXT
                .iter()
                .any(|name| delta.get(*name).is_some_and(|value| !value.is_null()));
        }
    }

    fn note_call(&mut self, choice: u64, call: &Value) -> bool {
        let index = call.get("index").and_then(Value::as_u64).unwrap_or(0);
        let full = self.tools.len() >= MAX_TOOL_CALLS;
        let known = self.tools.contains_key(&(choice, index));
        if full && !known {
            return false;
        }
        let Value::Object(call) = call else {
            return true;
        };
        let kept = self.tools.entry((choice, index)).or_default();
        let id = text_of(call, "id");
        if !id.is_empty() {
            id.clone_into(&mut kept.id);
        }
        let Some(Value::Object(function)) = call.get("function") else {
            return true;
        };
        let name = text_of(function, "name");
        if !name.is_empty() {
            name.clone_into(&mut kept.name);
        }
        kept.arguments.push_text(text_of(function, "arguments"))
    }

    /// Keeps the raw text of a chunk that a template wrote.
    pub(super) fn note_raw(&mut self, hole: Hole, raw: &[u8]) {
        let kept = match hole {
            Hole::Content => self.content.push(raw),
            Hole::Reasoning => self.reasoning.push(raw),
            Hole::Arguments(choice, index) => match self.tools.get_mut(&(choice, index)) {
                Some(call) => call.arguments.push(raw),
                None => false,
            },
        };
        self.truncated |= !kept;
    }

    /// Whether a tool call has begun, so that a template may add to it.
    pub(super) fn knows_call(&self, choice: u64, index: u64) -> bool {
        self.tools.contains_key(&(choice, index))
    }

    /// What was written, for counting.
    pub(super) fn text(&self) -> StreamText {
        let mut text = StreamText {
            content: self.content.decode(),
            reasoning: self.reasoning.decode(),
            calls: String::new(),
            more_than_text: self.more_than_text,
            truncated: self.truncated,
        };
        if let Some((name, arguments)) = &self.function_call {
            text.note_function(&json!(arguments.decode()), &json!(name));
        }
        for call in self.tools.values() {
            let mut arguments = call.arguments.decode();
            if arguments.is_empty() {
                arguments.push_str("{}");
            }
            let (name, id) = (json!(call.name), json!(call.id));
            text.note_call(&json!(arguments), &name, &id, &json!("function"));
        }
        text
    }
}
