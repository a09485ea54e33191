//! From an HTTP request to a [`Call`]: the body read within its limit and parsed once, the settings that LiteLLM
//! takes from headers, and what a client may not say taken out.

use super::auth::text;
use super::pace::{Limits, Pace, TooSlow};
use super::refusal::Refusal;
use super::reply::name;
use super::{json_fault, known, pace, wishes};
use crate::config::Config;
use crate::options::{Options, is_usual};
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;
use http_body_util::{LengthLimitError, Limited};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// Largest body unless `max_request_size_mb` says otherwise: a long context with pictures, bounded all the same.
const MAX_BODY: usize = 100 << 20;

/// Members by which a client would direct the call, or the provider's key, elsewhere.
const NOT_FROM_CLIENTS: &[&str] = &[
    "api_base",
    "base_url",
    "api_key",
    "api_version",
    "organization",
    "custom_llm_provider",
    "user_config",
    "mock_response",
    "mock_tool_calls",
    "mock_timeout",
    "mock_delay",
    "mock_testing_fallbacks",
    "mock_testing_context_fallbacks",
    "mock_testing_content_policy_fallbacks",
    "mock_testing_rate_limit_error",
    "model_list",
    "model_info",
    "base_model",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_bedrock_runtime_endpoint",
    "aws_sts_endpoint",
    "aws_web_identity_token",
    "aws_role_name",
    "aws_profile_name",
    "aws_session_name",
    "aws_external_id",
    "user_url_allowed_hosts",
    "user_url_validation",
    "vertex_credentials",
    "vertex_project",
    "vertex_location",
    "azure_ad_token",
    "tenant_id",
    "client_id",
    "client_secret",
];

/// Members that make up a failure or a delay.
const MOCKS: &[&str] = &[
    "mock_testing_fallbacks",
    "mock_testing_context_fallbacks",
    "mock_testing_content_policy_fallbacks",
    "mock_testing_rate_limit_error",
    "mock_timeout",
    "mock_delay",
];

/// Prefixes of price settings, which are the operator's.
const PRICES: &[&str] = &["input_cost_per_", "output_cost_per_", "cache_"];

/// What a body may be.
pub fn limits(config: &Config) -> Limits {
    let megabytes = config.general.max_request_size_mb;
    let time = config.general.client_body_timeout;
    Limits {
        bytes: megabytes.map_or(MAX_BODY, |mb| (mb.max(0.0) * f64::from(1 << 20)) as usize),
        time: Some(time.unwrap_or(pace::TIME)).filter(|time| !time.is_zero()),
    }
}

/// Reads a whole body.
///
/// # Errors
/// 413 when it is longer than allowed, 408 when it comes too slowly, 400 when the client stops sending.
pub async fn read<B>(body: B, limits: Limits) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match whole(Limited::new(body, limits.bytes), limits).await? {
        Ok(whole) => Ok(whole),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::new(
            413,
            "bad_request_error",
            format!(
                "Request size is too large. Max size is {} MB",
                limits.bytes >> 20
            ),
        )),
        Err(_) => Err(Refusal::new(
            400,
            "invalid_request_error",
            "the request body ended early",
        )),
    }
}

async fn whole<B: Body<Data = Bytes>>(
    body: B,
    limits: Limits,
) -> Result<Result<Bytes, B::Error>, TooSlow> {
    let mut body = pin!(body);
    let mut pace = Pace::new(limits);
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    loop {
        let data = match pace.frame(body.as_mut()).await? {
            None => break,
            Some(Err(error)) => return Ok(Err(error)),
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        };
        if first.is_empty() && whole.is_empty() {
            first = data;
            continue;
        }
        if whole.is_empty() {
            let rest = body.size_hint().lower().min(1 << 20) as usize;
            whole.reserve(first.len() + data.len() + rest);
            whole.extend_from_slice(&std::mem::take(&mut first));
        }
        whole.extend_from_slice(&data);
    }
    Ok(Ok(if whole.is_empty() {
        first
    } else {
        whole.freeze()
    }))
}

