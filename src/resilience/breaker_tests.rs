#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

const RULES: BreakerRules = BreakerRules {
    consecutive_failures: 5,
    success_rate: 0.5,
    min_calls: 20,
    window: Duration::from_secs(10),
    ejection_time: Duration::from_secs(5),
    max_ejection_time: Duration::from_secs(60),
    eject_last: false,
};

fn fail(breaker: &mut Breaker, now: Instant) -> bool {
    let pass = breaker.begin(now).unwrap();
    breaker.failed(now, pass, &RULES, Failure::default())
}

fn succeed(breaker: &mut Breaker, now: Instant) {
    let pass = breaker.begin(now).unwrap();
    breaker.succeeded(now, pass, &RULES);
}

fn opened(now: Instant) -> Breaker {
    let mut breaker = Breaker::default();
    assert_eq!((0..5).filter(|_| fail(&mut breaker, now)).count(), 1);
    breaker
}

#[test]
fn five_failures_in_a_row_open_it_and_four_do_not() {
    let now = Instant::now();
    let mut breaker = Breaker::default();
    for _ in 0..4 {
        assert!(!fail(&mut breaker, now));
    }
    succeed(&mut breaker, now);
    for _ in 0..4 {
        assert!(!fail(&mut breaker, now));
    }
    assert_eq!(breaker.verdict(now), Verdict::Admit);
    assert!(fail(&mut breaker, now));
    assert_eq!(
        breaker.verdict(now),
        Verdict::Reject(Duration::from_secs(5))
    );
}

#[test]
fn one_call_probes_and_its_success_closes() {
    let now = Instant::now();
    let mut breaker = opened(now);
    assert!(breaker.begin(now + Duration::from_millis(4999)).is_none());
    let later = now + Duration::from_secs(5);
    assert_eq!(breaker.verdict(later), Verdict::Probe);
    let probe = breaker.begin(later).unwrap();
    assert!(breaker.begin(later).is_none(), "one probe at a time");
    breaker.succeeded(later, probe, &RULES);
    assert_eq!(breaker.verdict(later), Verdict::Admit);
}

#[test]
fn a_probe_that_fails_opens_for_twice_as_long_up_to_the_most() {
    let mut now = Instant::now();
    let mut breaker = opened(now);
    for wait in [5, 10, 20, 40, 60, 60] {
        assert_eq!(
            breaker.verdict(now),
            Verdict::Reject(Duration::from_secs(wait))
        );
        now += Duration::from_secs(wait);
        assert!(fail(&mut breaker, now));
    }
}

#[test]
fn a_long_health_forgives() {
    let mut now = Instant::now();
    let mut breaker = opened(now);
    now += Duration::from_secs(5);
    assert!(fail(&mut breaker, now));
    now += Duration::from_secs(10);
    succeed(&mut breaker, now);
    now += Duration::from_secs(30);
    for _ in 0..5 {
        fail(&mut breaker, now);
    }
    assert_eq!(
        breaker.verdict(now),
        Verdict::Reject(Duration::from_secs(5))
    );
}

/// The same share of failures trips it whatever the rate of calls.
#[test]
fn the_success_rate_trips_alike_at_ten_and_at_ten_thousand_calls_a_second() {
    for (rate, third) in [(10u64, false), (10, true), (10_000, false), (10_000, true)] {
        let begun = Instant::now();
        let mut breaker = Breaker::default();
        let mut tripped = false;
        for call in 0..rate * 5 {
            let now = begun + Duration::from_micros(1_000_000 * call / rate);
            // Two of three fail, or one of three.
            let fails = (call % 3 == 0) != third;
            let Some(pass) = breaker.begin(now) else {
                break;
            };
            if fails {
                tripped |= breaker.failed(now, pass, &RULES, Failure::default());
            } else {
                breaker.succeeded(now, pass, &RULES);
            }
        }
        assert_eq!(tripped, third, "{rate} {third}");
    }
}

