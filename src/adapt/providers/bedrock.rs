//! Amazon Bedrock: Converse for most models ([`converse`], [`reply`], [`stream`]), the models' own forms for the others
//! ([`claude`], [`texts`], [`chunks`]), embeddings ([`embeddings`]).
//!
//! API: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html>. Requests
//! are signed where they are sent: `src/forward/sigv4.rs`.

pub mod chunks;
mod claude;
mod converse;
pub(super) mod embeddings;
mod errors;
pub mod eventstream;
mod format;
mod media;
mod messages;
mod metadata;
pub mod models;
pub(super) mod prompts;
mod reply;
mod stream;
mod system;
mod texts;
mod thinking;
mod tools;
mod whole;
pub mod wire;

use super::anthropic::Anthropic;
use super::anthropic_native;
use super::anthropic_request;
use super::anthropic_stream::AnthropicStream;
use crate::adapt::canonical::{self, Context, Form};
use crate::adapt::stream_chunks::StreamSettings;
use crate::adapt::usage::{self, Object};
use crate::adapt::{
    Adapter, Auth, Fault, Head, Inline, Reply, StreamAdapter, Target, UpstreamRequest,
};
use crate::error::{Error, Result, Side};
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;
use models::{Family, Route};
use serde_json::Value;

pub(super) use wire::betas;
pub use wire::{dns_suffix, invoked, rerank_address, rerank_headers, settle_region};

/// The adapter.
pub struct Bedrock;

impl Adapter for Bedrock {
    fn inline(&self, call: &Call, target: &Target) -> Inline {
        match road(call, target) {
            Ok(Road::Converse | Road::Claude) => Inline::All,
            _ => Inline::None,
        }
    }

    fn unfetched(&self, _call: &Call, target: &Target, url: &str, why: &str) -> Error {
        let text = format!("Unable to fetch image from URL. {why} url={url}");
        let mut error = errors::broken(target, &text).side(Side::Client);
        error.retry = false;
        error
    }

    fn asks(&self, call: &Call, target: &Target) -> Op {
        let claude = models::is_claude(&target.model) && !target.model.starts_with("converse/");
        match call.op {
            Op::Messages if claude => Op::Messages,
            other => other.carrier(),
        }
    }

    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let ask = |verb, headers| wire::Ask {
            params: &call.params,
            verb,
            headers,
        };
        let upstream = |ask, body: Params| wire::upstream(call, target, ask, body.to_json());
        let invoke = if call.stream {
            "invoke-with-response-stream"
        } else {
            "invoke"
        };
        match road(call, target)? {
            Road::Converse => {
                let (body, plan) = converse::body(call, target)?;
                let streamed = call.stream && !plan.fake_stream;
                let verb = if streamed {
                    "converse-stream"
                } else {
                    "converse"
                };
                upstream(ask(verb, Vec::new()), body)
            }
            Road::Claude => {
                let (body, announced) = claude::body(call, target)?;
                let mut headers = guardrail(call, target);
                if announced && wire::betas(call, target).is_empty() {
                    headers.push(("anthropic-beta", claude::FORMS.to_owned()));
                }
                upstream(ask(invoke, headers), body)
            }
            Road::Messages => {
                let body = claude::native(call, target)?;
                upstream(ask(invoke, guardrail(call, target)), body)
            }
            Road::Text(family) => {
                let body = texts::body(call, target, family)?;
                let body = serde_json::to_vec(&body).unwrap_or_default().into();
                wire::upstream(call, target, ask(invoke, guardrail(call, target)), body)
            }
            Road::Embeddings => {
                let first = embeddings::requests(call, target)?.into_iter().next();
                first.ok_or_else(|| Error::bad_request("`input` is empty"))
            }
        }
    }

    fn further(&self, call: &Call, target: &Target) -> Result<Vec<UpstreamRequest>> {
        if call.op != Op::Embeddings {
            return Ok(Vec::new());
        }
        let requests = embeddings::requests(call, target)?;
        Ok(requests.into_iter().skip(1).collect())
    }

    fn auth(&self, call: &Call, target: &Target) -> Auth {
        wire::auth(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        match road(call, target)? {
            Road::Converse => {
                let reply: Object = serde_json::from_slice(&body).map_err(|_| {
                    errors::unreadable(target, "Expecting value: line 1 column 1 (char 0)")
                })?;
                let plan = converse::plan(call, target);
                let canonical = reply::canonical(call, target, &reply, &plan)?;
                Ok(finished(call, canonical))
            }
            Road::Claude => Anthropic.reply(call, &claude::as_claude(target), head, body),
            Road::Messages => anthropic_native::reply(call, target, &body),
            Road::Text(family) => texts::reply(call, target, head, &body, family),
            Road::Embeddings => embeddings::reply(call, target, &body),
        }
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        let settings = StreamSettings {
            model: reply::shown_model(call, target),
            keep_extras: true,
            ..StreamSettings::of(call, target)
        };
        match road(call, target) {
            Ok(Road::Messages) => {
                let inner = anthropic_native::NativeStream::new(call, target);
                return Box::new(chunks::ClaudeStream::new(target, Box::new(inner)));
            }
            Ok(Road::Claude) => {
                let settings = StreamSettings {
                    text: false,
                    keep_extras: false,
                    ..settings
                };
                let own = claude::as_claude(target);
                let plan = anthropic_request::plan(call, &own);
                let inner = AnthropicStream::new(settings, &own, plan);
                return Box::new(chunks::ClaudeStream::new(target, Box::new(inner)));
            }
            Ok(Road::Text(_)) => {
                let settings = StreamSettings {
                    keep_extras: false,
                    ..settings
                };
                return Box::new(chunks::TextStream::new(settings, target));
            }
            _ => {}
        }
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
    Claude,
    /// Claude, for a caller who speaks its dialect.
    Messages,
    Text(Family),
    Embeddings,
}

/// # Errors
/// A way that is not built.
fn road(call: &Call, target: &Target) -> Result<Road> {
    let unbuilt = |what: &str| {
        Err(Error::bad_request(format!("{what} are not supported yet"))
            .hint("most models are served by Converse: put `converse/` before the model's name")
            .side(Side::Gateway)
            .at(target.provider.name, &target.model))
    };
    if call.op == Op::Embeddings {
        return Ok(Road::Embeddings);
    }
    if call.op == Op::Messages {
        return Ok(Road::Messages);
    }
    match (models::route(&target.model), models::family(&target.model)) {
        (Route::Converse, _) => Ok(Road::Converse),
        (Route::Invoke, Some(Family::Anthropic)) => Ok(Road::Claude),
        (Route::Invoke, Some(family)) if texts::is_built(family) => Ok(Road::Text(family)),
        (Route::Invoke, _) => unbuilt("models of this family in their own form"),
        (Route::Unbuilt(name), _) => unbuilt(&format!("models of Bedrock's route `{name}`")),
    }
}

/// The headers of the guardrail that a call names, for models that are invoked.
fn guardrail(call: &Call, target: &Target) -> Vec<(&'static str, String)> {
    const NAME: &str = "guardrailConfig";
    let own = call.params.get::<Value>(NAME);
    let config = own.or_else(|| target.defaults.get(NAME));
    config.as_ref().map(claude::guardrail).unwrap_or_default()
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
