//! A call in Gemini's dialect as a chat.

use super::{contents, member};
use crate::adapt::Target;
use crate::adapt::dialects::messages::effort_of;
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use serde_json::{Value, json};

/// Members of `generationConfig` that a chat has under another name.
const RENAMED: [(&str, &str, &str); 10] = [
    ("temperature", "temperature", "temperature"),
    ("topP", "top_p", "top_p"),
    ("topK", "top_k", "top_k"),
    ("maxOutputTokens", "max_output_tokens", "max_tokens"),
    ("stopSequences", "stop_sequences", "stop"),
    ("presencePenalty", "presence_penalty", "presence_penalty"),
    ("frequencyPenalty", "frequency_penalty", "frequency_penalty"),
    ("seed", "seed", "seed"),
    ("responseLogprobs", "response_logprobs", "logprobs"),
    ("logprobs", "logprobs", "top_logprobs"),
];

/// The chat.
///
/// # Errors
/// What no chat can say, by name.
pub fn chat(call: &Call, target: &Target) -> Result<Call> {
    let given: Value = serde_json::from_slice(&call.params.to_json()).unwrap_or_default();
    let mut params = Params::default();
    params.set("model", &call.model);
    let system = member(&given, "systemInstruction", "system_instruction");
    let said = given.get("contents").unwrap_or(&Value::Null);
    params.set("messages", &contents::messages(said, system)?);
    if member(&given, "cachedContent", "cached_content").is_some() {
        return Err(unsupported("cachedContent"));
    }
    tools(&given, &mut params)?;
    if let Some(config) = member(&given, "generationConfig", "generation_config") {
        generation(config, target, &mut params)?;
    }
    if call.stream {
        params.set("stream", &true);
        params.set("stream_options", &json!({"include_usage": true}));
    }
    let mut chat = call.clone();
    chat.op = Op::Chat;
    chat.format = Op::Chat.format();
    chat.params = params;
    Ok(chat)
}

fn unsupported(name: &str) -> Error {
    Error::bad_request(format!("`{name}` is not supported for this model"))
}

fn tools(given: &Value, params: &mut Params) -> Result<()> {
    let listed = match given.get("tools") {
        Some(Value::Array(tools)) => tools.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => &[],
    };
    let mut functions = Vec::new();
    for tool in listed {
        let declared = member(tool, "functionDeclarations", "function_declarations");
        let declared = declared.and_then(Value::as_array).into_iter().flatten();
        functions.extend(declared.map(function));
        let names = tool.as_object().into_iter().flatten();
        for (name, _) in names.filter(|(_, value)| !value.is_null()) {
            match name.as_str() {
                "functionDeclarations" | "function_declarations" => {}
                "googleSearch" | "google_search" | "googleSearchRetrieval" => {
                    params.set("web_search_options", &json!({}));
                }
                other => return Err(unsupported(&format!("tools.{other}"))),
            }
        }
    }
    let config = member(given, "toolConfig", "tool_config");
    let config = config
        .and_then(|config| member(config, "functionCallingConfig", "function_calling_config"));
    if let Some(config) = config {
        let allowed = member(config, "allowedFunctionNames", "allowed_function_names");
        let allowed: Vec<&str> = allowed
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let named = |function: &Value| {
            function["function"]["name"]
                .as_str()
                .is_some_and(|name| allowed.contains(&name))
        };
        if !allowed.is_empty() {
            functions.retain(named);
        }
        let mode = config["mode"].as_str().unwrap_or("AUTO").to_uppercase();
        let choice = match (mode.as_str(), allowed.as_slice()) {
            ("NONE", _) => json!("none"),
            ("ANY", [one]) => json!({"type": "function", "function": {"name": one}}),
            ("ANY", _) => json!("required"),
            _ => json!("auto"),
        };
        if !functions.is_empty() {
            params.set("tool_choice", &choice);
        }
    }
    if !functions.is_empty() {
        params.set("tools", &functions);
    }
    Ok(())
}

/// A declaration, its parameters as JSON Schema or in Google's own form of it.
fn function(declared: &Value) -> Value {
    let mut function = json!({"name": declared["name"]});
    if let Some(description) = declared.get("description").filter(|d| d.is_string()) {
        function["description"] = description.clone();
    }
    let schema = member(declared, "parametersJsonSchema", "parameters_json_schema");
    let schema = schema.cloned().or_else(|| {
        let mut own = declared
            .get("parameters")
            .filter(|own| own.is_object())?
            .clone();
        as_json_schema(&mut own);
        Some(own)
    });
    if let Some(schema) = schema {
        function["parameters"] = schema;
    }
    json!({"type": "function", "function": function})
}

