//! Claude in its own form: Anthropic's Messages, in Bedrock's envelope.
//!
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>

use super::{models, wire};
use crate::adapt::providers::{anthropic_native, anthropic_request};
use crate::adapt::usage::Object;
use crate::adapt::{Memo, Target};
use crate::error::Result;
use crate::params::Params;
use crate::request::Call;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The version of the protocol, as Bedrock names it.
const VERSION: &str = "bedrock-2023-05-31";
/// What wanted forms of the answer are announced with.
pub const FORMS: &str = "structured-outputs-2025-11-13";

/// Beta features that are asked for by themselves, and what Bedrock calls them; it refuses others.
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
    ("effort-2025-11-24", "effort-2025-11-24"),
    (
        "fine-grained-tool-streaming-2025-05-14",
        "fine-grained-tool-streaming-2025-05-14",
    ),
    (
        "thinking-binding-controls-2026-08-01",
        "thinking-binding-controls-2026-08-01",
    ),
    ("tool-search-tool-2025-10-19", "tool-search-tool-2025-10-19"),
    (
        "mid-conversation-output-config-2026-07-01",
        "mid-conversation-output-config-2026-07-01",
    ),
    (
        "thinking-display-updates-2026-08-18",
        "thinking-display-updates-2026-08-18",
    ),
    (
        "mid-conversation-tool-changes-2026-07-01",
        "mid-conversation-tool-changes-2026-07-01",
    ),
];

/// The target under the name that the catalogue and Anthropic's rules know its model by.
pub fn as_claude(target: &Target) -> Target {
    let mut own = target.clone();
    models::base_model(&target.model).clone_into(&mut own.model);
    own.memo = Memo::taking(target.supported());
    own
}

/// The body of a chat, and whether it wants a form of answer that has to be announced.
///
/// # Errors
/// As [`anthropic_request::body`].
pub fn body(call: &Call, target: &Target) -> Result<(Params, bool)> {
    let built = anthropic_request::body(call, &as_claude(target))?;
    let mut members = built.members;
    let announced = members.contains("output_format");
    if let Some(format) = members.get::<Value>("output_format") {
        let mut config: Object = members.get("output_config").unwrap_or_default();
        config.insert("format".into(), format);
        members.set("output_config", &config);
        members.remove("output_format");
    }
    for name in ["model", "stream", "model_id", "guardrailConfig"] {
        members.remove(name);
    }
    if !members.contains("anthropic_version") {
        members.set("anthropic_version", VERSION);
    }
    rename_tools(&mut members);
    let mut betas: BTreeSet<String> = wire::betas(call, target).into_iter().collect();
    let own: Vec<String> = members.get("anthropic_beta").unwrap_or_default();
    members.remove("anthropic_beta");
    betas.extend(own);
    if announced {
        betas.insert(FORMS.to_owned());
    }
    for beta in built.betas {
        let known = BETAS.iter().find(|(name, _)| *name == beta);
        betas.extend(known.map(|(_, sent)| (*sent).to_owned()));
    }
    if !betas.is_empty() {
        members.set("anthropic_beta", &betas);
    }
    Ok((members, announced))
}

/// Members of the protocol that Bedrock takes; it refuses a body with any other.
const TAKEN: [&str; 16] = [
    "anthropic_version",
    "anthropic_beta",
    "max_tokens",
    "messages",
    "system",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
    "tools",
    "tool_choice",
    "thinking",
    "metadata",
    "context_management",
    "output_config",
    "mcp_servers",
];

/// The body of a caller who speaks Anthropic's dialect: members as they came, as far as Bedrock takes them.
///
/// # Errors
/// No `max_tokens`.
pub fn native(call: &Call, target: &Target) -> Result<Params> {
    let mut body = anthropic_native::cloud_body(call, target, VERSION)?;
    body.retain(|name, _| TAKEN.contains(&name));
    let mut betas: BTreeSet<String> = BTreeSet::new();
    let own: Vec<String> = body.get("anthropic_beta").unwrap_or_default();
    let used = anthropic_native::betas(&body)
        .into_iter()
        .map(str::to_owned);
    let named = wire::betas(&anthropic_native::with_features(call), target);
    for beta in used.chain(named).chain(own) {
        let known = BETAS.iter().find(|(name, _)| *name == beta);
        betas.extend(known.map(|(_, sent)| (*sent).to_owned()));
        if beta == FORMS || beta == "interleaved-thinking-2025-05-14" {
            betas.insert(beta);
        }
    }
    body.remove("anthropic_beta");
    if !betas.is_empty() {
        body.set("anthropic_beta", &betas);
    }
    rename_tools(&mut body);
    Ok(body)
}

/// Tools under the names that Bedrock has for them; a list that needs no other stays as it came.
fn rename_tools(members: &mut Params) {
    if let Some(mut tools) = members.get::<Vec<Object>>("tools") {
        let before = tools.clone();
        tools.iter_mut().for_each(as_bedrock_takes);
        if tools != before {
            members.set("tools", &tools);
        }
    }
}

/// Bedrock's names for a tool's kinds, and none of the members that it refuses.
fn as_bedrock_takes(tool: &mut Object) {
    if tool.get("type") == Some(&json!("tool_search_tool_regex_20251119")) {
        tool.insert("type".into(), json!("tool_search_tool_regex"));
        tool.entry("name")
            .or_insert_with(|| json!("tool_search_tool_regex"));
    }
    tool.remove("eager_input_streaming");
    if let Some(custom) = tool.remove("custom")
        && let Some(defer) = custom.get("defer_loading")
    {
        tool.insert("defer_loading".into(), defer.clone());
    }
}

/// The headers that a guardrail is named in.
pub fn guardrail(config: &Value) -> Vec<(&'static str, String)> {
    let told = |name: &str| config[name].as_str().map(str::to_owned);
    [
        (
            "x-amzn-bedrock-guardrailidentifier",
            told("guardrailIdentifier"),
        ),
        ("x-amzn-bedrock-guardrailversion", told("guardrailVersion")),
        (
            "x-amzn-bedrock-trace",
            told("trace").map(|trace| trace.to_uppercase()),
        ),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}
