//! The request side of OpenAI's protocol: members spliced, never parsed into a tree unless a provider's habit or a
//! message that needs cleaning asks for it.
//!
//! Order: the deployment's defaults, names to drop, what the provider takes, its habits, the members of its own, the
//! stream, the messages.

pub(super) mod embeddings;
pub(super) mod injection;
pub mod messages;
pub(super) mod text;
pub(in crate::adapt) mod wire;

use super::openai_responses;
use crate::adapt::habits::{Mapping, azure, mistral, openai, reasoning};
use crate::adapt::params::{self, Policy, drop_paths};
use crate::adapt::registry::{Provider, Via};
use crate::adapt::{Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;
use messages::Rules;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Builds the request for a call at a target.
///
/// # Errors
/// A parameter that the provider does not take, a missing key, a header that cannot be sent.
pub fn request(call: &Call, target: &Target) -> Result<UpstreamRequest> {
    if let (Op::Responses | Op::Stored(_), Some(native)) = (call.op, target.provider.responses) {
        let path = openai_responses::path(call, target);
        let body = openai_responses::body(call, target, native)?;
        let request = wire::upstream(call, target, &path, &body)?;
        return Ok(openai_responses::asked(call, request));
    }
    let (path, body) = body(call, target)?;
    wire::upstream(call, target, path, &body)
}

/// The path below the base URL that a call goes to, and its body.
///
/// # Errors
/// As [`request`], but for what goes into headers.
pub(super) fn body(call: &Call, target: &Target) -> Result<(&'static str, Params)> {
    Ok(match call.op {
        Op::TextCompletion if text::has_own_path(target) => {
            ("/completions", text::body(call, target)?)
        }
        Op::TextCompletion => ("/chat/completions", chat(&text::as_chat(call)?, target)?.0),
        Op::Embeddings => ("/embeddings", embeddings::body(call, target)?),
        _ => ("/chat/completions", chat(call, target)?.0),
    })
}

/// How the reply has to be read, apart from what the call says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The provider answers whole, although the caller asked for a stream.
    pub fake_stream: bool,
    /// The content comes as the arguments of a made-up tool, `json_tool_call`.
    pub json_mode: bool,
}

/// What [`request`] decided on the reply of a call.
pub fn plan(call: &Call, target: &Target) -> Plan {
    // Only a wanted form of the answer asks for either.
    let formed = |params: &Params| params.contains("response_format");
    if call.op != Op::Chat || !(formed(&call.params) || formed(&target.defaults)) {
        return Plan::default();
    }
    chat(call, target).map(|(_, plan)| plan).unwrap_or_default()
}

/// The OpenAI-shaped parameters of a chat after mapping: LiteLLM's `get_optional_params`.
///
/// `supported` are the parameters that the model takes at the provider ([`params::supported`]).
///
/// # Errors
/// A parameter that the provider does not take.
pub fn map_params<'a>(
    given: &Params,
    provider: &'static Provider,
    model: &'a str,
    supported: &[&'static str],
    options: &Options,
    stream: bool,
) -> Result<Mapping<'a>> {
    let drop_params = options.drop_params.unwrap_or(false);
    let dropped = |name: &str| options.additional_drop_params.iter().any(|d| d == name);
    let by_base = provider.habits.by_base_model;
    let said = |text: &Option<String>| text.as_ref().filter(|_| by_base).cloned();
    let mut mapping = Mapping {
        provider: provider.name,
        model,
        base_model: said(&options.base_model),
        api_version: said(&options.api_version),
        params: Params::default(),
        extra: Params::default(),
        drop_params,
        stream,
        fake_stream: false,
        json_mode: false,
    };
    let mut own = Params::default();
    for (name, raw) in given.iter() {
        if matches!(name, "model" | "messages" | "stream") || &raw[..] == b"null" || dropped(name) {
            continue;
        }
        let members = if params::OPENAI_CHAT.contains(&name) {
            &mut mapping.params
        } else {
            &mut own
        };
        members.set_raw(name, raw.clone());
    }
    if let Some(map) = provider.habits.before {
        map(&mut mapping)?;
    }
    let policy = Policy {
        drop_params,
        allowed: &options.allowed_openai_params,
    };
    params::check(
        &mut mapping.params,
        supported,
        &policy,
        provider.name,
        model,
    )?;
    if provider.habits.older_max_tokens
        && let Some(most) = mapping.params.remove("max_completion_tokens")
    {
        mapping.params.set_raw("max_tokens", most);
    }
    if provider.params.is_empty() {
        mapping.params.remove("reasoning_effort");
    }
    if let Some(map) = provider.habits.params {
        map(&mut mapping)?;
    }
    // The members that are the provider's own win over `extra_body`, and both over OpenAI's.
    if !dropped("extra_body") {
        for (name, raw) in options.extra_body.iter().chain(own.iter()) {
            if name != "model" && !dropped(name) && !provider.habits.leaves_out.contains(&name) {
                mapping.extra.set_raw(name, raw.clone());
            }
        }
    }
    drop_paths::drop_paths(&mut mapping.params, &options.additional_drop_params);
    drop_paths::drop_paths(&mut mapping.extra, &options.additional_drop_params);
    Ok(mapping)
}

