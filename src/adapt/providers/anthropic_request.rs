//! The request side of Anthropic's protocol.
//!
//! [`body`] translates a chat, and is what every road to Claude shares: the API itself, Bedrock's invoke and Vertex put
//! their own address, headers and version around it. [`request`] is the API's own. Messages are in [`messages`], tools
//! in [`tools`] and [`names`], thinking and sampling in [`thinking`], wanted forms of the answer in [`schema`].

pub mod messages;
pub mod names;
pub mod schema;
pub mod thinking;
pub mod tools;
pub mod wire;

use super::openai_request::{injection, mapped_apart};
use crate::adapt::habits::Mapping;
use crate::adapt::params::facts;
use crate::adapt::tree::{Members, Tree, tree};
use crate::adapt::{Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::params::Params;
use crate::request::Call;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// `max_tokens` is mandatory; this is sent for a model that the catalogue does not know
/// (LiteLLM's `DEFAULT_ANTHROPIC_CHAT_MAX_TOKENS`).
const DEFAULT_MAX_TOKENS: u64 = 128_000;

/// A translated request.
#[derive(Debug, Default)]
pub struct Built {
    /// The members of the body, `model` among them.
    pub members: Params,
    /// The features that have to be asked for in `anthropic-beta`.
    pub betas: BTreeSet<&'static str>,
}

/// What the reply needs to know of the request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The content comes as the arguments of the made-up tool [`schema::TOOL`].
    pub json_mode: bool,
    /// Names of tools that had to be rewritten.
    pub names: names::Names,
}

/// Builds the API's own request for a call at a target.
///
/// # Errors
/// A parameter that is not supported, messages that cannot be translated, a missing key, a header that cannot be sent.
pub fn request(call: &Call, target: &Target) -> Result<UpstreamRequest> {
    let built = body(call, target)?;
    wire::upstream(call, target, built)
}

/// What [`body`] decides on the reply of a call.
pub fn plan(call: &Call, target: &Target) -> Plan {
    let given = |name: &str| {
        let own = call.params.raw(name);
        own.filter(|raw| &raw[..] != b"null")
            .or_else(|| target.defaults.raw(name))
    };
    if given("tools").is_none() && given("response_format").is_none() {
        return Plan::default();
    }
    let json_mode = given("response_format").is_some()
        && mapped_apart(call, target).is_ok_and(|(_, mapping)| schema::takes_tool(&mapping));
    Plan {
        json_mode,
        names: names::Names::of(&Tree::list(given("tools"))),
    }
}

/// The body of a chat, or of a text completion asked as one.
///
/// # Errors
/// A parameter that is not supported, messages that cannot be translated.
pub fn body(call: &Call, target: &Target) -> Result<Built> {
    let (given, mut mapping) = mapped_apart(call, target)?;
    let mut built = Built::default();
    built.members.set("model", &target.model);
    let raw = given
        .raw("messages")
        .cloned()
        .unwrap_or_else(|| Bytes::from_static(b"[]"));
    let raw = injection::inject(raw, &mapping.extra);
    mapping.extra.remove(injection::NAME);
    let list: Vec<Members<'_>> = serde_json::from_slice(&raw)
        .map_err(|e| Error::bad_request(format!("`messages` cannot be read: {e}")))?;

    let given = mapping.params.raw("tools").cloned();
    let mut tools = tools::mapped(&mapping, given.as_ref())?;
    if tools.list.is_empty() && messages::calls_tools(&list) {
        tools.list.push(tools::stand_in());
    }
    let names = names::Names::in_anthropic_form(&tools.list);
    names.rewrite_tools(&mut tools.list);

    if let Some(role) = messages::unknown_role(&list) {
        return Err(no_such_role(role, target));
    }
    let conversation = messages::Translation::new(&names, refuses_later_system(target)).of(&list);
    if conversation.turns.is_empty() {
        return Err(no_messages(target));
    }
    let turns = messages::written(conversation.turns).to_json();
    built.members.set_raw("messages", turns);
    if !conversation.system.is_empty() {
        let system = Tree::List(conversation.system).to_json();
        built.members.set_raw("system", system);
    }
    if conversation.names_file {
        built.betas.insert("files-api-2025-04-14");
    }
    if conversation.uploads && !tools.list.is_empty() && !tools::runs_code(&tools.list) {
        tools
            .list
            .push(tree!({"type": "code_execution_20250522", "name": "code_execution"}));
    }
    tools.choice = tools.choice.map(|choice| names.rewrite_choice(choice));
    schema::apply(&mapping, &mut built, &mut tools);
    tools.write(&mut built);
    members(&mut mapping, &mut built)?;
    thinking::apply(&mapping, &mut built)?;
    for (name, raw) in mapping.extra.iter() {
        own_member(name, raw, &mut built.members);
    }
    sampling(&mapping, &mut built.members)?;
    if !built.members.contains("max_tokens") {
        let most = max_tokens(&target.model, target.provider.name);
        built.members.set("max_tokens", &most);
    }
    if call.stream {
        built.members.set("stream", &true);
    }
    betas(&mut built);
    Ok(built)
}