/// Google writes types in capitals, and says `nullable` where JSON Schema has a type for it.
fn as_json_schema(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let nullable = members.remove("nullable") == Some(Value::Bool(true));
            if let Some(Value::String(kind)) = members.get_mut("type") {
                *kind = kind.to_lowercase();
                if nullable {
                    let kind = std::mem::take(kind);
                    members.insert("type".into(), json!([kind, "null"]));
                }
            }
            for (name, inner) in members.iter_mut() {
                match name.as_str() {
                    "properties" => inner
                        .as_object_mut()
                        .into_iter()
                        .flatten()
                        .for_each(|(_, inner)| as_json_schema(inner)),
                    "items" | "anyOf" => as_json_schema(inner),
                    _ => {}
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(as_json_schema),
        _ => {}
    }
}

fn generation(config: &Value, target: &Target, params: &mut Params) -> Result<()> {
    for (camel, snake, name) in RENAMED {
        if let Some(value) = member(config, camel, snake) {
            params.set(name, value);
        }
    }
    let count = member(config, "candidateCount", "candidate_count");
    if let Some(count) = count.and_then(Value::as_u64).filter(|count| *count > 1) {
        params.set("n", &count);
    }
    let modalities = member(config, "responseModalities", "response_modalities");
    let modalities = modalities.and_then(Value::as_array).into_iter().flatten();
    let modalities: Vec<String> = modalities
        .filter_map(Value::as_str)
        .map(str::to_lowercase)
        .collect();
    if modalities.iter().any(|modality| modality != "text") {
        params.set("modalities", &modalities);
    }
    if member(config, "speechConfig", "speech_config").is_some() {
        return Err(unsupported("generationConfig.speechConfig"));
    }
    form(config, params);
    if let Some(thinking) = member(config, "thinkingConfig", "thinking_config") {
        think(thinking, target, params);
    }
    Ok(())
}

fn form(config: &Value, params: &mut Params) {
    let schema = member(config, "responseJsonSchema", "response_json_schema").cloned();
    let schema = schema.or_else(|| {
        let mut own = member(config, "responseSchema", "response_schema")?.clone();
        as_json_schema(&mut own);
        Some(own)
    });
    let kind = member(config, "responseMimeType", "response_mime_type").and_then(Value::as_str);
    let format = match (schema, kind) {
        (Some(schema), _) => json!({"type": "json_schema",
            "json_schema": {"name": "response", "schema": schema}}),
        (None, Some("application/json")) => json!({"type": "json_object"}),
        _ => return,
    };
    params.set("response_format", &format);
}

/// How much it is to think: a budget to those who take one, an effort to the others.
fn think(config: &Value, target: &Target, params: &mut Params) {
    let supported = target.supported();
    let budget = member(config, "thinkingBudget", "thinking_budget").and_then(Value::as_i64);
    let level = member(config, "thinkingLevel", "thinking_level").and_then(Value::as_str);
    let shown = member(config, "includeThoughts", "include_thoughts") == Some(&Value::Bool(true));
    let effort = match (level, budget) {
        (Some(level), _) => Some(level.to_lowercase()),
        (None, Some(0)) => None,
        (None, Some(budget)) if budget > 0 => Some(effort_of(budget as f64).to_owned()),
        (None, Some(_)) => Some("medium".to_owned()),
        (None, None) => shown.then(|| "medium".to_owned()),
    };
    match (budget, effort) {
        (Some(budget), _) if budget > 0 && supported.contains(&"thinking") => {
            params.set(
                "thinking",
                &json!({"type": "enabled", "budget_tokens": budget}),
            );
        }
        (_, Some(effort)) => params.set("reasoning_effort", &effort),
        (_, None) if supported.contains(&"thinking") => {
            params.set("thinking", &json!({"type": "disabled"}));
        }
        (_, None) if supported.contains(&"reasoning_effort") => {
            params.set("reasoning_effort", "none");
        }
        // Who cannot think need not be told not to.
        _ => {}
    }
}
