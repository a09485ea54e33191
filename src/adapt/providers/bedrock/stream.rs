//! ConverseStream's events into OpenAI-shaped chunks, which [`Chunks`] then treats like any other provider's.
//!
//! Events: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>. The reason stands
//! in `messageStop`, the usage in the `metadata` after it; an exception ends the stream.

use super::chunks::{Stop, failure};
use super::converse::Plan;
use super::errors;
use super::eventstream::{Message, Parser};
use super::format::TOOL;
use super::messages::native_redacted;
use super::reply::{Said, thinking_tokens, used};
use crate::adapt::canonical::finish_reason;
use crate::adapt::errors::{Family, Place, Wording};
use crate::adapt::stream_chunks::{Chunks, StreamSettings};
use crate::adapt::usage::Object;
use crate::adapt::{StreamAdapter, StreamEnd, Target, stream};
use crate::error::Result;
use bytes::BytesMut;
use serde_json::{Value, json};

/// The adapter of one stream.
#[derive(Debug)]
pub struct ConverseStream {
    parser: Parser,
    body: Body,
}

#[derive(Debug)]
struct Body {
    chunks: Chunks,
    target: Target,
    plan: Plan,
    /// Tool calls begun so far.
    calls: u64,
    /// The block under way.
    block: Block,
    /// The block of the last thought, and how many blocks had thoughts.
    thought: Option<u64>,
    thoughts: u64,
    /// Tokens that the model says it thought with.
    reported: Option<u64>,
    native: Option<Object>,
}

/// What a block of content is, as far as its pieces depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Block {
    #[default]
    Other,
    /// A call without arguments so far.
    EmptyCall,
    Call,
    /// The made-up tool, whose arguments are the content.
    MadeUp,
}

impl ConverseStream {
    /// A stream that has not begun.
    pub fn new(settings: StreamSettings, target: &Target, plan: Plan) -> Self {
        Self {
            parser: Parser::default(),
            body: Body {
                chunks: Chunks::new(settings),
                target: target.clone(),
                plan,
                calls: 0,
                block: Block::Other,
                thought: None,
                thoughts: 0,
                reported: None,
                native: None,
            },
        }
    }
}

impl StreamAdapter for ConverseStream {
    fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self { parser, body } = self;
        let pushed = parser.push(bytes, |message| {
            body.message(message, out).map_err(Stop::Error)
        });
        pushed.map_err(|stop: Stop| stop.named(&body.target))
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        if self.parser.is_cut() {
            return Err(errors::cut(&self.body.target));
        }
        self.cut(out)
    }

    fn cut(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let body = &mut self.body;
        if body.chunks.finish.is_none() {
            return Err(errors::cut(&body.target));
        }
        body.chunks.usage = body.usage();
        if let Some(last) = body.chunks.finish_chunk() {
            stream::write_event(&body.chunks.settings, last, out);
        }
        Ok(body.chunks.end())
    }

    fn so_far(&self) -> StreamEnd {
        StreamEnd {
            complete: false,
            ..self.body.chunks.end()
        }
    }
}

impl Body {
    fn usage(&self) -> Option<Object> {
        let native = self.native.as_ref()?;
        let nothing = Said::nothing();
        let said = (self.thoughts == 0).then_some(&nothing);
        Some(used(native, said, self.reported))
    }

    fn message(&mut self, message: Message<'_>, out: &mut BytesMut) -> Result<()> {
        if let Some(error) = failure(&message, &self.target) {
            return Err(error);
        }
        if message.payload.is_empty() {
            return Ok(());
        }
        let Ok(event) = serde_json::from_slice::<Value>(message.payload) else {
            return Err(errors::broken(
                &self.target,
                "an event of the stream is not JSON",
            ));
        };
        let delta = match message.name {
            "contentBlockStart" => self.start(&event),
            "contentBlockDelta" => self.delta(&event),
            "contentBlockStop" => self.stop(),
            "messageStop" => {
                let reason = event["stopReason"].as_str().unwrap_or("stop");
                self.reported = thinking_tokens(event.get("additionalModelResponseFields"));
                let reason = finish_reason(reason);
                return self.take(&json!({}), Some(reason), out);
            }
            "metadata" => {
                if let Value::Object(native) = &event["usage"] {
                    self.native = Some(native.clone());
                }
                None
            }
            _ => None,
        };
        match delta {
            Some(delta) => self.take(&delta, None, out),
            None => Ok(()),
        }
    }

