//! Google's Gemini protocol, as AI Studio and Vertex AI both speak it.
//!
//! API: <https://ai.google.dev/api/generate-content>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>.

mod contents;
pub(super) mod embeddings;
pub(super) mod errors;
mod generation;
pub mod native;
mod parts;
mod reply;
pub mod request;
mod schema;
mod stream;
mod tools;
mod usage;

pub(crate) use contents::is_gemini_3;

use crate::adapt::canonical::{self, Context, Form};
use crate::adapt::stream_chunks::StreamSettings;
use crate::adapt::usage::Object;
use crate::adapt::{Adapter, Fault, Head, Inline, Reply, StreamAdapter, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::request::{Call, Op};
use bytes::Bytes;
use serde_json::{Value, json};

/// The adapter of AI Studio.
pub struct Gemini;

impl Adapter for Gemini {
    fn inline(&self, _call: &Call, _target: &Target) -> Inline {
        Inline::InTheClear
    }

    fn asks(&self, call: &Call, _target: &Target) -> Op {
        match native::verb(call) {
            Some(_) => call.op,
            None => call.op.carrier(),
        }
    }

    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        request::request(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        if native::verb(call).is_some() {
            return native::reply(call, target, body);
        }
        let reply: Object = serde_json::from_slice(&body).map_err(|_| errors::not_json(target))?;
        if call.op == Op::Embeddings {
            return Ok(embeddings::reply(call, target, &reply));
        }
        let canonical = reply::canonical(call, target, &reply);
        let used = match canonical.get("usage") {
            Some(Value::Object(used)) => Some(crate::adapt::usage::counts(used, None)),
            _ => None,
        };
        let finish = canonical["choices"][0]["finish_reason"].as_str();
        let finish_reason = finish.map(str::to_owned);
        let canonical = match call.op {
            Op::TextCompletion => text_completion(call, canonical),
            _ => canonical,
        };
        Ok(Reply {
            body: serde_json::to_vec(&canonical).unwrap_or_default().into(),
            usage: used,
            upstream_model: reply
                .get("modelVersion")
                .and_then(Value::as_str)
                .map(str::to_owned),
            finish_reason,
        })
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        if native::verb(call).is_some() {
            return Box::new(native::NativeStream::new(target));
        }
        let settings = StreamSettings {
            // The server's chunks have OpenAI's members only.
            keep_extras: call.op == Op::Chat && call.caller.route.is_empty(),
            open_end: true,
            ..StreamSettings::of(call, target)
        };
        Box::new(stream::GeminiStream::new(settings, target))
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        errors::status(call, target, head, body)
    }

    fn fault(&self, call: &Call, target: &Target, fault: Fault) -> Error {
        errors::fault(call, target, fault)
    }
}

/// The model that a reply shows: the client's name in the server, else the one that served.
fn shown_model(call: &Call, target: &Target, served: Option<&Value>) -> Value {
    if !call.caller.route.is_empty() {
        return json!(call.shown_model());
    }
    served
        .filter(|served| served.as_str().is_some_and(|name| !name.is_empty()))
        .cloned()
        .unwrap_or_else(|| json!(target.model))
}

fn text_completion(call: &Call, chat: Value) -> Value {
    let context = Context {
        form: Form::Direct,
        model_prefix: "",
        restamp: None,
        id: &call.id,
        created: call.created,
    };
    Value::Object(canonical::text_completion(
        canonical::into_object(chat),
        &context,
    ))
}

#[cfg(test)]
#[path = "gemini/tests.rs"]
mod tests;
