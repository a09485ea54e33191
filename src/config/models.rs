//! `model_list` and `credential_list`: each deployment with its credential merged in, and checks across the
//! sections that only the whole configuration allows.

use super::build::{entry, to_params};
use super::document::{Node, NodeValue, Place};
use super::report::{Level, Report};
use super::schema::{Config, ModelEntry};
use crate::params::Params;
use serde_json::Value;
use std::collections::BTreeMap;

/// Every deployment of the document.
pub fn deployments(root: &Node, report: &mut Report) -> Vec<ModelEntry> {
    let credentials = credentials(root, report);
    let mut entries = Vec::new();
    for item in root.get("model_list").map(Node::items).unwrap_or_default() {
        if !complete(item, report) {
            continue;
        }
        let mut entry = entry(item);
        let place = &item.place;
        merge_credential(&mut entry, &credentials, place, report);
        entries.extend(by_organization(entry));
    }
    entries
}

fn complete(item: &Node, report: &mut Report) -> bool {
    let text_at = |path: [&str; 2]| {
        let parent = if path[0].is_empty() {
            Some(item)
        } else {
            item.get(path[0])
        };
        parent
            .and_then(|p| p.get(path[1]))
            .and_then(Node::text)
            .is_some_and(|t| !t.is_empty())
    };
    if !matches!(item.value, NodeValue::Map(_)) {
        return false;
    }
    let mut complete = true;
    for (path, key) in [
        (["", "model_name"], "model_list[].model_name"),
        (
            ["litellm_params", "model"],
            "model_list[].litellm_params.model",
        ),
    ] {
        if !text_at(path) {
            report.add_with_hint(
                Level::Error,
                &item.place,
                key,
                "is missing",
                "every deployment has `model_name: NAME` and `litellm_params: {model: PROVIDER/MODEL}`",
            );
            complete = false;
        }
    }
    complete
}

fn credentials(root: &Node, report: &mut Report) -> BTreeMap<String, Params> {
    let mut credentials = BTreeMap::new();
    for item in root
        .get("credential_list")
        .map(Node::items)
        .unwrap_or_default()
    {
        match item.get("credential_name").and_then(Node::text) {
            Some(name) => {
                let values = item
                    .get("credential_values")
                    .map(to_params)
                    .unwrap_or_default();
                credentials.insert(name.to_owned(), values);
            }
            None => report.add(
                Level::Error,
                &item.place,
                "credential_list[].credential_name",
                "is missing",
            ),
        }
    }
    credentials
}

/// What the deployment says itself wins over its credential.
fn merge_credential(
    entry: &mut ModelEntry,
    credentials: &BTreeMap<String, Params>,
    place: &Place,
    report: &mut Report,
) {
    let Some(name) = entry
        .litellm_params
        .get::<String>("litellm_credential_name")
    else {
        return;
    };
    let Some(values) = credentials.get(&name) else {
        report.add_with_hint(
            Level::Warning,
            place,
            "model_list[].litellm_params.litellm_credential_name",
            format!("names `{name}`, which is not in `credential_list`"),
            "add it there",
        );
        return;
    };
    for (key, raw) in values.iter() {
        if !entry.litellm_params.contains(key) {
            entry.litellm_params.set_raw(key, raw.clone());
        }
    }
}

/// A list of organizations means one deployment for each.
fn by_organization(entry: ModelEntry) -> Vec<ModelEntry> {
    let Some(organizations) = entry.litellm_params.get::<Vec<String>>("organization") else {
        return vec![entry];
    };
    organizations
        .iter()
        .map(|organization| {
            let mut entry = entry.clone();
            entry.litellm_params.set("organization", organization);
            if let Some(Value::String(id)) = entry.model_info.get_mut("id") {
                // Ids are unique; LiteLLM gives all of these the same one.
                *id = format!("{id}-{organization}");
            }
            entry
        })
        .collect()
}

/// Warns of ids given twice, and of aliases and fallbacks that lead nowhere.
pub fn check_names(config: &Config, root: &Node, report: &mut Report) {
    let mut ids = BTreeMap::new();
    for item in root.get("model_list").map(Node::items).unwrap_or_default() {
        let Some(id) = item.get("model_info").and_then(|info| info.get("id")) else {
            continue;
        };
        if let Some(first) = ids.insert(id.to_json().to_string(), id.place.line) {
            report.add_with_hint(
                Level::Warning,
                &id.place,
                "model_list[].model_info.id",
                format!("is given twice, first at line {first}; both share cooldowns and metrics"),
                "give each deployment its own id",
            );
        }
    }
    for (section, key) in [
        ("router_settings", "fallbacks"),
        ("router_settings", "context_window_fallbacks"),
        ("router_settings", "content_policy_fallbacks"),
        ("litellm_settings", "fallbacks"),
        ("litellm_settings", "context_window_fallbacks"),
        ("litellm_settings", "content_policy_fallbacks"),
    ] {
        let rules = root.get(section).and_then(|s| s.get(key));
        for rule in rules.map(Node::items).unwrap_or_default() {
            for target in rule.members().iter().flat_map(|m| m.value.items()) {
                if let Some(name) = target.text().filter(|name| !leads_somewhere(config, name)) {
                    report.add_with_hint(
                        Level::Warning,
                        &target.place,
                        &format!("{section}.{key}"),
                        format!("falls back to `{name}`, which is no model group"),
                        "add it to `model_list`, or correct the name",
                    );
                }
            }
        }
    }
}

fn leads_somewhere(config: &Config, name: &str) -> bool {
    config.router.model_group_alias.contains_key(name)
        || config.model_list.iter().any(|entry| {
            entry.model_name == name
                || entry.model_name.contains('*')
                || entry.model_info.get("id").and_then(Value::as_str) == Some(name)
        })
}
