//! Streams of models in their own form: events whose payload wraps the model's own event in base64.
//!
//! Claude's events are Anthropic's, and go on to its adapter; those of models that complete texts hold a piece of it.

use super::errors;
use super::eventstream::{Broken, Message, Parser};
use super::texts::Piece;
use crate::adapt::errors::{Family, Place, Wording};
use crate::adapt::stream_chunks::{Chunks, StreamSettings};
use crate::adapt::{StreamAdapter, StreamEnd, Target, stream};
use crate::error::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use serde_json::{Value, json};

/// What ends a stream early.
pub enum Stop {
    /// Bytes that are no event stream.
    Bytes(Broken),
    /// An error that the stream carries.
    Error(Error),
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Self::Bytes(broken)
    }
}

impl Stop {
    /// LiteLLM's error for it.
    pub fn named(self, target: &Target) -> Error {
        match self {
            Self::Bytes(broken) => errors::broken(target, &broken.to_string()),
            Self::Error(error) => error,
        }
    }
}

/// The error that a message stands for, if it stands for one.
pub fn failure(message: &Message<'_>, target: &Target) -> Option<Error> {
    if message.kind == "error" {
        let text = format!("{} {}", message.name, message.reason);
        return Some(errors::exception(target, text.trim(), message.payload));
    }
    let failed = message.kind == "exception" || errors::is_exception(message.name);
    failed.then(|| errors::exception(target, message.name, message.payload))
}

/// The model's own event; `None` where a message holds none.
fn inner(message: &Message<'_>, target: &Target) -> Result<Option<Vec<u8>>> {
    if let Some(error) = failure(message, target) {
        return Err(error);
    }
    if message.payload.is_empty() {
        return Ok(None);
    }
    let bad = || errors::broken(target, "an event of the stream cannot be read");
    let wrapped: Value = serde_json::from_slice(message.payload).map_err(|_| bad())?;
    match wrapped["bytes"].as_str() {
        Some(text) => STANDARD.decode(text).map(Some).map_err(|_| bad()),
        None => Ok(None),
    }
}

/// Claude's stream.
pub struct ClaudeStream {
    parser: Parser,
    target: Target,
    inner: Box<dyn StreamAdapter>,
}

impl ClaudeStream {
    /// In front of Anthropic's adapter.
    pub fn new(target: &Target, inner: Box<dyn StreamAdapter>) -> Self {
        Self {
            parser: Parser::default(),
            target: target.clone(),
            inner,
        }
    }
}

impl StreamAdapter for ClaudeStream {
    fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self {
            parser,
            target,
            inner: adapter,
        } = self;
        let pushed = parser.push(bytes, |message| {
            let Some(event) = inner(&message, target).map_err(Stop::Error)? else {
                return Ok(());
            };
            // An event is one line of the protocol that the adapter reads.
            let mut line = b"data: ".to_vec();
            line.extend(event.iter().map(|byte| {
                if matches!(byte, b'\n' | b'\r') {
                    b' '
                } else {
                    *byte
                }
            }));
            line.extend_from_slice(b"\n\n");
            adapter.push(&line, out).map_err(Stop::Error)
        });
        pushed.map_err(|stop| stop.named(target))
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        if self.parser.is_cut() {
            return self.cut(out);
        }
        self.inner.finish(out)
    }

    fn cut(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let target = &self.target;
        self.inner.cut(out).map_err(|_| errors::cut(target))
    }

    fn so_far(&self) -> StreamEnd {
        self.inner.so_far()
    }
}

/// The stream of a model that completes texts.
pub struct TextStream {
    parser: Parser,
    target: Target,
    chunks: Chunks,
}

impl TextStream {
    /// A stream that has not begun.
    pub fn new(settings: StreamSettings, target: &Target) -> Self {
        Self {
            parser: Parser::default(),
            target: target.clone(),
            chunks: Chunks::new(settings),
        }
    }
}

impl StreamAdapter for TextStream {
    fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self {
            parser,
            target,
            chunks,
        } = self;
        let place = Place {
            provider: target.provider.name,
            model: &target.model,
            wording: Wording::Body,
            family: Family::Status,
        };
        let pushed = parser.push(bytes, |message| {
            let Some(event) = inner(&message, target).map_err(Stop::Error)? else {
                return Ok(());
            };
            let bad = || Stop::Error(errors::broken(target, "an event of the stream is not JSON"));
            let event: Value = serde_json::from_slice(&event).map_err(|_| bad())?;
            let Some(piece) = Piece::event(&event) else {
                return Ok(());
            };
            let chunk = json!({"choices": [{"index": 0, "delta": {"content": piece.text},
                "finish_reason": piece.finish}]});
            if let Value::Object(chunk) = chunk
                && let Some(rendered) = chunks.take(chunk, &place).map_err(Stop::Error)?
            {
                stream::write_event(&chunks.settings, rendered, out);
            }
            Ok(())
        });
        pushed.map_err(|stop: Stop| stop.named(target))
    }

    /// These streams just end: their last event need not say why.
    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        if self.parser.is_cut() || !self.chunks.seen_chunk {
            return Err(errors::cut(&self.target));
        }
        if let Some(last) = self.chunks.finish_chunk() {
            stream::write_event(&self.chunks.settings, last, out);
        }
        Ok(self.chunks.end())
    }

    fn cut(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        if self.chunks.finish.is_none() {
            return Err(errors::cut(&self.target));
        }
        self.finish(out)
    }

    fn so_far(&self) -> StreamEnd {
        StreamEnd {
            complete: false,
            ..self.chunks.end()
        }
    }
}
