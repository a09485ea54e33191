//! From a body to what goes over the wire: address, headers, key.

use crate::adapt::registry::Via;
use crate::adapt::{Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::params::Params;
use crate::request::Call;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Headers that a request usually has at most, those of the connection included.
const USUAL: usize = 12;

/// The request of a body for a path below the target's base.
pub fn upstream(
    call: &Call,
    target: &Target,
    path: &str,
    body: &Params,
) -> Result<UpstreamRequest> {
    Ok(UpstreamRequest {
        method: Method::POST,
        url: url(target, path),
        headers: headers(call, target)?,
        body: body.to_json().into(),
    })
}

fn url(target: &Target, path: &str) -> String {
    let base = target.api_base.as_str();
    if base.ends_with(path) {
        return base.to_owned();
    }
    if let Some(address) = target.provider.habits.address {
        return address(base, path);
    }
    if target.provider.name == "minimax" && !base.ends_with("/v1") {
        return format!("{base}/v1{path}");
    }
    if target.provider.name == "volcengine" && path == "/embeddings" && !base.ends_with("/api/v3") {
        return format!("{base}/api/v3{path}");
    }
    if target.provider.name == "perplexity" && path == "/embeddings" {
        return format!("{base}/v1{path}");
    }
    if target.provider.name == "bigmodel" && !base.contains("/api/paas/v4") {
        return format!("{base}/api/paas/v4{path}");
    }
    [base, path].concat()
}

/// Whether a base URL is OpenAI's own.
pub fn is_openai_host(api_base: &str) -> bool {
    is_host_of(api_base, "openai.com")
}

/// Whether a base URL is at a domain.
pub fn is_host_of(api_base: &str, domain: &str) -> bool {
    let rest = api_base
        .split_once("://")
        .map_or(api_base, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The headers of a request, with the key as a bearer token.
///
/// # Errors
/// A key or a header that cannot be sent, and a missing key where LiteLLM refuses to call without one.
pub fn headers(call: &Call, target: &Target) -> Result<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(USUAL);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in target.provider.habits.headers {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    let own_authorization = target
        .options
        .extra_headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    match target.bearer()? {
        Some(token) => {
            headers.insert(AUTHORIZATION, token);
        }
        None if own_authorization => {}
        None => missing_key(target)?,
    }
    if let Some(organization) = &target.options.organization {
        insert(&mut headers, "openai-organization", organization)?;
    }
    insert_given(&mut headers, call, target)?;
    Ok(headers)
}

/// Adds the headers that the client or the deployment gives.
///
/// # Errors
/// A header that cannot be sent.
pub fn insert_given(headers: &mut HeaderMap, call: &Call, target: &Target) -> Result<()> {
    call.forward_headers
        .iter()
        .chain(&target.options.extra_headers)
        .try_for_each(|(name, value)| insert(headers, name, value))
}

/// What a call without a key is. Where LiteLLM calls through the OpenAI SDK, the SDK refuses; elsewhere most providers
/// are asked without one, because local servers want none.
pub fn missing_key(target: &Target) -> Result<()> {
    let provider = target.provider;
    let hint = provider.key_env.first().map_or_else(
        || "pass `api_key`".to_owned(),
        |name| format!("pass `api_key` or set `{name}`"),
    );
    let (kind, message) = match (provider.via, provider.name) {
        (_, "bigmodel") => (
            ErrorKind::Authentication,
            "Set BIGMODEL_API_KEY or pass api_key".to_owned(),
        ),
        (_, "fireworks_ai") => (
            ErrorKind::ApiConnection,
            format!(
                "APIConnectionError: {} - FIREWORKS_API_KEY is not set",
                provider.exception_name()
            ),
        ),
        (Via::Sdk, name) => {
            let name = name.to_uppercase();
            (
                ErrorKind::InternalServer,
                format!(
                    "InternalServerError: {} - Missing credentials. Please pass an `api_key`, `workload_identity`, \
                     `admin_api_key`, or set the `{name}_API_KEY` or `{name}_ADMIN_KEY` environment variable.",
                    provider.exception_name()
                ),
            )
        }
        _ => return Ok(()),
    };
    let mut error = Error::new(kind, message)
        .hint(hint)
        .side(Side::Client)
        .at(provider.name, &target.model);
    error.retry = false;
    Err(error)
}

/// A header's value, marked sensitive so that no log shows it.
///
/// # Errors
/// Bytes that no header may hold.
pub fn secret(text: String, target: &Target) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_maybe_shared(Bytes::from(text)).map_err(|_| {
        Error::new(
            ErrorKind::Authentication,
            "the api key holds bytes that no header may hold",
        )
        .at(target.provider.name, &target.model)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<()> {
    let bad = || Error::bad_request(format!("header `{name}` cannot be sent"));
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
    let value = HeaderValue::from_str(value).map_err(|_| bad())?;
    headers.insert(header, value);
    Ok(())
}
