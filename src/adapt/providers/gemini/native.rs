//! Gemini's own dialect for a caller who speaks it: members and events go through as they are.
//!
//! <https://ai.google.dev/api/generate-content>, <https://ai.google.dev/api/tokens>

use super::{errors, reply, usage};
use crate::adapt::canonical::finish_reason;
use crate::adapt::providers::openai_request::with_defaults;
use crate::adapt::sse::{Item, SseParser};
use crate::adapt::usage::{self as canonical_usage, Object};
use crate::adapt::{Reply, StreamAdapter, StreamEnd, Target};
use crate::error::Result;
use crate::params::Params;
use crate::request::{Call, Format, Op};
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::Value;

/// What is asked, with the query that makes a stream one of events; `None` for an operation of another dialect.
pub fn verb(call: &Call) -> Option<&'static str> {
    match call.op {
        Op::GenerateContent => Some(super::request::verb(call)),
        Op::CountTokens if call.format == Format::Gemini => Some("countTokens"),
        _ => None,
    }
}

/// The members, raw: the caller's over the deployment's.
pub fn body(call: &Call, target: &Target) -> Bytes {
    let mut given = with_defaults(&call.params, &target.defaults).into_owned();
    for name in ["model", "stream"] {
        given.remove(name);
    }
    let mut body = Params::default();
    if call.op == Op::CountTokens {
        for name in ["contents", "generateContentRequest"] {
            if let Some(raw) = given.raw(name) {
                body.set_raw(name, raw.clone());
            }
        }
        return body.to_json();
    }
    // LiteLLM always names these.
    body.set("model", &target.model);
    body.set_raw("contents", Bytes::from_static(b"[]"));
    body.set_raw("tools", Bytes::from_static(b"null"));
    body.set_raw("generationConfig", Bytes::from_static(b"{}"));
    for (name, raw) in given.iter().chain(target.options.extra_body.iter()) {
        body.set_raw(name, raw.clone());
    }
    body.to_json()
}

/// A whole reply, as it came.
///
/// # Errors
/// A body that is no reply.
pub fn reply(call: &Call, target: &Target, body: Bytes) -> Result<Reply> {
    let said: Value = serde_json::from_slice(&body).map_err(|_| errors::not_json(target))?;
    if call.op == Op::CountTokens {
        return Ok(crate::adapt::providers::replies::whole(body));
    }
    let mut seen = Seen::default();
    seen.note(&said);
    Ok(Reply {
        body,
        usage: seen
            .used
            .as_ref()
            .map(|used| canonical_usage::counts(used, None)),
        upstream_model: seen.model,
        finish_reason: seen.finish,
    })
}

/// What accounting needs of a reply or of the events of one.
#[derive(Debug, Default)]
struct Seen {
    used: Option<Object>,
    model: Option<String>,
    finish: Option<String>,
}

impl Seen {
    fn note(&mut self, said: &Value) {
        let none = Vec::new();
        let candidates = said["candidates"].as_array().unwrap_or(&none);
        if let Value::Object(native) = &said["usageMetadata"] {
            self.used = Some(usage::canonical(native, reply::searches(candidates)));
        }
        if let Some(model) = said["modelVersion"].as_str() {
            self.model = Some(model.to_owned());
        }
        let finish = candidates
            .first()
            .and_then(|candidate| candidate["finishReason"].as_str());
        if let Some(finish) = finish {
            self.finish = Some(finish_reason(finish).to_owned());
        }
        if said["promptFeedback"].get("blockReason").is_some() {
            self.finish = Some("content_filter".to_owned());
        }
    }
}

/// A stream of events, handed on.
#[derive(Debug)]
pub struct NativeStream {
    parser: SseParser,
    target: Target,
    seen: Seen,
}

impl NativeStream {
    /// A stream that has not begun.
    pub fn new(target: &Target) -> Self {
        Self {
            parser: SseParser::default(),
            target: target.clone(),
            seen: Seen::default(),
        }
    }

    fn end(&self) -> StreamEnd {
        StreamEnd {
            complete: true,
            ..self.so_far()
        }
    }
}

impl StreamAdapter for NativeStream {
    fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self {
            parser,
            target,
            seen,
        } = self;
        parser.push(bytes, |item| event(&item, target, seen, out))
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let Self {
            parser,
            target,
            seen,
        } = self;
        parser.finish(|item| event(&item, target, seen, out))?;
        Ok(self.end())
    }

    fn cut(&mut self, _out: &mut BytesMut) -> Result<StreamEnd> {
        if self.seen.finish.is_none() {
            return Err(errors::cut(&self.target));
        }
        Ok(self.end())
    }

    fn so_far(&self) -> StreamEnd {
        let used = self.seen.used.clone();
        StreamEnd {
            usage: used
                .as_ref()
                .map(|used| canonical_usage::counts(used, None)),
            reported: used,
            upstream_model: self.seen.model.clone(),
            finish_reason: self.seen.finish.clone(),
            ..StreamEnd::default()
        }
    }
}

fn event(item: &Item<'_>, target: &Target, seen: &mut Seen, out: &mut BytesMut) -> Result<()> {
    let Item::Event { data, .. } = item else {
        return Ok(());
    };
    let said: Value = serde_json::from_slice(data).map_err(|_| errors::not_json(target))?;
    if said.get("error").is_some_and(|error| !error.is_null()) {
        return Err(errors::event(target, &said));
    }
    seen.note(&said);
    out.put_slice(b"data: ");
    out.put_slice(data);
    out.put_slice(b"\n\n");
    Ok(())
}

#[cfg(test)]
#[path = "native_tests.rs"]
mod tests;
