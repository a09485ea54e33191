//! What is configured: `/v1/models` and `/model/info`.

use super::body::ReplyBody;
use super::facts::{Facts, catalogued};
use super::refusal;
use super::{Gateway, json, known, query_value};
use crate::catalog::{model_info, models_of};
use crate::config::Config;
use crate::config::schema::{FallbackRule, ModelEntry};
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// LiteLLM gives every model this moment of creation (Unix seconds).
const CREATED: u64 = 1_677_610_602;

/// The models that a client may ask for.
pub fn list(gateway: &Gateway, query: &str) -> Response<ReplyBody> {
    let snapshot = gateway.engine.snapshot.load_full();
    let config = &snapshot.config;
    let flag = |name| query_value(query, name).is_some_and(|v| v.eq_ignore_ascii_case("true"));
    if flag("only_model_access_groups") {
        return json(&json!({ "data": [], "object": "list" }));
    }
    let fallbacks = flag("include_metadata").then(|| rules(config, query));
    let data: Vec<Value> = names(config)
        .into_iter()
        .map(|(name, entry)| {
            let mut model = described(&name, entry);
            if let Some(rules) = fallbacks {
                let to = rules.iter().find(|rule| rule.group == name);
                let to = to.map(|rule| rule.to.clone()).unwrap_or_default();
                model.insert("metadata".into(), json!({ "fallbacks": to }));
            }
            Value::Object(model)
        })
        .collect();
    json(&json!({ "data": data, "object": "list" }))
}

fn rules<'a>(config: &'a Config, query: &str) -> &'a [FallbackRule] {
    match query_value(query, "fallback_type").as_deref() {
        Some("context_window") => &config.router.context_window_fallbacks,
        Some("content_policy") => &config.router.content_policy_fallbacks,
        _ => &config.router.fallbacks,
    }
}

/// One model.
pub fn one(gateway: &Gateway, name: &str) -> Response<ReplyBody> {
    let snapshot = gateway.engine.snapshot.load_full();
    let names = names(&snapshot.config);
    if let Some((_, entry)) = names.iter().find(|(known, _)| known == name) {
        return json(&Value::Object(described(name, *entry)));
    }
    refusal::detail(
        StatusCode::NOT_FOUND,
        format!("The model `{name}` does not exist or is not accessible"),
    )
}

/// Public names in the order of the configuration, then aliases that are not hidden. A wildcard over a provider
/// stands for the models that the catalogue knows of it; another wildcard names nothing.
pub(super) fn names(config: &Config) -> Vec<(String, Option<&ModelEntry>)> {
    let mut seen = HashSet::new();
    let groups = config.model_list.iter().flat_map(|entry| {
        let names = if entry.model_name.contains('*') {
            matched(entry)
        } else {
            vec![entry.model_name.clone()]
        };
        names.into_iter().map(move |name| (name, Some(entry)))
    });
    let aliases = config
        .router
        .model_group_alias
        .iter()
        .filter(|(_, alias)| !alias.hidden)
        .map(|(name, alias)| {
            let mut entries = config.model_list.iter();
            let entry = entries.find(|entry| entry.model_name == alias.model);
            (name.clone(), entry)
        });
    groups
        .chain(aliases)
        .filter(|(name, _)| seen.insert(name.clone()))
        .collect()
}

/// The names that a wildcard group has for the catalogue's models of its provider.
fn matched(entry: &ModelEntry) -> Vec<String> {
    let model: String = entry.litellm_params.get("model").unwrap_or_default();
    let Some(provider) = model.strip_suffix("/*") else {
        return Vec::new();
    };
    models_of(provider)
        .into_iter()
        .map(|name| entry.model_name.replacen('*', name, 1))
        .collect()
}

