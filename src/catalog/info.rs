//! What LiteLLM tells of a model: always the same members, `null` where the map is silent.

use super::lookup::Names;
use super::members::MEMBERS;
use super::{Entry, families, find, spelled};
use serde_json::{Map, Value, json};

/// Members whose absence means that a unit is free.
const FREE_WHEN_ABSENT: &[&str] = &["input_cost_per_token", "output_cost_per_token"];

/// The information on a model at a provider, or at the provider that its name tells; `None` when neither the map nor
/// a family that it belongs to tells anything.
///
/// Costs are USD per unit. `key` is the name that the map knows it under.
pub fn model_info(model: &str, provider: Option<&str>) -> Option<Map<String, Value>> {
    let (key, entry, at) = match find(model, provider) {
        Some(found) => (
            found.key.clone(),
            filled(&found.key, &found.entry),
            found.provider,
        ),
        None => by_family(model, provider)?,
    };
    let mut info = Map::new();
    info.insert("key".into(), key.into());
    for name in MEMBERS {
        let value = entry.get(*name).cloned().unwrap_or_default();
        let free = value.is_null() && FREE_WHEN_ABSENT.contains(name);
        info.insert((*name).into(), if free { json!(0) } else { value });
    }
    let most = ["max_output_tokens", "max_input_tokens"]
        .iter()
        .find_map(|name| entry.get(*name).filter(|limit| **limit != json!(0)));
    info.insert("max_tokens".into(), most.cloned().unwrap_or_default());
    if !entry.contains_key("litellm_provider") {
        info.insert("litellm_provider".into(), at.into());
    }
    for (name, value) in &entry {
        if is_above_threshold(name) && !info.contains_key(name) {
            info.insert(name.clone(), value.clone());
        }
    }
    for (name, value) in provider_facts(provider) {
        if info.get(*name).is_none_or(Value::is_null) {
            info.insert((*name).into(), Value::Bool(*value));
        }
    }
    Some(info)
}

/// What is told of a model that the map does not have: the same members, all of them `null`.
pub fn unlisted(key: &str, provider: &str) -> Map<String, Value> {
    let mut info: Map<String, Value> = MEMBERS
        .iter()
        .chain(&["max_tokens"])
        .map(|name| ((*name).to_owned(), Value::Null))
        .collect();
    info.insert("key".into(), key.into());
    info.insert("litellm_provider".into(), provider.into());
    info
}

/// Whether a model has a capability (`supports_vision`, ...). A map that is silent on the provider's model is asked
/// for the model itself, then for the provider.
pub fn supports(model: &str, provider: Option<&str>, capability: &str) -> bool {
    let named = model.split_once('/');
    let at = provider.or(named.map(|(prefix, _)| prefix));
    let by_provider = || {
        provider_facts(at).contains(&(capability, true))
            || (capability == "supports_response_schema"
                && at.is_some_and(|at| TAKES_SCHEMAS.contains(&at)))
    };
    let Some(info) = model_info(model, provider) else {
        return by_provider();
    };
    let says = |key: &str| {
        let entry = super::entry(key);
        entry.is_some_and(|entry| entry.get(capability) == Some(&Value::Bool(true)))
    };
    match info.get(capability) {
        Some(Value::Bool(told)) => *told,
        Some(Value::Null) | None => {
            spelled(model).is_some_and(|key| says(&key))
                || named.is_some_and(|(_, bare)| says(bare))
                || by_provider()
        }
        Some(_) => false,
    }
}

/// Providers that take a schema for whatever model they serve, as LiteLLM tells of a model that its map does not have.
const TAKES_SCHEMAS: [&str; 5] = [
    "databricks",
    "fireworks_ai",
    "lm_studio",
    "nebius",
    "predibase",
];

/// What a provider has for all its models.
fn provider_facts(provider: Option<&str>) -> &'static [(&'static str, bool)] {
    match provider {
        Some("xai") => &[("supports_web_search", true)],
        Some("fireworks_ai") => &[
            ("supports_function_calling", true),
            ("supports_prompt_caching", true),
        ],
        Some("openinfer" | "kyma") => &[("supports_function_calling", true)],
        Some("streamlake") => &[
            ("supports_function_calling", true),
            ("supports_reasoning", true),
        ],
        _ => &[],
    }
}

/// An entry with what its family is known for, where the entry is silent.
fn filled(key: &str, entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let chats = !entry.contains_key("mode") || matches!(text("mode"), Some("chat" | "responses"));
    if chats && let Some(provider) = text("litellm_provider").map(str::to_owned) {
        for (name, value) in families::missing_of(key, &provider) {
            entry.entry(name).or_insert(value);
        }
    }
    entry
}

/// A model that the map does not have under any name, by its family.
fn by_family(model: &str, provider: Option<&str>) -> Option<(String, Entry, Option<String>)> {
    let names = Names::new(model, provider);
    let candidates = names.in_order(model);
    if candidates.iter().any(|name| spelled(name).is_some()) {
        return None;
    }
    candidates.iter().find_map(|name| {
        let mut entry = families::known_of(name)?;
        if let Some(provider) = &names.provider {
            entry.insert("litellm_provider".into(), provider.as_str().into());
        }
        Some(((*name).to_owned(), entry, names.provider.clone()))
    })
}

/// `..._above_128k_tokens`, perhaps for batches.
fn is_above_threshold(name: &str) -> bool {
    let name = name.strip_suffix("_batches").unwrap_or(name);
    let Some((_, size)) = name
        .strip_suffix("_tokens")
        .and_then(|name| name.rsplit_once("_above_"))
    else {
        return false;
    };
    let digits = size.strip_suffix('k').unwrap_or(size);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
#[path = "info_tests.rs"]
mod tests;
