//! A streamed response, handed on event by event: the usage is read in passing.
//!
//! An event is its data: LiteLLM's streams name events in their `type` only. Events that carry the response are
//! spliced (id, model, cost), all others are the bytes that came, with the client's model behind in the server.

use super::place;
use super::reply::{finish, shown_model, used};
use crate::adapt::dialects::responses::ids;
use crate::adapt::sse::{Item, SseParser};
use crate::adapt::usage::{self, Object};
use crate::adapt::{StreamAdapter, StreamEnd, Target};
use crate::error::{Error, Result};
use crate::params::{Params, write_json_string};
use crate::request::Call;
use bytes::{BufMut, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::time::Duration;

/// The adapter of one stream.
pub(super) struct NativeStream {
    parser: SseParser,
    events: Events,
}

struct Events {
    target: Target,
    /// Raw JSON of the client's model.
    shown: Option<BytesMut>,
    ids: ids::Of,
    end: StreamEnd,
    begun: bool,
}

/// What is looked at of every event.
#[derive(Deserialize)]
struct Peek<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl NativeStream {
    pub(super) fn new(call: &Call, target: &Target) -> Self {
        let shown = shown_model(call).map(|model| {
            let mut raw = BytesMut::new();
            write_json_string(&mut raw, model);
            raw
        });
        Self {
            parser: SseParser::default(),
            events: Events {
                target: target.clone(),
                shown,
                ids: ids::Of::target(target),
                end: StreamEnd::default(),
                begun: false,
            },
        }
    }
}

impl StreamAdapter for NativeStream {
    fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self { parser, events } = self;
        parser.push(bytes, |item| events.item(item, out))
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let Self { parser, events } = self;
        parser.finish(|item| events.item(item, out))?;
        Ok(events.end.clone())
    }

    fn cut(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let end = self.finish(out)?;
        if end.complete {
            return Ok(end);
        }
        Err(place(&self.events.target).cut())
    }

    fn so_far(&self) -> StreamEnd {
        self.events.end.clone()
    }
}

impl Events {
    fn item(&mut self, item: Item<'_>, out: &mut BytesMut) -> Result<()> {
        match item {
            Item::Comment(comment) => {
                out.put_u8(b':');
                out.put_slice(comment);
                out.put_slice(b"\n\n");
                Ok(())
            }
            Item::Event {
                data: b"[DONE]", ..
            } => Ok(()),
            Item::Event { data, .. } => self.event(data, out),
        }
    }

    fn event(&mut self, data: &[u8], out: &mut BytesMut) -> Result<()> {
        let peek: Peek<'_> = serde_json::from_slice(data)
            .map_err(|_| place(&self.target).broken("an event of the stream is no JSON object"))?;
        let kind = peek.kind.as_deref().unwrap_or_default();
        if kind == "error" || (kind.is_empty() && peek.error.is_some()) {
            return Err(self.failure(data));
        }
        if kind == "response.failed" && !self.begun {
            return Err(self.failure(data));
        }
        self.begun = true;
        out.put_slice(b"data: ");
        match peek.response {
            None => self.as_it_came(data, out),
            Some(response) => self.with_response(kind, response, data, out),
        }
        out.put_slice(b"\n\n");
        Ok(())
    }

    /// The bytes that came, and the client's model as their last member.
    fn as_it_came(&self, data: &[u8], out: &mut BytesMut) {
        let trimmed = data.trim_ascii_end();
        match (&self.shown, trimmed.strip_suffix(b"}")) {
            (Some(shown), Some(open)) => {
                out.put_slice(open);
                out.put_slice(b",\"model\":");
                out.put_slice(shown);
                out.put_u8(b'}');
            }
            _ => out.put_slice(data),
        }
    }

    fn with_response(&mut self, kind: &str, response: &RawValue, data: &[u8], out: &mut BytesMut) {
        let raw = Bytes::copy_from_slice(response.get().as_bytes());
        let members = Params::parse(&Bytes::copy_from_slice(data));
        let (Ok(mut event), Ok(mut told)) = (members, Params::parse(&raw)) else {
            return self.as_it_came(data, out);
        };
        if let Some(id) = told.get::<String>("id") {
            told.set("id", &self.ids.encoded(&id));
        }
        if let Some(model) = told.get::<String>("model") {
            self.end.upstream_model = Some(model);
        }
        if matches!(
            kind,
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled"
        ) {
            self.over(&mut told);
        }
        if let Some(shown) = &self.shown {
            told.set_raw("model", Bytes::copy_from_slice(shown));
        }
        told.retain(|_, raw| &raw[..] != b"null");
        event.set_raw("response", told.to_json());
        if let Some(shown) = &self.shown {
            event.set_raw("model", Bytes::copy_from_slice(shown));
        }
        out.put_slice(&event.to_json());
    }

    /// The response is over: notes what it used, and tells what that costs.
    fn over(&mut self, told: &mut Params) {
        let reason: Option<Value> = told.get("incomplete_details");
        let status: Option<String> = told.get("status");
        self.end.finish_reason = finish(status.as_deref(), reason.as_ref());
        self.end.complete = true;
        let tier: Option<String> = told.get("service_tier");
        let Some(used) = used(told.raw("usage")) else {
            self.end.reported = Some(nothing());
            return;
        };
        let counts = usage::counts(&used, tier.as_deref());
        let cost = self
            .target
            .cost(&counts, self.end.upstream_model.as_deref(), || {
                Duration::ZERO
            })
            .map(|cost| cost.total)
            .filter(|cost| *cost > 0.0);
        if let Some(mut usage) = told.raw("usage").and_then(|raw| Params::parse(raw).ok())
            && let Some(cost) = cost
            && usage.get::<f64>("cost").is_none()
        {
            usage.set("cost", &cost);
            told.set_raw("usage", usage.to_json());
        }
        self.end.usage = Some(counts);
        self.end.reported = Some(used);
    }

    /// LiteLLM's error for one that an event tells.
    fn failure(&self, data: &[u8]) -> Error {
        let event: Value = serde_json::from_slice(data).unwrap_or_default();
        let told = event
            .get("error")
            .or_else(|| event.get("response")?.get("error"))
            .filter(|error| !error.is_null());
        place(&self.target).event(told.unwrap_or(&event))
    }
}

/// The usage of a response that told none.
pub(super) fn nothing() -> Object {
    ["prompt_tokens", "completion_tokens", "total_tokens"]
        .into_iter()
        .map(|name| (name.to_owned(), Value::from(0)))
        .collect()
}
