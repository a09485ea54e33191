//! Which metrics are kept, and with which labels: LiteLLM's `prometheus_metrics_config`, groups of metrics that share
//! their labels. Without it all are, with all of theirs; with it, of LiteLLM's metrics only those that a group lists.
//! This gateway's own (`gateway_...`) are always there.

use super::families::Families;
use crate::config::schema::Config;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What is asked for.
#[derive(Debug, Default)]
pub struct Wanted {
    /// By metric, its labels; `None`: all. Without a table everything is wanted.
    metrics: Option<BTreeMap<String, Option<BTreeSet<String>>>>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metrics: Vec<String>,
    include_labels: Option<BTreeSet<String>>,
}

impl Wanted {
    /// Reads a configuration. A metric that does not exist is named in the log, and asks for nothing.
    pub fn read(config: &Config) -> Self {
        let told = config.litellm.other.get("prometheus_metrics_config");
        let groups = told.map(|told| serde_json::from_value::<Vec<Group>>(told.clone()));
        let groups = match groups {
            None => return Self::default(),
            Some(Ok(groups)) => groups,
            Some(Err(error)) => {
                tracing::warn!(
                    "`prometheus_metrics_config` is a list of groups with `metrics` and perhaps `include_labels`; all \
                     metrics are kept: {error}"
                );
                return Self::default();
            }
        };
        let mut metrics = BTreeMap::new();
        for group in groups {
            for name in group.metrics {
                let name = name.strip_suffix("_total").unwrap_or(&name).to_owned();
                if !Families::NAMES.contains(&name.as_str()) {
                    tracing::warn!("`prometheus_metrics_config`: there is no metric `{name}`");
                }
                metrics.insert(name, group.include_labels.clone());
            }
        }
        Self {
            metrics: Some(metrics),
        }
    }

    /// Whether a metric is kept.
    pub fn metric(&self, name: &str) -> bool {
        let listed = |metrics: &BTreeMap<_, _>| metrics.contains_key(name);
        name.starts_with("gateway_") || self.metrics.as_ref().is_none_or(listed)
    }

    /// Whether a metric has a label.
    pub fn label(&self, name: &str, label: &str) -> bool {
        let labels = self.metrics.as_ref().and_then(|metrics| metrics.get(name));
        match labels {
            Some(Some(labels)) => labels.contains(label),
            _ => true,
        }
    }
}
