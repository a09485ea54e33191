//! 2 ROUTE. Model name -> deployment: aliases, wildcards ([`wildcard`]), weights, `order`, tags ([`pick`]). Pure:
//! the clock and the dice are arguments.
//!
//! [`Routes`] is built once for each configuration ([`build`]); the state of a deployment ([`deployment::Deployment`])
//! is carried over to the next one, so that a reload forgets no cooldown.

pub mod build;
pub mod deployment;
pub mod fallback;
pub mod pick;
pub mod wildcard;

use crate::adapt::Target;
use crate::config::schema::Alias;
use crate::error::Error;
use crate::resilience::{CooldownRules, RetryRules};
pub use deployment::{Deployment, Group};
pub use fallback::Fallbacks;
pub use pick::Ask;
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
    /// The state of every deployment by id, for the routes that follow these.
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
        let mut deployments: Vec<Deployment> = self
            .groups
            .values()
            .flat_map(|group| &group.deployments)
            .filter(|deployment| deployment.target.litellm_model == model)
            .cloned()
            .collect();
        if deployments.is_empty() {
            return Err(pick::none_available(model));
        }
        deployments.sort_by(|a, b| a.id().cmp(b.id()));
        Ok(Arc::new(Group {
            name: model.to_owned(),
            deployments,
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

    /// Where a model name goes now, without a call: what `/model/info` and tests ask.
    pub fn target(&self, model: &str, now: Instant, dice: f64) -> Option<Arc<Target>> {
        let group = self.group(model)?;
        let ask = Ask {
            now,
            dice,
            order: None,
            skip: &[],
            tags: &[],
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
