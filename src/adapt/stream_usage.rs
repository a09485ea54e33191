//! What a stream used: the usage that its chunks reported, and the text from which the rest is counted.
//!
//! Counting needs a tokenizer, which is not here: [`assembled`] asks a [`Counter`].

use super::usage::{Object, count};
use serde_json::{Value, json};
use std::fmt::Write;

/// Most text that a stream keeps for counting, over all choices, in bytes.
pub const MAX_KEPT_TEXT: usize = 8 << 20;

/// Counts tokens for a stream whose provider did not say.
pub trait Counter {
    /// Tokens of the call's messages.
    fn prompt(&mut self) -> u64;
    /// Tokens of a text that the model wrote, by the model's tokenizer.
    fn completion(&mut self, text: &str) -> u64;
    /// Tokens of reasoning, by the default tokenizer.
    fn reasoning(&mut self, text: &str) -> u64;
}

/// What the model wrote, as far as counting needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamText {
    /// Content of all choices.
    pub content: String,
    /// Reasoning of all choices.
    pub reasoning: String,
    /// Tool and function calls as JSON, one after the other.
    pub calls: String,
    /// Whether anything but content came: calls, reasoning, audio, ...
    pub more_than_text: bool,
    /// Whether more came than was kept ([`MAX_KEPT_TEXT`]).
    pub truncated: bool,
}

impl StreamText {
    /// Adds a function call as LiteLLM counts it: its JSON, members in this order.
    pub(super) fn note_function(&mut self, arguments: &Value, name: &Value) {
        // Writing into a text cannot fail.
        let _ = write!(self.calls, "{{\"arguments\":{arguments},\"name\":{name}}}");
    }

    /// The same for a tool call.
    pub(super) fn note_call(&mut self, arguments: &Value, name: &Value, id: &Value, kind: &Value) {
        self.calls.push_str("{\"function\":");
        self.note_function(arguments, name);
        let _ = write!(self.calls, ",\"id\":{id},\"type\":{kind}}}");
    }
}

/// Adds the usage of one chunk to what earlier chunks reported: counts are not taken back by a later 0,
/// details are the last that came.
pub fn merge(so_far: &mut Option<Object>, chunk: Object) {
    let Some(merged) = so_far else {
        *so_far = Some(chunk);
        return;
    };
    for (name, value) in chunk {
        let keeps_count =
            matches!(name.as_str(), "prompt_tokens" | "completion_tokens") && value == json!(0);
        if !keeps_count {
            merged.insert(name, value);
        }
    }
}

/// LiteLLM's usage of a whole stream: reported counts, or counted ones; reasoning and text told apart.
pub fn assembled(
    reported: Option<&Object>,
    text: &StreamText,
    counter: &mut dyn Counter,
) -> Object {
    const KEPT: [&str; 8] = [
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "completion_tokens_details",
        "prompt_tokens_details",
        "server_tool_use",
        "cost",
        "inference_geo",
        "speed",
    ];
    let reasoning = if text.more_than_text {
        (!text.reasoning.is_empty()).then(|| counter.reasoning(&text.reasoning))
    } else {
        Some(0)
    };
    let given = |name: &str| {
        reported
            .filter(|usage| usage.contains_key(name))
            .map(|usage| count(usage, name))
    };
    let prompt = given("prompt_tokens").unwrap_or_else(|| counter.prompt());
    let completion = given("completion_tokens").unwrap_or_else(|| {
        let output = format!("{}{}", text.content, text.calls);
        counter.completion(&output) + reasoning.unwrap_or(0)
    });
    let mut usage = Object::new();
    usage.insert("prompt_tokens".into(), json!(prompt));
    usage.insert("completion_tokens".into(), json!(completion));
    usage.insert("total_tokens".into(), json!(prompt + completion));
    for name in KEPT {
        if let Some(value) = reported.and_then(|usage| usage.get(name)) {
            usage.insert(name.into(), value.clone());
        }
    }
    if let Some(reasoning) = reasoning {
        let reasoning = reasoning.min(completion);
        match usage.get_mut("completion_tokens_details") {
            Some(Value::Object(details)) => {
                if !details.contains_key("reasoning_tokens") {
                    details.insert("reasoning_tokens".into(), json!(reasoning));
                    details
                        .entry("text_tokens")
                        .or_insert_with(|| json!(completion - reasoning));
                }
            }
            _ => {
                usage.insert(
                    "completion_tokens_details".into(),
                    json!({"reasoning_tokens": reasoning, "text_tokens": completion - reasoning}),
                );
            }
        }
    }
    usage
}

/// Text kept as raw JSON string contents, so that the hot path copies and does not decode.
#[derive(Clone, Debug, Default)]
pub(super) struct RawText(Vec<u8>);

impl RawText {
    /// Appends the contents of a JSON string; false when the limit is reached.
    pub(super) fn push(&mut self, raw: &[u8]) -> bool {
        if self.0.len() + raw.len() > MAX_KEPT_TEXT {
            return false;
        }
        self.0.extend_from_slice(raw);
        true
    }

    /// Appends a decoded text.
    pub(super) fn push_text(&mut self, text: &str) -> bool {
        match serde_json::to_vec(text) {
            Ok(quoted) => self.push(&quoted[1..quoted.len() - 1]),
            Err(_) => true,
        }
    }

    /// The text, decoded.
    pub(super) fn decode(&self) -> String {
        let mut quoted = Vec::with_capacity(self.0.len() + 2);
        quoted.push(b'"');
        quoted.extend_from_slice(&self.0);
        quoted.push(b'"');
        serde_json::from_slice(&quoted).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapt::canonical::into_object;

    struct Words;
    impl Counter for Words {
        fn prompt(&mut self) -> u64 {
            13
        }
        fn completion(&mut self, text: &str) -> u64 {
            text.split_whitespace().count() as u64
        }
        fn reasoning(&mut self, text: &str) -> u64 {
            text.split_whitespace().count() as u64
        }
    }

    #[test]
    fn what_nobody_reported_is_counted() {
        let text = StreamText {
            content: "a b".into(),
            reasoning: "c d e".into(),
            more_than_text: true,
            ..StreamText::default()
        };
        let usage = assembled(None, &text, &mut Words);
        assert_eq!(
            Value::Object(usage),
            json!({"prompt_tokens": 13, "completion_tokens": 5, "total_tokens": 18,
                "completion_tokens_details": {"reasoning_tokens": 3, "text_tokens": 2}})
        );
    }

    #[test]
    fn reported_counts_stand_and_calls_leave_the_details_out() {
        let reported =
            into_object(json!({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 1}));
        let text = StreamText {
            more_than_text: true,
            ..StreamText::default()
        };
        let usage = assembled(Some(&reported), &text, &mut Words);
        assert_eq!(
            Value::Object(usage),
            json!({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12})
        );
    }

    #[test]
    fn a_later_zero_takes_no_count_back() {
        let mut merged = None;
        merge(
            &mut merged,
            into_object(json!({"prompt_tokens": 9, "completion_tokens": 1})),
        );
        merge(
            &mut merged,
            into_object(json!({"prompt_tokens": 0, "completion_tokens": 5})),
        );
        assert_eq!(
            merged.map(Value::Object),
            Some(json!({"prompt_tokens": 9, "completion_tokens": 5}))
        );
    }
}
