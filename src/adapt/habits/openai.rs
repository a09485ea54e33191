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

/// Where the catalogue knows a model, which need not be by the name that a caller uses.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The name.
    pub model: &'a str,
    /// The provider.
    pub provider: &'static str,
}

impl At<'_> {
    fn supports(self, capability: &str) -> bool {
        facts::supports_as_itself(self.model, self.provider, capability)
    }
}

/// A model of OpenAI's own.
fn own(model: &str) -> At<'_> {
    At {
        model,
        provider: "openai",
    }
}

/// Whether `gpt-` and one of these digits is in a name. Asked with every call, and quicker than a search for a text.
fn is_gpt(model: &str, generations: &[u8]) -> bool {
    let is = |five: &[u8]| five.starts_with(b"gpt-") && generations.contains(&five[4]);
    model.as_bytes().windows(5).any(is)
}

/// The family of a model of the `openai` provider.
pub fn family(model: &str) -> Family {
    if let Some(family) = reasoning_family(model) {
        family
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

/// The family of a model that has parameters of its own.
fn reasoning_family(model: &str) -> Option<Family> {
    let name = model.rsplit('/').next().unwrap_or(model);
    let mut letters = name.bytes();
    let numbered_o =
        letters.next() == Some(b'o') && letters.next().is_some_and(|b| b.is_ascii_digit());
    if numbered_o && facts::is_openai_model(name) {
        Some(Family::OSeries)
    } else if is_gpt(model, b"5") && model.contains("search") {
        Some(Family::Gpt5Search)
    } else if is_gpt(model, b"56") && !name.contains("gpt-5-chat") {
        Some(Family::Gpt5)
    } else {
        None
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
        Family::Gpt5 => gpt5(own(model), names),
    }
}

/// What no reasoning model before the fifth generation takes.
pub const NOT_OF_O_SERIES: [&str; 5] = [
    "logprobs",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "top_logprobs",
];

fn o_series(model: &str, names: &mut Vec<&'static str>) {
    names.push("reasoning_effort");
    let lacks = |capability| !facts::supports(model, "openai", capability);
    let mut out = NOT_OF_O_SERIES.to_vec();
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

/// Makes OpenAI's list that of a model of the fifth generation or later.
pub fn gpt5(at: At<'_>, names: &mut Vec<&'static str>) {
    if at.model.contains("gpt-5") && at.model.contains("search") {
        *names = SEARCH.to_vec();
        return;
    }
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
    if !own(at.model).supports("supports_tool_choice") {
        out.push("tool_choice");
    }
    if !takes_effort(at, "none") {
        out.extend(["logprobs", "top_p", "top_logprobs"]);
    }
    names.retain(|name| !out.contains(name));
}

/// Whether the catalogue says that a model takes a level of effort.
pub fn takes_effort(at: At<'_>, level: &str) -> bool {
    at.supports(&format!("supports_{level}_reasoning_effort"))
}

/// The highest level is taken where the catalogue says so, and at Azure the lowest as well; the others unless it says
/// no.
pub fn refuses_effort(at: At<'_>, level: &str) -> bool {
    match level {
        "max" => false,
        "xhigh" => !takes_effort(at, level),
        "none" if at.provider != "openai" => !takes_effort(at, level),
        _ => {
            let name = format!("supports_{level}_reasoning_effort");
            facts::declared(at.model, at.provider, &name) == Some(false)
        }
    }
}

fn params(mapping: &mut Mapping<'_>) -> Result<()> {
    match reasoning_family(mapping.model) {
        Some(Family::OSeries) => o_series_params(mapping),
        Some(Family::Gpt5) => gpt5_params(mapping, own(mapping.model)),
        Some(Family::Gpt5Search) => {
            newer_max_tokens(mapping);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Reasoning models know the output limit by its newer name only.
pub fn newer_max_tokens(mapping: &mut Mapping<'_>) {
    if let Some(most) = mapping.params.remove("max_tokens")
        && !mapping.params.contains("max_completion_tokens")
    {
        mapping.params.set_raw("max_completion_tokens", most);
    }
}

/// The output limit's newer name, and no temperature but the usual.
///
/// # Errors
/// Another temperature.
pub fn o_series_params(mapping: &mut Mapping<'_>) -> Result<()> {
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

/// What depends on the level of reasoning: the level itself, and sampling, which goes with none only.
///
/// # Errors
/// A level that the model does not take, or sampling while it reasons.
pub fn gpt5_params(mapping: &mut Mapping<'_>, at: At<'_>) -> Result<()> {
    let model = mapping.known_as().to_owned();
    if model.contains("gpt-5") && model.contains("search") {
        newer_max_tokens(mapping);
        return Ok(());
    }
    let effort = effort_of(mapping);
    if let Some(level) = &effort {
        mapping.params.set("reasoning_effort", level);
        if refuses_effort(at, level) {
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
    let takes_none = takes_effort(at, "none");
    let at_rest = takes_none && resolves_to_none(at, effort.as_deref());
    if takes_none && !at_rest {
        sampling(mapping, effort.as_deref())?;
    }
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

/// Whether a model does not reason at an effort, and so takes what samples.
pub fn reasons_not(at: At<'_>, effort: Option<&str>) -> bool {
    takes_effort(at, "none") && resolves_to_none(at, effort)
}

fn resolves_to_none(at: At<'_>, effort: Option<&str>) -> bool {
    let usual = || facts::text(at.model, at.provider, "default_reasoning_effort");
    match effort {
        Some(effort) => effort == "none",
        None => usual().as_deref() == Some("none"),
    }
}

/// Sampling of a model that takes it at rest only, and is not.
fn sampling(mapping: &mut Mapping<'_>, effort: Option<&str>) -> Result<()> {
    const NAMES: [&str; 3] = ["logprobs", "top_logprobs", "top_p"];
    if !NAMES.iter().any(|name| mapping.params.contains(name)) {
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
        mapping.known_as()
    )))
}

/// <https://platform.openai.com/docs/api-reference/chat>
pub static OPENAI: Habits = Habits {
    text_completions: true,
    supported: Some(supported),
    params: Some(params),
    ..Habits::NONE
};