/// For providers with a protocol of their own: the members of a call and the deployment, and the same after what every
/// provider's go through. `extra_body` stays one member.
pub(super) fn mapped_apart<'a>(call: &Call, target: &'a Target) -> Result<(Params, Mapping<'a>)> {
    let call = match call.op {
        Op::TextCompletion => Cow::Owned(text::as_chat(call)?),
        _ => Cow::Borrowed(call),
    };
    let given = with_defaults(&call.params, &target.defaults).into_owned();
    let mut options = target.options.clone();
    let body = std::mem::take(&mut options.extra_body);
    let mut mapping = map_params(
        &given,
        target.provider,
        &target.model,
        target.supported(),
        &options,
        call.stream,
    )?;
    // LiteLLM hands `extra_body` on as it is, under its own name.
    if !body.is_empty() {
        mapping.extra.set_raw("extra_body", body.to_json());
    }
    Ok((given, mapping))
}

/// The body of a chat, and how its reply has to be read.
///
/// # Errors
/// As [`request`].
pub(super) fn chat(call: &Call, target: &Target) -> Result<(Params, Plan)> {
    let given = with_defaults(&call.params, &target.defaults);
    let mut mapping = map_params(
        &given,
        target.provider,
        &target.model,
        target.supported(),
        &target.options,
        call.stream,
    )?;
    if let Some(map) = target.provider.habits.request {
        map(&mut mapping)?;
    }
    own_hosts(&mut mapping, target)?;
    tool_choice(&mut mapping)?;
    stop(&mut mapping.params);
    let plan = Plan {
        fake_stream: mapping.fake_stream && call.stream,
        json_mode: mapping.json_mode,
    };
    let rules = target.message_rules(|| rules(target));
    let messages = given
        .raw("messages")
        .cloned()
        .unwrap_or_else(|| Bytes::from_static(b"[]"));
    let messages = if mapping.provider == "litellm_proxy" {
        messages
    } else {
        injection::inject(messages, &mapping.extra)
    };
    let messages = messages::clean(&messages, &rules, &mapping)?;
    let mut body = Params::default();
    body.set_text("model", &upstream_model(target));
    body.set_raw("messages", messages);
    if !rules.keeps_cache_control {
        clean_tools(&mut mapping.params);
    }
    for (name, raw) in mapping.params.iter() {
        body.set_raw(name, raw.clone());
    }
    stream_members(&mut body, call.stream && !plan.fake_stream, target);
    // LiteLLM's server says whether it wants a stream; OpenAI's SDK leaves a `false` out, and so do some handlers.
    let handled = target.provider.via == Via::Handler;
    let told = target.provider.habits.says_no_stream.unwrap_or(handled);
    if told && !call.stream && !call.caller.route.is_empty() {
        body.set_raw("stream", Bytes::from_static(b"false"));
    }
    for (name, raw) in target.provider.habits.body {
        body.set_raw(name, Bytes::from_static(raw.as_bytes()));
    }
    for name in [
        reasoning::ASK_FOR_TOOL,
        reasoning::SCHEMA_IN_WORDS,
        mistral::REASONING_PROMPT,
        injection::NAME,
    ] {
        mapping.extra.remove(name);
    }
    for (name, raw) in mapping.extra.iter() {
        body.set_raw(name, raw.clone());
    }
    body.remove("max_retries");
    if target.provider.habits.keeps_retries
        && target.api_base != target.provider.base_url
        && let Some(retries) = target.options.max_retries
    {
        body.set("max_retries", &retries);
    }
    body.remove("extra_headers");
    Ok((body, plan))
}

/// The call's members, and the deployment's where the call has none of that name.
pub(in crate::adapt) fn with_defaults<'a>(
    params: &'a Params,
    defaults: &Params,
) -> Cow<'a, Params> {
    if defaults.is_empty() {
        return Cow::Borrowed(params);
    }
    let mut params = params.clone();
    for (name, raw) in defaults.iter() {
        if params.raw(name).is_none_or(|given| &given[..] == b"null") {
            params.set_raw(name, raw.clone());
        }
    }
    Cow::Owned(params)
}

fn upstream_model(target: &Target) -> Cow<'_, str> {
    match target.provider.habits.model {
        Some(rename) => Cow::Owned(rename(&target.model)),
        None => Cow::Borrowed(&target.model),
    }
}

