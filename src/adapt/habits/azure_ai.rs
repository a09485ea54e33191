//! What models on Azure AI Foundry do their own way: each maker's model takes what its maker's does.
//!
//! <https://learn.microsoft.com/azure/ai-foundry/>

use super::openai::{self, At};
use super::tools::has_no_stop;
use super::{Habits, Mapping};
use crate::adapt::params::{self, facts, sets};
use crate::adapt::providers::azure_ai;
use crate::error::Result;
use serde_json::Value;

/// Where the catalogue knows a model of the fifth generation or later: here, else at OpenAI.
fn at(model: &str) -> At<'_> {
    let here = facts::known(model, "azure_ai");
    let provider = if here { "azure_ai" } else { "openai" };
    At { model, provider }
}

fn is_gpt5(model: &str) -> bool {
    openai::family(model) == openai::Family::Gpt5
}

fn supported(model: &str, names: &mut Vec<&'static str>) {
    if azure_ai::is_claude(model) {
        *names = sets::ANTHROPIC.to_vec();
        if let Some(adjust) = super::native::ANTHROPIC.supported {
            adjust(model, names);
        }
        return;
    }
    *names = sets::FULL.to_vec();
    params::openai_names(model, names);
    if is_gpt5(model) {
        openai::gpt5(at(model), names);
    }
    if !facts::supports(model, "azure_ai", "supports_tool_choice") {
        names.retain(|name| *name != "tool_choice");
    }
    if model.contains("grok") && has_no_stop(model) {
        names.retain(|name| *name != "stop");
    }
}

fn params(mapping: &mut Mapping<'_>) -> Result<()> {
    let model = mapping.model;
    if is_gpt5(model) && !azure_ai::is_claude(model) {
        return openai::gpt5_params(mapping, at(model));
    }
    Ok(())
}

/// Members of messages that only other protocols know; strict models refuse them.
const FOREIGN: [&str; 4] = [
    "thinking_blocks",
    "reasoning_content",
    "provider_specific_fields",
    "cache_control",
];

/// Plain texts, unless there is a medium among the parts.
fn plain_texts(messages: &mut [Value]) {
    for message in messages.iter_mut().filter_map(Value::as_object_mut) {
        message.retain(|name, _| !FOREIGN.contains(&name.as_str()));
        let Some(Value::Array(parts)) = message.get("content") else {
            continue;
        };
        if parts.iter().any(is_medium) {
            continue;
        }
        let texts = parts.iter().filter_map(|part| part["text"].as_str());
        let text: String = texts.collect();
        if !text.is_empty() {
            message.insert("content".into(), text.into());
        }
    }
}

fn is_medium(part: &Value) -> bool {
    matches!(
        part["type"].as_str(),
        Some("image_url" | "input_audio" | "file")
    )
}

/// Chats and embeddings.
pub static AZURE_AI: Habits = Habits {
    supported: Some(supported),
    params: Some(params),
    messages: Some(|messages, _| {
        plain_texts(messages);
        Ok(())
    }),
    model: Some(|model| azure_ai::routed(model).to_owned()),
    ..Habits::NONE
};
