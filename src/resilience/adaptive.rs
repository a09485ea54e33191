//! A limit of calls in flight that finds itself (`adaptive_concurrency`): it grows by one for each full round while
//! the upstream answers as fast as it did at its best, and shrinks by a tenth when it answers much slower or refuses.
//! Additive increase, multiplicative decrease; after TCP and Netflix's concurrency limits.
//!
//! Invariants: it stays between its bounds; it does not grow on calls that did not need it; it shrinks once in the
//! time that one call takes, not once for each call of a burst.

use std::time::{Duration, Instant};

/// `adaptive_concurrency` of the router's settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaptiveRules {
    /// The least limit.
    pub min: u32,
    /// The greatest.
    pub max: u32,
    /// Where it begins: below what the upstream can do, or its best is never seen.
    pub initial: u32,
    /// How many times slower than at its best the upstream may be.
    pub tolerance: f64,
}

impl Default for AdaptiveRules {
    fn default() -> Self {
        Self {
            min: 3,
            max: 1000,
            initial: 10,
            tolerance: 2.0,
        }
    }
}

/// What "at its best" means is found out anew after this.
const MEMORY: Duration = Duration::from_secs(60);
/// What is left of the limit where it shrinks.
const BACK_OFF: f64 = 0.9;

/// The limit of one deployment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Adaptive {
    limit: Option<f64>,
    /// The fastest answer of this minute, and of the last.
    best: (Option<Duration>, Option<Duration>),
    since: Option<Instant>,
    shrunk: Option<Instant>,
}

/// How a call went, as far as the limit cares.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// From the request to the head of the answer, or its first token.
    pub latency: Duration,
    /// The upstream had too much to do: 429, 503, or no answer in time.
    pub overloaded: bool,
    /// Calls in flight while it was, itself among them.
    pub in_flight: u32,
}

impl Adaptive {
    /// The limit.
    pub fn limit(&self, rules: &AdaptiveRules) -> u32 {
        let limit = self.limit.unwrap_or(f64::from(rules.initial));
        (limit as u32).clamp(rules.min.max(1), rules.max.max(1))
    }

    /// A call has ended.
    pub fn sample(&mut self, now: Instant, rules: &AdaptiveRules, sample: Sample) {
        let limit = self.limit.unwrap_or(f64::from(rules.initial));
        let best = self.best(now, &sample);
        let slow = sample.latency.as_secs_f64() > best.as_secs_f64() * rules.tolerance.max(1.0);
        let next = if sample.overloaded || slow {
            let lately = self
                .shrunk
                .is_some_and(|then| now.saturating_duration_since(then) < sample.latency.max(best));
            if lately {
                return;
            }
            self.shrunk = Some(now);
            limit * BACK_OFF
        } else if f64::from(sample.in_flight) * 2.0 >= limit {
            limit + 1.0 / limit.max(1.0)
        } else {
            limit
        };
        self.limit = Some(next.clamp(f64::from(rules.min.max(1)), f64::from(rules.max.max(1))));
    }

    fn best(&mut self, now: Instant, sample: &Sample) -> Duration {
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) >= MEMORY {
            self.since = Some(now);
            self.best = (None, self.best.0);
        }
        // A refusal is quick; it says nothing of how fast an answer is.
        if !sample.overloaded {
            let best = self
                .best
                .0
                .map_or(sample.latency, |b| b.min(sample.latency));
            self.best.0 = Some(best);
        }
        let known = [self.best.0, self.best.1].into_iter().flatten().min();
        known.unwrap_or(sample.latency)
    }
}

#[cfg(all(test, not(loom)))]
#[path = "adaptive_tests.rs"]
mod tests;
