//! Databricks: OpenAI's protocol, but for replies of Claude, whose content comes in parts.
//!
//! API: <https://docs.databricks.com/aws/en/machine-learning/model-serving/query-reason-models>. What requests do
//! their own way is [`crate::adapt::habits::databricks`].

use super::openai::OpenAi;
use super::openai_responses;
use crate::adapt::canonical::split_thinking;
use crate::adapt::stream_deltas::unfold;
use crate::adapt::usage::Object;
use crate::adapt::{Adapter, Head, Reply, StreamAdapter, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::request::{Call, Op};
use bytes::Bytes;
use serde_json::{Value, json};

/// The adapter.
pub struct Databricks;

impl Adapter for Databricks {
    /// Only OpenAI's models have the Responses API.
    fn asks(&self, call: &Call, target: &Target) -> Op {
        if target.model.to_ascii_lowercase().contains("gpt") {
            return openai_responses::asks(call, target);
        }
        call.op.carrier()
    }

    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        OpenAi.request(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        let body = match call.op {
            Op::Chat => unfolded(body),
            _ => body,
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

/// The reply with every message's content as one text, and its reasoning beside it.
fn unfolded(body: Bytes) -> Bytes {
    let signs = [
        &b"\"summary\""[..],
        b"<think",
        b"\"type\":\"text\"",
        b"\"type\": \"text\"",
    ];
    if !signs
        .iter()
        .any(|sign| memchr::memmem::find(&body, sign).is_some())
    {
        return body;
    }
    let Ok(mut reply) = serde_json::from_slice::<Object>(&body) else {
        return body;
    };
    let choices = reply.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten() {
        let message = choice.get_mut("message");
        if let Some(message) = message.and_then(Value::as_object_mut) {
            unfold(message);
            let thought = match message.get("content") {
                Some(Value::String(text)) if !message.contains_key("reasoning_content") => {
                    split_thinking(text).map(|(thought, rest)| (json!(thought), json!(rest)))
                }
                _ => None,
            };
            if let Some((thought, rest)) = thought {
                message.insert("reasoning_content".into(), thought);
                message.insert("content".into(), rest);
            }
        }
    }
    serde_json::to_vec(&reply).map_or(body, Bytes::from)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn parts_become_text_and_reasoning() {
        let reply = json!({"choices": [{"message": {"role": "assistant", "content": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm", "signature": "s"}]},
            {"type": "text", "text": "Hi", "citations": [{"url": "u"}]}]}}]});
        let body = unfolded(Bytes::from(serde_json::to_vec(&reply).unwrap()));
        let message =
            serde_json::from_slice::<Value>(&body).unwrap()["choices"][0]["message"].take();
        assert_eq!(message["content"], "Hi");
        assert_eq!(message["reasoning_content"], "Hm");
        assert_eq!(message["thinking_blocks"][0]["signature"], "s");
        let cited = &message["provider_specific_fields"]["citations"][0][0];
        assert_eq!(cited, &json!({"url": "u", "supported_text": "Hi"}));
    }

    #[test]
    fn a_plain_reply_keeps_its_bytes() {
        let body = Bytes::from_static(b"{\"choices\": [ ]}");
        assert_eq!(unfolded(body.clone()), body);
    }
}
