#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

fn limits(requests: u64, tokens: u64) -> Limits {
    Limits {
        requests: Some(requests),
        tokens: Some(tokens),
    }
}

#[test]
fn what_is_refused_counts_for_nothing_and_is_told_when_to_come_back() {
    let now = Instant::now();
    let mut quota = Quota::default();
    quota.reserve(now, limits(2, 100), 90).unwrap();
    let refused = quota.reserve(now, limits(2, 100), 20).unwrap_err();
    assert_eq!((refused.kind, refused.used), (Kind::Tokens, 90));
    assert_eq!(quota.used(now), (1, 90));
    assert!(
        quota
            .reserve(now + refused.wait, limits(2, 100), 20)
            .is_ok()
    );
    let early = now + refused.wait.saturating_sub(Duration::from_millis(1));
    let mut again = Quota::default();
    again.reserve(now, limits(2, 100), 90).unwrap();
    assert!(again.reserve(early, limits(2, 100), 20).is_err());
}

#[test]
fn a_reservation_is_settled_with_what_was_used() {
    let now = Instant::now();
    let mut quota = Quota::default();
    let first = quota.reserve(now, limits(9, 100), 60).unwrap();
    quota.settle(now, first, 10);
    assert_eq!(quota.used(now), (1, 10));
    let second = quota.reserve(now, limits(9, 100), 60).unwrap();
    quota.settle(now, second, 85);
    assert_eq!(quota.used(now), (2, 95));
    let third = quota.reserve(now, limits(9, 100), 5).unwrap();
    quota.cancel(third);
    assert_eq!(quota.used(now), (2, 95));
}

#[test]
fn a_call_larger_than_the_limit_can_be_made_alone() {
    let now = Instant::now();
    let mut quota = Quota::default();
    assert!(quota.reserve(now, limits(9, 100), 5000).is_ok());
    assert!(quota.reserve(now, limits(9, 100), 1).is_err());
}

/// A caller that keeps to 99 % of the limit is never refused.
#[test]
fn no_false_refusal_below_the_limit() {
    let begun = Instant::now();
    let mut quota = Quota::default();
    let limit = 6000u64;
    let gap = Duration::from_secs(60).as_nanos() as u64 * 100 / (limit * 99);
    for call in 0..limit * 3 {
        let now = begun + Duration::from_nanos(gap * call);
        let reserved = quota.reserve(now, limits(limit, u64::MAX), 0);
        assert!(reserved.is_ok(), "{call}: {reserved:?}");
    }
}

proptest! {
    /// In no minute is more admitted than the limit, whatever is settled and cancelled in between.
    #[test]
    fn no_minute_holds_more_than_the_limit(
        steps in prop::collection::vec((0u64..5000, 0u64..50, 0u8..3), 1..150),
        requests in 1u64..20,
        tokens in 1u64..200,
    ) {
        let begun = Instant::now();
        let mut quota = Quota::default();
        let mut at = Duration::ZERO;
        let mut kept: Vec<(Duration, u64)> = Vec::new();
        for (wait, wanted, how) in steps {
            at += Duration::from_millis(wait);
            let now = begun + at;
            if let Ok(reserved) = quota.reserve(now, limits(requests, tokens), wanted) {
                match how {
                    0 => quota.cancel(reserved),
                    1 => {
                        quota.settle(now, reserved, wanted / 2);
                        kept.push((at, (wanted / 2).min(tokens)));
                    }
                    _ => kept.push((at, wanted.min(tokens))),
                }
            }
            let minute: Vec<u64> = kept
                .iter()
                .filter(|(then, _)| at.saturating_sub(*then) < Duration::from_secs(60))
                .map(|(_, tokens)| *tokens)
                .collect();
            prop_assert!(minute.len() as u64 <= requests);
            prop_assert!(minute.iter().sum::<u64>() <= tokens);
        }
    }
}
