//! A call in Anthropic's dialect as a chat.

use super::{conversation, tools};
use crate::adapt::Target;
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use serde_json::{Map, Value, json};

/// Longest key of OpenAI's prompt cache.
const MAX_CACHE_KEY: usize = 64;

/// Hints to Anthropic: an answer without them is the same answer.
const HINTS: [&str; 4] = [
    "cache_control",
    "context_management",
    "inference_geo",
    "speed",
];

/// What a target is, as far as it matters here.
#[derive(Clone, Copy)]
pub struct Kind {
    /// A Claude, whoever serves it: thinking stays thinking.
    pub claude: bool,
    /// Marks of the prompt cache mean something to it.
    pub caches: bool,
}

impl Kind {
    /// By the names of provider and model, as LiteLLM tells them apart.
    pub fn of(target: &Target) -> Self {
        let name = format!("{}/{}", target.provider.name, target.model).to_lowercase();
        let profile = name.contains("arn:") && name.contains(":bedrock:");
        let claude = name.contains("anthropic") || name.contains("claude") || profile;
        Self {
            claude,
            caches: claude || name.contains("gemini"),
        }
    }
}

/// The chat.
///
/// # Errors
/// Members of the wrong shape.
pub fn chat(call: &Call, target: &Target) -> Result<Call> {
    let kind = Kind::of(target);
    let given = &call.params;
    let mut params = Params::default();
    let turns = conversation::of(given, kind)?;
    for (name, raw) in given.iter() {
        match name {
            "messages" => params.set(name, &turns),
            "system" | "thinking" | "output_config" | "output_format" | "tools" | "tool_choice"
            | "metadata" | "stop_sequences" => {}
            hint if HINTS.contains(&hint) => {}
            "service_tier" if &raw[..] == br#""standard_only""# => params.set(name, "default"),
            _ => params.set_raw(name, raw.clone()),
        }
    }
    if let Some(raw) = given.raw("stop_sequences").filter(|raw| !is_empty(raw)) {
        params.set_raw("stop", raw.clone());
    }
    user(given, target, &mut params);
    tools::apply(given, target, kind, &mut params)?;
    thinking(given, target, kind, &mut params)?;
    form(given, &mut params)?;
    if call.stream {
        params.set("stream_options", &json!({"include_usage": true}));
    }
    let mut chat = call.clone();
    chat.op = Op::Chat;
    chat.format = Op::Chat.format();
    chat.params = params;
    Ok(chat)
}

fn is_empty(raw: &[u8]) -> bool {
    matches!(raw, b"null" | b"[]")
}

/// `metadata.user_id`, and the session that Claude Code keeps in it.
fn user(given: &Params, target: &Target, params: &mut Params) {
    let metadata: Map<String, Value> = given.get("metadata").unwrap_or_default();
    let Some(user) = metadata.get("user_id").and_then(Value::as_str) else {
        return;
    };
    params.set("user", user);
    let session = serde_json::from_str::<Value>(user).ok();
    let session = session
        .as_ref()
        .and_then(|user| user.get("session_id")?.as_str());
    if let Some(session) = session.filter(|session| !session.is_empty())
        && target.supported().contains(&"prompt_cache_key")
    {
        let key: String = session.chars().take(MAX_CACHE_KEY).collect();
        params.set("prompt_cache_key", &key);
    }
}

/// How much it is to think: to a Claude as it was said, to others as an effort.
fn thinking(given: &Params, target: &Target, kind: Kind, params: &mut Params) -> Result<()> {
    let thinking: Option<Map<String, Value>> = given.read("thinking")?;
    let mut config: Map<String, Value> = given.read("output_config")?.unwrap_or_default();
    config.remove("format");
    let effort = config.get("effort").and_then(Value::as_str);
    let takes_effort = || target.supported().contains(&"reasoning_effort");
    if kind.claude {
        if let Some(raw) = given.raw("thinking").filter(|_| thinking.is_some()) {
            params.set_raw("thinking", raw.clone());
        }
        if target.provider.name == "bedrock" {
            if !config.is_empty() {
                params.set("output_config", &config);
            }
        } else if let Some(effort) = effort.filter(|_| takes_effort()) {
            params.set("reasoning_effort", effort);
        }
        return Ok(());
    }
    let kind = thinking
        .as_ref()
        .and_then(|thinking| thinking.get("type")?.as_str());
    let effort = match kind {
        Some("enabled") => {
            let budget = thinking
                .as_ref()
                .and_then(|thinking| thinking.get("budget_tokens")?.as_f64());
            Some(effort_of(budget.unwrap_or(0.0)))
        }
        Some("adaptive") => Some(effort.unwrap_or("medium")),
        // Who cannot think need not be told not to.
        Some("disabled") => Some("none").filter(|_| takes_effort()),
        _ => effort.filter(|_| takes_effort()),
    };
    if let Some(effort) = effort {
        params.set("reasoning_effort", effort);
    }
    Ok(())
}

/// LiteLLM's thresholds between budgets of thinking and efforts.
pub fn effort_of(budget: f64) -> &'static str {
    match budget {
        budget if budget >= 4096.0 => "high",
        budget if budget >= 2048.0 => "medium",
        budget if budget >= 1024.0 => "low",
        _ => "minimal",
    }
}

/// The wanted form of the answer, by its older name and its newer one.
fn form(given: &Params, params: &mut Params) -> Result<()> {
    let older: Option<Value> = given.read("output_format")?;
    let newer = || -> Result<Option<Value>> {
        let config: Option<Value> = given.read("output_config")?;
        Ok(config.and_then(|mut config| config.get_mut("format").map(Value::take)))
    };
    let format = match older {
        Some(format) => Some(format),
        None => newer()?,
    };
    let Some(mut format) = format else {
        return Ok(());
    };
    if format["type"] != "json_schema" || !format["schema"].is_object() {
        return Err(Error::bad_request(
            "`output_format` must be a `json_schema` with its `schema`",
        ));
    }
    let mut schema = format["schema"].take();
    closed(&mut schema);
    params.set(
        "response_format",
        &json!({"type": "json_schema",
            "json_schema": {"name": "structured_output", "schema": schema, "strict": true}}),
    );
    Ok(())
}

/// OpenAI's strict mode wants every object closed and all of its members named.
fn closed(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    let names: Option<Vec<String>> = (schema.get("type") == Some(&json!("object")))
        .then(|| schema.get("properties")?.as_object())
        .flatten()
        .map(|properties| properties.keys().cloned().collect());
    if let Some(names) = names {
        schema.insert("additionalProperties".into(), false.into());
        schema.insert("required".into(), json!(names));
    }
    for name in ["properties", "$defs", "definitions"] {
        let inner = schema.get_mut(name).and_then(Value::as_object_mut);
        inner
            .into_iter()
            .flatten()
            .for_each(|(_, inner)| closed(inner));
    }
    if let Some(items) = schema.get_mut("items") {
        closed(items);
    }
    for name in ["anyOf", "oneOf", "allOf"] {
        let inner = schema.get_mut(name).and_then(Value::as_array_mut);
        inner.into_iter().flatten().for_each(closed);
    }
}
