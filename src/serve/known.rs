//! What the configuration knows of a model name, for refusals: the way of a call itself is `route`'s.

use crate::config::Config;
use crate::config::schema::ModelEntry;
use crate::route::wildcard;
use regex::RegexBuilder;
use serde_json::Value;

/// A deployment's id.
pub fn id(entry: &ModelEntry) -> &str {
    entry
        .model_info
        .get("id")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// `litellm_params.model`.
pub fn litellm_model(entry: &ModelEntry) -> String {
    entry.litellm_params.get("model").unwrap_or_default()
}

/// The deployments of a group, or the one with this id.
pub fn deployments<'a>(config: &'a Config, model: &'a str) -> impl Iterator<Item = &'a ModelEntry> {
    let group = group(config, model);
    config
        .model_list
        .iter()
        .filter(move |entry| entry.model_name == group || id(entry) == group)
}

/// What an alias stands for; any other name as it is.
fn group<'a>(config: &'a Config, model: &'a str) -> &'a str {
    let alias = config.router.model_group_alias.get(model);
    alias.map_or(model, |alias| alias.model.as_str())
}

/// Those of the most specific pattern that a name fits.
fn by_pattern<'a>(config: &'a Config, model: &str) -> impl Iterator<Item = &'a ModelEntry> {
    let group = group(config, model);
    let patterns = config.model_list.iter().map(|entry| &*entry.model_name);
    let pattern = patterns
        .filter(|pattern| wildcard::matches(pattern, group).is_some())
        .min_by_key(|pattern| wildcard::place(pattern));
    config
        .model_list
        .iter()
        .filter(move |entry| Some(&*entry.model_name) == pattern)
}

/// Whether every deployment of the group leaves this member of a request to its clients
/// (`configurable_clientside_auth_params`). Every one must, because any one may be picked.
pub fn left_to_clients(config: &Config, model: &str, name: &str, value: &[u8]) -> bool {
    let mut entries: Vec<_> = deployments(config, model).collect();
    if entries.is_empty() {
        entries.extend(by_pattern(config, model));
    }
    !entries.is_empty() && entries.iter().all(|entry| leaves(entry, name, value))
}

/// A name leaves any value to clients; `api_base: EXPRESSION` those that begin as it says.
fn leaves(entry: &ModelEntry, name: &str, value: &[u8]) -> bool {
    let list = entry
        .litellm_params
        .get::<Vec<Value>>("configurable_clientside_auth_params");
    list.unwrap_or_default().iter().any(|left| match left {
        Value::String(left) => left == name,
        Value::Object(left) if name == "api_base" => {
            let expression = left.get("api_base").and_then(Value::as_str);
            let asked = serde_json::from_slice::<String>(value);
            expression
                .zip(asked.ok())
                .is_some_and(|(expression, asked)| begins(&asked, expression))
        }
        _ => false,
    })
}

fn begins(text: &str, expression: &str) -> bool {
    let expression = RegexBuilder::new(&format!("^(?:{expression})"))
        .size_limit(1 << 20)
        .build();
    expression.is_ok_and(|expression| expression.is_match(text))
}

/// Id and `litellm_params.model` of a group's first deployment.
pub fn first_deployment<'a>(config: &'a Config, model: &'a str) -> Option<(&'a str, &'a str)> {
    let entry = deployments(config, model).next()?;
    let raw = entry.litellm_params.raw("model")?;
    Some((id(entry), serde_json::from_slice(raw).ok()?))
}
