//! How deployments and groups fare: shared by everything that has the same id (or name), and kept over a reload. Each
//! piece has a lock of its own, held for a few instructions and never across an await.

use super::affinity::Affinity;
use super::money::Spent;
use crate::resilience::latency::{Peak, Samples};
use crate::resilience::{Adaptive, Breaker, Cooldown, Gate, HedgeBudget, Quota, RetryBudget};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One deployment.
#[derive(Debug, Default)]
pub struct State {
    /// LiteLLM's rule.
    pub cooldown: Mutex<Cooldown>,
    /// Ours, where it is configured.
    pub breaker: Mutex<Breaker>,
    /// Requests and tokens of the last minute.
    pub quota: Mutex<Quota>,
    /// Calls in flight where they are limited.
    pub gate: Gate,
    /// The limit that finds itself.
    pub adaptive: Mutex<Adaptive>,
    /// How fast and how well it answers.
    pub measures: Mutex<Measures>,
    /// Money.
    pub spent: Mutex<Spent>,
    /// What the last background check found, and when.
    pub checked: Mutex<Option<(Instant, bool)>>,
    in_flight: AtomicU32,
}

impl State {
    /// Calls in flight.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether a background check that is not older than `stale` found it ill.
    pub fn is_ill(&self, now: Instant, stale: Duration) -> bool {
        self.checked
            .lock()
            .is_some_and(|(at, well)| !well && now.saturating_duration_since(at) <= stale)
    }
}

/// Counts a call in flight until it is dropped.
#[derive(Debug)]
pub struct InFlight(Arc<State>);

impl InFlight {
    /// From now on.
    pub fn start(state: &Arc<State>) -> Self {
        state.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(state.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What routing measures.
#[derive(Clone, Debug, Default)]
pub struct Measures {
    /// Seconds for each completion token, or in all where there are none: LiteLLM's measure.
    pub latency: Samples,
    /// Seconds to the first token of streams.
    pub first_token: Samples,
    /// Seconds to the head or the first token: when a call is hedged.
    pub head: Samples,
    /// The same, sensitive to peaks.
    pub peak: Peak,
    /// The part of prompt tokens that the provider had cached.
    pub cached: Share,
    /// The part of attempts that failed.
    pub failed: Share,
}

/// A part that is averaged over about the last twenty observations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Share(f64);

impl Share {
    /// One more observation, from 0 to 1.
    pub fn add(&mut self, part: f64) {
        if part.is_finite() {
            self.0 += (part.clamp(0.0, 1.0) - self.0) * 0.05;
        }
    }

    /// The average.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// One model group.
#[derive(Debug, Default)]
pub struct GroupState {
    /// What retries may add.
    pub retries: Mutex<RetryBudget>,
    /// What hedges may add.
    pub hedges: Mutex<HedgeBudget>,
    /// Which deployment has which prompt cached.
    pub affinity: Affinity,
    /// Retries that were not made because the budget was used up.
    pub retries_denied: AtomicU64,
    /// Calls that a second deployment was asked for.
    pub hedged: AtomicU64,
}
