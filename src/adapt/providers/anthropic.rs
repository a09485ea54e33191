//! Anthropic's Messages protocol.
//!
//! API: <https://docs.anthropic.com/en/api/messages>. The request is [`super::anthropic_request`], the stream
//! [`super::anthropic_stream`].

use super::anthropic_native;
use super::anthropic_reply;
use super::anthropic_request;
use super::anthropic_stream::AnthropicStream;
use super::replies;
use crate::account::tokens::Encoding;
use crate::adapt::canonical::{self, Context, finish_reason, into_object};
use crate::adapt::errors::{Family, Place, Wording};
use crate::adapt::faults;
use crate::adapt::stream_chunks::StreamSettings;
use crate::adapt::usage::{self, Object};
use crate::adapt::{Adapter, Fault, Head, Inline, Reply, StreamAdapter, Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::request::{Call, Format, Op};
use bytes::Bytes;
use serde_json::{Value, json};

/// The adapter.
pub struct Anthropic;

impl Adapter for Anthropic {
    fn inline(&self, _call: &Call, _target: &Target) -> Inline {
        Inline::InTheClear
    }

    fn asks(&self, call: &Call, _target: &Target) -> Op {
        match (call.op, call.format) {
            (Op::Messages, _) | (Op::CountTokens, Format::Anthropic) => call.op,
            (other, _) => other.carrier(),
        }
    }

    fn unfetched(&self, _call: &Call, target: &Target, url: &str, why: &str) -> Error {
        let text = format!("Error: Unable to fetch image from URL. {why} url={url}");
        Error::bad_request(text).at(target.provider.name, &target.model)
    }

    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        match call.op {
            Op::Messages => return anthropic_native::request(call, target),
            Op::CountTokens => return anthropic_native::count(call, target),
            _ => {}
        }
        anthropic_request::request(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        match call.op {
            Op::Messages => return anthropic_native::reply(call, target, &body),
            Op::CountTokens => return Ok(replies::whole(body)),
            _ => {}
        }
        let reply: Object = serde_json::from_slice(&body)
            .map_err(|_| place(target).broken("the reply is not a JSON object"))?;
        if let Some(detail) = reply.get("error").filter(|detail| !detail.is_null()) {
            return Err(event_error(target, detail));
        }
        let upstream_model = reply
            .get("model")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let native = reply.get("stop_reason").and_then(Value::as_str);
        let plan = anthropic_request::plan(call, target);
        let mut finish = finish_reason(native.unwrap_or("stop"));
        let empty = Vec::new();
        let blocks = reply
            .get("content")
            .and_then(Value::as_array)
            .unwrap_or(&empty);
        let mut message = anthropic_reply::message(&reply, blocks, &plan.names);
        if plan.json_mode && anthropic_reply::unwrap_json_tool(&mut message, native) {
            finish = "stop";
        }
        let mut used = used(
            reply.get("usage"),
            !message.contains_key("reasoning_content"),
        );
        if let Some(thoughts) = message.get("reasoning_content").and_then(Value::as_str) {
            reasoning(&mut used, reply.get("usage"), thoughts);
        }
        let counts = usage::counts(&used, None);
        let model = shown_model(call)
            .filter(|_| !call.keep_upstream_model)
            .map(str::to_owned)
            .or_else(|| upstream_model.clone());
        let canonical = into_object(json!({
            "id": format!("chatcmpl-{}", call.id),
            "created": call.created,
            "model": model,
            "object": "chat.completion",
            "choices": [{"index": 0, "finish_reason": finish, "message": message}],
            "usage": used,
        }));
        let canonical = match call.op {
            Op::TextCompletion => with_all_usage(canonical::text_completion(
                canonical,
                &Context {
                    form: target.provider.form,
                    model_prefix: "",
                    restamp: None,
                    id: &call.id,
                    created: call.created,
                },
            )),
            _ => canonical,
        };
        Ok(Reply {
            body: serde_json::to_vec(&canonical).unwrap_or_default().into(),
            usage: Some(counts),
            upstream_model,
            finish_reason: Some(finish.to_owned()),
        })
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        if call.op == Op::Messages {
            return Box::new(anthropic_native::NativeStream::new(call, target));
        }
        let settings = StreamSettings {
            text: false,
            ..StreamSettings::of(call, target)
        };
        let plan = anthropic_request::plan(call, target);
        Box::new(AnthropicStream::new(settings, target, plan))
    }

    fn fault(&self, call: &Call, target: &Target, fault: Fault) -> Error {
        if !matches!(fault, Fault::Connection | Fault::Unreachable) {
            return faults::fault(call, target, fault);
        }
        let kind = ErrorKind::InternalServer;
        let mut error = Error::new(
            kind,
            format!(
                "AnthropicException - Server disconnected without sending a response.. Handle with `litellm.{}`.",
                kind.row().class
            ),
        )
        .at(target.provider.name, &target.model)
        .side(Side::Upstream);
        error.retry = true;
        error
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        let status = head.status.as_u16();
        let mut error = place(target).status(status, &head.headers, body);
        let text = String::from_utf8_lossy(body);
        if let Some(named) = named(target, &text, &text) {
            error.kind = named.kind;
            error.status = named.status;
            error.message.clone_from(&named.message);
            error.openai_type = None;
            error.retry = named.retry;
        } else if matches!(status, 500 | 503 | 529) && call.op != Op::Messages {
            error.kind = match status {
                503 => ErrorKind::ServiceUnavailable,
                _ => ErrorKind::InternalServer,
            };
            error.status = error.kind.row().status;
            let handle = format!(". Handle with `litellm.{}`.", error.kind.row().class);
            error.message.push_str(&handle);
        }
        error
    }
}

/// Text completions show all members of usage, and Claude's has more than OpenAI's.
fn with_all_usage(mut reply: Object) -> Object {
    if let Some(Value::Object(used)) = reply.get_mut("usage") {
        for name in ["iterations", "inference_geo", "speed", "service_tier"] {
            used.entry(name).or_insert(Value::Null);
        }
    }
    reply
}

/// The error that an event or a 2xx reply carries.
pub(super) fn event_error(target: &Target, detail: &Value) -> Error {
    let message = detail.get("message").and_then(Value::as_str).unwrap_or("");
    let kind = detail.get("type").and_then(Value::as_str).unwrap_or("");
    named(target, &format!("{kind} {message}"), message)
        .unwrap_or_else(|| place(target).event(detail))
}

/// The errors that Anthropic's texts tell, whatever the status.
fn named(target: &Target, text: &str, shown: &str) -> Option<Error> {
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    let (kind, label) = if has(&["prompt is too long", "prompt: length"]) {
        (
            ErrorKind::ContextWindowExceeded,
            "litellm.BadRequestError: ",
        )
    } else if has(&["overloaded_error", "Overloaded"]) {
        (ErrorKind::InternalServer, "")
    } else if has(&["Invalid API Key"]) {
        (ErrorKind::Authentication, "")
    } else if has(&["content filtering policy"]) {
        (ErrorKind::ContentPolicyViolation, "")
    } else {
        return None;
    };
    let error = Error::new(kind, format!("{label}AnthropicError - {shown}"));
    Some(
        error
            .at(target.provider.name, &target.model)
            .side(Side::Upstream),
    )
}

pub(super) fn place(target: &Target) -> Place<'_> {
    Place {
        provider: target.provider.name,
        model: &target.model,
        wording: Wording::Body,
        family: Family::Status,
    }
}