/// The members of a body: JSON, or a form.
///
/// # Errors
/// 400 for what is no JSON object, in LiteLLM's words.
pub fn members(headers: &HeaderMap, body: &Bytes) -> Result<Params, Refusal> {
    let kind = headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    // JSON that a client forgot to name so (`curl -d`) is JSON all the same.
    let looks_like_json = body.first() == Some(&b'{');
    if kind.starts_with("application/x-www-form-urlencoded") && !looks_like_json {
        return Ok(form(body));
    }
    if body.is_empty() {
        return Ok(Params::default());
    }
    Params::parse(body).map_err(|error| {
        Refusal::new(
            400,
            "invalid_request_error",
            format!(
                "Invalid JSON payload: {}",
                json_fault::explain(body, &error)
            ),
        )
        .param("request_body")
    })
}

/// `a=b&c=d`, every value a text.
fn form(body: &[u8]) -> Params {
    let mut params = Params::default();
    for pair in String::from_utf8_lossy(body).split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !name.is_empty() {
            let plain =
                |text: &str| super::routes::percent_decoded(&text.replace('+', " ")).into_owned();
            params.set(&plain(name), &plain(value));
        }
    }
    params
}

/// Who calls, as far as the connection and the route tell.
#[derive(Clone)]
pub struct From<'a> {
    /// The request's method.
    pub method: &'a http::Method,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// The route, as the table has it: what metrics name.
    pub path: &'static str,
    /// The query.
    pub query: &'a str,
    /// The model of the path, or the id of a response.
    pub path_model: Option<&'a str>,
    /// Address of the client.
    pub peer: Arc<str>,
}

/// Builds the call.
///
/// # Errors
/// 400 for a model that is no text, or for settings of the wrong type.
pub fn call(
    op: Op,
    mut params: Params,
    from: &From<'_>,
    config: &Config,
) -> Result<Box<Call>, Refusal> {
    let named: Option<String> = params.get("model");
    let model = model(op, &params, named.as_deref(), from.path_model, config)?;
    if named.as_deref() != Some(&*model) {
        params.set_text("model", &model);
    }
    if params.iter().any(|(name, _)| refused(name)) {
        params.retain(|name, value| {
            !refused(name) || known::left_to_clients(config, &model, name, value)
        });
    }
    let mut call = Box::new(Call::new(op, model, params));
    let Call {
        options, params, ..
    } = &mut *call;
    options
        .take_for(op, params)
        .map_err(|e| Refusal::new(400, "invalid_request_error", &*e.message))?;
    settings_of_headers(&mut call.options, from.headers)?;
    call.options.ask_stream_usage = config.general.always_include_stream_usage;
    call.keep_upstream_model = named.is_none() || matches!(op, Op::Stored(_));
    call.shown_model = named.filter(|named| *named != call.model);
    if let Some(id) = text(from.headers, name!("x-litellm-call-id")) {
        id.clone_into(&mut call.id);
    }
    call.caller.hashed_key = config
        .general
        .master_key
        .as_ref()
        .map(|_| super::auth::MASTER.into());
    call.caller.user_id = Some("default_user_id".into());
    call.caller.end_user = end_user(&call, from.headers);
    call.caller.client_ip = Some(from.peer.clone());
    call.caller.user_agent = text(from.headers, http::header::USER_AGENT).map(str::to_owned);
    call.caller.method = from.method.clone();
    call.caller.route = from.path.into();
    if op == Op::GenerateContent {
        call.stream = from.path.ends_with(":streamGenerateContent");
    }
    call.dialect_headers = op
        .format()
        .headers()
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), text(from.headers, *name)?.to_owned())))
        .collect();
    wishes::take(&mut call, from.headers, config).map_err(|name| {
        let message = format!("header `{name}` must be a whole number");
        Refusal::new(400, "invalid_request_error", message).param(name)
    })?;
    if config.general.forward_client_headers_to_llm_api {
        call.forward_headers = forwarded(from.headers, config);
    }
    Ok(call)
}

