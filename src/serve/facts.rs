//! What is known of a deployment's model: what the configuration says of it, over what the catalogue does.

use crate::adapt::lookup::{Lookup, get_llm_provider};
use crate::adapt::{params, registry};
use crate::catalog::{self, model_info, unlisted};
use crate::config::schema::ModelEntry;
use serde_json::{Map, Value, json};

/// A deployment's model, and what is known of it.
pub struct Facts {
    /// The model's name and provider.
    pub lookup: Lookup,
    /// LiteLLM's model information; what the configuration says wins.
    pub info: Map<String, Value>,
}

impl Facts {
    /// Of a deployment.
    pub fn of(entry: &ModelEntry) -> Self {
        let (lookup, known) = catalogued(entry);
        let provider = lookup.provider.clone().unwrap_or_default();
        let key = format!("{provider}/{}", lookup.model);
        let mut info = entry.model_info.clone();
        for (name, value) in known.unwrap_or_else(|| unlisted(&key, &provider)) {
            info.entry(name).or_insert(value);
        }
        // LiteLLM asks by the configured name, provider and all.
        let configured: String = entry.litellm_params.get("model").unwrap_or_default();
        let row = registry::provider(&provider);
        let takes = row.map(|row| params::supported(row, &configured));
        info.entry("supported_openai_params")
            .or_insert(json!(takes));
        Self { lookup, info }
    }
}

/// What the catalogue tells of a deployment's model.
pub fn catalogued(entry: &ModelEntry) -> (Lookup, Option<Map<String, Value>>) {
    let model: String = entry.litellm_params.get("model").unwrap_or_default();
    let custom: Option<String> = entry.litellm_params.get("custom_llm_provider");
    let looked_up = get_llm_provider(&model, custom.as_deref(), None, None, &|_| None);
    let lookup = looked_up.unwrap_or_else(|_| Lookup {
        model: model.clone(),
        ..Lookup::default()
    });
    let base = entry.model_info.get("base_model").and_then(Value::as_str);
    let base = base
        .map(str::to_owned)
        .or_else(|| entry.litellm_params.get("base_model"));
    let provider = lookup.provider.as_deref();
    let info = match &base {
        Some(base) => model_info(base, None).or_else(|| model_info(base, provider)),
        None => model_info(&lookup.model, provider),
    };
    (lookup, info.map(without_invented_prices))
}

const TOKEN_PRICES: [&str; 2] = ["input_cost_per_token", "output_cost_per_token"];

/// A model that is billed by the second or the character has no price by the token, which is not the same as free.
fn without_invented_prices(mut info: Map<String, Value>) -> Map<String, Value> {
    let entry = info
        .get("key")
        .and_then(Value::as_str)
        .and_then(catalog::entry);
    let priced = |entry: &catalog::Entry| TOKEN_PRICES.iter().any(|name| entry.contains_key(*name));
    if entry.is_some_and(|entry| !priced(&entry)) {
        for name in TOKEN_PRICES {
            info.insert(name.to_owned(), Value::Null);
        }
    }
    info
}
