//! From a call of the Responses API to a chat.

use super::tools::{self, Asked};
use super::{Lost, input};
use crate::adapt::Target;
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;
use serde_json::{Value, json};

/// Members under their names in a chat.
const RENAMED: [(&str, &str); 7] = [
    ("top_p", "top_p"),
    ("user", "user"),
    ("temperature", "temperature"),
    ("parallel_tool_calls", "parallel_tool_calls"),
    ("max_output_tokens", "max_tokens"),
    ("service_tier", "service_tier"),
    ("safety_identifier", "safety_identifier"),
];

/// Members that change nothing of what a provider is asked: they say what is kept and told, and hints.
const NOT_ASKED: [&str; 16] = [
    "model",
    "input",
    "instructions",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "text",
    "reasoning",
    "metadata",
    "client_metadata",
    "include",
    "store",
    "truncation",
    "previous_response_id",
    "prompt_cache_retention",
];

/// Members without which the answer would be another.
const NEEDED: [&str; 5] = [
    "background",
    "conversation",
    "prompt",
    "max_tool_calls",
    "top_logprobs",
];

/// The chat that a call asks.
///
/// # Errors
/// What chat has no form for.
pub(super) fn chat(call: &Call, target: &Target) -> Result<Call> {
    let lost = Lost::of(call, target);
    let given = &call.params;
    let instructions: Option<String> = given.get("instructions");
    let Some(said) = given.get::<Value>("input") else {
        return Err(
            Error::bad_request("`input` is missing").at(target.provider.name, &target.model)
        );
    };
    let messages = input::messages(instructions.as_deref(), said, &lost)?;
    let asked = tools::asked(given.raw("tools"), &lost)?;
    let mut params = Params::default();
    if let Some(model) = given.raw("model") {
        params.set_raw("model", model.clone());
    }
    params.set("messages", &messages);
    for (name, chat) in RENAMED {
        if let Some(raw) = filled(given, name) {
            params.set_raw(chat, raw.clone());
        }
    }
    set_tools(&mut params, given, &asked, target);
    if let Some(format) = response_format(given) {
        params.set_raw("response_format", format);
    }
    if let Some(effort) = effort(given) {
        params.set("reasoning_effort", &effort);
    }
    others(&mut params, given, target, &lost)?;
    if call.stream {
        params.set("stream", &true);
        params.set("stream_options", &json!({"include_usage": true}));
    }
    let mut chat = call.clone();
    chat.op = Op::Chat;
    chat.format = Op::Chat.format();
    chat.params = params;
    if let Some(metadata) = filled(given, "metadata") {
        chat.options.other.set_raw("metadata", metadata.clone());
    }
    Ok(chat)
}

fn set_tools(params: &mut Params, given: &Params, asked: &Asked, target: &Target) {
    if asked.functions.is_empty() {
        params.remove("parallel_tool_calls");
    } else {
        params.set_raw("tools", tools::list(&asked.functions));
        if let Some(choice) = given.get::<Value>("tool_choice") {
            params.set("tool_choice", &tools::choice(&choice));
        }
    }
    // Codex always offers a search; a provider without one goes without.
    if let Some(search) = &asked.web_search
        && target.supported().contains(&"web_search_options")
    {
        params.set("web_search_options", search);
    }
}

/// `text.format` as `response_format`, its schema the bytes that it was.
fn response_format(given: &Params) -> Option<Bytes> {
    let text = Params::parse(given.raw("text")?).ok()?;
    let format = Params::parse(text.raw("format")?).ok()?;
    let mut made = Params::default();
    match format.get::<String>("type").as_deref() {
        Some("json_object") => made.set("type", &"json_object"),
        Some("json_schema") => {
            let mut schema = Params::default();
            let name = format.get::<String>("name");
            schema.set("name", &name.as_deref().unwrap_or("response_schema"));
            let given = format.raw("schema").cloned();
            schema.set_raw("schema", given.unwrap_or_else(|| Bytes::from_static(b"{}")));
            let strict = format.get::<bool>("strict").unwrap_or(false);
            schema.set("strict", &strict);
            made.set("type", &"json_schema");
            made.set_raw("json_schema", schema.to_json());
        }
        _ => return None,
    }
    Some(made.to_json())
}

fn effort(given: &Params) -> Option<String> {
    match given.get::<Value>("reasoning")? {
        Value::String(effort) => Some(effort),
        reasoning => Some(reasoning.get("effort")?.as_str()?.to_owned()),
    }
}

/// Hints go where the provider takes them; what is needed and cannot be had is refused; the rest is the provider's own.
fn others(params: &mut Params, given: &Params, target: &Target, lost: &Lost<'_>) -> Result<()> {
    let renamed = |name: &str| RENAMED.iter().any(|(from, _)| *from == name);
    for (name, raw) in given.iter() {
        if &raw[..] == b"null" || NOT_ASKED.contains(&name) || renamed(name) {
            continue;
        }
        if NEEDED.contains(&name) {
            if !matches!(&raw[..], b"false" | b"0") {
                lost.param(name)?;
            }
        } else if name != "prompt_cache_key" || target.supported().contains(&name) {
            params.set_raw(name, raw.clone());
        }
    }
    Ok(())
}

fn filled<'a>(given: &'a Params, name: &str) -> Option<&'a Bytes> {
    given.raw(name).filter(|raw| &raw[..] != b"null")
}
