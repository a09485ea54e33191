//! Azure AI Foundry: many makers' models under OpenAI's protocol, and Claude under Anthropic's.
//!
//! API: <https://learn.microsoft.com/azure/ai-foundry/model-inference/>. OpenAI's own models on other hosts than
//! Foundry's are Azure OpenAI's: `get_llm_provider` hands them to [`super::azure`].

use super::anthropic::Anthropic;
use super::azure::credentials;
use super::openai::OpenAi;
use super::openai_request::{self, wire};
use crate::adapt::params::facts;
use crate::adapt::{
    Adapter, Auth, Fault, Head, Inline, Memo, Reply, StreamAdapter, Target, UpstreamRequest,
};
use crate::error::{Error, Result};
use crate::options::Secret;
use crate::request::Call;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};

/// The adapter.
pub struct AzureAi;

const API_KEY: HeaderName = HeaderName::from_static("api-key");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Hosts of Foundry itself.
const FOUNDRY: &str = ".services.ai.azure.com";
/// Hosts of Azure OpenAI.
const AZURE_OPENAI: &str = ".openai.azure.com";

/// Whether a model speaks Anthropic's protocol.
pub fn is_claude(model: &str) -> bool {
    model.to_ascii_lowercase().contains("claude")
}

/// The name of a deployment behind LiteLLM's route for model routers.
pub fn routed(model: &str) -> &str {
    ["model_router/", "model-router/"]
        .iter()
        .find_map(|route| model.split_once(route))
        .map_or(model, |(_, deployment)| deployment)
}

/// The provider that serves a model at a base URL: OpenAI's own models are Azure OpenAI's, but for those that Foundry
/// itself serves.
pub fn served_by(model: &str, api_base: Option<&str>) -> &'static str {
    let Some(base) = api_base.filter(|_| facts::is_openai_model(model)) else {
        return "azure_ai";
    };
    if host(base).ends_with(FOUNDRY) && !base.contains("/openai/deployments") {
        return "azure_ai";
    }
    "azure"
}

fn host(base: &str) -> &str {
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.split(':').next().unwrap_or_default()
}

impl Adapter for AzureAi {
    fn inline(&self, call: &Call, target: &Target) -> Inline {
        if is_claude(&target.model) {
            return Anthropic.inline(call, target);
        }
        Inline::None
    }

    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        if is_claude(&target.model) {
            return claude(call, target);
        }
        let (path, body) = openai_request::body(call, target)?;
        Ok(UpstreamRequest {
            method: Method::POST,
            url: url(target, path),
            headers: headers(call, target)?,
            body: body.to_json().into(),
        })
    }

    fn auth(&self, call: &Call, target: &Target) -> Auth {
        credentials::auth(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        if is_claude(&target.model) {
            return Anthropic.reply(call, target, head, body);
        }
        OpenAi.reply(call, target, head, body)
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        if is_claude(&target.model) {
            return Anthropic.stream(call, target);
        }
        OpenAi.stream(call, target)
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        OpenAi.error(call, target, head, body)
    }

    fn fault(&self, call: &Call, target: &Target, fault: Fault) -> Error {
        OpenAi.fault(call, target, fault)
    }
}

/// The address of a path: Foundry's own hosts have theirs below `/models`.
fn url(target: &Target, path: &str) -> String {
    let given = target.api_base.as_str();
    let (base, query) = given.split_once('?').unwrap_or((given, ""));
    let base = base.trim_end_matches('/');
    let foundry = base.contains(FOUNDRY) && !base.ends_with("/models");
    let mut url = match base.ends_with(path) {
        true => base.to_owned(),
        false if foundry && !base.contains("/models/") => format!("{base}/models{path}"),
        false => format!("{base}{path}"),
    };
    let versioned = query
        .split('&')
        .any(|pair| pair.starts_with("api-version="));
    let version = target.options.api_version.as_deref();
    let version = version
        .filter(|_| !versioned)
        .map(|version| format!("api-version={version}"));
    let query: Vec<&str> = [query]
        .into_iter()
        .chain(version.as_deref())
        .filter(|part| !part.is_empty())
        .collect();
    if !query.is_empty() {
        url.push('?');
        url.push_str(&query.join("&"));
    }
    url
}