#[test]
fn what_began_before_it_opened_neither_closes_nor_prolongs() {
    let now = Instant::now();
    let mut breaker = Breaker::default();
    let stragglers: Vec<Pass> = (0..3).map(|_| breaker.begin(now).unwrap()).collect();
    for _ in 0..5 {
        fail(&mut breaker, now);
    }
    let late = now + Duration::from_secs(4);
    breaker.succeeded(late, stragglers[0], &RULES);
    assert!(!breaker.failed(late, stragglers[1], &RULES, Failure::default()));
    assert_eq!(
        breaker.verdict(late),
        Verdict::Reject(Duration::from_secs(1))
    );
    let probe = breaker.begin(now + Duration::from_secs(5)).unwrap();
    breaker.succeeded(now + Duration::from_secs(5), stragglers[2], &RULES);
    assert_eq!(breaker.level(now + Duration::from_secs(5)), 1);
    breaker.succeeded(now + Duration::from_secs(6), probe, &RULES);
    assert_eq!(breaker.level(now + Duration::from_secs(6)), 0);
}

#[test]
fn the_last_one_stays_unless_told_to_go() {
    let now = Instant::now();
    for eject_last in [false, true] {
        let rules = BreakerRules {
            eject_last,
            ..RULES
        };
        let mut breaker = Breaker::default();
        let last = Failure {
            last: true,
            ..Failure::default()
        };
        for _ in 0..50 {
            let Some(pass) = breaker.begin(now) else {
                break;
            };
            breaker.failed(now, pass, &rules, last);
        }
        assert_eq!(breaker.begin(now).is_none(), eject_last);
    }
}

#[test]
fn a_probe_that_is_abandoned_gives_its_place_back() {
    let now = Instant::now();
    let mut breaker = opened(now);
    let later = now + Duration::from_secs(5);
    let probe = breaker.begin(later).unwrap();
    breaker.abandoned(later, probe);
    assert_eq!(breaker.verdict(later), Verdict::Probe);
}

#[test]
fn what_the_upstream_asks_for_is_heard_up_to_the_most() {
    let now = Instant::now();
    for (asked, waits) in [(30, 30), (3600, 60)] {
        let mut breaker = Breaker::default();
        let pass = breaker.begin(now).unwrap();
        let failure = Failure {
            last: false,
            asked: Some(Duration::from_secs(asked)),
        };
        assert!(breaker.failed(now, pass, &RULES, failure));
        assert_eq!(
            breaker.verdict(now),
            Verdict::Reject(Duration::from_secs(waits))
        );
    }
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Begin,
    End(usize, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0u64..8000).prop_map(Step::Wait),
        Just(Step::Begin),
        Just(Step::Begin),
        (0usize..8, 0u8..4).prop_map(|(which, how)| Step::End(which, how)),
        (0usize..8, Just(0u8)).prop_map(|(which, how)| Step::End(which, how)),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    /// Whatever happens in whatever order: no call passes while it is open, one at a time while half-open, and it
    /// always becomes half-open once its time is past.
    #[test]
    fn its_laws_hold_in_every_history(steps in steps()) {
        let mut now = Instant::now();
        let mut breaker = Breaker::default();
        let mut under_way: Vec<Pass> = Vec::new();
        for step in steps {
            match step {
                Step::Wait(time) => now += Duration::from_millis(time),
                Step::Begin => {
                    let verdict = breaker.verdict(now);
                    let pass = breaker.begin(now);
                    prop_assert_eq!(pass.is_none(), matches!(verdict, Verdict::Reject(_)));
                    if verdict == Verdict::Probe {
                        prop_assert!(breaker.begin(now).is_none());
                    }
                    under_way.extend(pass);
                }
                Step::End(which, how) if !under_way.is_empty() => {
                    let pass = under_way.swap_remove(which % under_way.len());
                    let failure = Failure { last: how == 2, asked: None };
                    match how {
                        0 | 2 => {
                            let ejected = breaker.failed(now, pass, &RULES, failure);
                            prop_assert!(!(ejected && failure.last));
                            prop_assert!(!ejected || matches!(breaker.verdict(now), Verdict::Reject(_)));
                        }
                        1 => breaker.succeeded(now, pass, &RULES),
                        _ => breaker.abandoned(now, pass),
                    }
                }
                Step::End(..) => {}
            }
            if let Verdict::Reject(wait) = breaker.verdict(now) {
                prop_assert!(wait <= RULES.max_ejection_time);
            }
        }
        // All calls end, time passes: it lets somebody through.
        for pass in under_way {
            breaker.abandoned(now, pass);
        }
        now += RULES.max_ejection_time;
        prop_assert!(breaker.begin(now).is_some());
    }
}
