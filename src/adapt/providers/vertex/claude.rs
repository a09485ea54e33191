//! Claude on Vertex AI: Anthropic's Messages, in Google's envelope.
//!
//! API: <https://docs.claude.com/en/api/claude-on-vertex-ai>. The model is in the address, the protocol's version in the
//! body, and of Anthropic's beta features only those are named that Vertex knows.

use super::place;
use crate::adapt::providers::anthropic::Anthropic;
use crate::adapt::providers::anthropic_native;
use crate::adapt::providers::anthropic_request::{self, Built};
use crate::adapt::providers::bedrock::betas as named_by_caller;
use crate::adapt::providers::gemini::{Gemini, request};
use crate::adapt::tree::Tree;
use crate::adapt::usage::Object;
use crate::adapt::{
    Adapter, Auth, Fault, Head, Inline, Reply, StreamAdapter, Target, UpstreamRequest,
};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use std::collections::BTreeSet;

/// The adapter.
pub struct Claude;

/// The version of the protocol in the body, and in the header of Anthropic's own API.
const BODY_VERSION: &str = "vertex-2023-10-16";
const VERSION: &str = "2023-06-01";
const BETA: &str = "anthropic-beta";
const LABELS: &str = "x-vertex-ai-labels";

/// Beta features that Vertex knows, and what it calls them; it refuses others.
const BETAS: [(&str, &str); 14] = [
    (
        "advanced-tool-use-2025-11-20",
        "tool-search-tool-2025-10-19",
    ),
    ("compact-2026-01-12", "compact-2026-01-12"),
    ("computer-use-2025-01-24", "computer-use-2025-01-24"),
    ("computer-use-2025-11-24", "computer-use-2025-11-24"),
    ("context-1m-2025-08-07", "context-1m-2025-08-07"),
    (
        "context-management-2025-06-27",
        "context-management-2025-06-27",
    ),
    (
        "dangerous-tool-use-2026-09-03",
        "dangerous-tool-use-2026-09-03",
    ),
    (
        "interleaved-thinking-2025-05-14",
        "interleaved-thinking-2025-05-14",
    ),
    (
        "mid-conversation-tool-changes-2026-07-01",
        "mid-conversation-tool-changes-2026-07-01",
    ),
    ("per-turn-control-2026-07-01", "per-turn-control-2026-07-01"),
    (
        "thinking-binding-controls-2026-08-01",
        "thinking-binding-controls-2026-08-01",
    ),
    (
        "thinking-display-updates-2026-08-18",
        "thinking-display-updates-2026-08-18",
    ),
    ("tool-search-tool-2025-10-19", "tool-search-tool-2025-10-19"),
    ("web-search-2025-03-05", "web-search-2025-03-05"),
];

/// Beta features that are named in the header only.
const HEADER_BETAS: [&str; 2] = ["compact-2026-09-04", "inline-tools-2026-09-15"];

impl Adapter for Claude {
    fn inline(&self, _call: &Call, _target: &Target) -> Inline {
        Inline::All
    }

    fn asks(&self, call: &Call, _target: &Target) -> Op {
        match call.op {
            Op::Messages => Op::Messages,
            other => other.carrier(),
        }
    }

    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let verb = if call.stream {
            "streamRawPredict"
        } else {
            "rawPredict"
        };
        if call.op == Op::Messages {
            return native(call, target, verb);
        }
        let Built { members, betas } = anthropic_request::body(call, target)?;
        let body = as_vertex_takes(members, target)?;
        envelope(call, target, verb, body, betas)
    }

    fn auth(&self, _call: &Call, target: &Target) -> Auth {
        Auth::Google {
            credentials: place::credentials(target),
            key_header: true,
        }
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        Anthropic.reply(call, target, head, body)
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        Anthropic.stream(call, target)
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        Gemini.error(call, target, head, body)
    }

    fn fault(&self, call: &Call, target: &Target, fault: Fault) -> Error {
        Gemini.fault(call, target, fault)
    }
}

/// The request of a caller who speaks Anthropic's dialect: members as they came.
///
/// # Errors
/// No `max_tokens`, and as [`envelope`].
fn native(call: &Call, target: &Target, verb: &str) -> Result<UpstreamRequest> {
    let members = anthropic_native::cloud_body(call, target, BODY_VERSION)?;
    let betas = anthropic_native::betas(&members).into_iter().collect();
    let asked = anthropic_native::with_features(call);
    envelope(&asked, target, verb, members, betas)
}