fn headers(call: &Call, target: &Target) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    match &target.api_key {
        Some(key) => {
            let host = host(&target.api_base);
            let named = host.ends_with(FOUNDRY) || host.ends_with(AZURE_OPENAI);
            let (name, text) = if named {
                (API_KEY, key.expose().to_owned())
            } else {
                (AUTHORIZATION, format!("Bearer {}", key.expose()))
            };
            headers.insert(name, wire::secret(text, target)?);
        }
        None => credentials::place(&mut headers, call, target)?,
    }
    wire::insert_given(&mut headers, call, target)?;
    Ok(headers)
}

/// A call of Claude: Anthropic's own request at another address, with the key under both its names.
fn claude(call: &Call, target: &Target) -> Result<UpstreamRequest> {
    let mut own = target.clone();
    own.memo = Memo::taking(target.supported());
    own.api_base = anthropic_base(&target.api_base);
    if own.api_key.is_none() {
        // Anthropic's request wants a key; it goes out without one.
        own.api_key = Some(Secret::new("none"));
    }
    let mut request = super::anthropic_request::request(call, &own)?;
    if let Some(key) = &target.api_key {
        let key = wire::secret(key.expose().to_owned(), target)?;
        request.headers.insert(API_KEY, key);
    } else {
        request.headers.remove(X_API_KEY);
        credentials::place(&mut request.headers, call, target)?;
    }
    Ok(request)
}

/// The base below which Anthropic's paths are.
fn anthropic_base(base: &str) -> String {
    let base = base.trim_end_matches('/');
    if base.ends_with("/v1/messages") {
        return base.to_owned();
    }
    let start = base.find("://").map_or(0, |at| at + 3);
    let at = base[start..].find("/anthropic").map(|at| start + at);
    format!("{}/anthropic", &base[..at.unwrap_or(base.len())])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::options::Options;

    fn target(model: &str, base: &str, version: Option<&str>) -> Target {
        let options = Options {
            api_base: Some(base.into()),
            api_version: version.map(str::to_owned),
            ..Options::default()
        };
        Target::resolve(&format!("azure_ai/{model}"), &options, &|_| None).unwrap()
    }

    #[test]
    fn addresses_are_completed() {
        let at = |base: &str, version| url(&target("grok-3", base, version), "/chat/completions");
        assert_eq!(at("https://h", None), "https://h/chat/completions");
        assert_eq!(
            at("https://r.services.ai.azure.com/", Some("v")),
            "https://r.services.ai.azure.com/models/chat/completions?api-version=v"
        );
        assert_eq!(
            at(
                "https://r.services.ai.azure.com/models/chat/completions?api-version=w",
                Some("v")
            ),
            "https://r.services.ai.azure.com/models/chat/completions?api-version=w"
        );
        assert_eq!(
            anthropic_base("https://h/anthropic/v1"),
            "https://h/anthropic"
        );
        assert_eq!(anthropic_base("https://h"), "https://h/anthropic");
    }

    #[test]
    fn models_of_openai_are_azures_but_on_foundry() {
        let name = |base| target("gpt-4o", base, None).provider.name;
        assert_eq!(name("https://h"), "azure");
        assert_eq!(name("https://r.services.ai.azure.com"), "azure_ai");
        assert_eq!(
            target("grok-3", "https://h", None).provider.name,
            "azure_ai"
        );
    }

    #[test]
    fn a_router_is_asked_by_its_deployment() {
        assert_eq!(routed("model_router/mine"), "mine");
        assert_eq!(routed("model-router"), "model-router");
    }
}
