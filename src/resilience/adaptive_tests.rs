use super::*;
use proptest::prelude::*;

const RULES: AdaptiveRules = AdaptiveRules {
    min: 2,
    max: 100,
    initial: 4,
    tolerance: 2.0,
};

/// An upstream that does `capacity` calls at a time in 100 ms and queues the rest.
fn settled(capacity: u32, rules: &AdaptiveRules) -> u32 {
    let begun = Instant::now();
    let mut adaptive = Adaptive::default();
    let mut at = Duration::ZERO;
    for _ in 0..4000 {
        let in_flight = adaptive.limit(rules);
        let latency = Duration::from_millis(100)
            .mul_f64(f64::from(in_flight.max(capacity)) / f64::from(capacity));
        at += latency / in_flight;
        adaptive.sample(
            begun + at,
            rules,
            Sample {
                latency,
                overloaded: false,
                in_flight,
            },
        );
    }
    adaptive.limit(rules)
}

#[test]
fn it_finds_what_the_upstream_can_do() {
    for capacity in [5, 20, 40] {
        let limit = settled(capacity, &RULES);
        assert!(
            (capacity..=capacity * 2 + 1).contains(&limit),
            "{capacity}: {limit}"
        );
    }
}

#[test]
fn it_does_not_grow_on_calls_that_do_not_need_it() {
    let now = Instant::now();
    let mut adaptive = Adaptive::default();
    for _ in 0..1000 {
        let sample = Sample {
            latency: Duration::from_millis(10),
            overloaded: false,
            in_flight: 1,
        };
        adaptive.sample(now, &RULES, sample);
    }
    assert_eq!(adaptive.limit(&RULES), 4);
}

#[test]
fn a_burst_of_refusals_shrinks_it_once() {
    let now = Instant::now();
    let mut adaptive = Adaptive::default();
    for _ in 0..50 {
        let sample = Sample {
            latency: Duration::from_millis(10),
            overloaded: true,
            in_flight: 4,
        };
        adaptive.sample(now, &RULES, sample);
    }
    assert_eq!(adaptive.limit(&RULES), 3);
}

proptest! {
    #[test]
    fn it_stays_within_its_bounds(steps in prop::collection::vec((0u64..5000, 0u64..5000, any::<bool>(), 0u32..200), 1..300)) {
        let mut now = Instant::now();
        let mut adaptive = Adaptive::default();
        for (wait, latency, overloaded, in_flight) in steps {
            now += Duration::from_millis(wait);
            let latency = Duration::from_millis(latency);
            adaptive.sample(now, &RULES, Sample { latency, overloaded, in_flight });
            prop_assert!((RULES.min..=RULES.max).contains(&adaptive.limit(&RULES)));
        }
    }
}
