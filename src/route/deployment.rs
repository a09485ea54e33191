//! One deployment of a model group: its target, what picks it, and how it fares.

use super::state::{GroupState, State};
use crate::adapt::Target;
use crate::config::schema::Budget;
use crate::resilience::Limits;
use crate::resilience::breaker::Verdict;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What routing knows of a deployment.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Where it is, resolved once.
    pub target: Arc<Target>,
    /// `weight`.
    pub weight: f64,
    /// `rpm`.
    pub rpm: f64,
    /// `tpm`.
    pub tpm: f64,
    /// `rpm` and `tpm` as limits.
    pub limits: Limits,
    /// `order`: lower is tried first.
    pub order: Option<i64>,
    /// `tags`.
    pub tags: Arc<[String]>,
    /// `cooldown_time`.
    pub cooldown_time: Option<Duration>,
    /// Calls in flight that it takes; `None` is no limit.
    pub max_parallel: Option<u32>,
    /// `max_budget` in a `budget_duration`.
    pub budget: Option<Budget>,
    /// The longest prompt that its model takes.
    pub max_input_tokens: Option<u64>,
    /// Where it is, as `allowed_model_region` names it.
    pub region: Option<String>,
    /// Its list price.
    pub prices: Prices,
    /// How it fares; shared by everything that has this deployment's id.
    pub state: Arc<State>,
}

/// USD a token; `None` is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Prices {
    pub input: Option<f64>,
    pub output: Option<f64>,
    pub cache_read: Option<f64>,
}

impl Deployment {
    /// The deployment's id.
    pub fn id(&self) -> &str {
        &self.target.deployment_id
    }

    /// How long it was sent to cool, if it is cooling.
    pub fn cooling(&self, now: Instant) -> Option<Duration> {
        self.state.cooldown.lock().cooling(now)
    }

    /// What its breaker says.
    pub fn verdict(&self, now: Instant) -> Verdict {
        self.state.breaker.lock().verdict(now)
    }
}

/// The deployments of one public name.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// The public name.
    pub name: String,
    /// In the order of the configuration.
    pub deployments: Vec<Arc<Deployment>>,
    /// How it fares; shared by everything of this name.
    pub state: Arc<GroupState>,
}

impl Group {
    /// Deployments that are not cooling.
    pub fn healthy(&self, now: Instant) -> usize {
        self.deployments
            .iter()
            .filter(|deployment| deployment.cooling(now).is_none())
            .count()
    }

    /// Deployments whose breaker lets calls through, now or as a probe.
    pub fn admitting(&self, now: Instant) -> usize {
        self.deployments
            .iter()
            .filter(|deployment| !matches!(deployment.verdict(now), Verdict::Reject(_)))
            .count()
    }

    /// The `order` values above `after`, or above the first one; ascending.
    pub fn later_orders(&self, after: Option<i64>) -> Vec<i64> {
        let mut orders: Vec<i64> = self.deployments.iter().filter_map(|d| d.order).collect();
        orders.sort_unstable();
        orders.dedup();
        let Some(tried) = after.or(orders.first().copied()) else {
            return Vec::new();
        };
        orders.retain(|order| *order > tried);
        orders
    }
}
