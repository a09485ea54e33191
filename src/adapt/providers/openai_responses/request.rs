//! The body and the path of a call.

use super::{Native, input};
use crate::adapt::Target;
use crate::adapt::dialects::responses::ids;
use crate::adapt::habits::openai;
use crate::adapt::params::{self, drop_paths, facts};
use crate::adapt::providers::openai_request::with_defaults;
use crate::error::{Error, ErrorKind, Result};
use crate::params::Params;
use crate::request::{Call, Op, Stored};
use serde_json::Value;
use std::borrow::Cow;

/// Members that a call may have besides `model` and `input`.
#[rustfmt::skip]
const OPTIONAL: &[&str] = &[
    "background", "context_management", "conversation", "include", "instructions", "max_output_tokens",
    "max_tool_calls", "metadata", "parallel_tool_calls", "previous_response_id", "prompt", "prompt_cache_key",
    "prompt_cache_retention", "reasoning", "safety_identifier", "service_tier", "store", "stream_options", "temperature",
    "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user",
];

/// Members of a deployment that belong to other operations.
const NOT_HERE: [&str; 2] = ["messages", "max_retries"];

/// The path of a call below the target's base.
pub fn path(call: &Call, target: &Target) -> Cow<'static, str> {
    let root = target.provider.responses.map_or("", |native| native.root);
    let base = target.api_base.trim_end_matches('/');
    if root.is_empty() || base.ends_with(root) {
        return below_root(call);
    }
    format!("{root}{}", below_root(call)).into()
}

fn below_root(call: &Call) -> Cow<'static, str> {
    let Op::Stored(stored) = call.op else {
        return "/responses".into();
    };
    let id: String = call.params.get("response_id").unwrap_or_default();
    let id = escaped(&ids::own(&id));
    match stored {
        Stored::Get | Stored::Delete => format!("/responses/{id}").into(),
        Stored::Cancel => format!("/responses/{id}/cancel").into(),
        Stored::InputItems => format!("/responses/{id}/input_items").into(),
        Stored::Compact => "/responses/compact".into(),
        Stored::InputTokens => "/responses/input_tokens".into(),
    }
}

/// A text as a segment of a path or a value of a query: it comes from outside, and must not become more than that.
pub(super) fn escaped(id: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing into a text cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The members that go up: the caller's over the deployment's, raw.
///
/// # Errors
/// A parameter that the model does not take.
pub fn body(call: &Call, target: &Target, native: &Native) -> Result<Params> {
    let mut body = with_defaults(&call.params, &target.defaults).into_owned();
    let dropped = &target.options.additional_drop_params;
    body.retain(|name, raw| {
        &raw[..] != b"null" && !NOT_HERE.contains(&name) && !dropped.iter().any(|d| d == name)
    });
    match target.provider.habits.model {
        Some(named) => body.set("model", &named(&target.model)),
        None => body.set("model", &target.model),
    }
    let stream = call.stream && !super::slices(target);
    if stream {
        body.set("stream", &true);
    } else {
        body.remove("stream");
    }
    if let Some(most) = body.get::<u64>("max_output_tokens")
        && (1..native.least_output).contains(&most)
    {
        body.set("max_output_tokens", &native.least_output);
    }
    if let Some(id) = body.get::<String>("previous_response_id") {
        body.set("previous_response_id", &ids::own(&id));
    }
    if let Some(given) = body.raw("input").cloned() {
        body.set_raw("input", input::replayable(given));
    }
    if let Some(tools) = body.raw("tools").cloned() {
        body.set_raw("tools", input::unmarked(tools));
    }
    if native.checks_effort {
        check_effort(&mut body, call, target)?;
    }
    check_sampling(&mut body, call, target)?;
    check_taken(&mut body, call, target, native)?;
    if let Some(map) = native.body {
        map(&mut body);
    }
    for (name, raw) in target.options.extra_body.iter() {
        body.set_raw(name, raw.clone());
    }
    drop_paths::drop_paths(&mut body, dropped);
    Ok(body)
}

fn drops(call: &Call, target: &Target) -> bool {
    let said = call.options.drop_params.or(target.options.drop_params);
    said.unwrap_or(false)
}

/// What the provider does not take is dropped or refused.
fn check_taken(body: &mut Params, call: &Call, target: &Target, native: &Native) -> Result<()> {
    let Some(takes) = native.takes else {
        return Ok(());
    };
    let refused = |name: &str| OPTIONAL.contains(&name) && !takes.contains(&name);
    let names: Vec<&str> = OPTIONAL
        .iter()
        .copied()
        .filter(|name| body.contains(name) && refused(name))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    if !drops(call, target) {
        return Err(params::unsupported(
            &names,
            target.provider.name,
            &target.model,
        ));
    }
    body.retain(|name, _| !refused(name));
    Ok(())
}

/// An effort asked of a model that does not reason is a mistake that OpenAI would tell later.
fn check_effort(body: &mut Params, call: &Call, target: &Target) -> Result<()> {
    let effort = body
        .get::<Value>("reasoning")
        .and_then(|reasoning| reasoning.get("effort").cloned())
        .filter(|effort| !effort.is_null());
    let model = &target.model;
    let provider = target.provider.name;
    let listed = facts::known(model, provider);
    let reasons = !listed || facts::supports(model, provider, "supports_reasoning");
    if effort.is_none() || reasons {
        return Ok(());
    }
    if drops(call, target) {
        body.remove("reasoning");
        return Ok(());
    }
    Err(unsupported(format!(
        "{model} doesn't support `reasoning.effort` (its model cost map entry lacks `supports_reasoning`). \
         To drop unsupported params set `litellm.drop_params = True`"
    )))
}

/// GPT-5 takes `temperature` and `top_p` only while it does not reason.
fn check_sampling(body: &mut Params, call: &Call, target: &Target) -> Result<()> {
    let model = &target.model;
    let at = openai::At {
        model: target.options.base_model.as_deref().unwrap_or(model),
        provider: target.provider.name,
    };
    if !matches!(target.provider.name, "openai" | "azure")
        || openai::family(at.model) != openai::Family::Gpt5
    {
        return Ok(());
    }
    let effort = body
        .get::<Value>("reasoning")
        .and_then(|reasoning| Some(reasoning.get("effort")?.as_str()?.to_owned()));
    let unreasoned = openai::reasons_not(at, effort.as_deref());
    let warm = body
        .get::<f64>("temperature")
        .is_some_and(|temperature| temperature != 1.0);
    let wrong: Vec<&str> = [("temperature", warm), ("top_p", body.contains("top_p"))]
        .into_iter()
        .filter(|(_, given)| *given && !unreasoned)
        .map(|(name, _)| name)
        .collect();
    for name in wrong {
        if !drops(call, target) {
            return Err(unsupported(format!(
                "{model} doesn't support `{name}` while reasoning is active: `reasoning.effort` has to be 'none'. \
                 To drop unsupported params set `litellm.drop_params = True`"
            )));
        }
        body.remove(name);
    }
    Ok(())
}

fn unsupported(message: String) -> Error {
    Error::new(ErrorKind::UnsupportedParams, message)
}
