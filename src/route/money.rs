//! What was spent in a budget's period: of one deployment (`max_budget`), or of all that a provider serves
//! (`provider_budget_config`). A period begins with the first money spent in it.

use crate::config::schema::Budget;
use std::time::Instant;

/// Money spent since a moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    since: Option<Instant>,
    usd: f64,
}

impl Spent {
    /// Adds what a call cost.
    pub fn add(&mut self, now: Instant, budget: &Budget, usd: f64) {
        if !usd.is_finite() || usd <= 0.0 {
            return;
        }
        if self.is_over(now, budget) {
            *self = Self::default();
        }
        self.since.get_or_insert(now);
        self.usd += usd;
    }

    /// What was spent in the period that `now` is in.
    pub fn in_period(&self, now: Instant, budget: &Budget) -> f64 {
        if self.is_over(now, budget) {
            return 0.0;
        }
        self.usd
    }

    /// Whether nothing is left.
    pub fn exceeds(&self, now: Instant, budget: &Budget) -> bool {
        budget.limit > 0.0 && self.in_period(now, budget) >= budget.limit
    }

    fn is_over(&self, now: Instant, budget: &Budget) -> bool {
        self.since
            .is_some_and(|since| now.saturating_duration_since(since) >= budget.period)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_budget_is_exceeded_until_its_period_ends() {
        let now = Instant::now();
        let budget = Budget {
            limit: 1.0,
            period: Duration::from_secs(60),
        };
        let mut spent = Spent::default();
        assert!(!spent.exceeds(now, &budget));
        spent.add(now, &budget, 0.6);
        spent.add(now, &budget, f64::NAN);
        assert!(!spent.exceeds(now, &budget));
        spent.add(now + Duration::from_secs(30), &budget, 0.4);
        assert!(spent.exceeds(now + Duration::from_secs(59), &budget));
        assert!(!spent.exceeds(now + Duration::from_secs(60), &budget));
        spent.add(now + Duration::from_secs(61), &budget, 0.1);
        assert_eq!(spent.in_period(now + Duration::from_secs(61), &budget), 0.1);
    }
}
