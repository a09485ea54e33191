//! Where a deployment is: below a resource, or at the `v1` paths that serve all deployments of one.
//!
//! <https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle>

use crate::adapt::Target;
use crate::error::{Error, ErrorKind, Result, Side};
use std::borrow::Cow;

/// LiteLLM's version of the API when nobody says one.
pub const VERSION: &str = "2025-02-01-preview";
/// Names of the API without dated versions.
const V1: [&str; 3] = ["v1", "preview", "latest"];
/// A gateway of Cloudflare's, whose addresses name the resource and want the deployment next.
const CLOUDFLARE: &str = "gateway.ai.cloudflare.com";

/// The version of the API that a target is asked by.
pub fn version(target: &Target) -> &str {
    target.options.api_version.as_deref().unwrap_or(VERSION)
}

/// Whether a target is asked by the API without dated versions.
pub fn is_v1(target: &Target) -> bool {
    V1.contains(&version(target))
}

/// The deployment's name: routes of LiteLLM's own before it say only what it is.
pub fn deployment(model: &str) -> Cow<'_, str> {
    for route in ["o_series/", "gpt5_series/"] {
        if model.contains(route) {
            return Cow::Owned(model.replace(route, ""));
        }
    }
    Cow::Borrowed(model)
}

/// The address of a path such as `/chat/completions` at a target's deployment.
///
/// # Errors
/// No base URL is known.
pub fn url(target: &Target, path: &str) -> Result<String> {
    let given = target.api_base.as_str();
    if given.is_empty() {
        return Err(nowhere(target));
    }
    let (base, query) = given.split_once('?').unwrap_or((given, ""));
    let base = base.trim_end_matches('/').trim_end_matches(path);
    let deployment = deployment(&target.model);
    if is_v1(target) {
        let root = base.split_once("/openai").map_or(base, |(root, _)| root);
        return Ok(format!("{root}/openai/v1{path}"));
    }
    let place = if base.contains(CLOUDFLARE) {
        format!("{base}/{deployment}{path}")
    } else if base.contains("/openai/deployments") {
        format!("{base}{path}")
    } else {
        format!("{base}/openai/deployments/{deployment}{path}")
    };
    let versioned = query
        .split('&')
        .any(|pair| pair.starts_with("api-version="));
    Ok(match (query, versioned) {
        ("", _) => format!("{place}?api-version={}", version(target)),
        (query, true) => format!("{place}?{query}"),
        (query, false) => format!("{place}?{query}&api-version={}", version(target)),
    })
}

/// The resource of a target, without the paths below it.
fn root(target: &Target) -> Result<&str> {
    if target.api_base.is_empty() {
        return Err(nowhere(target));
    }
    let base = target.api_base.split('?').next().unwrap_or_default();
    let root = base.split_once("/openai").map_or(base, |(root, _)| root);
    Ok(root.trim_end_matches('/'))
}

/// The address of a path such as `/files` at a target's resource: what all its deployments share.
///
/// # Errors
/// No base URL is known.
pub fn resource(target: &Target, path: &str) -> Result<String> {
    let root = root(target)?;
    Ok(if is_v1(target) {
        format!("{root}/openai/v1{path}")
    } else {
        format!("{root}/openai{path}?api-version={}", version(target))
    })
}

/// The version of the Responses API when nobody says one.
const RESPONSES_VERSION: &str = "preview";

/// The address of a path such as `/responses` at a target's resource: the deployment is named in the body.
///
/// # Errors
/// No base URL is known.
pub fn responses(target: &Target, path: &str) -> Result<String> {
    let root = root(target)?;
    let own: Option<String> = target.options.other.get("responses_api_version");
    let version = own.as_deref().or_else(|| {
        let version = target.options.api_version.as_deref();
        // Chat's stable versions are older than the Responses API.
        version.filter(|version| !is_stable(version))
    });
    let version = version.unwrap_or(RESPONSES_VERSION);
    Ok(if V1.contains(&version) {
        format!("{root}/openai/v1{path}?api-version={version}")
    } else {
        format!("{root}/openai{path}?api-version={version}")
    })
}

/// Whether a version is a date and no more: `2024-10-21`, not `2025-03-01-preview`.
fn is_stable(version: &str) -> bool {
    version.len() == 10
        && version
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-')
}

fn nowhere(target: &Target) -> Error {
    let mut error = Error::new(
        ErrorKind::Api,
        "AzureException APIError - Must provide one of the `base_url` or `azure_endpoint` arguments, or the \
         `AZURE_OPENAI_ENDPOINT` environment variable",
    )
    .hint("pass `api_base` or set `AZURE_API_BASE`")
    .side(Side::Client)
    .at("azure", &target.model);
    error.retry = false;
    error
}
