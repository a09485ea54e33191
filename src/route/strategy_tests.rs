#![allow(clippy::unwrap_used)]
use super::super::deployment::Prices;
use super::super::state::InFlight;
use super::super::tests::deployment;
use super::*;
use crate::config::schema::StrategyArgs;
use crate::resilience::Limits;
use crate::route::Need;
use std::time::{Duration, Instant};

fn ask(now: Instant, dice: f64) -> Ask<'static> {
    Ask {
        now,
        dice,
        order: None,
        skip: &[],
        tags: &[],
        need: Need::default(),
    }
}

fn chosen(strategy: Strategy, open: &[Arc<Deployment>], ask: &Ask<'_>) -> String {
    let rules = Rules {
        args: StrategyArgs {
            lowest_latency_buffer: 0.1,
            ..StrategyArgs::default()
        },
        ..Rules::default()
    };
    let open: Vec<&Arc<Deployment>> = open.iter().collect();
    let group = GroupState::default();
    let chosen = strategy.choose(&open, &rules, &group, ask);
    chosen.unwrap().id().to_owned()
}

fn three() -> [Arc<Deployment>; 3] {
    ["a", "b", "c"].map(|id| Arc::new(deployment(id)))
}

#[test]
fn every_name_of_litellms_is_known() {
    for name in [
        "simple-shuffle",
        "least-busy",
        "latency-based-routing",
        "usage-based-routing",
        "usage-based-routing-v2",
        "cost-based-routing",
    ] {
        assert!(Strategy::named(name).is_some(), "{name}");
    }
    assert_eq!(Strategy::named("lar1"), None);
}

#[test]
fn the_dice_follow_the_weights() {
    let mut all = [deployment("a"), deployment("b")];
    all[0].weight = 3.0;
    all[1].weight = 1.0;
    let all = all.map(Arc::new);
    let now = Instant::now();
    assert_eq!(chosen(Strategy::SimpleShuffle, &all, &ask(now, 0.74)), "a");
    assert_eq!(chosen(Strategy::SimpleShuffle, &all, &ask(now, 0.76)), "b");
}

#[test]
fn the_least_busy_is_the_first_with_the_fewest_calls() {
    let all = three();
    let now = Instant::now();
    assert_eq!(chosen(Strategy::LeastBusy, &all, &ask(now, 0.9)), "a");
    let _first = InFlight::start(&all[0].state);
    assert_eq!(chosen(Strategy::LeastBusy, &all, &ask(now, 0.9)), "b");
    {
        let _second = InFlight::start(&all[1].state);
        assert_eq!(chosen(Strategy::LeastBusy, &all, &ask(now, 0.9)), "c");
    }
    assert_eq!(chosen(Strategy::LeastBusy, &all, &ask(now, 0.9)), "b");
}

#[test]
fn the_fastest_takes_it_or_who_is_within_the_buffer() {
    let all = three();
    let now = Instant::now();
    for (deployment, seconds) in all.iter().zip([1.0, 1.05, 3.0]) {
        deployment.state.measures.lock().latency.add(seconds);
    }
    assert_eq!(chosen(Strategy::Latency, &all, &ask(now, 0.0)), "a");
    assert_eq!(chosen(Strategy::Latency, &all, &ask(now, 0.99)), "b");
    // Streams go by the first token.
    all[2].state.measures.lock().first_token.add(0.01);
    let mut stream = ask(now, 0.5);
    stream.need.stream = true;
    assert_eq!(chosen(Strategy::Latency, &all, &stream), "c");
}

#[test]
fn the_least_used_takes_it() {
    let all = three();
    let now = Instant::now();
    for (deployment, tokens) in all.iter().zip([50, 10, 10]) {
        let mut quota = deployment.state.quota.lock();
        quota.reserve(now, Limits::default(), tokens).unwrap();
    }
    assert_eq!(chosen(Strategy::Usage, &all, &ask(now, 0.9)), "b");
    assert_eq!(chosen(Strategy::UsageV2, &all, &ask(now, 0.9)), "c");
    assert_eq!(chosen(Strategy::UsageV2, &all, &ask(now, 0.1)), "b");
    let later = now + Duration::from_secs(61);
    assert_eq!(chosen(Strategy::Usage, &all, &ask(later, 0.9)), "a");
}

