//! The request side of OpenAI's protocol: members spliced, never parsed into a tree unless a provider's habit asks.

use crate::adapt::{Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::request::{Call, Op};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Builds the request for a call at a target.
///
/// # Errors
/// A parameter that the provider does not take, a missing key, a header that cannot be sent.
pub fn request(call: &Call, target: &Target) -> Result<UpstreamRequest> {
    let mut body = call.params.clone();
    for (name, raw) in target.defaults.iter() {
        if !body.contains(name) {
            body.set_raw(name, raw.clone());
        }
    }
    body.set("model", &target.model);
    body.retain(|_, raw| &raw[..] != b"null");
    Ok(UpstreamRequest {
        method: Method::POST,
        url: url(call.op, target),
        headers: headers(call, target)?,
        body: body.to_json(),
    })
}

fn url(op: Op, target: &Target) -> String {
    let path = match op {
        Op::Chat => "/chat/completions",
        Op::TextCompletion => "/completions",
        Op::Embeddings => "/embeddings",
    };
    let base = target.api_base.as_str();
    if base.ends_with(path) {
        return base.to_owned();
    }
    format!("{base}{path}")
}

fn headers(call: &Call, target: &Target) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(key) = &target.api_key {
        headers.insert(AUTHORIZATION, bearer(key.expose())?);
    }
    if let Some(organization) = &target.options.organization {
        insert(&mut headers, "openai-organization", organization)?;
    }
    for (name, value) in call
        .forward_headers
        .iter()
        .chain(&target.options.extra_headers)
    {
        insert(&mut headers, name, value)?;
    }
    Ok(headers)
}

/// `Bearer <key>`, marked sensitive so that no log shows it.
fn bearer(key: &str) -> Result<HeaderValue> {
    let mut value =
        HeaderValue::from_maybe_shared(Bytes::from(format!("Bearer {key}"))).map_err(|_| {
            Error::new(
                ErrorKind::Authentication,
                "the api key holds bytes that no header may hold",
            )
        })?;
    value.set_sensitive(true);
    Ok(value)
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<()> {
    let bad = |_| Error::bad_request(format!("header `{name}` cannot be sent"));
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|e| bad(e.to_string()))?;
    let value = HeaderValue::from_str(value).map_err(|e| bad(e.to_string()))?;
    headers.insert(header, value);
    Ok(())
}
