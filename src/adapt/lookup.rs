//! Which provider a model name means: `groq/llama` by its prefix, `gpt-4o` by the catalogue, `llama` with
//! `api_base="https://api.groq.com/openai/v1"` by the address. The rules and their order are LiteLLM's
//! `get_llm_provider`.

mod endpoints;

use super::params::facts;
use super::providers::azure_ai;
use super::registry::{Provider, provider};
use crate::error::{Error, Result};
use std::borrow::Cow;

/// Reads an environment variable; the edge decides where from.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Providers whose keys come from an interactive sign-in, which a lookup must not start.
const SIGN_IN: &[&str] = &["github_copilot", "chatgpt"];

/// Length of the version hash in `owner/model:hash` names of Replicate.
const REPLICATE_HASH: usize = 64;

/// What a model name means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// The model as named upstream.
    pub model: String,
    /// The provider's name; a caller may name one that is not in the registry. `None`: the address is known
    /// to be compatible, but whose it is was not said.
    pub provider: Option<String>,
    /// Base URL as far as the name, the caller, the environment and the row settle it.
    pub api_base: Option<String>,
    /// Key, likewise.
    pub api_key: Option<String>,
}

const THROUGH_PROXY: &str = "litellm_proxy/";

/// The name by which another proxy of LiteLLM's kind is asked for a model, whoever serves it.
pub fn through_proxy(model: &str) -> String {
    let model = model.strip_prefix(THROUGH_PROXY).unwrap_or(model);
    format!("{THROUGH_PROXY}{model}")
}

/// Finds the provider of a model. With `USE_LITELLM_PROXY` it is another proxy, for every model.
///
/// # Errors
/// [`Error::bad_request`] when nothing says who serves the model.
pub fn get_llm_provider(
    model: &str,
    custom_llm_provider: Option<&str>,
    api_base: Option<&str>,
    api_key: Option<&str>,
    env: Env<'_>,
) -> Result<Lookup> {
    let proxied = env("USE_LITELLM_PROXY").is_some_and(|said| said.eq_ignore_ascii_case("true"));
    let (model, custom) = if proxied {
        (Cow::Owned(through_proxy(model)), None)
    } else {
        (Cow::Borrowed(model), custom_llm_provider)
    };
    let model = &*model;
    let custom = custom.filter(|p| !p.is_empty());
    let api_base = api_base.filter(|b| !b.is_empty());
    let api_key = api_key.filter(|k| !k.is_empty());
    let (mut model, custom) = special_families(model, custom);
    if let Some(custom) = custom
        && model.split('/').next() != Some(custom)
    {
        model = format!("{custom}/{model}");
    }
    if custom == Some("openrouter")
        && let Some(rest) = model.strip_prefix("openrouter/")
    {
        // `openrouter/auto` is a model of its own; `openrouter/anthropic/claude` is a prefix and a model.
        let model = if rest.contains('/') { rest } else { &model };
        return Ok(named(model, "openrouter", api_base, None));
    }
    if let Some((prefix, rest)) = model.split_once('/') {
        if let Some(row) = provider(prefix) {
            return settle(row, rest, api_base, api_key, env);
        }
    } else if provider(&model).is_some() {
        return Err(unknown(&model));
    }
    if let Some(base) = api_base
        && let Some(endpoint) = endpoints::matching(base)
    {
        return Ok(endpoint.lookup(&model, base, api_key, env));
    }
    let Some(name) = custom.or_else(|| by_name(&model)) else {
        return Err(unknown(&model));
    };
    match provider(name) {
        Some(row) if name == "ai21_chat" => settle(row, &model, api_base, api_key, env),
        _ => Ok(named(&model, name, api_base, None)),
    }
}

/// Cohere's chat models and Anthropic's text models have providers of their own.
fn special_families<'a>(model: &'a str, custom: Option<&'a str>) -> (String, Option<&'a str>) {
    let (prefix, rest) = match (custom, model.split_once('/')) {
        (Some(custom), _) => (custom, model),
        (None, Some((prefix, rest))) => (prefix, rest),
        (None, None) => return (model.to_owned(), None),
    };
    match prefix {
        "cohere" if catalog_provider(rest) == Some("cohere_chat") => {
            (rest.to_owned(), Some("cohere_chat"))
        }
        "anthropic"
            if matches!(
                rest,
                "claude-2" | "claude-2.1" | "claude-instant-1" | "claude-instant-1.2"
            ) =>
        {
            (rest.to_owned(), Some("anthropic_text"))
        }
        _ => (model.to_owned(), custom),
    }
}