#[test]
fn the_cheapest_takes_it_and_no_price_is_a_high_one() {
    let mut all = [deployment("a"), deployment("b"), deployment("c")];
    let price = |input, output| Prices {
        input: Some(input),
        output: Some(output),
        cache_read: None,
    };
    all[1].prices = price(3e-6, 15e-6);
    all[2].prices = price(1e-6, 4e-6);
    let all = all.map(Arc::new);
    assert_eq!(chosen(Strategy::Cost, &all, &ask(Instant::now(), 0.0)), "c");
}

#[test]
fn cache_hits_and_failures_change_what_is_cheap() {
    let mut all = [deployment("list"), deployment("cached")];
    all[0].prices = Prices {
        input: Some(2e-6),
        output: Some(8e-6),
        cache_read: Some(2e-6),
    };
    all[1].prices = Prices {
        input: Some(3e-6),
        output: Some(8e-6),
        cache_read: Some(0.3e-6),
    };
    let all = all.map(Arc::new);
    let mut wanted = ask(Instant::now(), 0.0);
    wanted.need.tokens = 10_000;
    assert_eq!(chosen(Strategy::EffectiveCost, &all, &wanted), "list");
    for _ in 0..100 {
        all[1].state.measures.lock().cached.add(0.9);
    }
    assert_eq!(chosen(Strategy::EffectiveCost, &all, &wanted), "cached");
    for _ in 0..100 {
        all[1].state.measures.lock().failed.add(0.9);
    }
    assert_eq!(chosen(Strategy::EffectiveCost, &all, &wanted), "list");
}

#[test]
fn of_two_the_one_with_less_to_do_takes_it() {
    let all = three();
    let now = Instant::now();
    for (deployment, milliseconds) in all.iter().zip([500, 100, 100]) {
        let took = Duration::from_millis(milliseconds);
        deployment.state.measures.lock().peak.add(now, took);
    }
    let busy: Vec<InFlight> = (0..9).map(|_| InFlight::start(&all[1].state)).collect();
    let mut counts = std::collections::BTreeMap::new();
    for throw in 0..600 {
        let dice = f64::from(throw) / 600.0;
        let taken = chosen(Strategy::PeakEwma, &all, &ask(now, dice));
        *counts.entry(taken).or_insert(0) += 1;
    }
    // c wins against both, a against b, b against nobody.
    assert_eq!(counts.get("c"), Some(&400), "{counts:?}");
    assert_eq!(counts.get("a"), Some(&200), "{counts:?}");
    drop(busy);
}

#[test]
fn prompts_that_begin_alike_go_together_until_it_is_too_much() {
    let all = three();
    let now = Instant::now();
    let mut wanted = ask(now, 0.3);
    wanted.need.prefix = affinity::prefix(b"you are a helpful assistant");
    let home = chosen(Strategy::PrefixAffinity, &all, &wanted);
    for dice in [0.0, 0.5, 0.99] {
        wanted.dice = dice;
        assert_eq!(chosen(Strategy::PrefixAffinity, &all, &wanted), home);
    }
    let at_home = all.iter().find(|d| d.id() == home).unwrap();
    let busy: Vec<InFlight> = (0..4).map(|_| InFlight::start(&at_home.state)).collect();
    assert_ne!(chosen(Strategy::PrefixAffinity, &all, &wanted), home);
    drop(busy);
    assert_eq!(chosen(Strategy::PrefixAffinity, &all, &wanted), home);
}

#[test]
fn who_has_a_prompt_cached_goes_first() {
    let all = three();
    let open: Vec<&Arc<Deployment>> = all.iter().collect();
    let mut wanted = ask(Instant::now(), 0.3);
    wanted.need.prefix = affinity::prefix(b"a long system prompt");
    let group = GroupState::default();
    for id in ["a", "b", "c"] {
        group.affinity.remember(wanted.need.prefix, id);
        let strategy = Strategy::PrefixAffinity;
        let chosen = strategy.choose(&open, &Rules::default(), &group, &wanted);
        assert_eq!(chosen.unwrap().id(), id);
    }
}
