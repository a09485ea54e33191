//! Streams of OpenAI's protocol: SSE in, canonical SSE out.
//!
//! [`super::sse`] cuts events, [`super::stream_template`] takes the common ones, [`super::stream_chunks`] all others.
//! A stream ends well with a finish reason (the protocol's own sign) or with `[DONE]` and nothing before it; an end
//! without either is a cut, and an `error` event is the provider's failure, worded by [`super::errors`].

use super::errors::{Family, Place, Wording};
use super::json_fault;
use super::sse::{Item, SseParser};
use super::stream_chunks::{Chunks, StreamSettings};
use super::stream_template::{Hole, Template};
use super::usage::Object;
use super::{StreamAdapter, StreamEnd};
use crate::error::{Error, Result};
use bytes::BytesMut;
use serde_json::{Value, json};

/// Ends a canonical stream.
pub const DONE: &[u8] = b"data: [DONE]\n\n";
/// Shapes of chunks remembered at once: content, reasoning and a few tool calls.
const MAX_TEMPLATES: usize = 4;
/// Longest error that a provider answers in place of a stream.
const MAX_JSON: usize = 64 << 10;

/// Who is streamed from, for errors.
#[derive(Clone, Debug)]
pub struct StreamPlace {
    /// LiteLLM's name of the provider.
    pub provider: String,
    /// The model as named upstream.
    pub model: String,
    /// How its errors are worded.
    pub wording: Wording,
    /// Which rules pick its exceptions.
    pub family: Family,
}

/// The adapter of one stream.
#[derive(Debug)]
pub struct OpenAiStream {
    parser: SseParser,
    body: Body,
}

#[derive(Debug)]
struct Body {
    place: StreamPlace,
    chunks: Chunks,
    templates: Vec<Template>,
    next_template: usize,
    /// `[DONE]` came; nothing after it counts.
    done: bool,
    /// Whether anything came.
    begun: bool,
    /// The beginning of a body that is JSON and no stream: some providers answer so when they fail.
    json: Vec<u8>,
}

impl OpenAiStream {
    /// A stream that has not begun.
    pub fn new(place: StreamPlace, settings: StreamSettings) -> Self {
        Self {
            parser: SseParser::default(),
            body: Body {
                place,
                chunks: Chunks::new(settings),
                templates: Vec::new(),
                next_template: 0,
                done: false,
                begun: false,
                json: Vec::new(),
            },
        }
    }
}

impl StreamAdapter for OpenAiStream {
    fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self { parser, body } = self;
        body.note_json(bytes);
        parser.push(bytes, |item| body.item(item, out))
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let Self { parser, body } = self;
        let mut whole = true;
        parser.finish(|item| match item {
            // The body ended inside an event: it counts when it is whole JSON, else the stream was cut there.
            Item::Event { data, .. } if !is_whole(data) => {
                whole = false;
                Ok(())
            }
            item => body.item(item, out),
        })?;
        if !whole {
            return self.cut(out);
        }
        body.end(out)
    }

    fn cut(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        if self.body.chunks.finish.is_none() && !self.body.done {
            return Err(self.body.place().cut());
        }
        self.body.end(out)
    }

    fn so_far(&self) -> StreamEnd {
        StreamEnd {
            complete: false,
            ..self.body.chunks.end()
        }
    }
}