/// The request of a body of Anthropic's: features named where Vertex looks for them, labels in a header.
///
/// # Errors
/// No project, or a header that cannot be sent.
fn envelope(
    call: &Call,
    target: &Target,
    verb: &str,
    mut body: Params,
    betas: BTreeSet<&'static str>,
) -> Result<UpstreamRequest> {
    if !body.contains("anthropic_version") {
        body.set("anthropic_version", BODY_VERSION);
    }
    let own: Vec<String> = body.get("anthropic_beta").unwrap_or_default();
    body.remove("anthropic_beta");
    let wanted: BTreeSet<String> = named_by_caller(call, target)
        .into_iter()
        .chain(own)
        .chain(betas.into_iter().map(str::to_owned))
        .chain(asked_by_tools(&body))
        .collect();
    let known = |beta: &String| BETAS.iter().find(|(name, _)| name == beta);
    let mut named: BTreeSet<String> = wanted
        .iter()
        .filter_map(|beta| Some(known(beta)?.1.to_owned()))
        .collect();
    if !named.is_empty() {
        body.set("anthropic_beta", &named);
    }
    let in_header = |beta: &&String| HEADER_BETAS.contains(&beta.as_str());
    named.extend(wanted.iter().filter(in_header).cloned());

    let mut headers = request::headers(call, target)?;
    headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
    headers.remove(BETA);
    let named: Vec<String> = named.into_iter().collect();
    if !named.is_empty() {
        insert(&mut headers, BETA, &named.join(","))?;
    }
    let told: Option<Value> = body.get("labels");
    body.remove("labels");
    if let Some(labels) = told.as_ref().and_then(labels)
        && !headers.contains_key(LABELS)
    {
        insert(&mut headers, LABELS, &labels)?;
    }
    Ok(UpstreamRequest {
        method: Method::POST,
        url: place::url(target, verb, call.stream)?,
        headers,
        body: body.to_json().into(),
    })
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) -> Result<()> {
    let value = HeaderValue::from_str(value)
        .map_err(|_| Error::bad_request(format!("header `{name}` cannot be sent")))?;
    headers.insert(name, value);
    Ok(())
}

/// Searching the web and searching among tools have to be announced on Vertex.
fn asked_by_tools(body: &Params) -> Vec<String> {
    let tools = Tree::list(body.raw("tools"));
    let kinds = tools.iter().filter_map(|tool| tool["type"].as_str());
    kinds
        .filter_map(|kind| match kind {
            kind if kind.starts_with("web_search_") => Some("web-search-2025-03-05"),
            kind if kind.starts_with("tool_search_tool_") => Some("tool-search-tool-2025-10-19"),
            _ => None,
        })
        .map(str::to_owned)
        .collect()
}

/// The body without what the address says, and with wanted forms where Vertex takes them.
fn as_vertex_takes(mut body: Params, target: &Target) -> Result<Params> {
    for name in ["model", "extra_headers"] {
        body.remove(name);
    }
    let format: Option<Value> = body.get("output_format");
    let mut config: Object = body.get("output_config").unwrap_or_default();
    body.remove("output_format");
    body.remove("output_config");
    match format {
        None => {}
        Some(format @ Value::Object(_)) => {
            config.insert("format".into(), format);
        }
        Some(_) if target.options.drop_params == Some(true) => {}
        Some(_) => {
            return Err(
                Error::bad_request("`output_format` must be a JSON object on Vertex AI")
                    .at(target.provider.name, &target.model),
            );
        }
    }
    if !anthropic_request::thinking::takes_effort(&target.model, target.provider.name) {
        config.remove("effort");
    }
    if !config.is_empty() {
        body.set("output_config", &config);
    }
    Ok(body)
}

/// The labels of a request, as a header carries them: JSON in base64, of texts only.
fn labels(labels: &Value) -> Option<String> {
    let mut texts = Params::default();
    for (name, value) in labels.as_object()? {
        if let Some(text) = value.as_str() {
            texts.set(name, &text);
        }
    }
    (!texts.is_empty()).then(|| STANDARD.encode(texts.to_json()))
}

#[cfg(test)]
#[path = "claude_tests.rs"]
mod tests;
