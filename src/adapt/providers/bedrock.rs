//! Amazon Bedrock: Converse for most models ([`converse`], [`reply`], [`stream`]), the models' own forms for the others
//! ([`invoke`]), embeddings ([`embeddings`]).
//!
//! API: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html>. Requests
//! are signed where they are sent: `src/forward/sigv4.rs`.

mod converse;
mod errors;
pub mod eventstream;
mod format;
mod media;
mod messages;
mod metadata;
pub mod models;
mod reply;
mod stream;
mod system;
mod thinking;
mod tools;
mod whole;
mod wire;

use crate::adapt::canonical::{self, Context, Form};
use crate::adapt::stream_chunks::StreamSettings;
use crate::adapt::usage::{self, Object};
use crate::adapt::{Adapter, Auth, Fault, Head, Reply, StreamAdapter, Target, UpstreamRequest};
use crate::error::{Error, Result, Side};
use crate::request::{Call, Op};
use bytes::Bytes;
use models::Route;
use serde_json::Value;

pub use wire::{dns_suffix, settle_region};

/// The adapter.
pub struct Bedrock;

impl Adapter for Bedrock {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        match road(call, target)? {
            Road::Converse => {
                let (body, plan) = converse::body(call, target)?;
                let streamed = call.stream && !plan.fake_stream;
                let ask = wire::Ask {
                    params: &call.params,
                    verb: if streamed {
                        "converse-stream"
                    } else {
                        "converse"
                    },
                    headers: Vec::new(),
                };
                let body = serde_json::to_vec(&Value::Object(body)).unwrap_or_default();
                wire::upstream(call, target, ask, body.into())
            }
        }
    }

    fn auth(&self, call: &Call, target: &Target) -> Auth {
        wire::auth(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        match road(call, target)? {
            Road::Converse => {
                let reply: Object = serde_json::from_slice(&body).map_err(|_| {
                    errors::unreadable(target, "Expecting value: line 1 column 1 (char 0)")
                })?;
                let plan = converse::plan(call, target);
                let canonical = reply::canonical(call, target, &reply, &plan)?;
                Ok(finished(call, canonical))
            }
        }
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        let settings = StreamSettings {
            model: reply::shown_model(call, target),
            keep_extras: true,
            ..StreamSettings::of(call, target)
        };
        let plan = converse::plan(call, target);
        if plan.fake_stream {
            let settings = StreamSettings {
                keep_extras: false,
                ..settings
            };
            return Box::new(whole::WholeStream::new(settings, call, target, plan));
        }
        Box::new(stream::ConverseStream::new(settings, target, plan))
    }

    fn error(&self, _call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        errors::status(target, head, body)
    }

    fn fault(&self, call: &Call, target: &Target, fault: Fault) -> Error {
        errors::fault(call, target, fault)
    }
}

/// Which form a call is asked in.
enum Road {
    Converse,
}

/// # Errors
/// A way that is not built.
fn road(call: &Call, target: &Target) -> Result<Road> {
    let unbuilt = |what: &str| {
        Err(
            Error::bad_request(format!("{what} of Bedrock are not supported yet"))
                .side(Side::Gateway)
                .at(target.provider.name, &target.model),
        )
    };
    match (call.op, models::route(&target.model)) {
        (Op::Embeddings, _) => unbuilt("embeddings"),
        (_, Route::Converse) => Ok(Road::Converse),
        (_, Route::Invoke) => unbuilt("models in their own form"),
        (_, Route::Unbuilt(name)) => unbuilt(&format!("models of the route `{name}`")),
    }
}

/// A canonical chat as the reply to a call.
fn finished(call: &Call, canonical: Object) -> Reply {
    let used = match canonical.get("usage") {
        Some(Value::Object(used)) => Some(usage::counts(used, None)),
        _ => None,
    };
    let choice = canonical.get("choices").and_then(|choices| choices.get(0));
    let finish = choice
        .and_then(|choice| choice["finish_reason"].as_str())
        .map(str::to_owned);
    let canonical = match call.op {
        Op::TextCompletion => canonical::text_completion(
            canonical,
            &Context {
                form: Form::Direct,
                model_prefix: "",
                restamp: None,
                id: &call.id,
                created: call.created,
            },
        ),
        _ => canonical,
    };
    Reply {
        body: serde_json::to_vec(&canonical).unwrap_or_default().into(),
        usage: used,
        upstream_model: None,
        finish_reason: finish,
    }
}
