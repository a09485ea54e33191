//! When a second deployment is asked because the first is slow (`hedging`): after the time within which nearly all
//! first tokens come, for a small part of the calls only.

use super::window::Window;
use std::time::{Duration, Instant};

/// `hedging` of the router's settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HedgeRules {
    /// Hedged calls to calls.
    pub budget: f64,
    /// The part of first tokens that come before a call is hedged.
    pub quantile: f64,
    /// Calls are not hedged sooner than this.
    pub min_delay: Duration,
    /// Answers of a deployment from which its quantile means something.
    pub min_samples: usize,
}

impl Default for HedgeRules {
    fn default() -> Self {
        Self {
            budget: 0.05,
            quantile: 0.95,
            min_delay: Duration::from_millis(50),
            min_samples: 20,
        }
    }
}

/// Half a minute and the slot in use.
const SLOTS: usize = 31;
/// Hedges that are allowed however few calls there are: else a quiet gateway would never hedge.
const FLOOR: f64 = 1.0;

const CALLS: usize = 0;
const HEDGES: usize = 1;

/// The calls and hedges of one group.
#[derive(Clone, Debug)]
pub struct HedgeBudget(Window<SLOTS>);

impl Default for HedgeBudget {
    fn default() -> Self {
        Self(Window::new(Duration::from_secs(1)))
    }
}

impl HedgeBudget {
    /// A call begins.
    pub fn called(&mut self, now: Instant) {
        self.0.add(now, [1, 0]);
    }

    /// Whether one more call may be hedged; it is counted then.
    pub fn withdraw(&mut self, now: Instant, rules: &HedgeRules) -> bool {
        let sums = self.0.sums(now);
        let allowed = (sums[CALLS] as f64 * rules.budget.max(0.0)).max(if rules.budget > 0.0 {
            FLOOR
        } else {
            0.0
        });
        if sums[HEDGES] as f64 + 1.0 > allowed {
            return false;
        }
        self.0.add(now, [0, 1]);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hedges_add_a_twentieth_at_most() {
        let begun = Instant::now();
        let rules = HedgeRules::default();
        let mut budget = HedgeBudget::default();
        let mut hedged = 0;
        for call in 0..10_000u64 {
            let now = begun + Duration::from_millis(call * 3);
            budget.called(now);
            hedged += u32::from(budget.withdraw(now, &rules));
        }
        assert!((450..=501).contains(&hedged), "{hedged}");
    }

    #[test]
    fn a_budget_of_nothing_hedges_nothing() {
        let now = Instant::now();
        let rules = HedgeRules {
            budget: 0.0,
            ..HedgeRules::default()
        };
        let mut budget = HedgeBudget::default();
        budget.called(now);
        assert!(!budget.withdraw(now, &rules));
    }
}
