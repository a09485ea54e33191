//! OpenAI's own model families: which parameters the reasoning models take, and under which name.
//!
//! <https://platform.openai.com/docs/guides/reasoning>

use super::{Habits, Mapping};
use crate::adapt::params::facts;
use crate::error::Result;
use serde_json::Value;

/// A family of OpenAI's models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `o1`, `o3-mini`, ...
    OSeries,
    /// `gpt-5` and later, without the chat models.
    Gpt5,
    /// `gpt-5-search-api`.
    Gpt5Search,
    /// Models that hear and speak.
    Audio,
    /// The other models of the catalogue.
    Gpt,
    /// A name that OpenAI does not have: most likely an alias behind a gateway.
    Unknown,
}

/// The family of a model of the `openai` provider.
pub fn family(model: &str) -> Family {
    let name = model.rsplit('/').next().unwrap_or(model);
    let mut letters = name.bytes();
    let numbered_o =
        letters.next() == Some(b'o') && letters.next().is_some_and(|b| b.is_ascii_digit());
    if numbered_o && facts::is_openai_model(name) {
        Family::OSeries
    } else if model.contains("gpt-5") && model.contains("search") {
        Family::Gpt5Search
    } else if (model.contains("gpt-5") || model.contains("gpt-6")) && !name.contains("gpt-5-chat") {
        Family::Gpt5
    } else if !facts::is_openai_model(
        model
            .split_once("responses/")
            .map_or(model, |(_, rest)| rest),
    ) {
        Family::Unknown
    } else if model.contains("audio") {
        Family::Audio
    } else {
        Family::Gpt
    }
}

#[rustfmt::skip]
const SEARCH: &[&str] = &[
    "max_tokens", "max_completion_tokens", "stream", "stream_options", "web_search_options", "service_tier",
    "safety_identifier", "response_format", "user", "store", "verbosity", "max_retries", "extra_headers",
];

fn supported(model: &str, names: &mut Vec<&'static str>) {
    names.retain(|name| *name != "reasoning_effort");
    match family(model) {
        Family::Gpt => {}
        Family::Unknown => names.push("reasoning_effort"),
        Family::Audio => names.push("audio"),
        Family::Gpt5Search => *names = SEARCH.to_vec(),
        Family::OSeries => o_series(model, names),
        Family::Gpt5 => gpt5(model, names),
    }
}

fn o_series(model: &str, names: &mut Vec<&'static str>) {
    names.push("reasoning_effort");
    let lacks = |capability| !facts::supports(model, "openai", capability);
    let mut out = vec![
        "logprobs",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "top_logprobs",
    ];
    if lacks("supports_function_calling") {
        out.extend(["tools", "tool_choice", "function_call", "functions"]);
    }
    if lacks("supports_parallel_function_calling") {
        out.push("parallel_tool_calls");
    }
    if lacks("supports_response_schema") {
        out.push("response_format");
    }
    names.retain(|name| !out.contains(name));
}

fn gpt5(model: &str, names: &mut Vec<&'static str>) {
    names.extend(["reasoning_effort", "verbosity"]);
    let mut out = vec![
        "presence_penalty",
        "frequency_penalty",
        "stop",
        "logit_bias",
        "modalities",
        "prediction",
        "audio",
        "web_search_options",
    ];
    if !facts::supports(model, "openai", "supports_tool_choice") {
        out.push("tool_choice");
    }
    if !takes_effort(model, "none") {
        out.extend(["logprobs", "top_p", "top_logprobs"]);
    }
    names.retain(|name| !out.contains(name));
}

fn takes_effort(model: &str, level: &str) -> bool {
    facts::supports(
        model,
        "openai",
        &format!("supports_{level}_reasoning_effort"),
    )
}

fn refuses_effort(model: &str, level: &str) -> bool {
    match level {
        "max" => false,
        "xhigh" => !takes_effort(model, level),
        _ => {
            facts::declared(
                model,
                "openai",
                &format!("supports_{level}_reasoning_effort"),
            ) == Some(false)
        }
    }
}

