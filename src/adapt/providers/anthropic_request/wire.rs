//! From a body to what goes over the wire to Anthropic's own API: address, headers, key.

use super::Built;
use crate::adapt::providers::openai_request::wire as openai;
use crate::adapt::{Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::request::Call;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// The protocol's version.
const VERSION: &str = "2023-06-01";
/// Keys of this kind are OAuth tokens, and go where those go.
const OAUTH_PREFIX: &str = "sk-ant-oat";
const BETA: &str = "anthropic-beta";

/// The request of a body.
pub fn upstream(call: &Call, target: &Target, built: Built) -> Result<UpstreamRequest> {
    Ok(UpstreamRequest {
        method: Method::POST,
        url: url(target),
        headers: headers(call, target, &built)?,
        body: built.members.to_json().into(),
    })
}

/// The request of a caller who speaks the protocol: the body as it is, the caller's version and features kept.
///
/// # Errors
/// A missing key, a header that cannot be sent.
pub fn native(
    call: &Call,
    target: &Target,
    below: &str,
    betas: &[&'static str],
    body: Bytes,
) -> Result<UpstreamRequest> {
    let built = Built {
        betas: betas.iter().copied().collect(),
        ..Built::default()
    };
    Ok(UpstreamRequest {
        method: Method::POST,
        url: url(target) + below,
        headers: headers(call, target, &built)?,
        body: body.into(),
    })
}

/// The address: a base, with or without the path.
fn url(target: &Target) -> String {
    let given = target.api_base.trim_end_matches('/');
    let own = target.provider.base_url.trim_end_matches('/');
    let (base, root) = match target.provider.messages {
        Some(native) if given == own && !native.base.is_empty() => (native.base, native.root),
        Some(native) => (given, native.root),
        None => (given, ""),
    };
    if base.ends_with("/v1/messages") {
        return base.to_owned();
    }
    let base = base.trim_end_matches("/v1").trim_end_matches("/beta");
    let root = if base.ends_with(root) { "" } else { root };
    format!("{base}{root}/v1/messages")
}

fn headers(call: &Call, target: &Target, built: &Built) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let mut betas: Vec<String> = Vec::new();
    let extra = call
        .forward_headers
        .iter()
        .chain(&call.dialect_headers)
        .chain(&target.options.extra_headers);
    for (name, value) in extra {
        if name.eq_ignore_ascii_case(BETA) {
            betas.extend(value.split(',').map(|beta| beta.trim().to_owned()));
        } else {
            insert(&mut headers, name, value)?;
        }
    }
    // The protocol's own win over the caller's.
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if call.dialect_headers.is_empty() || !headers.contains_key("anthropic-version") {
        headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
    }
    betas.extend(built.betas.iter().map(|beta| (*beta).to_owned()));
    credentials(&mut headers, &mut betas, target)?;
    let mut seen = std::collections::BTreeSet::new();
    betas.retain(|beta| !beta.is_empty() && seen.insert(beta.clone()));
    if !betas.is_empty() {
        insert(&mut headers, BETA, &betas.join(","))?;
    }
    Ok(headers)
}

fn credentials(headers: &mut HeaderMap, betas: &mut Vec<String>, target: &Target) -> Result<()> {
    let Some(key) = &target.api_key else {
        let own = headers.contains_key(AUTHORIZATION) || headers.contains_key("x-api-key");
        return match target.provider.messages {
            _ if own => Ok(()),
            Some(_) => openai::missing_key(target),
            None => Err(missing_key(target)),
        };
    };
    let key = key.expose();
    let (name, text) = if key.starts_with(OAUTH_PREFIX) {
        betas.push("oauth-2025-04-20".to_owned());
        headers.insert(
            "anthropic-dangerous-direct-browser-access",
            HeaderValue::from_static("true"),
        );
        (AUTHORIZATION, format!("Bearer {key}"))
    } else if target.provider.messages.is_some_and(|native| native.bearer) {
        (AUTHORIZATION, format!("Bearer {key}"))
    } else {
        (HeaderName::from_static("x-api-key"), key.to_owned())
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Error::new(
            ErrorKind::Authentication,
            "the api key holds bytes that no header may hold",
        )
        .at(target.provider.name, &target.model)
    })?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

fn missing_key(target: &Target) -> Error {
    let mut error = Error::new(
        ErrorKind::Authentication,
        "Missing Anthropic API Key - A call is being made to anthropic but no key is set either in the environment \
         variables or via params. Please set `ANTHROPIC_API_KEY` or `ANTHROPIC_AUTH_TOKEN` in your environment vars",
    )
    .hint("pass `api_key` or set `ANTHROPIC_API_KEY`")
    .side(Side::Client)
    .at(target.provider.name, &target.model);
    error.retry = false;
    error
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<()> {
    let bad = || Error::bad_request(format!("header `{name}` cannot be sent"));
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
    let value = HeaderValue::from_str(value).map_err(|_| bad())?;
    headers.insert(header, value);
    Ok(())
}
