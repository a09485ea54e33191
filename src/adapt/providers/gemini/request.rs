//! The request: address, key, and the body put together.

use super::{contents, embeddings, generation, native, tools};
use crate::adapt::habits::Mapping;
use crate::adapt::providers::openai_request::text::as_chat;
use crate::adapt::providers::openai_request::{map_params, with_defaults};
use crate::adapt::usage::Object;
use crate::adapt::{Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

/// Version of the API at its own address.
const VERSION: &str = "v1beta";

/// Builds the request for a call at AI Studio.
///
/// # Errors
/// A parameter that Gemini does not take, messages that cannot be read, a key that no header may hold.
pub fn request(call: &Call, target: &Target) -> Result<UpstreamRequest> {
    let mut headers = headers(call, target)?;
    if let Some(key) = &target.api_key {
        let mut value = header_value(key.expose())?;
        value.set_sensitive(true);
        headers.insert("x-goog-api-key", value);
    }
    let (method, body) = match native::verb(call) {
        Some(method) => (method, native::body(call, target)),
        None if call.op == Op::Embeddings => (
            "batchEmbedContents",
            encode(embeddings::body(call, target)?),
        ),
        None => (verb(call), encode(body(call, target)?)),
    };
    Ok(UpstreamRequest {
        method: Method::POST,
        url: format!("{}/models/{}:{method}", base(target), target.model),
        headers,
        body: body.into(),
    })
}

/// What is asked of a chat model, with the query that makes a stream one of events.
pub fn verb(call: &Call) -> &'static str {
    if call.stream {
        "streamGenerateContent?alt=sse"
    } else {
        "generateContent"
    }
}

/// A body as bytes.
pub fn encode(body: Object) -> Bytes {
    serde_json::to_vec(&Value::Object(body))
        .unwrap_or_default()
        .into()
}

/// The caller's base as it is; Google's own with the version that it lacks.
fn base(target: &Target) -> String {
    let base = target.api_base.trim_end_matches('/');
    if base == target.provider.base_url {
        return format!("{base}/{VERSION}");
    }
    base.to_owned()
}

/// The headers that need no credential.
///
/// # Errors
/// A header of the caller that cannot be sent.
pub fn headers(call: &Call, target: &Target) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let json = match call.op {
        Op::Embeddings if target.provider.name == "gemini" => "application/json; charset=utf-8",
        _ => "application/json",
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(json));
    let extra = &target.options.extra_headers;
    for (name, value) in call.forward_headers.iter().chain(extra) {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Error::bad_request(format!("`{name}` is no name of a header")))?;
        headers.insert(name, header_value(value)?);
    }
    Ok(headers)
}

fn header_value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| {
        let what = "a key or header holds bytes that no header may hold";
        Error::new(ErrorKind::Authentication, what)
    })
}

/// The body of a chat.
///
/// # Errors
/// As [`request`].
pub fn body(call: &Call, target: &Target) -> Result<Object> {
    let asked;
    let call = if call.op == Op::TextCompletion {
        asked = as_chat(call)?;
        &asked
    } else {
        call
    };
    let given = with_defaults(&call.params, &target.defaults);
    let mapping = map_params(
        &given,
        target.provider,
        &target.model,
        target.supported(),
        &target.options,
        call.stream,
    )?;
    let messages: Vec<Object> = call.params.read("messages")?.unwrap_or_default();
    let mut turns = contents::contents(&messages, &target.model)?;
    let mut generation = generation::config(&mapping, &given)?;
    if let Some(level) = contents::media_resolution(&messages, &target.model) {
        generation.insert("mediaResolution".into(), json!(level));
    }
    if let Some(prompt) = generation::schema_prompt(&mapping) {
        turns.say(&prompt);
    }
    let mut body = Object::new();
    body.insert("contents".into(), Value::Array(turns.contents));
    if !turns.system.is_empty() {
        body.insert("system_instruction".into(), json!({"parts": turns.system}));
    }
    put_tools(&mut body, &mapping);
    if !generation.is_empty() {
        body.insert("generationConfig".into(), Value::Object(generation));
    }
    put_own(&mut body, &given);
    for (name, raw) in target.options.extra_body.iter() {
        if let Ok(value) = serde_json::from_slice(raw) {
            body.insert(name.into(), value);
        }
    }
    Ok(body)
}

fn put_tools(body: &mut Object, mapping: &Mapping<'_>) {
    let tools = tools::tools(mapping);
    if !tools.is_empty() {
        body.insert("tools".into(), Value::Array(tools));
    }
    if let Some(config) = tools::config(mapping) {
        body.insert("toolConfig".into(), config);
    }
}

/// Gemini's own members; every other name is left out, as LiteLLM leaves it.
fn put_own(body: &mut Object, given: &Params) {
    const OWN: [(&str, &str); 5] = [
        ("safety_settings", "safetySettings"),
        ("safetySettings", "safetySettings"),
        ("cached_content", "cachedContent"),
        ("cachedContent", "cachedContent"),
        ("labels", "labels"),
    ];
    for (name, wire) in OWN {
        if let Some(value) = given.get::<Value>(name) {
            body.insert(wire.into(), value);
        }
    }
}
