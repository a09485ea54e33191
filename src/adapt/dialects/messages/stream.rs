//! A chat's chunks as Anthropic's events. The stream ends when the chat's does, because the usage comes last.

use super::blocks::Blocks;
use super::reply;
use crate::adapt::Target;
use crate::adapt::dialects::{StreamBridge, chunks};
use crate::adapt::usage::Object;
use crate::error::Result;
use crate::params::Params;
use crate::request::Call;
use bytes::BytesMut;
use serde_json::{Value, json};

/// The translation of one stream.
pub struct Messages {
    blocks: Blocks,
    given: Params,
    refused: bool,
    finish: Option<&'static str>,
    usage: Option<Object>,
}

impl Messages {
    /// A translation that has not begun.
    pub fn new(call: &Call, target: &Target) -> Self {
        Self {
            blocks: Blocks::new(call, target),
            given: call.params.clone(),
            refused: false,
            finish: None,
            usage: None,
        }
    }

    fn chunk(&mut self, mut chunk: Value, out: &mut BytesMut) {
        self.blocks.begin(out);
        if let Some(Value::Object(used)) = chunk.get_mut("usage").map(Value::take) {
            self.usage = Some(used);
        }
        let choice = &chunk["choices"][0];
        if let Some(delta) = choice["delta"].as_object() {
            self.delta(delta, out);
        }
        if let Some(finish) = choice["finish_reason"].as_str() {
            self.blocks.close(out);
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
            _ => self.blocks.think(text("reasoning_content"), out),
        }
        self.refused |= !text("refusal").is_empty();
        self.blocks.say(text("content"), out);
        self.blocks.say(text("refusal"), out);
        let calls = delta.get("tool_calls").and_then(Value::as_array);
        for call in calls.into_iter().flatten() {
            let number = call["index"].as_u64().unwrap_or(0);
            let piece = call["function"]["arguments"].as_str().unwrap_or_default();
            let block = || reply::started(call, &self.given);
            self.blocks.call(number, block, out);
            self.blocks.argue(number, piece, out);
        }
    }

    fn thought(&mut self, block: &Value, out: &mut BytesMut) {
        let text = |name: &str| block[name].as_str().unwrap_or_default();
        if block["type"] == "redacted_thinking" {
            let block = json!({"type": "redacted_thinking", "data": text("data")});
            self.blocks.whole(&block, out);
            return;
        }
        self.blocks.think(text("thinking"), out);
        if !text("signature").is_empty() {
            self.blocks.sign(text("signature"), out);
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
        let stop = match self.finish.unwrap_or("end_turn") {
            "max_tokens" => "max_tokens",
            _ if self.refused => "refusal",
            stop => stop,
        };
        let usage = reply::usage(self.usage.as_ref());
        let delta = json!({"stop_reason": stop});
        self.blocks.finish(&delta, &usage, out);
        Ok(())
    }
}
