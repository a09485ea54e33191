//! Anthropic's events, written block by block.
//!
//! One block is open at a time; whatever does not belong to it closes it and opens the next. A call of a tool that goes
//! on after the next one has begun keeps the index it began with.
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>

use super::shown_model;
use crate::adapt::Target;
use crate::adapt::providers::anthropic_native::write;
use crate::request::Call;
use bytes::BytesMut;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most calls that one stream may have.
const MAX_CALLS: usize = 4096;

/// The events of one message.
pub struct Blocks {
    id: String,
    model: String,
    begun: bool,
    /// The index of the next block.
    next: u64,
    open: Option<(Open, u64)>,
    /// The blocks of calls, by the numbers that the provider gives them.
    calls: BTreeMap<u64, u64>,
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

impl Blocks {
    /// None yet.
    pub fn new(call: &Call, target: &Target) -> Self {
        Self {
            id: call.id.clone(),
            model: shown_model(call, target).to_owned(),
            begun: false,
            next: 0,
            open: None,
            calls: BTreeMap::new(),
        }
    }

    /// The message begins, once.
    pub fn begin(&mut self, out: &mut BytesMut) {
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

    /// A piece of the answer's words.
    pub fn say(&mut self, piece: &str, out: &mut BytesMut) {
        if !piece.is_empty() {
            let index = self.in_block(Open::Text, &json!({"type": "text", "text": ""}), out);
            block_delta(index, json!({"type": "text_delta", "text": piece}), out);
        }
    }

    /// A piece of a thought.
    pub fn think(&mut self, piece: &str, out: &mut BytesMut) {
        if !piece.is_empty() {
            let index = self.thinking(out);
            block_delta(
                index,
                json!({"type": "thinking_delta", "thinking": piece}),
                out,
            );
        }
    }

    /// The signature under the thought that is open, or under one without words.
    pub fn sign(&mut self, signature: &str, out: &mut BytesMut) {
        let index = self.thinking(out);
        block_delta(
            index,
            json!({"type": "signature_delta", "signature": signature}),
            out,
        );
        self.open = Some((Open::Signed, index));
    }

    fn thinking(&mut self, out: &mut BytesMut) -> u64 {
        let block = json!({"type": "thinking", "thinking": "", "signature": ""});
        self.in_block(Open::Thinking, &block, out)
    }

    /// A block that is whole at once.
    pub fn whole(&mut self, block: &Value, out: &mut BytesMut) {
        let index = self.start(block, out);
        event("content_block_stop", json!({"index": index}), out);
    }

    /// The call of this number begins with `block`, if it has not begun.
    pub fn call(&mut self, number: u64, block: impl FnOnce() -> Value, out: &mut BytesMut) {
        if !self.calls.contains_key(&number) && self.calls.len() < MAX_CALLS {
            let index = self.start(&block(), out);
            self.open = Some((Open::Call, index));
            self.calls.insert(number, index);
        }
    }

    /// A piece of the arguments of a call that has begun.
    pub fn argue(&mut self, number: u64, piece: &str, out: &mut BytesMut) {
        if let Some(index) = self.calls.get(&number).filter(|_| !piece.is_empty()) {
            block_delta(
                *index,
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

    /// Closes the open block.
    pub fn close(&mut self, out: &mut BytesMut) {
        if let Some((_, index)) = self.open.take() {
            event("content_block_stop", json!({"index": index}), out);
        }
    }

    /// The message is over: `delta` says why, `usage` what it took.
    pub fn finish(&mut self, delta: &Value, usage: &Value, out: &mut BytesMut) {
        self.begin(out);
        self.close(out);
        event(
            "message_delta",
            json!({"delta": delta, "usage": usage}),
            out,
        );
        event("message_stop", json!({}), out);
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