/// The server shows the client's name of the model.
pub(super) fn shown_model(call: &Call) -> Option<&str> {
    (!call.caller.route.is_empty()).then(|| call.shown_model())
}

/// Tells reasoning from text: what Anthropic reports, else counted as LiteLLM counts it.
pub(super) fn reasoning(used: &mut Object, native: Option<&Value>, thoughts: &str) {
    let output = usage::count(used, "completion_tokens");
    let reported =
        native.and_then(|native| native["output_tokens_details"]["thinking_tokens"].as_u64());
    let thinking = match reported {
        Some(reported) => reported,
        None if thoughts.is_empty() => return,
        None => Encoding::of("").count(thoughts).try_into().unwrap_or(0),
    };
    let thinking = thinking.min(output);
    let details = json!({"reasoning_tokens": thinking, "text_tokens": output - thinking});
    used.insert("completion_tokens_details".into(), details);
}

/// Anthropic counts cached input apart; OpenAI's prompt tokens are all of it. `split` says whether the output is all
/// text, so that it can be told from reasoning without counting.
pub(super) fn used(native: Option<&Value>, split: bool) -> Object {
    let empty = Object::new();
    let native = native.and_then(Value::as_object).unwrap_or(&empty);
    let input = usage::count(native, "input_tokens");
    let output = usage::count(native, "output_tokens");
    let written = usage::count(native, "cache_creation_input_tokens");
    let read = usage::count(native, "cache_read_input_tokens");
    let prompt = input + written + read;
    let mut details = into_object(json!({"cached_tokens": read, "text_tokens": input,
        "cache_write_tokens": written, "cache_creation_tokens": written}));
    if let Some(creation) = native.get("cache_creation").filter(|c| c.is_object()) {
        details.insert("cache_creation_token_details".into(), creation.clone());
    }
    let mut used = into_object(json!({
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": details,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
    }));
    if split {
        let details = json!({"reasoning_tokens": 0, "text_tokens": output});
        used.insert("completion_tokens_details".into(), details);
    }
    used
}

#[cfg(test)]
#[path = "anthropic_tests.rs"]
mod tests;
