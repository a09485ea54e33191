//! OpenAI's protocol, spoken by OpenAI and every compatible provider.
//!
//! API: <https://platform.openai.com/docs/api-reference>. The request side is `openai_request`; replies are
//! [`canonical`], streams [`crate::adapt::stream`], errors [`crate::adapt::errors`].

use super::anthropic_native;
use super::openai_request;
use super::openai_responses;
use super::openai_whole::{self, WholeStream};
use crate::account::Usage;
use crate::adapt::canonical::{self, Context};
use crate::adapt::canonical_fast;
use crate::adapt::errors::{Family, Place, Wording};
use crate::adapt::json_fault;
use crate::adapt::registry::Via;
use crate::adapt::stream::{OpenAiStream, StreamPlace};
use crate::adapt::stream_chunks::StreamSettings;
use crate::adapt::usage::{self, Object};
use crate::adapt::{Adapter, Head, Reply, StreamAdapter, Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::request::{Call, Op};
use bytes::Bytes;
use memchr::memmem::Finder;
use serde_json::Value;
use std::sync::LazyLock;

/// The adapter.
pub struct OpenAi;

impl Adapter for OpenAi {
    fn asks(&self, call: &Call, target: &Target) -> Op {
        match call.op {
            Op::Messages if target.provider.messages.is_some() => Op::Messages,
            _ => openai_responses::asks(call, target),
        }
    }

    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        if call.op == Op::Messages {
            return anthropic_native::request(call, target);
        }
        openai_request::request(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        match call.op {
            Op::Responses | Op::Stored(_) => return openai_responses::reply(call, target, &body),
            Op::Messages => return anthropic_native::reply(call, target, &body),
            _ => {}
        }
        let body = if openai_request::plan(call, target).json_mode {
            openai_whole::unwrap_json_tool(body)
        } else {
            body
        };
        let prefix = model_prefix(target);
        let context = Context {
            form: target.provider.form,
            model_prefix: &prefix,
            restamp: restamp(call).filter(|_| !call.keep_upstream_model),
            id: &call.id,
            created: call.created,
        };
        let searches = u64::from(CITATION.find(&body).is_some());
        if call.op == Op::Chat
            && let Some(fast) = canonical_fast::chat(&body, &context)
        {
            return Ok(Reply {
                body: fast.body,
                usage: Some(searched(fast.usage, searches)),
                upstream_model: Some(fast.upstream_model),
                finish_reason: fast.finish_reason,
            });
        }
        let place = Place::of(call, target);
        let reply: Object = match serde_json::from_slice(&body) {
            Ok(Value::Object(reply)) => reply,
            Ok(_) => return Err(invalid(&place, NOT_A_REPLY, &body)),
            Err(_) if !is_json(head) && !body.is_empty() => {
                return Err(invalid(&place, NOT_A_REPLY, &body));
            }
            Err(_) => return Err(invalid(&place, &json_fault::describe(&body), &body)),
        };
        if let Some(error) = failure(&reply, call.op, &place) {
            return Err(error);
        }
        let upstream_model = text_of(&reply, "model");
        let tier = text_of(&reply, "service_tier");
        let reply = match call.op {
            Op::TextCompletion => canonical::text_completion(reply, &context),
            Op::Embeddings => canonical::embeddings(reply, &context),
            _ => canonical::chat(reply, &context),
        };
        let used = reply.get("usage").and_then(Value::as_object);
        let usage = used.map(|used| searched(usage::counts(used, tier.as_deref()), searches));
        let finish_reason = reply
            .get("choices")
            .and_then(|choices| choices.get(0)?.get("finish_reason")?.as_str())
            .map(str::to_owned);
        Ok(Reply {
            usage,
            upstream_model,
            finish_reason,
            body: serde_json::to_vec(&Value::Object(reply))
                .unwrap_or_default()
                .into(),
        })
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        match call.op {
            Op::Responses => return openai_responses::stream(call, target),
            Op::Messages => return Box::new(anthropic_native::NativeStream::new(call, target)),
            _ => {}
        }
        streamed(call, target, |settings| settings)
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        Place::of(call, target).status(head.status.as_u16(), &head.headers, body)
    }
}

/// One streamed reply, under settings that an adapter may adjust.
pub(super) fn streamed(
    call: &Call,
    target: &Target,
    adjust: impl FnOnce(StreamSettings) -> StreamSettings,
) -> Box<dyn StreamAdapter> {
    let provider = target.provider;
    let sdk = provider.via == Via::Sdk;
    // LiteLLM reads every stream of the OpenAI client as OpenAI's own, but for Azure's.
    let as_openai = sdk && provider.family != Family::Azure;
    let place = StreamPlace {
        provider: if as_openai { "openai" } else { provider.name }.to_owned(),
        model: target.model.clone(),
        wording: if sdk { Wording::Message } else { Wording::Body },
        family: if as_openai {
            Family::OpenAi
        } else {
            provider.family
        },
    };
    let chooses_model = provider.family == Family::OpenRouter;
    let in_process = restamp(call).is_none();
    let prefix = model_prefix(target);
    let converted = provider.form == canonical::Form::Converted;
    let names_upstream = provider.habits.names_upstream && in_process;
    let prefixed = sdk && converted && !prefix.is_empty() && in_process;
    let stream = Box::new(OpenAiStream::new(
        place,
        adjust(StreamSettings {
            closing_model: (prefixed || names_upstream)
                .then(|| format!("{prefix}{}", target.model)),
            keep_extras: sdk,
            open_router: chooses_model,
            upstream_model: names_upstream || (chooses_model && in_process),
            ..StreamSettings::of(call, target)
        }),
    ));
    let plan = openai_request::plan(call, target);
    if plan.fake_stream {
        return Box::new(WholeStream::new(stream, plan.json_mode));
    }
    stream
}

/// What a chat that searched the web has among its annotations. Texts cannot hold it: their quotes are escaped.
static CITATION: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(r#""url_citation""#));

/// A reply that cites pages without a count of searches is billed for one.
fn searched(mut usage: Usage, searches: u64) -> Usage {
    usage.web_search_requests = usage.web_search_requests.max(searches);
    usage
}

/// What LiteLLM puts before the model's name, in whole replies and in the chunks that it makes itself.
fn model_prefix(target: &Target) -> String {
    let provider = target.provider;
    if provider
        .habits
        .prefixed
        .is_some_and(|prefixed| prefixed(target.known_as()))
    {
        return format!("{}/", provider.name);
    }
    let prefixes =
        (provider.prefixes_model || provider.via == Via::Sdk) && !provider.habits.names_upstream;
    match provider.name {
        "openai" => String::new(),
        name if prefixes => format!("{name}/"),
        _ => String::new(),
    }
}

/// The name that replies carry instead of the upstream's: the client's, in the server; none in process.
fn restamp(call: &Call) -> Option<&str> {
    (!call.caller.route.is_empty()).then(|| call.shown_model())
}

/// A 2xx reply that is a failure all the same.
fn failure(reply: &Object, op: Op, place: &Place<'_>) -> Option<Error> {
    let detail = reply.get("error").filter(|detail| !detail.is_null());
    let meant = detail.is_some_and(|detail| match detail {
        Value::Object(detail) => {
            text_of(detail, "message").is_some_and(|message| !message.is_empty())
                || detail.get("code").is_some_and(|code| !code.is_null())
        }
        Value::String(text) => !text.is_empty(),
        _ => true,
    });
    if meant && op != Op::Embeddings {
        let detail = detail?;
        let code = detail.get("code").and_then(Value::as_u64);
        return Some(match code {
            Some(code @ 400..=599) => {
                let body = serde_json::to_vec(&Value::Object(reply.clone())).unwrap_or_default();
                place.status(code as u16, &http::HeaderMap::new(), &body)
            }
            _ => api_error(place, ""),
        });
    }
    let list = if op == Op::Embeddings {
        "data"
    } else {
        "choices"
    };
    if reply.get(list).is_some_and(Value::is_array) {
        return None;
    }
    let known = KNOWN.iter().filter(|name| reply.contains_key(**name));
    let others = reply.keys().filter(|name| !KNOWN.contains(&name.as_str()));
    let names: Vec<String> = known
        .map(|name| format!("'{name}'"))
        .chain(others.map(|name| format!("'{name}'")))
        .collect();
    let names = names.join(", ");
    Some(internal_error(
        place,
        &format!(
            "litellm.APIError: LiteLLM: provider returned a response with no '{list}'. Raw keys: [{names}]"
        ),
    ))
}

/// Members of a chat completion in the order in which OpenAI's client lists them.
const KNOWN: [&str; 7] = [
    "id",
    "created",
    "model",
    "object",
    "service_tier",
    "system_fingerprint",
    "usage",
];

const NOT_A_REPLY: &str = "Empty or invalid response from LLM endpoint.";

fn api_error(place: &Place<'_>, what: &str) -> Error {
    renamed(place, what, ErrorKind::Api, "APIError")
}

fn internal_error(place: &Place<'_>, what: &str) -> Error {
    if place.family == Family::Azure {
        return api_error(place, what);
    }
    renamed(
        place,
        what,
        ErrorKind::InternalServer,
        "InternalServerError",
    )
}

fn renamed(place: &Place<'_>, what: &str, kind: ErrorKind, label: &str) -> Error {
    let mut error = place.broken(what);
    error.kind = kind;
    error.message = error.message.replacen("APIConnectionError", label, 1);
    error.side = Side::Upstream;
    error
}

/// A 2xx reply that is not a JSON object.
fn invalid(place: &Place<'_>, what: &str, body: &Bytes) -> Error {
    internal_error(place, what).hint(format!(
        "the upstream answered {} bytes that are not a JSON object; does its address speak this protocol",
        body.len()
    ))
}

fn is_json(head: &Head) -> bool {
    head.headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_none_or(|value| value.contains("json"))
}

fn text_of(object: &Object, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(str::to_owned)
}

#[cfg(test)]
#[path = "openai_tests.rs"]
mod tests;
