//! A whole reply where the caller wants a stream: models that cannot stream, and answers that come as the arguments of
//! a made-up tool. One chunk holds all of it.

use super::converse::Plan;
use super::{errors, reply};
use crate::adapt::errors::{Family, Place, Wording};
use crate::adapt::stream_chunks::{Chunks, StreamSettings};
use crate::adapt::usage::Object;
use crate::adapt::{Fault, StreamAdapter, StreamEnd, Target, faults, stream};
use crate::error::Result;
use crate::request::Call;
use bytes::BytesMut;
use serde_json::{Value, json};

/// Most bytes of a reply that are kept to be handed over as a stream.
const LIMIT: usize = 32 << 20;

/// The adapter of one stream.
pub struct WholeStream {
    chunks: Chunks,
    call: Call,
    target: Target,
    plan: Plan,
    body: Vec<u8>,
}

impl WholeStream {
    /// A stream that has not begun.
    pub fn new(settings: StreamSettings, call: &Call, target: &Target, plan: Plan) -> Self {
        Self {
            chunks: Chunks::new(settings),
            call: call.clone(),
            target: target.clone(),
            plan,
            body: Vec::new(),
        }
    }
}

impl StreamAdapter for WholeStream {
    fn push(&mut self, bytes: &[u8], _out: &mut BytesMut) -> Result<()> {
        if self.body.len() + bytes.len() > LIMIT {
            return Err(faults::fault(
                &self.call,
                &self.target,
                Fault::TooLarge(LIMIT),
            ));
        }
        self.body.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let reply: Object = serde_json::from_slice(&self.body)
            .map_err(|_| errors::unreadable(&self.target, "the body is not a JSON object"))?;
        let mut canonical = reply::canonical(&self.call, &self.target, &reply, &self.plan)?;
        let mut choice = canonical["choices"][0].take();
        let used = canonical.remove("usage");
        let place = Place {
            provider: self.target.provider.name,
            model: &self.target.model,
            wording: Wording::Body,
            family: Family::Status,
        };
        let mut delta = choice["message"].take();
        for (index, call) in delta["tool_calls"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .enumerate()
        {
            call["index"] = json!(index);
        }
        let pieces = [
            json!({"choices": [{"index": 0, "delta": delta}]}),
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]}),
        ];
        for piece in pieces {
            if let Value::Object(chunk) = piece
                && let Some(rendered) = self.chunks.take(chunk, &place)?
            {
                stream::write_event(&self.chunks.settings, rendered, out);
            }
        }
        if let Some(Value::Object(used)) = used {
            self.chunks.usage = Some(used);
        }
        Ok(self.chunks.end())
    }

    fn cut(&mut self, _out: &mut BytesMut) -> Result<StreamEnd> {
        Err(errors::cut(&self.target))
    }

    fn so_far(&self) -> StreamEnd {
        StreamEnd {
            complete: false,
            ..self.chunks.end()
        }
    }
}
