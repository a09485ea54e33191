//! From a body to what goes over the wire: address, headers, and who signs.

use super::models;
use crate::adapt::{Auth, Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::options::Options;
use crate::params::Params;
use crate::request::Call;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::fmt::Write;

/// Where models are when nobody says.
const REGION: &str = "us-west-2";
const BETA: &str = "anthropic-beta";

/// Beta features that may be named in a header of Converse; others, Bedrock refuses there.
const HEADER_BETAS: [&str; 8] = [
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    "effort-2025-11-24",
    "fine-grained-tool-streaming-2025-05-14",
    "structured-outputs-2025-11-13",
    "thinking-binding-controls-2026-08-01",
    "thinking-display-updates-2026-08-18",
];

/// Partitions of AWS with a domain of their own, by the beginning of their regions' names.
const PARTITIONS: [(&str, &str); 5] = [
    ("cn-", "amazonaws.com.cn"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("us-iso-", "c2s.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
];

/// The domain under which a region's services are.
pub fn dns_suffix(region: &str) -> &'static str {
    PARTITIONS
        .iter()
        .find(|(start, _)| region.starts_with(start))
        .map_or("amazonaws.com", |(_, domain)| domain)
}

/// Settles the region of a model's calls: what is said, the name's path, its ARN, the environment.
pub fn settle_region(model: &str, options: &mut Options, env: &dyn Fn(&str) -> Option<String>) {
    const NAME: &str = "aws_region_name";
    if options.other.get::<String>(NAME).is_some() {
        return;
    }
    let named = models::split_region(model)
        .0
        .or_else(|| models::region_of_arn(model))
        .map(str::to_owned);
    let region = text(&options.other, "region_name").or(named).or_else(|| {
        ["AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"]
            .iter()
            .find_map(|name| env(name).filter(|region| !region.is_empty()))
    });
    if let Some(region) = region {
        options.other.set(NAME, &region);
    }
}

fn text(members: &Params, name: &str) -> Option<String> {
    members.get::<String>(name).filter(|text| !text.is_empty())
}

/// The region of a call.
///
/// # Errors
/// A region that is no name: it would become part of a host's.
pub fn region(target: &Target, params: &Params) -> Result<String> {
    let said = text(&target.options.other, "aws_region_name");
    let profile = text(params, "model_id");
    let of_profile = profile.as_deref().and_then(models::region_of_arn);
    let region = match (said, of_profile) {
        (Some(said), _) => said,
        (None, Some(region)) => region.to_owned(),
        (None, None) => REGION.to_owned(),
    };
    if models::is_region(&region) {
        return Ok(region);
    }
    Err(
        Error::bad_request("`aws_region_name` holds only lowercase letters, digits and hyphens")
            .at(target.provider.name, &target.model),
    )
}

/// Who is asked, and for what.
pub struct Ask<'a> {
    /// The call's members, in which `model_id` may name another model than the name does.
    pub params: &'a Params,
    /// The last part of the path.
    pub verb: &'static str,
    /// Headers that the members ask for.
    pub headers: Vec<(&'static str, String)>,
}

/// The request of a body.
///
/// # Errors
/// A region or a header that cannot be sent.
pub fn upstream(
    call: &Call,
    target: &Target,
    ask: Ask<'_>,
    body: Bytes,
) -> Result<UpstreamRequest> {
    let base = base(target, &region(target, ask.params)?);
    let id = text(ask.params, "model_id").unwrap_or_else(|| model_id(&target.model));
    Ok(UpstreamRequest {
        method: Method::POST,
        url: format!("{base}/model/{}/{}", escaped(&id), ask.verb),
        headers: headers(call, target, ask)?,
        body: body.into(),
    })
}

/// A model invoked with a body of its own form.
///
/// # Errors
/// As [`upstream`].
pub fn invoked(call: &Call, target: &Target, body: Bytes) -> Result<UpstreamRequest> {
    let ask = Ask {
        params: &call.params,
        verb: "invoke",
        headers: Vec::new(),
    };
    upstream(call, target, ask, body)
}

/// Where reranking is: another service of the same region.
///
/// # Errors
/// As [`region`].
pub fn rerank_address(target: &Target) -> Result<String> {
    let base = root(target)?.replace("bedrock-runtime", "bedrock-agent-runtime");
    Ok(format!("{base}/rerank"))
}

/// The headers of a reranking, which takes no bearer key.
///
/// # Errors
/// A header that cannot be sent.
pub fn rerank_headers(call: &Call, target: &Target) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in given(call, target) {
        insert(&mut headers, name, value)?;
    }
    Ok(headers)
}

/// Where models are asked: the region's address, or a mirror's.
///
/// # Errors
/// As [`region`].
pub fn root(target: &Target) -> Result<String> {
    Ok(base(target, &region(target, &Params::default())?))
}

fn base(target: &Target, region: &str) -> String {
    let endpoint = text(&target.options.other, "aws_bedrock_runtime_endpoint");
    let base = endpoint.unwrap_or_else(|| target.api_base.clone());
    match base.trim_end_matches('/') {
        "" => format!("https://bedrock-runtime.{region}.{}", dns_suffix(region)),
        base => base.to_owned(),
    }
}

/// The model as AWS knows it: without route, region, and the names of forms that imported models follow.
pub fn model_id(model: &str) -> String {
    const FORMS: [&str; 7] = [
        "llama/",
        "deepseek_r1/",
        "openai/",
        "qwen2/",
        "qwen3/",
        "stability/",
        "moonshot/",
    ];
    let (_, name) = models::split_region(model);
    let name = models::without_route(name);
    let plain = FORMS.iter().find_map(|form| name.strip_prefix(form));
    plain.unwrap_or(name).to_owned()
}

/// One segment of a path, whatever is in it.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The headers that a caller gave, its last of one name.
pub fn given<'a>(call: &'a Call, target: &'a Target) -> impl Iterator<Item = (&'a str, &'a str)> {
    call.forward_headers
        .iter()
        .chain(&target.options.extra_headers)
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

/// The features that a caller's `anthropic-beta` header names: a list, or JSON of one.
pub fn betas(call: &Call, target: &Target) -> Vec<String> {
    let header = given(call, target).filter(|(name, _)| name.eq_ignore_ascii_case(BETA));
    let Some((_, text)) = header.last() else {
        return Vec::new();
    };
    if let Ok(list) = serde_json::from_str::<Vec<String>>(text) {
        return list;
    }
    let names = text.split(',').map(|name| name.trim().to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

fn headers(call: &Call, target: &Target, ask: Ask<'_>) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in given(call, target) {
        if !name.eq_ignore_ascii_case(BETA) {
            insert(&mut headers, name, value)?;
        }
    }
    let mut betas = betas(call, target);
    if ask.verb.starts_with("converse") {
        betas.retain(|beta| HEADER_BETAS.contains(&beta.as_str()));
    }
    if !betas.is_empty() {
        insert(&mut headers, BETA, &betas.join(","))?;
    }
    for (name, value) in ask.headers {
        if !headers.contains_key(name) {
            insert(&mut headers, name, &value)?;
        }
    }
    if let Some(key) = &target.api_key {
        let bearer = format!("Bearer {}", key.expose());
        let mut value = HeaderValue::from_str(&bearer).map_err(|_| {
            let what = "the api key holds bytes that no header may hold";
            Error::new(ErrorKind::Authentication, what)
        })?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<()> {
    let bad = || Error::bad_request(format!("header `{name}` cannot be sent"));
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
    let value = HeaderValue::from_str(value).map_err(|_| bad())?;
    headers.insert(header, value);
    Ok(())
}

/// Who proves the caller's right: the request itself, or a signature.
pub fn auth(call: &Call, target: &Target) -> Auth {
    let own = given(call, target).any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    if own || target.api_key.is_some() {
        return Auth::Placed;
    }
    signed("bedrock", call, target)
}

/// A signature for a service of the target's region.
pub fn signed(service: &'static str, call: &Call, target: &Target) -> Auth {
    let mut settings = target.options.other.clone();
    settings.retain(|name, _| name.starts_with("aws_"));
    Auth::Aws {
        service,
        region: region(target, &call.params).unwrap_or_else(|_| REGION.to_owned()),
        settings,
    }
}