fn params(mapping: &mut Mapping<'_>) -> Result<()> {
    match family(mapping.model) {
        Family::OSeries => o_series_params(mapping),
        Family::Gpt5 => gpt5_params(mapping),
        Family::Gpt5Search => {
            newer_max_tokens(mapping);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Reasoning models know the output limit by its newer name only.
fn newer_max_tokens(mapping: &mut Mapping<'_>) {
    if let Some(most) = mapping.params.remove("max_tokens")
        && !mapping.params.contains("max_completion_tokens")
    {
        mapping.params.set_raw("max_completion_tokens", most);
    }
}

fn o_series_params(mapping: &mut Mapping<'_>) -> Result<()> {
    newer_max_tokens(mapping);
    let Some(temperature) = mapping.value("temperature") else {
        return Ok(());
    };
    if temperature.as_f64() == Some(1.0) {
        return Ok(());
    }
    if mapping.drop_params {
        mapping.params.remove("temperature");
        return Ok(());
    }
    Err(mapping.unsupported(format!(
        "O-series models don't support temperature={temperature}. Only temperature=1 is supported. To drop unsupported \
         openai params from the call, set `litellm.drop_params = True`"
    )))
}

fn gpt5_params(mapping: &mut Mapping<'_>) -> Result<()> {
    let model = mapping.model;
    let effort = effort_of(mapping);
    if let Some(level) = &effort {
        mapping.params.set("reasoning_effort", level);
        if refuses_effort(model, level) {
            if !mapping.drop_params {
                return Err(mapping.unsupported(format!(
                    "reasoning_effort={level} is not supported for {model}. To drop unsupported params set \
                     `litellm.drop_params = True`"
                )));
            }
            mapping.params.remove("reasoning_effort");
        }
    }
    let effort = effort.filter(|_| mapping.params.contains("reasoning_effort"));
    newer_max_tokens(mapping);
    let at_rest = takes_effort(model, "none") && resolves_to_none(model, effort.as_deref());
    sampling(mapping, at_rest, effort.as_deref())?;
    let Some(temperature) = mapping.value("temperature") else {
        return Ok(());
    };
    if at_rest || temperature.as_f64() == Some(1.0) {
        return Ok(());
    }
    if mapping.drop_params {
        mapping.params.remove("temperature");
        return Ok(());
    }
    Err(mapping.unsupported(format!(
        "{model} doesn't support temperature={temperature} while reasoning is active. Only temperature=1 is supported \
         unless reasoning_effort resolves to 'none', either set explicitly on the request or declared as the model's \
         default_reasoning_effort. To drop unsupported params set `litellm.drop_params = True`"
    )))
}

/// The effort asked for, as a word or in an object's `effort`.
fn effort_of(mapping: &Mapping<'_>) -> Option<String> {
    match mapping.value("reasoning_effort")? {
        Value::String(level) => Some(level),
        Value::Object(object) => object.get("effort")?.as_str().map(str::to_owned),
        _ => None,
    }
}

fn resolves_to_none(model: &str, effort: Option<&str>) -> bool {
    match effort {
        Some(effort) => effort == "none",
        None => facts::text(model, "openai", "default_reasoning_effort").as_deref() == Some("none"),
    }
}

fn sampling(mapping: &mut Mapping<'_>, at_rest: bool, effort: Option<&str>) -> Result<()> {
    const NAMES: [&str; 3] = ["logprobs", "top_logprobs", "top_p"];
    if at_rest
        || !takes_effort(mapping.model, "none")
        || !NAMES.iter().any(|n| mapping.params.contains(n))
    {
        return Ok(());
    }
    if mapping.drop_params {
        mapping.params.retain(|name, _| !NAMES.contains(&name));
        return Ok(());
    }
    let effort = effort.map_or_else(|| "None".to_owned(), |effort| format!("'{effort}'"));
    Err(mapping.unsupported(format!(
        "{} only supports logprobs, top_p, top_logprobs when reasoning_effort resolves to 'none', either set explicitly \
         on the request or declared as the model's default_reasoning_effort. Current reasoning_effort={effort}. To drop \
         unsupported params set `litellm.drop_params = True`",
        mapping.model
    )))
}

/// <https://platform.openai.com/docs/api-reference/chat>
pub static OPENAI: Habits = Habits {
    text_completions: true,
    supported: Some(supported),
    params: Some(params),
    ..Habits::NONE
};
