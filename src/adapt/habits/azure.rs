//! What Azure's deployments do their own way. A deployment's name says what it is only by chance: `base_model` does
//! where it is known, and LiteLLM's routes `o_series/` and `gpt5_series/` do.
//!
//! <https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning>

use super::openai::{self, At};
use super::{Habits, Mapping};
use crate::adapt::params::{self, facts, sets};
use crate::adapt::providers::azure::address;
use crate::error::Result;
use serde_json::{Value, json};

/// The family of models that a deployment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Reasoning models before the fifth generation.
    OSeries,
    /// `gpt-5` and later, without the chat models.
    Gpt5,
    /// All others.
    Gpt,
}

/// The family of a deployment, by its name or its base model's.
pub fn family(model: &str) -> Family {
    let has = |names: &[&str]| names.iter().any(|name| model.contains(name));
    let name = model.rsplit('/').next().unwrap_or(model);
    if has(&["o1", "o3", "o4", "o_series/"]) {
        Family::OSeries
    } else if has(&["gpt5_series"]) || (has(&["gpt-5", "gpt-6"]) && !name.contains("gpt-5-chat")) {
        Family::Gpt5
    } else {
        Family::Gpt
    }
}

/// Where the catalogue knows a model: under the provider's name, without LiteLLM's routes.
fn at(model: &str) -> At<'_> {
    let name = model.strip_prefix("gpt5_series/").unwrap_or(model);
    At {
        model: name.strip_prefix("azure/").unwrap_or(name),
        provider: "azure",
    }
}

/// Parameters that tell how sure the model was.
const LOGPROBS: [&str; 2] = ["logprobs", "top_logprobs"];

fn supported(model: &str, names: &mut Vec<&'static str>) {
    match family(model) {
        Family::Gpt => *names = sets::AZURE.to_vec(),
        Family::OSeries => {
            *names = sets::FULL.to_vec();
            params::openai_names(model, names);
            let listed = facts::known(model, "openai");
            if !listed || facts::supports(model, "openai", "supports_reasoning") {
                names.push("reasoning_effort");
            }
            names.retain(|name| !openai::NOT_OF_O_SERIES.contains(name));
        }
        Family::Gpt5 => {
            *names = sets::FULL.to_vec();
            params::openai_names(model, names);
            openai::gpt5(at(model), names);
            if !names.contains(&"tool_choice") {
                names.push("tool_choice");
            }
            // OpenAI's list has them from 5.1 on; Azure is known to take them from 5.2 on.
            let name = model.rsplit('/').next().unwrap_or(model);
            if name.starts_with("gpt-5.2") || name.starts_with("gpt-5.4") {
                names.extend(LOGPROBS);
            } else if openai::takes_effort(at(model), "none") {
                names.retain(|name| !LOGPROBS.contains(name));
            }
        }
    }
}

fn params(mapping: &mut Mapping<'_>) -> Result<()> {
    let model = mapping.known_as().to_owned();
    let model = model.as_str();
    match family(model) {
        Family::OSeries => {
            mapping.fake_stream |= mapping.stream && answers_whole(model);
            openai::o_series_params(mapping)
        }
        Family::Gpt5 => openai::gpt5_params(mapping, at(model)),
        Family::Gpt => {
            let generation = ["gpt-5", "gpt-6", "gpt5_series"];
            if generation.iter().any(|marker| model.contains(marker)) {
                openai::newer_max_tokens(mapping);
            }
            tool_choice(mapping)?;
            response_format(mapping);
            Ok(())
        }
    }
}

/// Whether a reasoning model of the first kind has no streams of its own.
fn answers_whole(model: &str) -> bool {
    !model.contains("o3") && !facts::supports(model, "azure", "supports_native_streaming")
}

/// Year, month and day of a dated version of the API, as texts.
fn date(version: &str) -> Option<(&str, &str, &str)> {
    let mut parts = version.split('-');
    Some((parts.next()?, parts.next()?, parts.next()?))
}

/// Where the versions of the API are told.
const SOURCE: &str = "Azure API Reference: https://learn.microsoft.com/en-us/azure/ai-services/openai/reference#chat-completions";

fn tool_choice(mapping: &mut Mapping<'_>) -> Result<()> {
    let version = mapping.api_version.as_deref().unwrap_or(address::VERSION);
    let (Some(choice), Some((year, month, day))) = (mapping.value("tool_choice"), date(version))
    else {
        return Ok(());
    };
    let refusal = if (year, month, day) < ("2023", "12", "01") {
        format!(
            "Azure does not support 'tool_choice', for api_version={version}. Bump your API version to \
             '2023-12-01-preview' or later. This parameter requires 'api_version=\"2023-12-01-preview\"' or later. {SOURCE}"
        )
    } else if choice == "required" && year == "2024" && month <= "05" {
        format!(
            "Azure does not support 'required' as a tool_choice param, for api_version={version}. To drop \
             'tool_choice=required' for calls with this Azure API version, set `litellm.drop_params=True` or for \
             proxy:\n\n`litellm_settings:\n drop_params: true`\n{SOURCE}"
        )
    } else {
        return Ok(());
    };
    if !mapping.drop_params {
        return Err(mapping.unsupported(refusal));
    }
    mapping.params.remove("tool_choice");
    Ok(())
}

/// Older models and versions of the API know no form of the answer; a made-up tool has its place where there is a
/// schema.
fn response_format(mapping: &mut Mapping<'_>) {
    let Some(format @ Value::Object(_)) = mapping.value("response_format") else {
        return;
    };
    let model = mapping.known_as();
    let older = model.contains("gpt-35") || model.contains("gpt-3.5") || model.contains("gpt-3-5");
    let version = mapping.api_version.as_deref().unwrap_or(address::VERSION);
    let takes = date(version).is_none_or(|(year, month, _)| {
        let number = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
        (number(year), number(month)) >= (2024, 8)
    });
    if takes && !older {
        return;
    }
    mapping.params.remove("response_format");
    let schema = format
        .get("response_schema")
        .or_else(|| format.get("json_schema")?.get("schema"));
    let Some(schema) = schema.filter(|schema| !schema.is_null()) else {
        return;
    };
    let mut tools = match mapping.value("tools") {
        Some(Value::Array(tools)) => tools,
        _ => Vec::new(),
    };
    tools.push(
        json!({"type": "function", "function": {"name": "json_tool_call", "parameters": schema}}),
    );
    mapping.params.set("tools", &tools);
    let choice = json!({"type": "function", "function": {"name": "json_tool_call"}});
    mapping.params.set("tool_choice", &choice);
    mapping.json_mode = true;
}

/// Chats, embeddings and, at models that do it, text completions.
pub static AZURE: Habits = Habits {
    supported: Some(supported),
    params: Some(params),
    embeddings: Some(|members| {
        if !members.contains("encoding_format") {
            members.set("encoding_format", &"base64");
        }
    }),
    model: Some(|model| address::deployment(model).into_owned()),
    by_base_model: true,
    keeps_cache_control: true,
    names_upstream: true,
    prefixed: Some(|model| family(model) == Family::OSeries),
    says_no_stream: Some(true),
    ..Habits::NONE
};

/// Completions of texts.
pub static AZURE_TEXT: Habits = Habits {
    text_completions: true,
    ..AZURE_PLAIN
};

/// What both have in common.
const AZURE_PLAIN: Habits = Habits {
    names_upstream: true,
    says_no_stream: Some(true),
    ..Habits::NONE
};

#[cfg(test)]
#[path = "azure_tests.rs"]
mod tests;
