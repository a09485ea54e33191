//! The response object around the items: what was asked is told again in it.

use super::tools;
use crate::adapt::Target;
use crate::adapt::dialects::responses::ids;
use crate::params::Params;
use crate::request::Call;
use bytes::Bytes;
use serde_json::{Value, json};

/// What a response says of itself.
pub(super) struct Said<'a> {
    pub(super) id: &'a str,
    pub(super) created: i64,
    pub(super) model: &'a str,
    pub(super) status: &'static str,
    pub(super) incomplete: Option<&'static str>,
    pub(super) output: &'a [Value],
    pub(super) usage: Option<Value>,
    /// `provider_specific_fields`.
    pub(super) fields: Option<Value>,
}

/// Members that are told as they were asked.
const ASKED: [&str; 9] = [
    "instructions",
    "temperature",
    "top_p",
    "max_output_tokens",
    "previous_response_id",
    "reasoning",
    "truncation",
    "user",
    "store",
];

/// A response that is over. With `nulls`, members without a value are there as `null`.
pub(super) fn over(call: &Call, said: &Said<'_>, nulls: bool) -> Bytes {
    let mut told = begin(said);
    told.set("output", &said.output);
    let asked = &call.params;
    for name in ASKED {
        copy(&mut told, asked, name);
    }
    told.set("error", &Value::Null);
    let why = said.incomplete.map(|reason| json!({"reason": reason}));
    told.set("incomplete_details", &why);
    told.set_raw("metadata", given(asked, "metadata", b"{}"));
    told.set_raw("text", given(asked, "text", b"{}"));
    let parallel = asked.get::<bool>("parallel_tool_calls").unwrap_or(false);
    told.set("parallel_tool_calls", &parallel);
    choose(&mut told, asked, nulls);
    told.set("usage", &said.usage);
    if let Some(fields) = &said.fields {
        told.set("provider_specific_fields", fields);
    }
    finished(told, nulls)
}

/// A response that has begun.
pub(super) fn begun(call: &Call, said: &Said<'_>) -> Bytes {
    let asked = &call.params;
    let mut told = begin(said);
    told.set("output", &said.output);
    for name in [
        "instructions",
        "temperature",
        "text",
        "truncation",
        "user",
        "metadata",
    ] {
        copy(&mut told, asked, name);
    }
    told.set("parallel_tool_calls", &true);
    choose(&mut told, asked, false);
    told.set_raw("top_p", given(asked, "top_p", b"1.0"));
    told.set("reasoning", &json!({"effort": null, "summary": null}));
    told.set("store", &true);
    finished(told, false)
}

/// The response's id as the caller sees it. LiteLLM's blocking call leaves the id of a whole chat as it is.
pub(super) fn id(call: &Call, target: &Target, id: &str) -> String {
    let blocking = call.caller.route.is_empty() && !call.options.other.contains("aresponses");
    if blocking && !call.stream {
        return id.to_owned();
    }
    ids::Of::target(target).encoded(id)
}

fn begin(said: &Said<'_>) -> Params {
    let mut told = Params::default();
    told.set("id", &said.id);
    told.set("object", &"response");
    told.set("created_at", &said.created);
    told.set("status", &said.status);
    told.set("model", &said.model);
    told
}

fn choose(told: &mut Params, asked: &Params, nulls: bool) {
    let choice = asked.get::<Value>("tool_choice");
    told.set("tool_choice", &tools::told_choice(choice.as_ref()));
    told.set_raw("tools", tools::told(asked.raw("tools"), nulls));
}

fn copy(told: &mut Params, asked: &Params, name: &str) {
    told.set_raw(name, given(asked, name, b"null"));
}

fn given(asked: &Params, name: &str, default: &'static [u8]) -> Bytes {
    asked
        .raw(name)
        .filter(|raw| &raw[..] != b"null")
        .cloned()
        .unwrap_or_else(|| Bytes::from_static(default))
}

fn finished(mut told: Params, nulls: bool) -> Bytes {
    if !nulls {
        told.retain(|_, raw| &raw[..] != b"null");
    }
    told.to_json()
}