/// Members with another name or form at Anthropic.
fn members(mapping: &mut Mapping<'_>, built: &mut Built) -> Result<()> {
    for name in ["max_tokens", "max_completion_tokens"] {
        if let Some(most) = mapping.params.get::<f64>(name) {
            let most = if most.fract() == 0.0 {
                most
            } else {
                most.round().max(1.0)
            };
            built.members.set("max_tokens", &(most as i64));
        }
    }
    let stops = match mapping.value("stop") {
        Some(Value::String(stop)) => vec![Value::String(stop)],
        Some(Value::Array(stops)) => stops,
        _ => Vec::new(),
    };
    if !stops.is_empty() {
        built.members.set("stop_sequences", &stops);
    }
    if let Some(user) = mapping.params.get::<String>("user")
        && is_user_id(&user)
    {
        let metadata = json!({"user_id": user});
        built.members.set("metadata", &metadata);
    }
    if let Some(context) = mapping
        .value("context_management")
        .and_then(context_management)
    {
        built.members.set("context_management", &context);
    }
    if let Some(tier) = mapping.params.get::<String>("service_tier") {
        match tier.as_str() {
            "auto" => built.members.set("service_tier", "auto"),
            "default" | "standard_only" => built.members.set("service_tier", "standard_only"),
            _ if mapping.drop_params => {}
            _ => {
                return Err(mapping.unsupported(format!(
                    "{} does not support service_tier='{tier}'. Anthropic accepts 'auto', 'standard_only', or OpenAI's \
                     'default' (sent as 'standard_only'). To drop unsupported params, set `litellm.drop_params = True`.",
                    mapping.model
                )));
            }
        }
    }
    Ok(())
}

/// A member with Anthropic's own name; what it says wins over what was translated.
fn own_member(name: &str, raw: &Bytes, members: &mut Params) {
    let named = || serde_json::from_slice::<Value>(raw).ok();
    match (name, &raw[..]) {
        ("max_retries" | "extra_headers" | "client_metadata", _) | (_, b"null") => {}
        // Anthropic documents one member of it.
        ("metadata", [b'{', ..]) => {
            if let Some(user) = named().map(|mut metadata| metadata["user_id"].take())
                && !user.is_null()
            {
                members.set(name, &json!({"user_id": user}));
            }
        }
        _ => members.set_raw(name, raw.clone()),
    }
}

/// Sampling as the model takes it: some take none but the default temperature.
fn sampling(mapping: &Mapping<'_>, members: &mut Params) -> Result<()> {
    let fixed = has(mapping.model, mapping.provider, "supports_sampling_params") == Some(false);
    for name in ["temperature", "top_p", "top_k"] {
        let given = mapping.value(name).or_else(|| members.get(name));
        let Some(value) = given else { continue };
        if !fixed || (name == "temperature" && value.as_f64() == Some(1.0)) {
            members.set(name, &value);
        } else if mapping.drop_params {
            members.remove(name);
        } else {
            let hint = if name == "temperature" {
                "Only temperature=1 is supported. "
            } else {
                ""
            };
            return Err(mapping.unsupported(format!(
                "{} does not support {name}={value}. {hint}To drop unsupported params, set `litellm.drop_params = True`.",
                mapping.model
            )));
        }
    }
    Ok(())
}

