//! A chat's chunks as Gemini's events: each a whole reply that holds the next piece.
//!
//! Gemini tells a call of a tool at once, so that calls are collected and come with the end; the usage comes last.

use super::reply;
use crate::adapt::Target;
use crate::adapt::dialects::{StreamBridge, chunks};
use crate::adapt::usage::Object;
use crate::error::{Error, ErrorKind, Result};
use crate::request::Call;
use bytes::{BufMut, BytesMut};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most bytes of arguments that one stream may have, and most calls.
const MAX_ARGUMENTS: usize = 16 << 20;
const MAX_CALLS: usize = 4096;

/// The translation of one stream.
pub struct Generated {
    id: String,
    model: String,
    /// Calls by candidate and number, as far as they have come.
    calls: BTreeMap<(u64, u64), Value>,
    collected: usize,
    finish: BTreeMap<u64, String>,
    usage: Option<Object>,
}

impl Generated {
    /// A translation that has not begun.
    pub fn new(call: &Call, target: &Target) -> Self {
        Self {
            id: call.id.clone(),
            model: target.model.clone(),
            calls: BTreeMap::new(),
            collected: 0,
            finish: BTreeMap::new(),
            usage: None,
        }
    }

    fn chunk(&mut self, mut chunk: Value, out: &mut BytesMut) -> Result<()> {
        if let Some(Value::Object(used)) = chunk.get_mut("usage").map(Value::take) {
            self.usage = Some(used);
        }
        for (name, kept) in [("id", &mut self.id), ("model", &mut self.model)] {
            if let Some(told) = chunk[name].as_str().filter(|told| *told != kept.as_str()) {
                told.clone_into(kept);
            }
        }
        let mut candidates = Vec::new();
        for choice in chunk["choices"].as_array_mut().into_iter().flatten() {
            let index = choice["index"].as_u64().unwrap_or(0);
            let mut delta = choice["delta"].take();
            if let Some(calls) = delta.get_mut("tool_calls").map(Value::take) {
                self.collect(index, &calls)?;
            }
            if let Some(finish) = choice["finish_reason"].as_str() {
                self.finish.insert(index, finish.to_owned());
            }
            let parts = reply::parts(&delta);
            if !parts.is_empty() {
                candidates.push(reply::candidate(index, parts, None));
            }
        }
        if !candidates.is_empty() {
            self.event(&json!(candidates), None, out);
        }
        Ok(())
    }

    fn collect(&mut self, candidate: u64, calls: &Value) -> Result<()> {
        for piece in calls.as_array().into_iter().flatten() {
            let number = piece["index"].as_u64().unwrap_or(0);
            if self.calls.len() >= MAX_CALLS || self.collected > MAX_ARGUMENTS {
                let what = "the calls of tools in the stream are too large";
                return Err(Error::new(ErrorKind::ApiResponseValidation, what));
            }
            let call = self.calls.entry((candidate, number)).or_insert_with(|| {
                let mut call = piece.clone();
                call["function"]["arguments"] = json!("");
                call
            });
            let more = piece["function"]["arguments"].as_str().unwrap_or_default();
            self.collected += more.len();
            if let Some(Value::String(arguments)) = call["function"].get_mut("arguments") {
                arguments.push_str(more);
            }
        }
        Ok(())
    }

    fn event(&self, candidates: &Value, usage: Option<Value>, out: &mut BytesMut) {
        let mut event = json!({"candidates": candidates, "modelVersion": self.model,
            "responseId": self.id});
        if let Some(usage) = usage {
            event["usageMetadata"] = usage;
        }
        out.put_slice(b"data: ");
        out.put_slice(event.to_string().as_bytes());
        out.put_slice(b"\n\n");
    }
}

impl StreamBridge for Generated {
    fn push(&mut self, events: &[u8], out: &mut BytesMut) -> Result<()> {
        chunks::each(events, out, |chunk, out| self.chunk(chunk, out))
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<()> {
        self.finish.entry(0).or_insert_with(|| "stop".to_owned());
        let candidates: Vec<Value> = self
            .finish
            .iter()
            .map(|(index, finish)| {
                let own = self.calls.iter().filter(|((of, _), _)| of == index);
                let mut parts: Vec<Value> =
                    own.map(|(_, call)| reply::function_call(call)).collect();
                if parts.is_empty() {
                    parts.push(json!({"text": ""}));
                }
                reply::candidate(*index, parts, Some(finish))
            })
            .collect();
        let usage = reply::usage(self.usage.as_ref());
        self.event(&json!(candidates), Some(usage), out);
        Ok(())
    }
}
