//! A whole reply: as it came, with the id and the model's name that the caller knows, and the members that LiteLLM's
//! objects always have.

use super::place;
use crate::adapt::dialects::responses::ids;
use crate::adapt::json_fault;
use crate::adapt::usage::{self, Object};
use crate::adapt::{Reply, Target};
use crate::error::{ErrorKind, Result, Side};
use crate::params::Params;
use crate::request::{Call, Op, Stored};
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::Value;
use serde_json::value::RawValue;

/// Members of a response that are `null` when the provider does not say them.
const MEMBERS: [&str; 18] = [
    "error",
    "incomplete_details",
    "instructions",
    "metadata",
    "parallel_tool_calls",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
    "max_output_tokens",
    "previous_response_id",
    "reasoning",
    "status",
    "text",
    "truncation",
    "usage",
    "user",
    "store",
];

const INPUT_DETAILS: [&str; 5] = [
    "audio_tokens",
    "cached_tokens_details",
    "image_tokens",
    "text_tokens",
    "video_tokens",
];

/// A reply in the caller's form.
///
/// # Errors
/// A body that is no JSON object.
pub fn reply(call: &Call, target: &Target, body: &Bytes) -> Result<Reply> {
    let mut members = Params::parse(body).map_err(|_| {
        let mut error = place(target).broken(&json_fault::describe(body));
        error.kind = ErrorKind::InternalServer;
        error.side = Side::Upstream;
        error
    })?;
    let is_response = match call.op {
        Op::Stored(stored) => matches!(stored, Stored::Get | Stored::Cancel),
        _ => true,
    };
    if !is_response {
        if let Some(id) = members.get::<String>("id") {
            members.set("id", &ids::Of::target(target).encoded(&id));
        }
        return Ok(told(members, None, None));
    }
    let used = used(members.raw("usage"));
    let tier: Option<String> = members.get("service_tier");
    let counts = used
        .as_ref()
        .map(|used| usage::counts(used, tier.as_deref()));
    let upstream_model: Option<String> = members.get("model");
    named(&mut members, call, target);
    for name in MEMBERS {
        if !members.contains(name) {
            members.set_raw(name, NULL);
        }
    }
    if let Some(output) = members.raw("output").cloned() {
        members.set_raw("output", completed(&output));
    }
    if let Some(raw) = members.raw("usage").and_then(|raw| Params::parse(raw).ok()) {
        members.set_raw("usage", detailed(raw));
    }
    // What a stored response once used is paid for.
    let counts = counts.filter(|_| call.op == Op::Responses || call.op == Op::Chat);
    Ok(told(members, counts, upstream_model))
}

const NULL: Bytes = Bytes::from_static(b"null");

fn told(members: Params, usage: Option<crate::account::Usage>, model: Option<String>) -> Reply {
    let finish_reason = members.get("status");
    Reply {
        body: members.to_json(),
        usage,
        upstream_model: model,
        finish_reason,
    }
}

/// The id and the model as the caller knows them.
pub(super) fn named(members: &mut Params, call: &Call, target: &Target) {
    if let Some(id) = members.get::<String>("id") {
        members.set("id", &ids::Of::target(target).encoded(&id));
    }
    if let Some(shown) = shown_model(call)
        && members.contains("model")
    {
        members.set("model", &shown);
    }
}

/// The name that replies carry instead of the upstream's: the client's, in the server; none in process.
pub(super) fn shown_model(call: &Call) -> Option<&str> {
    let served = !call.caller.route.is_empty() && !call.keep_upstream_model;
    served
        .then(|| call.shown_model())
        .filter(|model| !model.is_empty())
}

/// Usage in chat's names: what pricing and metrics read.
pub(crate) fn used(raw: Option<&Bytes>) -> Option<Object> {
    let given: Object = serde_json::from_slice(raw?).ok()?;
    let mut used = Object::new();
    for (from, to) in [
        ("input_tokens", "prompt_tokens"),
        ("output_tokens", "completion_tokens"),
        ("total_tokens", "total_tokens"),
        ("input_tokens_details", "prompt_tokens_details"),
        ("output_tokens_details", "completion_tokens_details"),
        ("cost", "cost"),
    ] {
        if let Some(value) = given.get(from).filter(|value| !value.is_null()) {
            used.insert(to.into(), value.clone());
        }
    }
    Some(usage::canonical(used))
}

/// `usage` with every detail.
fn detailed(mut usage: Params) -> Bytes {
    for (name, details) in [
        ("input_tokens_details", &INPUT_DETAILS[..]),
        ("output_tokens_details", &["audio_tokens", "text_tokens"]),
    ] {
        match usage.raw(name).and_then(|raw| Params::parse(raw).ok()) {
            Some(mut given) => {
                fill(&mut given, details);
                usage.set_raw(name, given.to_json());
            }
            None => usage.set_raw(name, NULL),
        }
    }
    fill(&mut usage, &["cost"]);
    usage.to_json()
}

/// The items of an output with every member that LiteLLM's classes have.
fn completed(output: &Bytes) -> Bytes {
    each(output, |item| match item.get::<String>("type").as_deref() {
        Some("message") => {
            if let Some(content) = item.raw("content").cloned() {
                let content = each(&content, |part| {
                    if part.get::<String>("type").as_deref() == Some("output_text") {
                        fill(part, &["logprobs"]);
                    }
                });
                item.set_raw("content", content);
            }
            fill(item, &["phase"]);
        }
        Some("function_call") => fill(item, &["async", "caller", "namespace"]),
        _ => {}
    })
}

/// A list of objects, each changed; what is no such list stays as it is.
fn each(list: &Bytes, mut change: impl FnMut(&mut Params)) -> Bytes {
    let Ok(values) = serde_json::from_slice::<Vec<&RawValue>>(list) else {
        return list.clone();
    };
    let mut out = BytesMut::with_capacity(list.len() + 64);
    out.put_u8(b'[');
    for (i, raw) in values.iter().enumerate() {
        if i > 0 {
            out.put_u8(b',');
        }
        let raw = list.slice_ref(raw.get().as_bytes());
        match Params::parse(&raw) {
            Ok(mut members) => {
                change(&mut members);
                out.put_slice(&members.to_json());
            }
            Err(_) => out.put_slice(&raw),
        }
    }
    out.put_u8(b']');
    out.freeze()
}

fn fill(members: &mut Params, names: &[&str]) {
    for name in names {
        if !members.contains(name) {
            members.set_raw(name, NULL);
        }
    }
}

/// The finish reason of a chat that ended as a response did.
pub(crate) fn finish(status: Option<&str>, reason: Option<&Value>) -> Option<String> {
    match (
        status?,
        reason.and_then(|reason| reason.get("reason")?.as_str()),
    ) {
        ("incomplete", Some("content_filter")) => Some("content_filter".to_owned()),
        ("incomplete", _) => Some("length".to_owned()),
        ("completed", _) => Some("stop".to_owned()),
        (other, _) => Some(other.to_owned()),
    }
}