fn rules(target: &Target) -> Rules {
    let provider = target.provider;
    let o_series = match provider.name {
        "openai" => openai::family(&target.model) == openai::Family::OSeries,
        "azure" => azure::family(target.known_as()) == azure::Family::OSeries,
        _ => false,
    };
    let elsewhere = provider.name == "openai" && !wire::is_openai_host(&target.api_base);
    let caching = provider.name == "openrouter"
        && crate::adapt::habits::chat::openrouter_caches(&target.model);
    Rules {
        provider,
        keeps_cache_control: provider.habits.keeps_cache_control || elsewhere || caching,
        keeps_developer: o_series,
        keeps_system: !o_series
            || params::facts::supports(&target.model, "openai", "supports_system_messages"),
    }
}

/// A parameter that only the provider's own hosts take is refused for others, unless the caller insists.
fn own_hosts(mapping: &mut Mapping<'_>, target: &Target) -> Result<()> {
    let Some((domain, name)) = target.provider.habits.own_hosts else {
        return Ok(());
    };
    let Some(value) = mapping.value(name) else {
        return Ok(());
    };
    let insists = target
        .options
        .allowed_openai_params
        .iter()
        .any(|allowed| allowed == name);
    let own = wire::is_host_of(&target.api_base, domain);
    if insists || (own && value.as_str().is_some_and(str::is_ascii)) {
        return Ok(());
    }
    if mapping.drop_params {
        mapping.params.remove(name);
        return Ok(());
    }
    let why = if own {
        "it must be a text of ASCII characters".to_owned()
    } else {
        format!("only hosts of {domain} take it")
    };
    Err(mapping.unsupported(format!(
        "{} does not support parameters: ['{name}'], for model={}: {why}. To send it anyway, pass \
         `allowed_openai_params=['{name}']`. To drop it, set `litellm.drop_params=True` or for proxy:\n\n\
         `litellm_settings:\n drop_params: true`\n",
        mapping.provider, mapping.model
    )))
}

/// `{"type": "auto"}` means `auto`, and a choice without tools means nothing.
fn tool_choice(mapping: &mut Mapping<'_>) -> Result<()> {
    let Some(choice) = mapping.value("tool_choice") else {
        return Ok(());
    };
    if let Value::Object(object) = &choice {
        let kind = object.get("type").and_then(Value::as_str);
        if let Some(kind @ ("auto" | "none" | "required")) = kind
            && !object.contains_key("function")
        {
            mapping.params.set("tool_choice", &kind);
        } else if kind.is_none() || !object.contains_key("function") {
            return Err(Error::bad_request(format!(
                "Invalid tool choice, tool_choice={choice}. Please ensure tool_choice follows the OpenAI spec"
            ))
            .at("", mapping.model));
        }
    }
    let empty = |name: &str| {
        mapping
            .value(name)
            .is_none_or(|v| v.as_array().is_some_and(Vec::is_empty))
    };
    if empty("tools") && empty("functions") && mapping.provider != "litellm_proxy" {
        mapping.params.remove("tool_choice");
    }
    Ok(())
}

/// OpenAI takes four stop sequences; LiteLLM sends the first four.
fn stop(params: &mut Params) {
    if let Some(Value::Array(mut stop)) = params.get("stop")
        && stop.len() > 4
    {
        stop.truncate(4);
        params.set("stop", &stop);
    }
}

fn clean_tools(params: &mut Params) {
    let marked = params
        .raw("tools")
        .is_some_and(|raw| memchr::memmem::find(raw, b"cache_control").is_some());
    if marked && let Some(mut tools) = params.get::<Value>("tools") {
        messages::without(&mut tools, "cache_control");
        params.set("tools", &tools);
    }
}

/// `stream` and `stream_options`: given, or asked for to know the usage of a stream.
fn stream_members(body: &mut Params, stream: bool, target: &Target) {
    let sdk = target.provider.via == Via::Sdk;
    if !stream {
        if sdk {
            body.remove("stream_options");
        }
        return;
    }
    body.set("stream", &true);
    let ask = target.options.ask_stream_usage && target.provider.params.contains(&"stream_options");
    if !body.contains("stream_options") && (ask || (sdk && wire::is_openai_host(&target.api_base)))
    {
        body.set("stream_options", &json!({"include_usage": true}));
    } else if ask
        && let Some(Value::Object(mut options)) = body.get("stream_options")
        && options.get("include_usage") != Some(&Value::Bool(true))
    {
        options.insert("include_usage".to_owned(), true.into());
        body.set("stream_options", &options);
    }
}

#[cfg(test)]
#[path = "openai_request_tests.rs"]
mod tests;
