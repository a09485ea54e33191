//! 2 ROUTE. Model name -> deployment: aliases, wildcards ([`wildcard`]), who steps aside ([`pick`]) and who of the
//! others takes the call ([`strategy`], with [`affinity`] and [`money`]). Pure: the clock and the dice are arguments.
//!
//! [`Routes`] is built once for each configuration ([`build`], [`rules`]); how a deployment fares ([`state`]) is
//! carried over to the next one, so that a reload forgets no cooldown.

pub mod affinity;
pub mod build;
pub mod deployment;
pub mod fallback;
mod limits;
pub mod money;
pub mod pick;
mod refuse;
pub mod rules;
pub mod state;
pub mod strategy;
pub mod wildcard;

use crate::adapt::Target;
use crate::config::schema::Alias;
use crate::error::Error;
use crate::resilience::{CooldownRules, RetryRules};
pub use deployment::{Deployment, Group};
pub use fallback::Fallbacks;
pub use pick::{Ask, Need};
pub use rules::Rules;
pub use state::{GroupState, State};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;
use wildcard::Wildcards;

/// Reads an environment variable.
pub type Env = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The model groups of a configuration, ready to be asked.
#[derive(Default)]
pub struct Routes {
    groups: HashMap<String, Arc<Group>>,
    /// Deployment id to a group of that deployment alone.
    ids: HashMap<String, Arc<Group>>,
    aliases: BTreeMap<String, Alias>,
    wildcards: Wildcards,
    /// `enable_tag_filtering`.
    pub tag_filtering: bool,
    /// `tag_filtering_match_any`.
    pub tags_match_any: bool,
    /// Settings of cooldowns.
    pub cooldowns: CooldownRules,
    /// Settings of retries.
    pub retries: RetryRules,
    /// Settings of routing and its guards.
    pub rules: Rules,
    /// Whether anything has a budget.
    has_budgets: bool,
    /// Whether any deployment has a limit of calls in flight.
    has_parallel_limits: bool,
    /// Whether nothing but a cooldown keeps a call from a deployment.
    is_plain: bool,
    /// How everything fares, for the routes that follow these.
    states: build::States,
    /// Settings of fallbacks.
    pub fallbacks: Fallbacks,
    /// Deployments that were left out, and why.
    pub problems: Vec<String>,
}

impl Routes {
    /// The group that a model name means: a group's name, an alias, a deployment's id, or what a wildcard matches.
    pub fn group(&self, model: &str) -> Option<Arc<Group>> {
        let name = match self.aliases.get(model) {
            Some(alias) => alias.model.as_str(),
            None => model,
        };
        self.groups
            .get(name)
            .or_else(|| self.ids.get(name))
            .cloned()
            .or_else(|| self.wildcards.group(name))
    }

    /// The deployments of a model as `litellm_params` name it, whatever their groups (`specific_deployment`).
    ///
    /// # Errors
    /// LiteLLM's answer when there is none.
    pub fn by_litellm_model(&self, model: &str) -> Result<Arc<Group>, Error> {
        let mut deployments: Vec<Arc<Deployment>> = self
            .groups
            .values()
            .flat_map(|group| &group.deployments)
            .filter(|deployment| deployment.target.litellm_model == model)
            .cloned()
            .collect();
        if deployments.is_empty() {
            return Err(refuse::none_available(model));
        }
        deployments.sort_by(|a, b| a.id().cmp(b.id()));
        Ok(Arc::new(Group {
            name: model.to_owned(),
            deployments,
            state: Arc::default(),
        }))
    }

    /// Whether there is any wildcard: then an unknown model is told otherwise.
    pub fn has_wildcards(&self) -> bool {
        !self.wildcards.is_empty()
    }

    /// Aliases by name.
    pub fn aliases(&self) -> &BTreeMap<String, Alias> {
        &self.aliases
    }

    /// Calls in flight that a deployment takes, by its setting and by what was found out.
    pub fn parallel_limit(&self, deployment: &Deployment) -> Option<u32> {
        let found = self.rules.adaptive.as_ref();
        let found = found.map(|rules| deployment.state.adaptive.lock().limit(rules));
        match (deployment.max_parallel, found) {
            (Some(set), Some(found)) => Some(set.min(found)),
            (set, found) => set.or(found),
        }
    }

    /// Every deployment that has a name of its own, each once, in the order of their ids.
    pub fn deployments(&self) -> Vec<Arc<Deployment>> {
        let mut all: Vec<Arc<Deployment>> = self
            .groups
            .values()
            .flat_map(|group| group.deployments.iter().cloned())
            .collect();
        all.sort_by(|a, b| a.id().cmp(b.id()));
        all
    }

    /// The deployment of an id.
    pub fn by_id(&self, id: &str) -> Option<Arc<Deployment>> {
        self.ids.get(id)?.deployments.first().cloned()
    }

    /// Every group that has a name of its own, in the order of the names.
    pub fn groups(&self) -> Vec<Arc<Group>> {
        let mut all: Vec<Arc<Group>> = self.groups.values().cloned().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Where a model name goes now, without a call: what `/model/info` and tests ask.
    pub fn target(&self, model: &str, now: Instant, dice: f64) -> Option<Arc<Target>> {
        let group = self.group(model)?;
        let ask = Ask {
            now,
            dice,
            order: None,
            skip: &[],
            tags: &[],
            need: Need::default(),
        };
        group
            .pick(self, &ask)
            .ok()
            .map(|deployment| deployment.target.clone())
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
