//! What retries may add to the load of a model group, so that a provider in trouble is not buried by them.
//!
//! In any ten seconds, retries are at most a part of the calls, or a floor where calls are few: one caller alone gets
//! all the retries that are configured, a thousand a second get a fifth more load and no storm. After Finagle's and
//! linkerd's retry budgets.

use super::window::Window;
use std::time::{Duration, Instant};

/// Ten seconds and the one in use.
const SLOTS: usize = 11;

/// `retry_budget` of the router's settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryBudgetRules {
    /// Retries to calls.
    pub ratio: f64,
    /// Retries in ten seconds that are allowed however few calls there are.
    pub floor: u32,
}

impl Default for RetryBudgetRules {
    fn default() -> Self {
        Self {
            ratio: 0.2,
            floor: 100,
        }
    }
}

/// The calls and retries of one group.
#[derive(Clone, Debug)]
pub struct RetryBudget(Window<SLOTS>);

const CALLS: usize = 0;
const RETRIES: usize = 1;

impl Default for RetryBudget {
    fn default() -> Self {
        Self(Window::new(Duration::from_secs(1)))
    }
}

impl RetryBudget {
    /// A call begins.
    pub fn called(&mut self, now: Instant) {
        self.0.add(now, [1, 0]);
    }

    /// Whether one more attempt may be made; it is counted then.
    pub fn withdraw(&mut self, now: Instant, rules: &RetryBudgetRules) -> bool {
        let sums = self.0.sums(now);
        let share = sums[CALLS] as f64 * rules.ratio.max(0.0);
        let allowed = (share as u64).max(u64::from(rules.floor));
        if sums[RETRIES] >= allowed {
            return false;
        }
        self.0.add(now, [0, 1]);
        true
    }
}

#[cfg(all(test, not(loom)))]
#[path = "retry_budget_tests.rs"]
mod tests;
