//! One deployment of a model group: its target, what picks it, and how it fares.

use crate::adapt::Target;
use crate::resilience::Cooldown;
use parking_lot::Mutex;
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
    /// `order`: lower is tried first.
    pub order: Option<i64>,
    /// `tags`.
    pub tags: Arc<[String]>,
    /// `cooldown_time`.
    pub cooldown_time: Option<Duration>,
    /// Calls in flight that it takes; `None` is no limit.
    pub max_parallel: Option<u32>,
    /// How it fares; shared by everything that has this deployment's id.
    pub state: Arc<Mutex<Cooldown>>,
}

impl Deployment {
    /// The deployment's id.
    pub fn id(&self) -> &str {
        &self.target.deployment_id
    }

    /// How long it was sent to cool, if it is cooling.
    pub fn cooling(&self, now: Instant) -> Option<Duration> {
        self.state.lock().cooling(now)
    }
}

/// The deployments of one public name.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// The public name.
    pub name: String,
    /// In the order of the configuration.
    pub deployments: Vec<Deployment>,
}

impl Group {
    /// Deployments that are not cooling.
    pub fn healthy(&self, now: Instant) -> usize {
        self.deployments
            .iter()
            .filter(|deployment| deployment.cooling(now).is_none())
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
