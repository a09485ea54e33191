//! Codestral's completions between two texts ("fill in the middle"): a prompt and a suffix go, a chat comes back.
//!
//! API: <https://docs.mistral.ai/api/endpoint/fim>. Vertex AI serves the same form.

use super::openai::OpenAi;
use super::openai_request::{map_params, wire, with_defaults};
use super::replies;
use crate::adapt::canonical::{self, Context, Form};
use crate::adapt::registry::Provider;
use crate::adapt::stream::{OpenAiStream, StreamPlace};
use crate::adapt::stream_chunks::StreamSettings;
use crate::adapt::{Adapter, Head, Reply, StreamAdapter, Target, UpstreamRequest, params, usage};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;
use http::Method;
use serde_json::Value;

/// The adapter.
pub struct Codestral;

impl Adapter for Codestral {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        Ok(UpstreamRequest {
            method: Method::POST,
            url: target.api_base.clone(),
            headers: wire::headers(call, target)?,
            body: body(call, target, target.provider, &target.model)?
                .to_json()
                .into(),
        })
    }

    fn reply(&self, call: &Call, target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        reply(call, target, &body)
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        stream(call, target)
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        OpenAi.error(call, target, head, body)
    }
}

/// The body of a completion. `row` lists the parameters that are taken.
///
/// # Errors
/// A parameter that is not taken, or a prompt that is no text.
pub fn body(call: &Call, target: &Target, row: &'static Provider, model: &str) -> Result<Params> {
    let mut given = with_defaults(&call.params, &target.defaults).into_owned();
    let prompt = prompt(&mut given, call.op).ok_or_else(|| {
        Error::bad_request(
            "Codestral completes one text: `prompt` must be a text or a list of texts",
        )
        .at(target.provider.name, model)
    })?;
    let supported = params::supported(row, model);
    let mut mapping = map_params(&given, row, model, &supported, &target.options, call.stream)?;
    if let Some(most) = mapping.params.remove("max_completion_tokens") {
        mapping.params.set_raw("max_tokens", most);
    }
    if let Some(seed) = mapping.params.remove("seed") {
        mapping.params.set_raw("random_seed", seed);
    }
    let mut body = Params::default();
    body.set("model", &model);
    body.set("prompt", &prompt);
    for (name, raw) in mapping.params.iter().chain(mapping.extra.iter()) {
        body.set_raw(name, raw.clone());
    }
    if call.stream {
        body.set("stream", &true);
    }
    for name in ["max_retries", "extra_headers"] {
        body.remove(name);
    }
    Ok(body)
}

/// The text to be continued: all prompts, or all that the messages of a chat say.
fn prompt(given: &mut Params, op: Op) -> Option<String> {
    if op == Op::Chat {
        let messages: Vec<Value> = serde_json::from_slice(&given.remove("messages")?).ok()?;
        return messages
            .iter()
            .map(|message| match &message["content"] {
                Value::String(text) => Some(text.clone()),
                Value::Array(parts) => parts
                    .iter()
                    .map(|part| part["text"].as_str())
                    .collect::<Option<String>>(),
                _ => None,
            })
            .collect();
    }
    match serde_json::from_slice(&given.remove("prompt")?).ok()? {
        Value::String(text) => Some(text),
        Value::Array(texts) if !texts.is_empty() => texts
            .iter()
            .map(|text| text.as_str())
            .collect::<Option<String>>(),
        _ => None,
    }
}

/// A whole reply.
///
/// # Errors
/// A reply that is no JSON object.
pub fn reply(call: &Call, target: &Target, body: &[u8]) -> Result<Reply> {
    let mut reply = replies::object(target, body)?;
    let upstream_model = reply
        .get("model")
        .and_then(Value::as_str)
        .map(str::to_owned);
    for name in ["system_fingerprint", "service_tier"] {
        reply.remove(name);
    }
    let context = Context {
        form: Form::Direct,
        model_prefix: "",
        restamp: (!call.caller.route.is_empty()).then(|| call.shown_model()),
        id: &call.id,
        created: call.created,
    };
    let reply = match call.op {
        Op::TextCompletion => canonical::text_completion(reply, &context),
        _ => canonical::chat(reply, &context),
    };
    let used = reply.get("usage").and_then(Value::as_object);
    let usage = used.map(|used| usage::counts(used, None));
    let finish = reply["choices"][0]["finish_reason"].as_str();
    let finish_reason = finish.map(str::to_owned);
    Ok(Reply {
        body: serde_json::to_vec(&reply).unwrap_or_default().into(),
        usage,
        upstream_model,
        finish_reason,
    })
}

/// A streamed reply, told under the call's own id.
pub fn stream(call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
    let place = replies::place(target);
    let place = StreamPlace {
        provider: place.provider.to_owned(),
        model: target.model.clone(),
        wording: place.wording,
        family: place.family,
    };
    let settings = StreamSettings {
        own_id: true,
        hides_fingerprint: true,
        ..StreamSettings::of(call, target)
    };
    Box::new(OpenAiStream::new(place, settings))
}

#[cfg(test)]
#[path = "codestral_tests.rs"]
mod tests;
