use super::*;
use proptest::prelude::*;

#[test]
fn one_caller_gets_all_its_retries() {
    let now = Instant::now();
    let mut budget = RetryBudget::default();
    let rules = RetryBudgetRules::default();
    budget.called(now);
    assert!((0..rules.floor).all(|_| budget.withdraw(now, &rules)));
    assert!(!budget.withdraw(now, &rules), "the floor is bounded, too");
}

/// Half of a thousand calls a second fail for a minute, and each failure wants two more attempts.
#[test]
fn a_storm_of_failures_adds_a_fifth_at_most() {
    let begun = Instant::now();
    let mut budget = RetryBudget::default();
    let rules = RetryBudgetRules::default();
    let (mut calls, mut attempts, mut dice) = (0u32, 0u32, 1u32);
    let mut fails = || {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        dice >> 31 == 0
    };
    for call in 0..60_000u64 {
        let now = begun + Duration::from_millis(call);
        budget.called(now);
        calls += 1;
        attempts += 1;
        for _ in 0..2 {
            if !fails() || !budget.withdraw(now, &rules) {
                break;
            }
            attempts += 1;
        }
    }
    let ratio = f64::from(attempts) / f64::from(calls);
    assert!((1.15..=1.2).contains(&ratio), "{ratio}");
}

proptest! {
    /// In any ten seconds that end now, retries stay within the larger of floor and share.
    #[test]
    fn retries_of_ten_seconds_stay_within_the_budget(
        steps in prop::collection::vec((0u64..300, any::<bool>()), 1..400),
        floor in 0u32..5,
        ratio in 0.0..0.5f64,
    ) {
        let begun = Instant::now();
        let rules = RetryBudgetRules { ratio, floor };
        let mut budget = RetryBudget::default();
        let mut at = Duration::ZERO;
        let (mut calls, mut retries): (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
        for (wait, retry) in steps {
            at += Duration::from_millis(wait);
            if !retry {
                budget.called(begun + at);
                calls.push(at);
            } else if budget.withdraw(begun + at, &rules) {
                retries.push(at);
                let counted = |times: &[Duration], length: u64| {
                    times.iter().filter(|then| at.saturating_sub(**then) < Duration::from_secs(length)).count() as f64
                };
                // The window forgets one slot late at most.
                let allowed = (counted(&calls, 11) * ratio).floor().max(f64::from(floor));
                prop_assert!(counted(&retries, 10) <= allowed, "{} > {allowed}", counted(&retries, 10));
            }
        }
    }
}
