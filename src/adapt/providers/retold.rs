//! Streams of server-sent events that are no chunks of OpenAI's: each event is retold as one, by a function of the
//! provider's.

use super::replies::place;
use crate::adapt::json_fault;
use crate::adapt::sse::{Item, SseParser};
use crate::adapt::stream_chunks::{Chunks, StreamSettings};
use crate::adapt::usage::Object;
use crate::adapt::{StreamAdapter, StreamEnd, Target, stream};
use crate::error::Result;
use bytes::BytesMut;
use serde_json::Value;

/// An event as a chunk of OpenAI's, without the members that all chunks share; `None` where it adds nothing.
///
/// # Errors
/// The failure that the event tells.
pub type Retell = fn(&Target, &Value) -> Result<Option<Object>>;

/// The adapter of one stream.
#[derive(Debug)]
pub struct Retold {
    parser: SseParser,
    body: Body,
}

#[derive(Debug)]
struct Body {
    chunks: Chunks,
    target: Target,
    retell: Retell,
    /// The stream said that it is over.
    done: bool,
}

impl Retold {
    /// A stream that has not begun.
    pub fn new(settings: StreamSettings, target: &Target, retell: Retell) -> Self {
        Self {
            parser: SseParser::default(),
            body: Body {
                chunks: Chunks::new(settings),
                target: target.clone(),
                retell,
                done: false,
            },
        }
    }
}

impl StreamAdapter for Retold {
    fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self { parser, body } = self;
        parser.push(bytes, |item| body.item(item, out))
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let Self { parser, body } = self;
        parser.finish(|item| body.item(item, out))?;
        if body.chunks.finish.is_none() && !body.done {
            let what = "Stream ended before a finish_reason was received";
            return Err(place(&body.target).broken(what));
        }
        Ok(body.end(out))
    }

    fn cut(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        if self.body.chunks.finish.is_none() && !self.body.done {
            return Err(place(&self.body.target).cut());
        }
        Ok(self.body.end(out))
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
            Item::Event { data, .. } if data.trim_ascii().starts_with(b"[DONE]") => {
                self.done = true;
                Ok(())
            }
            Item::Event { data, .. } if self.done || data.trim_ascii().is_empty() => Ok(()),
            Item::Event { data, .. } => self.event(data, out),
        }
    }

    fn event(&mut self, data: &[u8], out: &mut BytesMut) -> Result<()> {
        let Ok(event) = serde_json::from_slice::<Value>(data) else {
            return Err(place(&self.target).broken(&json_fault::describe(data)));
        };
        let Some(chunk) = (self.retell)(&self.target, &event)? else {
            return Ok(());
        };
        if let Some(rendered) = self.chunks.take(chunk, &place(&self.target))? {
            stream::write_event(&self.chunks.settings, rendered, out);
        }
        Ok(())
    }

    fn end(&mut self, out: &mut BytesMut) -> StreamEnd {
        if let Some(last) = self.chunks.finish_chunk() {
            stream::write_event(&self.chunks.settings, last, out);
        }
        self.chunks.end()
    }
}
