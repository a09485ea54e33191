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

/// Id and `litellm_params.model` of a group's first deployment.
pub fn first_deployment<'a>(config: &'a Config, model: &str) -> Option<(&'a str, &'a str)> {
    let group = config
        .router
        .model_group_alias
        .get(model)
        .map_or(model, |alias| alias.model.as_str());
    let entry = config
        .model_list
        .iter()
        .find(|entry| entry.model_name == group || id(entry) == group)?;
    let raw = entry.litellm_params.raw("model")?;
    Some((id(entry), serde_json::from_slice(raw).ok()?))
}
