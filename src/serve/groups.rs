//! `/model_group/info`: what a model group can do, all its deployments taken together.

use super::body::ReplyBody;
use super::facts::Facts;
use super::{Gateway, json, models, query_value};
use crate::catalog;
use crate::config::Config;
use crate::config::schema::ModelEntry;
use crate::route::wildcard;
use http::Response;
use serde_json::{Map, Value, json};

/// Capabilities that a group has as soon as one deployment has them.
const CAPABILITIES: &[&str] = &[
    "supports_parallel_function_calling",
    "supports_vision",
    "supports_web_search",
    "supports_url_context",
    "supports_reasoning",
    "supports_function_calling",
];

/// Limits and prices of which a group has the largest.
const LARGEST: &[&str] = &[
    "max_input_tokens",
    "max_output_tokens",
    "input_cost_per_token",
    "output_cost_per_token",
];

/// Limits of deployments that add up.
const RATES: &[&str] = &["tpm", "rpm", "itpm", "otpm"];

/// The reasoning efforts, in the order in which they are told.
const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// The groups that a client may ask for, or the one of `?model_group=`.
pub fn list(gateway: &Gateway, query: &str) -> Response<ReplyBody> {
    let snapshot = gateway.engine.snapshot.load_full();
    let wanted = query_value(query, "model_group");
    let data: Vec<Value> = models::names(&snapshot.config)
        .into_iter()
        .filter(|(name, _)| wanted.as_ref().is_none_or(|wanted| wanted == name))
        .map(|(name, _)| group(&snapshot.config, &name))
        .collect();
    json(&json!({ "data": data }))
}

/// The deployments that a name means, those of a pattern with the name's model.
fn deployments(config: &Config, name: &str) -> Vec<ModelEntry> {
    let alias = config.router.model_group_alias.get(name);
    let group = alias.map_or(name, |alias| alias.model.as_str());
    let own = config
        .model_list
        .iter()
        .filter(|entry| entry.model_name == group);
    let own: Vec<ModelEntry> = own.cloned().collect();
    if !own.is_empty() {
        return own;
    }
    let matching = config.model_list.iter().filter_map(|entry| {
        let stars = wildcard::matches(&entry.model_name, group)?;
        let model: String = entry.litellm_params.get("model")?;
        let mut entry = entry.clone();
        let filled = wildcard::fill(&model, &stars);
        entry.litellm_params.set("model", &filled);
        Some(entry)
    });
    matching.collect()
}

fn group(config: &Config, name: &str) -> Value {
    let entries = deployments(config, name);
    let facts: Vec<Facts> = entries.iter().map(Facts::of).collect();
    let mut group = Map::new();
    let mut set = |name: &str, value: Value| group.insert(name.to_owned(), value);
    set("model_group", name.into());
    let mut providers: Vec<&str> = Vec::new();
    for facts in &facts {
        let provider = facts.lookup.provider.as_deref().unwrap_or_default();
        if !providers.contains(&provider) {
            providers.push(provider);
        }
    }
    set("providers", json!(providers));
    for name in LARGEST {
        let largest = told(&facts, name)
            .filter_map(Value::as_f64)
            .reduce(f64::max);
        set(name, json!(largest));
    }
    let first = |name: &str| facts.first().and_then(|facts| facts.info.get(name));
    let pixel = first("input_cost_per_pixel").and_then(Value::as_f64);
    set("input_cost_per_pixel", json!(pixel));
    let mode = first("mode").cloned().unwrap_or(Value::Null);
    set(
        "mode",
        if facts.is_empty() {
            "chat".into()
        } else {
            mode
        },
    );
    for name in RATES {
        set(name, json!(limit(&entries, &facts, name)));
    }
    for name in CAPABILITIES {
        set(
            name,
            told(&facts, name)
                .any(|told| *told == Value::Bool(true))
                .into(),
        );
    }
    let fast = |facts: &Facts| {
        facts.lookup.provider.as_deref() == Some("anthropic")
            && catalog::entry(&facts.lookup.model)
                .is_some_and(|entry| entry.get("supports_fast_mode") == Some(&Value::Bool(true)))
    };
    set(
        "supports_fast_mode",
        (!facts.is_empty() && facts.iter().all(fast)).into(),
    );
    set(
        "supported_reasoning_efforts",
        json!(group_efforts(&entries, &facts)),
    );
    let takes = facts
        .iter()
        .rev()
        .find_map(|facts| facts.info.get("supported_openai_params"))
        .filter(|takes| !takes.is_null());
    set(
        "supported_openai_params",
        takes.cloned().unwrap_or(json!([])),
    );
    let own = entries.last().and_then(|entry| {
        entry
            .litellm_params
            .get::<Value>("configurable_clientside_auth_params")
    });
    set("configurable_clientside_auth_params", json!(own));
    let mut descriptions = entries
        .iter()
        .map(|entry| entry.model_info.get("description"));
    let description = descriptions.find_map(|told| told.and_then(Value::as_str));
    set("description", json!(description));
    set("supported_endpoints", endpoints(&entries, &facts));
    set("supports_background_chat", false.into());
    set("is_public_model_group", false.into());
    for name in [
        "health_status",
        "health_response_time",
        "health_checked_at",
        "custom_tags",
        "custom_metadata",
    ] {
        set(name, Value::Null);
    }
    group.into()
}