fn described(name: &str, entry: Option<&ModelEntry>) -> Map<String, Value> {
    let mut model = Map::new();
    model.insert("id".into(), name.into());
    model.insert("object".into(), "model".into());
    model.insert("created".into(), CREATED.into());
    model.insert("owned_by".into(), "openai".into());
    if let Some(entry) = entry {
        // What a wildcard stands for is known by its public name alone.
        let known = if entry.model_name.contains('*') {
            model_info(name, None)
        } else {
            catalogued(entry).1
        };
        let known = known.unwrap_or_default();
        for key in ["mode", "max_input_tokens", "max_output_tokens"] {
            let value = entry.model_info.get(key).or_else(|| known.get(key));
            if let Some(value) = value.filter(|value| !value.is_null()) {
                model.insert(key.into(), value.clone());
            }
        }
    }
    model
}

/// Deployments with their parameters, secrets left out.
pub fn info(gateway: &Gateway, query: &str) -> Response<ReplyBody> {
    let snapshot = gateway.engine.snapshot.load_full();
    let entries = &snapshot.config.model_list;
    let Some(id) = query_value(query, "litellm_model_id") else {
        let data: Vec<Value> = entries.iter().map(deployment).collect();
        return json(&json!({ "data": data }));
    };
    match entries.iter().find(|entry| known::id(entry) == id) {
        Some(entry) => json(&json!({ "data": [deployment(entry)] })),
        None => refusal::detail(
            StatusCode::BAD_REQUEST,
            json!({ "error": format!("Model id = {id} not found on litellm proxy") }),
        ),
    }
}

fn deployment(entry: &ModelEntry) -> Value {
    let mut params = Map::new();
    for (name, raw) in entry
        .litellm_params
        .iter()
        .filter(|(name, _)| is_open(name))
    {
        params.insert(name.into(), serde_json::from_slice(raw).unwrap_or_default());
    }
    for name in [
        "allow_client_keepalive_override",
        "use_in_pass_through",
        "use_litellm_proxy",
        "use_xai_oauth",
        "merge_reasoning_content_in_choices",
    ] {
        params.entry(name).or_insert(Value::Bool(false));
    }
    let Facts { mut info, .. } = Facts::of(entry);
    info.entry("db_model").or_insert(Value::Bool(false));
    info.entry("member_auto_router")
        .or_insert(Value::Bool(false));
    info.entry("pricing_overrides").or_insert(json!([]));
    json!({ "model_name": entry.model_name, "litellm_params": params, "model_info": info })
}

/// Whether a setting may be shown. Names decide, and in doubt they decide against: whatever sounds like a
/// credential or may carry one (headers, bodies) stays here.
fn is_open(name: &str) -> bool {
    const CLOSED: &[&str] = &[
        "key",
        "secret",
        "token",
        "password",
        "credential",
        "header",
        "extra_body",
        "client_id",
    ];
    let is_price_or_limit = name.ends_with("_per_token") || name.starts_with("max_");
    is_price_or_limit || !CLOSED.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_over_a_provider_stands_for_its_models() {
        let entry = |name: &str, model: &str| {
            let mut entry = ModelEntry {
                model_name: name.to_owned(),
                ..ModelEntry::default()
            };
            entry.litellm_params.set("model", &model);
            entry
        };
        let bare = matched(&entry("*", "openai/*"));
        assert!(bare.iter().any(|name| name == "gpt-4o"));
        assert!(bare.iter().any(|name| name == "davinci-002"));
        assert!(!bare.iter().any(|name| name.starts_with("ft:gpt-")));
        let prefixed = matched(&entry("openai/*", "openai/*"));
        assert_eq!(prefixed.len(), bare.len());
        assert!(prefixed.iter().all(|name| name.starts_with("openai/")));
        assert!(matched(&entry("team-*", "openai/team-*")).is_empty());
    }

    #[test]
    fn what_may_hold_a_credential_is_not_shown() {
        for name in [
            "api_key",
            "aws_secret_access_key",
            "extra_headers",
            "azure_ad_token",
        ] {
            assert!(!is_open(name), "{name}");
        }
        for name in [
            "model",
            "api_base",
            "max_tokens",
            "input_cost_per_token",
            "rpm",
        ] {
            assert!(is_open(name), "{name}");
        }
    }
}
