//! What the configuration knows of a model name, for refusals: the way of a call itself is `route`'s.

use crate::config::Config;
use crate::config::schema::ModelEntry;
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
    let group = config
        .router
        .model_group_alias
        .get(model)
        .map_or(model, |alias| alias.model.as_str());
    config
        .model_list
        .iter()
        .filter(move |entry| entry.model_name == group || id(entry) == group)
}

/// Members that every deployment of the group leaves to its clients: `configurable_clientside_auth_params`. Every
/// one must, because any one may be picked.
pub fn left_to_clients(config: &Config, model: &str) -> Vec<String> {
    let mut lists = deployments(config, model).map(|entry| {
        entry
            .litellm_params
            .get::<Vec<String>>("configurable_clientside_auth_params")
            .unwrap_or_default()
    });
    let mut left = lists.next().unwrap_or_default();
    for list in lists {
        left.retain(|name| list.contains(name));
    }
    left
}

/// Id and `litellm_params.model` of a group's first deployment.
pub fn first_deployment<'a>(config: &'a Config, model: &'a str) -> Option<(&'a str, &'a str)> {
    let entry = deployments(config, model).next()?;
    let raw = entry.litellm_params.raw("model")?;
    Some((id(entry), serde_json::from_slice(raw).ok()?))
}