impl Body {
    fn place(&self) -> Place<'_> {
        let place = self.place.place();
        match &self.chunks.upstream_model {
            // OpenRouter chooses a model, yet its errors are about the one that was asked.
            Some(model)
                if self.chunks.settings.upstream_model && !self.chunks.settings.open_router =>
            {
                Place { model, ..place }
            }
            _ => place,
        }
    }

    /// Keeps the beginning of a body that begins like a JSON object.
    fn note_json(&mut self, bytes: &[u8]) {
        let Some(first) = bytes.first() else {
            return;
        };
        // The body's first byte decides, not that of any piece.
        let is_json = if std::mem::replace(&mut self.begun, true) {
            !self.json.is_empty()
        } else {
            *first == b'{'
        };
        if is_json && !self.chunks.seen_chunk && self.json.len() < MAX_JSON {
            let room = (MAX_JSON - self.json.len()).min(bytes.len());
            self.json.extend_from_slice(&bytes[..room]);
        }
    }

    /// The error that a body of JSON carries.
    fn json_error(&self) -> Option<Error> {
        let body: Object = serde_json::from_slice(&self.json).ok()?;
        let detail = body.get("error").filter(|detail| is_meant(detail))?;
        Some(self.place().event(detail))
    }

    fn item(&mut self, item: Item<'_>, out: &mut BytesMut) -> Result<()> {
        match item {
            _ if self.done => Ok(()),
            Item::Comment(comment) => {
                write_comment(&self.chunks.settings, comment, out);
                Ok(())
            }
            Item::Event { data, .. } => self.event(data, out),
        }
    }

    fn event(&mut self, data: &[u8], out: &mut BytesMut) -> Result<()> {
        for template in &self.templates {
            if let Some(filled) = template.fit(data) {
                let text = template.text(&filled);
                match template.hole {
                    Hole::Content => self.chunks.check_repetition(text)?,
                    _ => self.chunks.check_repetition(b"")?,
                }
                self.chunks.written.note_raw(template.hole, text);
                template.write(&filled, out);
                return Ok(());
            }
        }
        if data.trim_ascii_start().starts_with(b"[DONE]") {
            self.done = true;
            return Ok(());
        }
        self.slow_event(data, out)
    }

    fn slow_event(&mut self, data: &[u8], out: &mut BytesMut) -> Result<()> {
        if data.trim_ascii().is_empty() {
            return Ok(());
        }
        let chunk: Object = match serde_json::from_slice(data) {
            Ok(Value::Object(chunk)) => chunk,
            Ok(_) => return Ok(()),
            Err(_) => return Err(self.place().broken(&json_fault::describe(data))),
        };
        if let Some(detail) = chunk.get("error")
            && is_meant(detail)
        {
            return Err(self.place().event(detail));
        }
        let hole = self.hole_of(&chunk);
        let started = self.chunks.sent_first;
        let place = self.place.place();
        let Some(rendered) = self.chunks.take(chunk, &place)? else {
            return Ok(());
        };
        write_event(&self.chunks.settings, rendered, out);
        if let (true, Some(hole)) = (started, hole) {
            self.learn(data, hole);
        }
        Ok(())
    }

    fn learn(&mut self, data: &[u8], hole: Hole) {
        let chunks = &self.chunks;
        let template = Template::learn(data, hole, |marked| {
            let mut chunk: Object = serde_json::from_slice(marked).ok()?;
            chunks.normalize(&mut chunk);
            let mut event = BytesMut::new();
            write_event(&chunks.settings, chunks.render(chunk), &mut event);
            Some(event.to_vec())
        });
        let Some(template) = template else { return };
        if self.templates.len() < MAX_TEMPLATES {
            self.templates.push(template);
        } else {
            self.templates[self.next_template] = template;
            self.next_template = (self.next_template + 1) % MAX_TEMPLATES;
        }
    }

    /// Which string of a chunk varies, when the chunk is of the common kind: one choice that adds one text and
    /// changes nothing else about the stream.
    fn hole_of(&self, chunk: &Object) -> Option<Hole> {
        let settings = &self.chunks.settings;
        let quiet = |object: &Object, name: &str| object.get(name).is_none_or(Value::is_null);
        if settings.merge_reasoning || settings.open_router || !quiet(chunk, "usage") {
            return None;
        }
        let [Value::Object(choice)] = chunk.get("choices")?.as_array()?.as_slice() else {
            return None;
        };
        if !quiet(choice, "finish_reason") {
            return None;
        }
        let Some(Value::Object(delta)) = choice.get("delta") else {
            return settings.text.then_some(Hole::Content);
        };
        let filled: Vec<&str> = delta
            .iter()
            .filter(|(name, value)| !value.is_null() && *name != "role")
            .map(|(name, _)| name.as_str())
            .collect();
        match filled.as_slice() {
            ["content"] => Some(Hole::Content),
            ["reasoning" | "reasoning_content"] => Some(Hole::Reasoning),
            ["tool_calls"] => {
                let [call] = delta.get("tool_calls")?.as_array()?.as_slice() else {
                    return None;
                };
                let index = call.get("index")?.as_u64()?;
                let choice = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
                let adds_only = call.get("id").is_none_or(Value::is_null)
                    && call.get("function")?.get("name").is_none_or(Value::is_null)
                    && self.chunks.written.knows_call(choice, index);
                adds_only.then_some(Hole::Arguments(choice, index))
            }
            _ => None,
        }
    }

    fn end(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        if !self.chunks.seen_chunk
            && let Some(error) = self.json_error()
        {
            return Err(error);
        }
        let chunks = &mut self.chunks;
        // Nothing at all is no empty answer: that would have been ended.
        let nothing = !chunks.seen_chunk && !self.done && self.json.is_empty();
        if (chunks.seen_chunk || nothing) && chunks.finish.is_none() && !chunks.settings.open_end {
            let handler_done = self.done && self.place.wording == Wording::Body;
            if !handler_done {
                let place = self.place.place();
                return Err(place.broken("Stream ended before a finish_reason was received"));
            }
        }
        if let Some(last) = chunks.finish_chunk() {
            write_event(&chunks.settings, last, out);
        }
        Ok(chunks.end())
    }
}