/// Address and key of a provider that was named.
fn settle(
    row: &'static Provider,
    model: &str,
    api_base: Option<&str>,
    api_key: Option<&str>,
    env: Env<'_>,
) -> Result<Lookup> {
    if SIGN_IN.contains(&row.name) {
        return Err(Error::bad_request(format!(
            "provider `{}` needs an interactive sign-in, which is not supported yet",
            row.name
        ))
        .at(row.name, model));
    }
    let name = match row.name {
        "ai21" if catalog_provider(model) == Some("ai21") => "ai21_chat",
        name => name,
    };
    let row = provider(name).unwrap_or(row);
    if row.late {
        return Ok(named(model, name, api_base, api_key));
    }
    let name = match name {
        // The address and the key stay Foundry's, whoever serves the model there.
        "azure_ai" => {
            let base = api_base.map(str::to_owned).or_else(|| row.base_from(env));
            azure_ai::served_by(model, base.as_deref())
        }
        name => name,
    };
    let mut lookup = named(model, name, api_base, api_key);
    let by_model = |base: String| match row.habits.base_of_model {
        Some(of_model) if base == row.base_url => of_model(model),
        _ => base,
    };
    lookup.api_base = lookup.api_base.or_else(|| row.base_from(env).map(by_model));
    lookup.api_key = lookup.api_key.or_else(|| row.key_from(env));
    Ok(lookup)
}

fn named(model: &str, provider: &str, api_base: Option<&str>, api_key: Option<&str>) -> Lookup {
    Lookup {
        model: model.to_owned(),
        provider: Some(provider.to_owned()),
        api_base: api_base.map(str::to_owned),
        api_key: api_key.map(str::to_owned),
    }
}

/// The provider of a bare model name.
fn by_name(model: &str) -> Option<&'static str> {
    if model.contains("ft:gpt-3.5-turbo")
        || model.contains("ft:gpt-4")
        || model.starts_with("gpt-image")
    {
        return Some("openai");
    }
    if let Some((_, hash)) = model.split_once(':')
        && hash.len() == REPLICATE_HASH
    {
        return Some("replicate");
    }
    match model {
        "*" => return Some("openai"),
        "maritalk" => return Some("maritalk"),
        "petals-team/StableBeluga2" => return Some("petals"),
        _ => {}
    }
    match catalog_provider(model) {
        Some("openai") if !model.starts_with("ft:") => Some("openai"),
        Some("bedrock" | "bedrock_converse") => Some("bedrock"),
        Some("ai21") => Some("ai21_chat"),
        Some(family) if family.starts_with("vertex_ai-") => Some("vertex_ai"),
        Some(
            name @ ("text-completion-openai"
            | "anthropic"
            | "cohere"
            | "cohere_chat"
            | "nlp_cloud"
            | "watsonx"
            | "openrouter"
            | "aleph_alpha"
            | "gradient_ai"),
        ) => provider(name).map(|row| row.name),
        _ => by_shape(model),
    }
}

/// Names that a known naming scheme gives away although the catalogue does not have them.
fn by_shape(model: &str) -> Option<&'static str> {
    if is_bedrock_claude(model) {
        return Some("bedrock");
    }
    is_bare_claude(model).then_some("anthropic")
}

/// `anthropic.claude-...`, optionally behind one geographic segment.
fn is_bedrock_claude(model: &str) -> bool {
    if model.starts_with("anthropic.claude-") {
        return true;
    }
    model.split_once('.').is_some_and(|(geo, rest)| {
        !geo.is_empty()
            && geo.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
            && rest.starts_with("anthropic.claude-")
    })
}

/// `claude-<family>-<major>`, with an optional minor version and an optional date of eight digits.
fn is_bare_claude(model: &str) -> bool {
    let Some(rest) = model.strip_prefix("claude-") else {
        return false;
    };
    let mut parts = rest.split(['-', '.']);
    let family = parts.next().unwrap_or_default();
    if family.is_empty() || !family.bytes().all(|b| b.is_ascii_lowercase()) {
        return false;
    }
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let versions: Vec<&str> = parts.collect();
    match versions.as_slice() {
        [major] => digits(major),
        [major, minor] => digits(major) && digits(minor),
        [major, minor, date] => digits(major) && digits(minor) && digits(date) && date.len() == 8,
        _ => false,
    }
}

/// `litellm_provider` of the catalogue's entry.
fn catalog_provider(model: &str) -> Option<&'static str> {
    facts::litellm_provider(model)
}

fn unknown(model: &str) -> Error {
    Error::bad_request(format!(
        "LLM Provider NOT provided. Pass in the LLM provider you are trying to call. You passed model={model}\n \
         Pass model as E.g. For 'Huggingface' inference endpoints pass in \
         `completion(model='huggingface/starcoder',..)` Learn more: https://docs.litellm.ai/docs/providers"
    ))
    .at("", model)
}

#[cfg(test)]
#[path = "lookup_tests.rs"]
mod tests;