/// The model: what the configuration forces, else the path's, else the body's.
fn model(
    op: Op,
    params: &Params,
    named: Option<&str>,
    path: Option<&str>,
    config: &Config,
) -> Result<String, Refusal> {
    let forced = match op {
        Op::Chat
        | Op::TextCompletion
        | Op::Messages
        | Op::GenerateContent
        | Op::CountTokens
        | Op::Responses => config.general.completion_model.as_deref(),
        Op::Embeddings => config.general.embedding_model.as_deref(),
        _ => None,
    };
    if let Some(model) = forced.or(path).or(named) {
        return Ok(model.to_owned());
    }
    match params.raw("model") {
        Some(raw) if &raw[..] != b"null" => {
            Err(Refusal::new(400, "bad_request_error", "'model' must be a string.").param("model"))
        }
        _ => Ok(String::new()),
    }
}

/// The members by which this client wants failures or delays made up.
pub fn mocks(params: &Params, config: &Config) -> Vec<&'static str> {
    let allowed = config
        .general
        .other
        .get("dangerously_allow_mock_testing_request_params")
        == Some(&serde_json::Value::Bool(true));
    let asked = |name: &&&str| {
        let raw = params.raw(name);
        raw.is_some_and(|raw| !matches!(&raw[..], b"null" | b"false"))
    };
    if allowed {
        return Vec::new();
    }
    MOCKS.iter().filter(asked).copied().collect()
}

/// Whether a member is not for a client to say.
pub fn refused(name: &str) -> bool {
    if is_usual(name) {
        return false;
    }
    let price = || PRICES.iter().any(|prefix| name.starts_with(prefix));
    NOT_FROM_CLIENTS.contains(&name) || (price() && name != "cache_control")
}

/// Headers win over the body, as in LiteLLM.
fn settings_of_headers(options: &mut Options, headers: &HeaderMap) -> Result<(), Refusal> {
    // Most requests have none, and one look at the names costs less than five searches.
    if !headers
        .keys()
        .any(|name| name.as_str().starts_with("x-litellm-"))
    {
        return Ok(());
    }
    if let Some(timeout) = seconds(headers, "x-litellm-timeout")? {
        options.timeout = Some(timeout);
    }
    if let Some(timeout) = seconds(headers, "x-litellm-stream-timeout")? {
        options.stream_timeout = Some(timeout);
    }
    if let Some(retries) = number(headers, "x-litellm-num-retries")? {
        options.num_retries = Some(retries.max(0.0) as u32);
    }
    if let Some(retries) = number(headers, "x-litellm-max-retries")? {
        options.max_retries = Some(retries.max(0.0) as u32);
    }
    if let Some(tags) = text(headers, "x-litellm-tags") {
        let tags = tags.split(',').map(str::trim).filter(|tag| !tag.is_empty());
        options.tags.extend(tags.map(str::to_owned));
    }
    Ok(())
}

fn seconds(headers: &HeaderMap, name: &str) -> Result<Option<Duration>, Refusal> {
    let number = number(headers, name)?;
    Ok(number.and_then(|n| Duration::try_from_secs_f64(n).ok()))
}

fn number(headers: &HeaderMap, name: &str) -> Result<Option<f64>, Refusal> {
    let Some(value) = text(headers, name) else {
        return Ok(None);
    };
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Some(number)),
        _ => Err(Refusal::new(
            400,
            "invalid_request_error",
            format!("header `{name}` must be a number"),
        )
        .param(name)),
    }
}

fn end_user(call: &Call, headers: &HeaderMap) -> Option<String> {
    text(headers, name!("x-litellm-customer-id"))
        .or_else(|| text(headers, name!("x-litellm-end-user-id")))
        .map(str::to_owned)
        .or_else(|| call.params.get("user"))
}

/// `x-` headers go upstream where the configuration says so; never a key, nor what OpenAI's SDK says of itself.
fn forwarded(headers: &HeaderMap, config: &Config) -> Vec<(String, String)> {
    let house = config
        .general
        .litellm_key_header_name
        .as_ref()
        .map(|name| name.to_ascii_lowercase());
    let key_headers = ["x-api-key", "x-goog-api-key", "x-litellm-api-key"];
    headers
        .iter()
        .filter(|(name, _)| {
            let name = name.as_str();
            (name.starts_with("x-") && !name.starts_with("x-stainless")
                || name.starts_with("anthropic-beta"))
                && !key_headers.contains(&name)
                && house.as_deref() != Some(name)
        })
        .filter_map(|(name, value)| {
            let value = value.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
#[path = "inbound_tests.rs"]
mod tests;
