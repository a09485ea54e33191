//! `alt=sse`: every event is a whole reply that holds the next piece. Usage is cumulative; the stream just ends.

use super::reply::{Said, annotations, kept, searches};
use super::{errors, usage};
use crate::adapt::canonical::into_object;
use crate::adapt::errors::Place;
use crate::adapt::sse::{Item, SseParser};
use crate::adapt::stream_chunks::{Chunks, StreamSettings};
use crate::adapt::{StreamAdapter, StreamEnd, Target, stream};
use crate::error::Result;
use bytes::BytesMut;
use serde_json::{Value, json};

/// The adapter of one stream.
#[derive(Debug)]
pub struct GeminiStream {
    parser: SseParser,
    body: Body,
}

#[derive(Debug)]
struct Body {
    chunks: Chunks,
    target: Target,
    /// Tool calls begun so far.
    calls: usize,
}

impl GeminiStream {
    /// A stream that has not begun.
    pub fn new(settings: StreamSettings, target: &Target) -> Self {
        let body = Body {
            chunks: Chunks::new(settings),
            target: target.clone(),
            calls: 0,
        };
        Self {
            parser: SseParser::default(),
            body,
        }
    }
}

impl StreamAdapter for GeminiStream {
    fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self { parser, body } = self;
        parser.push(bytes, |item| body.item(item, out))
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let Self { parser, body } = self;
        parser.finish(|item| body.item(item, out))?;
        if let Some(last) = body.chunks.finish_chunk() {
            stream::write_event(&body.chunks.settings, last, out);
        }
        Ok(body.chunks.end())
    }

    fn cut(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        if self.body.chunks.finish.is_none() {
            return Err(errors::cut(&self.body.target));
        }
        self.finish(out)
    }

    fn so_far(&self) -> StreamEnd {
        StreamEnd {
            complete: false,
            ..self.body.chunks.end()
        }
    }
}

impl Body {
    fn item(&mut self, item: Item<'_>, out: &mut BytesMut) -> Result<()> {
        match item {
            Item::Comment(comment) => {
                stream::write_comment(&self.chunks.settings, comment, out);
                Ok(())
            }
            Item::Event { data, .. } => self.event(data, out),
        }
    }

    fn event(&mut self, data: &[u8], out: &mut BytesMut) -> Result<()> {
        let Ok(event) = serde_json::from_slice::<Value>(data) else {
            return Err(errors::not_json(&self.target));
        };
        if event.get("error").is_some_and(|error| !error.is_null()) {
            return Err(errors::event(&self.target, &event));
        }
        let none = Vec::new();
        let candidates = event["candidates"].as_array().unwrap_or(&none);
        if let Value::Object(native) = &event["usageMetadata"] {
            self.chunks.usage = Some(usage::canonical(native, searches(candidates)));
        }
        if candidates.is_empty() {
            if event["promptFeedback"].get("blockReason").is_some() {
                self.chunks.finish = Some("SAFETY".into());
            }
            return Ok(());
        }
        let mut chunk = self.chunk(&event, candidates);
        let place = Place {
            provider: self.target.provider.name,
            model: &self.target.model,
            wording: crate::adapt::errors::Wording::Body,
            family: crate::adapt::errors::Family::Status,
        };
        if let Some(rendered) = self.chunks.take(std::mem::take(&mut chunk), &place)? {
            stream::write_event(&self.chunks.settings, rendered, out);
        }
        Ok(())
    }

    fn chunk(&mut self, event: &Value, candidates: &[Value]) -> crate::adapt::usage::Object {
        let mut empty = true;
        let mut choices = Vec::new();
        for (at, candidate) in candidates.iter().enumerate() {
            let said = Said::read(candidate, &self.chunks.settings.id, self.calls);
            self.calls += said.calls.len();
            let delta = delta(said, candidate);
            empty &= delta.as_object().is_none_or(serde_json::Map::is_empty);
            let index = candidate["index"].as_u64().unwrap_or(at as u64);
            choices.push(json!({"index": index, "delta": delta, "finish_reason": candidate.get("finishReason")}));
        }
        let mut chunk = into_object(json!({
            "id": event["responseId"], "model": event["modelVersion"], "choices": choices,
        }));
        if !empty {
            for (name, values) in kept(candidates) {
                chunk.insert(name.into(), values.clone());
                if name == "vertex_ai_safety_results" {
                    chunk.insert("vertex_ai_safety_ratings".into(), values);
                }
            }
        }
        chunk
    }
}

fn delta(said: Said, candidate: &Value) -> Value {
    let mut delta = json!({});
    if let Some(text) = said.text.filter(|text| !text.is_empty()) {
        delta["content"] = json!(text);
    }
    if let Some(reasoning) = said.reasoning.filter(|text| !text.is_empty()) {
        delta["reasoning_content"] = json!(reasoning);
    }
    if !said.calls.is_empty() {
        delta["tool_calls"] = Value::Array(said.calls);
    }
    if !said.images.is_empty() {
        delta["images"] = Value::Array(said.images);
    }
    if let Some(audio) = said.audio {
        delta["audio"] = audio;
    }
    if !said.signatures.is_empty() {
        delta["provider_specific_fields"] = json!({"thought_signatures": said.signatures});
    }
    let annotations = annotations(&candidate["groundingMetadata"]);
    if !annotations.is_empty() {
        delta["annotations"] = Value::Array(annotations);
    }
    delta
}