/// What is told of each deployment under a name.
fn told<'a>(facts: &'a [Facts], name: &'a str) -> impl Iterator<Item = &'a Value> {
    facts.iter().filter_map(move |facts| facts.info.get(name))
}

/// The sum of what the deployments say; where none says anything, what the catalogue says of the first one.
fn limit(entries: &[ModelEntry], facts: &[Facts], name: &str) -> Option<u64> {
    let said = entries.iter().filter_map(|entry| {
        let own = entry.litellm_params.get::<f64>(name);
        own.or_else(|| entry.model_info.get(name)?.as_f64())
    });
    let sum = said.map(|limit| limit as u64).reduce(u64::saturating_add);
    sum.or_else(|| facts.first()?.info.get(name)?.as_u64())
}

/// Where the group can be asked, as far as the catalogue says. Azure's batches need deployments of their own.
fn endpoints(entries: &[ModelEntry], facts: &[Facts]) -> Value {
    const BATCH: &str = "/v1/batch";
    let mut all: Vec<String> = Vec::new();
    for (entry, facts) in entries.iter().zip(facts) {
        let azure = matches!(facts.lookup.provider.as_deref(), Some("azure" | "azure_ai"));
        let batches = entry.model_info.get("mode").and_then(Value::as_str) == Some("batch");
        let listed = facts.info.get("supported_endpoints");
        let listed = listed.and_then(Value::as_array).into_iter().flatten();
        let listed = listed.filter_map(Value::as_str).map(str::to_owned);
        let paths: Vec<String> = match (batches, azure) {
            (true, true) => vec![BATCH.to_owned()],
            (true, false) => listed.chain([BATCH.to_owned()]).collect(),
            (false, true) => listed.filter(|path| path != BATCH).collect(),
            (false, false) => listed.collect(),
        };
        for path in paths {
            if !all.contains(&path) {
                all.push(path);
            }
        }
    }
    if all.is_empty() {
        Value::Null
    } else {
        json!(all)
    }
}

/// The efforts that every deployment takes; `None` as soon as one's are not known.
fn group_efforts(entries: &[ModelEntry], facts: &[Facts]) -> Option<Vec<&'static str>> {
    let mut all: Option<Vec<&'static str>> = None;
    for (entry, facts) in entries.iter().zip(facts) {
        let mapped = facts.info.get("mode").is_some_and(|mode| !mode.is_null())
            && entry.model_info.get("mode").is_none_or(Value::is_null);
        let own = efforts(&facts.info, mapped)?;
        all = Some(match all {
            None => own,
            Some(all) => all
                .into_iter()
                .filter(|effort| own.contains(effort))
                .collect(),
        });
    }
    all
}

/// The reasoning efforts that a model takes. `None`: not known. Medium and high go without saying, minimal and low
/// unless the catalogue denies them, the highest only where it says so.
fn efforts(info: &Map<String, Value>, mapped: bool) -> Option<Vec<&'static str>> {
    let reasons = info.get("supports_reasoning").and_then(Value::as_bool);
    if reasons == Some(false) {
        return Some(Vec::new());
    }
    // `azure/gpt-5` often says nothing where `gpt-5` does.
    let text = |name: &str| info.get(name).and_then(Value::as_str);
    let bare = text("key").zip(text("litellm_provider"));
    let bare = bare
        .and_then(|(key, provider)| key.strip_prefix(provider)?.strip_prefix('/'))
        .and_then(catalog::entry);
    let told = |name: &str| {
        let own = info.get(name).filter(|value| !value.is_null());
        own.or_else(|| bare.as_ref()?.get(name)).cloned()
    };
    let flag = |effort: &str| {
        told(&format!("supports_{effort}_reasoning_effort")).and_then(|told| told.as_bool())
    };
    let silent = ["none", "minimal", "low", "xhigh", "max"]
        .iter()
        .all(|effort| flag(effort).is_none());
    if reasons != Some(true) && silent {
        return mapped.then(Vec::new);
    }
    if let Some(Value::Array(levels)) = told("reasoning_effort_levels") {
        let declared = |effort: &&str| levels.iter().any(|level| level == *effort);
        return Some(EFFORTS.into_iter().filter(declared).collect());
    }
    if silent {
        return None;
    }
    let strict = text("litellm_provider") == Some("azure")
        && text("key").is_some_and(|key| key.contains("gpt-5"));
    let takes = |effort: &&str| match *effort {
        "medium" | "high" => true,
        "xhigh" | "max" => flag(effort) == Some(true),
        "none" if strict => flag(effort) == Some(true),
        _ => flag(effort) != Some(false),
    };
    Some(EFFORTS.into_iter().filter(takes).collect())
}