/// What the members and tools of a body have to be announced with.
fn betas(built: &mut Built) {
    let members = &built.members;
    let context = members.get::<Value>("context_management");
    let edits = context.as_ref().and_then(|context| context.get("edits"));
    for edit in edits.and_then(Value::as_array).into_iter().flatten() {
        built.betas.insert(if edit["type"] == "compact_20260112" {
            "compact-2026-01-12"
        } else {
            "context-management-2025-06-27"
        });
    }
    let config = members.get::<Value>("output_config");
    let format = config.as_ref().map(|config| &config["format"]);
    if members.contains("output_format") || format.is_some_and(|format| !format.is_null()) {
        built.betas.insert("structured-outputs-2025-11-13");
    }
    if members.get::<String>("speed").as_deref() == Some("fast") {
        built.betas.insert("fast-mode-2026-02-01");
    }
    if members.contains("mcp_servers") {
        built.betas.insert("mcp-client-2025-04-04");
    }
}

/// OpenAI's list of compactions, or Anthropic's own object.
fn context_management(value: Value) -> Option<Value> {
    let Value::Array(entries) = value else {
        return value.get("edits").is_some().then_some(value);
    };
    let edits: Vec<Value> = entries
        .into_iter()
        .filter(|entry| entry["type"] == "compaction")
        .map(|mut entry| {
            entry["type"] = json!("compact_20260112");
            if let Value::Object(members) = &mut entry
                && let Some(most) = members.remove("compact_threshold").and_then(|m| m.as_f64())
            {
                let trigger = json!({"type": "input_tokens", "value": most as i64});
                members.insert("trigger".into(), trigger);
            }
            entry
        })
        .collect();
    (!edits.is_empty()).then(|| json!({"edits": edits}))
}

/// What the catalogue says of a model; `None` when it says nothing.
pub fn has(model: &str, provider: &str, capability: &str) -> Option<bool> {
    facts::of_claude(model, provider, capability)
}

fn max_tokens(model: &str, provider: &str) -> u64 {
    let most = |key: &str| {
        let entry = crate::catalog::entry(key)?;
        let most = entry
            .get("max_output_tokens")
            .or_else(|| entry.get("max_tokens"));
        most?.as_u64()
    };
    most(model)
        .or_else(|| most(&format!("{provider}/{model}")))
        .unwrap_or(DEFAULT_MAX_TOKENS)
}

fn refuses_later_system(target: &Target) -> bool {
    has(
        &target.model,
        target.provider.name,
        "supports_mid_conversation_system",
    ) != Some(true)
}

/// Anthropic refuses mail addresses and telephone numbers.
fn is_user_id(user: &str) -> bool {
    let telephone = user.len() >= 7
        && user
            .trim_start_matches('+')
            .chars()
            .all(|c| c.is_ascii_digit() || c.is_whitespace() || "()-".contains(c));
    let mail = user.split_once('@').is_some_and(|(name, host)| {
        let ending = host.rsplit_once('.').map_or("", |(_, ending)| ending);
        !name.is_empty() && ending.len() >= 2 && ending.chars().all(|c| c.is_ascii_alphabetic())
    });
    !telephone && !mail
}

/// LiteLLM's refusal repeats the message; its words stay out of the error.
fn no_such_role(role: &str, target: &Target) -> Error {
    let what = format!(
        "AnthropicException - litellm.BadRequestError: Invalid Message passed in: its role is '{role}'"
    );
    Error::new(ErrorKind::BadRequest, what).at(target.provider.name, &target.model)
}

/// LiteLLM's refusal names a message to add; the conversation itself stays out of the error.
fn no_messages(target: &Target) -> Error {
    Error::new(
        ErrorKind::BadRequest,
        "AnthropicException - litellm.BadRequestError: Anthropic requires at least one non-system message. Either \
         provide one, or set `litellm.modify_params = True` // `litellm_settings::modify_params: True` to add the dummy \
         user message - {'role': 'user', 'content': 'Please continue.'}.",
    )
    .at(target.provider.name, &target.model)
}

#[cfg(test)]
#[path = "anthropic_request_tests.rs"]
mod tests;