impl StreamPlace {
    fn place(&self) -> Place<'_> {
        Place {
            provider: &self.provider,
            model: &self.model,
            wording: self.wording,
            family: self.family,
        }
    }
}

/// Appends the chunk that tells a stream's usage. It goes between the last chunk and [`DONE`].
pub fn write_usage_chunk(end: &StreamEnd, usage: Object, out: &mut BytesMut) {
    let mut chunk = end.head.clone();
    chunk.entry("choices").or_insert_with(|| json!([]));
    chunk.insert("usage".into(), Value::Object(usage));
    write_json_event(&Value::Object(chunk), out);
}

/// Hands a comment on, where they are wanted.
pub(super) fn write_comment(settings: &StreamSettings, comment: &[u8], out: &mut BytesMut) {
    if settings.comments {
        out.extend_from_slice(b":");
        out.extend_from_slice(comment);
        out.extend_from_slice(b"\n\n");
    }
}

pub(super) fn write_event(settings: &StreamSettings, chunk: Object, out: &mut BytesMut) {
    let chunk = if settings.text {
        text_chunk(chunk)
    } else {
        chunk
    };
    write_json_event(&Value::Object(chunk), out);
}

fn write_json_event(value: &Value, out: &mut BytesMut) {
    use bytes::BufMut;
    out.extend_from_slice(b"data: ");
    // Writing JSON with text keys into memory cannot fail.
    let _ = serde_json::to_writer(out.writer(), value);
    out.extend_from_slice(b"\n\n");
}

/// A chat chunk as a chunk of a text completion.
fn text_chunk(mut chunk: Object) -> Object {
    chunk.insert("object".into(), json!("text_completion"));
    chunk.remove("system_fingerprint");
    if let Some(Value::Array(choices)) = chunk.get_mut("choices") {
        for choice in choices {
            let mut text = Object::new();
            for name in ["index", "finish_reason", "logprobs"] {
                if let Some(value) = choice.get(name).filter(|value| !value.is_null()) {
                    text.insert(name.into(), value.clone());
                }
            }
            if let Some(content) = choice.get("delta").and_then(|delta| delta.get("content")) {
                text.insert("text".into(), content.clone());
            }
            *choice = Value::Object(text);
        }
    }
    chunk
}

fn is_whole(data: &[u8]) -> bool {
    data.trim_ascii().starts_with(b"[DONE]")
        || serde_json::from_slice::<&serde_json::value::RawValue>(data).is_ok()
}

fn is_meant(detail: &Value) -> bool {
    match detail {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
