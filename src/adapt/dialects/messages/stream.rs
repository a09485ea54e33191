//! A chat's chunks as Anthropic's events.
//!
//! One block is open at a time; whatever does not belong to it closes it and opens the next. A call of a tool that goes
//! on after the next one has begun keeps the index it began with. The stream ends when the chat's does, because the
//! usage comes last. <https://docs.anthropic.com/en/docs/build-with-claude/streaming>

use super::{reply, shown_model};
use crate::adapt::Target;
use crate::adapt::dialects::{StreamBridge, chunks};
use crate::adapt::providers::anthropic_native::write;
use crate::adapt::usage::Object;
use crate::error::Result;
use crate::params::Params;
use crate::request::Call;
use bytes::BytesMut;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most calls that one stream may have.
const MAX_CALLS: usize = 4096;

/// The translation of one stream.
pub struct Messages {
    id: String,
    model: String,
    given: Params,
    begun: bool,
    /// The index of the next block.
    next: u64,
    open: Option<(Open, u64)>,
    /// The blocks of calls, by their number in the chat.
    calls: BTreeMap<u64, u64>,
    refused: bool,
    finish: Option<&'static str>,
    usage: Option<Object>,
}

/// What kind of block is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    /// A signature came: more thoughts are another block.
    Signed,
    Call,
}

impl Messages {
    /// A translation that has not begun.
    pub fn new(call: &Call, target: &Target) -> Self {
        Self {
            id: call.id.clone(),
            model: shown_model(call, target).to_owned(),
            given: call.params.clone(),
            begun: false,
            next: 0,
            open: None,
            calls: BTreeMap::new(),
            refused: false,
            finish: None,
            usage: None,
        }
    }

    fn begin(&mut self, out: &mut BytesMut) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let id = format!("msg_{}", self.id);
        event(
            "message_start",
            json!({"message": {"id": id, "type": "message",
            "role": "assistant", "content": [], "model": self.model, "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0}}}),
            out,
        );
    }

    fn chunk(&mut self, mut chunk: Value, out: &mut BytesMut) {
        self.begin(out);
        if let Some(Value::Object(used)) = chunk.get_mut("usage").map(Value::take) {
            self.usage = Some(used);
        }
        let choice = &chunk["choices"][0];
        if let Some(delta) = choice["delta"].as_object() {
            self.delta(delta, out);
        }
        if let Some(finish) = choice["finish_reason"].as_str() {
            self.close(out);
            self.finish = Some(reply::stop_reason(finish));
        }
    }

    fn delta(&mut self, delta: &Object, out: &mut BytesMut) {
        let text = |name: &str| delta.get(name).and_then(Value::as_str).unwrap_or_default();
        match delta.get("thinking_blocks").and_then(Value::as_array) {
            Some(blocks) if !blocks.is_empty() => {
                for block in blocks {
                    self.thought(block, out);
                }
            }
            _ => self.think(text("reasoning_content"), out),
        }
        for name in ["content", "refusal"] {
            let piece = text(name);
            if !piece.is_empty() {
                self.refused |= name == "refusal";
                let index = self.in_block(Open::Text, &json!({"type": "text", "text": ""}), out);
                block_delta(index, json!({"type": "text_delta", "text": piece}), out);
            }
        }
        let calls = delta.get("tool_calls").and_then(Value::as_array);
        for call in calls.into_iter().flatten() {
            self.call(call, out);
        }
    }

    fn thought(&mut self, block: &Value, out: &mut BytesMut) {
        let text = |name: &str| block[name].as_str().unwrap_or_default();
        if block["type"] == "redacted_thinking" {
            let index = self.start(
                &json!({"type": "redacted_thinking", "data": text("data")}),
                out,
            );
            event("content_block_stop", json!({"index": index}), out);
            return;
        }
        self.think(text("thinking"), out);
        let signature = text("signature");
        if !signature.is_empty() {
            let index = self.thinking(out);
            block_delta(
                index,
                json!({"type": "signature_delta", "signature": signature}),
                out,
            );
            self.open = Some((Open::Signed, index));
        }
    }

    fn think(&mut self, text: &str, out: &mut BytesMut) {
        if !text.is_empty() {
            let index = self.thinking(out);
            block_delta(
                index,
                json!({"type": "thinking_delta", "thinking": text}),
                out,
            );
        }
    }

    fn thinking(&mut self, out: &mut BytesMut) -> u64 {
        let block = json!({"type": "thinking", "thinking": "", "signature": ""});
        self.in_block(Open::Thinking, &block, out)
    }

    fn call(&mut self, call: &Value, out: &mut BytesMut) {
        let number = call["index"].as_u64().unwrap_or(0);
        let index = match self.calls.get(&number) {
            Some(index) => *index,
            None if self.calls.len() >= MAX_CALLS => return,
            None => {
                let index = self.start(&reply::started(call, &self.given), out);
                self.open = Some((Open::Call, index));
                self.calls.insert(number, index);
                index
            }
        };
        let piece = call["function"]["arguments"].as_str().unwrap_or_default();
        if !piece.is_empty() {
            block_delta(
                index,
                json!({"type": "input_json_delta", "partial_json": piece}),
                out,
            );
        }
    }

    /// The index of the open block when it is of this kind, else of the one that is opened.
    fn in_block(&mut self, kind: Open, block: &Value, out: &mut BytesMut) -> u64 {
        match self.open {
            Some((open, index)) if open == kind => index,
            _ => {
                let index = self.start(block, out);
                self.open = Some((kind, index));
                index
            }
        }
    }

    fn start(&mut self, block: &Value, out: &mut BytesMut) -> u64 {
        self.close(out);
        let index = self.next;
        self.next += 1;
        event(
            "content_block_start",
            json!({"index": index, "content_block": block}),
            out,
        );
        index
    }

    fn close(&mut self, out: &mut BytesMut) {
        if let Some((_, index)) = self.open.take() {
            event("content_block_stop", json!({"index": index}), out);
        }
    }
}

impl StreamBridge for Messages {
    fn push(&mut self, events: &[u8], out: &mut BytesMut) -> Result<()> {
        chunks::each(events, out, |chunk, out| {
            self.chunk(chunk, out);
            Ok(())
        })
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<()> {
        self.begin(out);
        self.close(out);
        let stop = match self.finish.unwrap_or("end_turn") {
            "max_tokens" => "max_tokens",
            _ if self.refused => "refusal",
            stop => stop,
        };
        let usage = reply::usage(self.usage.as_ref());
        event(
            "message_delta",
            json!({"delta": {"stop_reason": stop}, "usage": usage}),
            out,
        );
        event("message_stop", json!({}), out);
        Ok(())
    }
}

fn block_delta(index: u64, delta: Value, out: &mut BytesMut) {
    event(
        "content_block_delta",
        json!({"index": index, "delta": delta}),
        out,
    );
}

/// One event; its type comes first, as Anthropic writes it.
fn event(kind: &str, members: Value, out: &mut BytesMut) {
    let mut data = json!({"type": kind});
    if let (Value::Object(data), Value::Object(members)) = (&mut data, members) {
        data.extend(members);
    }
    write(kind, data.to_string().as_bytes(), out);
}