    fn take(&mut self, delta: &Value, finish: Option<&str>, out: &mut BytesMut) -> Result<()> {
        let chunk = json!({
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
            "provider_specific_fields": {},
        });
        let place = Place {
            provider: self.target.provider.name,
            model: &self.target.model,
            wording: Wording::Body,
            family: Family::Status,
        };
        let Value::Object(chunk) = chunk else {
            return Ok(());
        };
        if let Some(rendered) = self.chunks.take(chunk, &place)? {
            stream::write_event(&self.chunks.settings, rendered, out);
        }
        Ok(())
    }

    fn start(&mut self, event: &Value) -> Option<Value> {
        self.block = Block::Other;
        let start = &event["start"];
        if let Value::Object(call) = &start["toolUse"] {
            let name = call.get("name").and_then(Value::as_str).unwrap_or_default();
            if self.plan.json_mode && name == TOOL {
                self.block = Block::MadeUp;
                return None;
            }
            self.block = Block::EmptyCall;
            let index = self.calls;
            self.calls += 1;
            let function = json!({"name": self.plan.names.given(name), "arguments": ""});
            return Some(json!({"content": "", "tool_calls": [{"index": index,
                "id": call.get("toolUseId"), "type": "function", "function": function}]}));
        }
        start
            .get("reasoningContent")
            .filter(|thought| thought.is_object())?;
        self.thinking(event, &start["reasoningContent"])
    }

    fn delta(&mut self, event: &Value) -> Option<Value> {
        let delta = &event["delta"];
        if let Some(text) = delta.get("text") {
            return Some(json!({"content": text}));
        }
        if let Some(call) = delta.get("toolUse") {
            if self.block == Block::MadeUp {
                return Some(json!({"content": call["input"]}));
            }
            if call["input"]
                .as_str()
                .is_some_and(|input| !input.is_empty())
            {
                self.block = Block::Call;
            }
            return Some(self.arguments(&call["input"]));
        }
        if let thought @ Value::Object(_) = &delta["reasoningContent"] {
            return self.thinking(event, thought);
        }
        let cited = delta.get("citationsContent")?;
        Some(json!({"content": "", "provider_specific_fields": {"citationsContent": cited}}))
    }

    fn arguments(&self, piece: &Value) -> Value {
        let index = self.calls.saturating_sub(1);
        json!({"content": "", "tool_calls": [{"index": index, "type": "function",
            "function": {"arguments": piece}}]})
    }

    /// A call that had no arguments has none in JSON.
    fn stop(&mut self) -> Option<Value> {
        let empty = std::mem::take(&mut self.block) == Block::EmptyCall;
        empty.then(|| self.arguments(&json!("{}")))
    }

    fn thinking(&mut self, event: &Value, thought: &Value) -> Option<Value> {
        let block = event["contentBlockIndex"].as_u64().unwrap_or(0);
        if self.thought != Some(block) {
            self.thought = Some(block);
            self.thoughts += 1;
        }
        let index = self.thoughts - 1;
        let own = json!({"reasoningContent": thought});
        let (told, text) = if let Some(text) = thought.get("text") {
            (
                json!({"type": "thinking", "thinking": text, "index": index}),
                text.clone(),
            )
        } else if let Some(signature) = thought.get("signature") {
            let told =
                json!({"type": "thinking", "thinking": "", "signature": signature, "index": index});
            (told, json!(""))
        } else {
            let data = native_redacted(thought["redactedContent"].as_str()?);
            (
                json!({"type": "redacted_thinking", "data": data, "index": index}),
                json!(""),
            )
        };
        Some(
            json!({"content": "", "reasoning_content": text, "thinking_blocks": [told],
            "provider_specific_fields": own}),
        )
    }
}
