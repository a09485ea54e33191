//! The members of a chunk: reading them, and giving them LiteLLM's names.

use super::canonical::{drop_nulls, text_arguments};
use super::providers::mistral;
use super::stream_chunks::StreamSettings;
use super::usage::Object;
use serde_json::{Value, json};

/// Top-level members that are the provider's own.
pub(super) fn extras(chunk: &Object) -> Object {
    const OURS: [&str; 8] = [
        "id",
        "created",
        "model",
        "object",
        "system_fingerprint",
        "choices",
        "usage",
        "service_tier",
    ];
    chunk
        .iter()
        .filter(|(name, value)| !OURS.contains(&name.as_str()) && !value.is_null())
        .map(|(name, value)| {
            let mut value = value.clone();
            drop_nulls(&mut value);
            (name.clone(), value)
        })
        .collect()
}

/// Gives every choice a `delta` with LiteLLM's names: one for reasoning, every member of tool calls.
pub(super) fn normalize(chunk: &mut Object, settings: &StreamSettings) {
    let Some(Value::Array(choices)) = chunk.get_mut("choices") else {
        return;
    };
    for choice in choices {
        let Value::Object(choice) = choice else {
            continue;
        };
        if let Some(text) = choice.remove("text")
            && !choice.contains_key("delta")
        {
            choice.insert("delta".into(), json!({"content": text}));
        }
        let Some(Value::Object(delta)) = choice.get_mut("delta") else {
            continue;
        };
        unfold(delta);
        let reasoning = delta.remove("reasoning");
        if settings.open_router {
            delta.insert("reasoning_content".into(), reasoning.unwrap_or_default());
        } else if let Some(reasoning) = reasoning
            && !has(delta, "reasoning_content")
        {
            delta.insert("reasoning_content".into(), reasoning);
        }
        if let Some(Value::Object(call)) = delta.get_mut("function_call") {
            text_arguments(call);
        }
        if let Some(Value::Array(calls)) = delta.get_mut("tool_calls") {
            let mut unnumbered = 0;
            for call in calls {
                let Value::Object(call) = call else { continue };
                if call.get("index").is_none_or(Value::is_null) {
                    call.insert("index".into(), json!(unnumbered));
                    unnumbered += 1;
                }
                if call.get("type").is_none_or(Value::is_null) {
                    let custom = call.get("custom").is_some_and(Value::is_object);
                    let kind = if custom { "custom" } else { "function" };
                    call.insert("type".into(), json!(kind));
                }
                if let Some(Value::Object(function)) = call.get_mut("function") {
                    text_arguments(function);
                }
            }
        }
    }
}

/// A content of parts becomes text, reasoning, and blocks of thinking: Databricks streams Claude so, and Mistral its
/// models that think.
pub(super) fn unfold(message: &mut Object) {
    let Some(Value::Array(parts)) = message.get("content") else {
        return;
    };
    let mut text: Option<String> = None;
    let mut reasoning: Option<String> = None;
    let mut blocks = Vec::new();
    let mut citations = Vec::new();
    for part in parts {
        if let Some(more) = part["text"].as_str().filter(|_| part["type"] == "text") {
            text.get_or_insert_default().push_str(more);
        }
        if let Some(cited) = part["citations"]
            .as_array()
            .filter(|cited| !cited.is_empty())
        {
            let supported = |citation: &Value| {
                let mut citation = citation.clone();
                if let Value::Object(citation) = &mut citation {
                    citation.insert("supported_text".into(), part["text"].clone());
                }
                citation
            };
            citations.push(Value::Array(cited.iter().map(supported).collect()));
        }
        let thought: String = mistral::thoughts(part).collect();
        if !thought.is_empty() {
            if let Some(reasoning) = &mut reasoning {
                reasoning.push('\n');
            }
            reasoning.get_or_insert_default().push_str(&thought);
            blocks.push(json!({"type": "thinking", "thinking": thought, "signature": "mistral"}));
        }
        for thought in part["summary"].as_array().into_iter().flatten() {
            let said = thought["text"].as_str().unwrap_or("");
            reasoning.get_or_insert_default().push_str(said);
            let signature = thought["signature"].as_str().unwrap_or("");
            blocks.push(json!({"type": "thinking", "thinking": said, "signature": signature}));
        }
    }
    message.insert("content".into(), json!(text));
    if let Some(reasoning) = reasoning {
        message.insert("reasoning_content".into(), json!(reasoning));
        message.insert("thinking_blocks".into(), Value::Array(blocks));
    }
    if !citations.is_empty() {
        let own = json!({"citations": citations});
        message.insert("provider_specific_fields".into(), own);
    }
}

pub(super) fn aborted(chunk: &Object) -> bool {
    let Some(Value::Array(choices)) = chunk.get("choices") else {
        return false;
    };
    choices
        .iter()
        .any(|choice| choice.get("finish_reason").and_then(Value::as_str) == Some("abort"))
}

pub(super) fn first_choice(chunk: &Object) -> Option<&Object> {
    chunk.get("choices")?.as_array()?.first()?.as_object()
}

pub(super) fn first_delta(chunk: &mut Object) -> Option<&mut Object> {
    let choices = chunk.get_mut("choices")?.as_array_mut()?;
    choices.first_mut()?.get_mut("delta")?.as_object_mut()
}

pub(super) fn has(object: &Object, name: &str) -> bool {
    object.get(name).is_some_and(|value| !value.is_null())
}

pub(super) fn is_filled_list(object: &Object, name: &str) -> bool {
    object
        .get(name)
        .and_then(Value::as_array)
        .is_some_and(|items| !items.is_empty())
}

pub(super) fn text_of<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or("")
}
