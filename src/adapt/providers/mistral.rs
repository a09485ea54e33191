//! Mistral: OpenAI's protocol, but for replies of models that think, whose content comes in parts.
//!
//! API: <https://docs.mistral.ai/api/>. What requests do their own way is [`crate::adapt::habits::mistral`]; parts of
//! streams are read where all streams are.

use super::openai::OpenAi;
use crate::adapt::usage::Object;
use crate::adapt::{Adapter, Head, Reply, StreamAdapter, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::request::{Call, Op};
use bytes::Bytes;
use serde_json::{Value, json};

/// The adapter.
pub struct Mistral;

impl Adapter for Mistral {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        OpenAi.request(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        let body = match call.op {
            Op::Embeddings => body,
            _ => unfolded(body),
        };
        OpenAi.reply(call, target, head, body)
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        OpenAi.stream(call, target)
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        OpenAi.error(call, target, head, body)
    }
}

/// The reply with every message's content as one text, its thoughts beside it, and none where it is empty.
fn unfolded(body: Bytes) -> Bytes {
    let signs = [
        &b"\"thinking\""[..],
        b"\"type\":\"text\"",
        b"\"type\": \"text\"",
        b"\"\"",
    ];
    let signed = |sign: &&[u8]| memchr::memmem::find(&body, sign).is_some();
    if !signs.iter().any(signed) {
        return body;
    }
    let Ok(mut reply) = serde_json::from_slice::<Object>(&body) else {
        return body;
    };
    let choices = reply.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten() {
        let Some(message) = choice["message"].as_object_mut() else {
            continue;
        };
        match message.get("content") {
            Some(Value::String(text)) if text.is_empty() => {
                message.insert("content".into(), Value::Null);
            }
            Some(Value::Array(parts)) => {
                let text: String = parts
                    .iter()
                    .filter(|part| part["type"] == "text")
                    .filter_map(|part| part["text"].as_str())
                    .collect();
                let thoughts: Vec<&str> = parts.iter().flat_map(thoughts).collect();
                let thought = thoughts.join("\n");
                message.insert("content".into(), json!(text));
                if !thought.is_empty() {
                    message.insert("reasoning_content".into(), json!(thought));
                }
            }
            _ => {}
        }
    }
    serde_json::to_vec(&reply).map_or(body, Bytes::from)
}

/// The texts of a part that is thinking.
pub fn thoughts(part: &Value) -> impl Iterator<Item = &str> {
    let items = match &part["thinking"] {
        Value::Array(items) if part["type"] == "thinking" => items.as_slice(),
        _ => &[],
    };
    items
        .iter()
        .filter(|item| item["type"] == "text")
        .filter_map(|item| item["text"].as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn message(content: &Value) -> Value {
        let reply = json!({"choices": [{"message": {"role": "assistant", "content": content}}]});
        let body = unfolded(Bytes::from(serde_json::to_vec(&reply).unwrap()));
        serde_json::from_slice::<Value>(&body).unwrap()["choices"][0]["message"].take()
    }

    #[test]
    fn parts_become_text_and_thoughts() {
        let message = message(&json!([
            {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}, {"type": "reference"}]},
            {"type": "text", "text": "H"}, {"type": "text", "text": "i"}]));
        assert_eq!(message["content"], "Hi");
        assert_eq!(message["reasoning_content"], "Hm");
    }

    #[test]
    fn an_empty_content_is_none() {
        assert_eq!(message(&json!(""))["content"], Value::Null);
    }

    #[test]
    fn a_plain_reply_keeps_its_bytes() {
        let body = Bytes::from_static(b"{\"choices\": [ ]}");
        assert_eq!(unfolded(body.clone()), body);
    }
}
