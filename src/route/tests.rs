//! Laws of picking, for any group: whoever is picked takes calls, was not tried in vain, has the tags, is of the first
//! order that is left, and gets its share of the calls.

#![allow(clippy::unwrap_used)]
use super::deployment::Prices;
use super::*;
use crate::error::ErrorKind;
use crate::options::Options;
use crate::resilience::Limits;
use crate::resilience::cooldown::Failed;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// A deployment of this id, without any setting.
pub(super) fn deployment(id: &str) -> Deployment {
    let mut target = Target::resolve("openai/m", &Options::default(), &|_| None).unwrap();
    target.deployment_id = id.to_owned();
    Deployment {
        target: Arc::new(target),
        weight: 0.0,
        rpm: 0.0,
        tpm: 0.0,
        limits: Limits::default(),
        order: None,
        tags: [].into(),
        cooldown_time: None,
        max_parallel: None,
        budget: None,
        max_input_tokens: None,
        region: None,
        prices: Prices::default(),
        state: Arc::new(State::default()),
    }
}

/// What differs between the deployments of a group, and what befell them.
#[derive(Clone, Debug)]
struct Row {
    weight: u8,
    order: Option<i64>,
    tags: Vec<&'static str>,
    cools: bool,
    tried: bool,
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let tags = vec(proptest::sample::select(&["a", "b", "default"][..]), 0..3);
    let row = (
        0..4_u8,
        option::of(0..3_i64),
        tags,
        any::<bool>(),
        any::<bool>(),
    );
    let row = row.prop_map(|(weight, order, tags, cools, tried)| Row {
        weight,
        order,
        tags,
        cools,
        tried,
    });
    vec(row, 1..6)
}

/// The group, and the ids that were tried.
fn group(rows: &[Row], now: Instant) -> (Group, Vec<String>) {
    let mut group = Group::default();
    let mut tried = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let mut deployment = deployment(&number.to_string());
        deployment.weight = row.weight.into();
        deployment.order = row.order;
        deployment.tags = row.tags.iter().map(|tag| (*tag).to_owned()).collect();
        if row.cools {
            cool(&deployment, now);
        }
        if row.tried {
            tried.push(number.to_string());
        }
        group.deployments.push(Arc::new(deployment));
    }
    (group, tried)
}

fn cool(deployment: &Deployment, now: Instant) {
    let error = Error::new(ErrorKind::Authentication, "wrong key");
    let failed = Failed {
        error: &error,
        retry_after: None,
        own_time: None,
        alone: false,
        has_fallback: false,
    };
    let mut cooldown = deployment.state.cooldown.lock();
    assert!(cooldown.failed(now, &CooldownRules::default(), &failed));
}

fn ask<'a>(now: Instant, dice: f64, skip: &'a [String], tags: &'a [String]) -> Ask<'a> {
    Ask {
        now,
        dice,
        order: None,
        skip,
        tags,
        need: Need::default(),
    }
}

/// The row of whoever is picked.
fn picked<'a>(rows: &'a [Row], group: &Group, routes: &Routes, ask: &Ask<'_>) -> Option<&'a Row> {
    let picked = group.pick(routes, ask).ok()?;
    rows.get(picked.id().parse::<usize>().unwrap())
}

proptest! {
    #[test]
    fn whoever_cools_is_never_picked(rows in rows(), dice in 0.0..1.0) {
        let now = Instant::now();
        let (group, tried) = group(&rows, now);
        let picked = picked(&rows, &group, &Routes::default(), &ask(now, dice, &tried, &[]));
        // Somebody is picked exactly while somebody is in use.
        prop_assert_eq!(picked.is_some(), rows.iter().any(|row| !row.cools));
        prop_assert!(picked.is_none_or(|row| !row.cools));
    }

    #[test]
    fn whoever_was_tried_in_vain_is_picked_only_when_nobody_else_is_left(rows in rows(), dice in 0.0..1.0) {
        let now = Instant::now();
        let (group, tried) = group(&rows, now);
        let picked = picked(&rows, &group, &Routes::default(), &ask(now, dice, &tried, &[]));
        if rows.iter().any(|row| !row.cools && !row.tried) {
            prop_assert!(!picked.unwrap().tried);
        }
    }

    #[test]
    fn the_first_order_that_is_left_takes_the_calls(rows in rows(), dice in 0.0..1.0) {
        let now = Instant::now();
        let (group, _) = group(&rows, now);
        let picked = picked(&rows, &group, &Routes::default(), &ask(now, dice, &[], &[]));
        let first = rows.iter().filter(|row| !row.cools).filter_map(|row| row.order).min();
        prop_assert!(picked.is_none_or(|row| row.order == first));
    }

    #[test]
    fn an_order_that_is_asked_for_is_kept_to(rows in rows(), dice in 0.0..1.0, order in 0..3_i64) {
        let now = Instant::now();
        let (group, _) = group(&rows, now);
        let ask = Ask { order: Some(order), ..ask(now, dice, &[], &[]) };
        let picked = picked(&rows, &group, &Routes::default(), &ask);
        let there = rows.iter().any(|row| !row.cools && row.order == Some(order));
        prop_assert_eq!(picked.map(|row| row.order), there.then_some(Some(order)));
    }

    #[test]
    fn a_tag_finds_its_deployments_or_the_default_ones(rows in rows(), dice in 0.0..1.0) {
        let now = Instant::now();
        let (group, _) = group(&rows, now);
        let routes = Routes { tag_filtering: true, ..Routes::default() };
        let tags = ["a".to_owned()];
        let picked = picked(&rows, &group, &routes, &ask(now, dice, &[], &tags));
        let open = |tag| rows.iter().any(|row| !row.cools && row.tags.contains(&tag));
        let wanted = if open("a") { "a" } else { "default" };
        prop_assert_eq!(picked.is_some(), open(wanted));
        prop_assert!(picked.is_none_or(|row| row.tags.contains(&wanted)));
    }

    #[test]
    fn a_tag_that_is_refused_is_never_picked(rows in rows(), dice in 0.0..1.0) {
        let now = Instant::now();
        let (group, _) = group(&rows, now);
        let routes = Routes { tag_filtering: true, ..Routes::default() };
        let tags = ["!b".to_owned()];
        let picked = picked(&rows, &group, &routes, &ask(now, dice, &[], &tags));
        prop_assert!(picked.is_none_or(|row| !row.tags.contains(&"b")));
    }

    #[test]
    fn each_gets_its_share(rows in rows()) {
        const THROWS: usize = 1200;
        let now = Instant::now();
        let rows: Vec<Row> = rows.into_iter().map(|row| Row { order: None, cools: false, ..row }).collect();
        let (group, _) = group(&rows, now);
        let mut counts = vec![0_usize; rows.len()];
        for throw in 0..THROWS {
            let dice = (throw as f64 + 0.5) / THROWS as f64;
            let picked = group.pick(&Routes::default(), &ask(now, dice, &[], &[])).unwrap();
            counts[picked.id().parse::<usize>().unwrap()] += 1;
        }
        let sum: u32 = rows.iter().map(|row| u32::from(row.weight)).sum();
        for (row, count) in rows.iter().zip(counts) {
            // Without any weight all are alike.
            let share = if sum == 0 {
                1.0 / rows.len() as f64
            } else {
                f64::from(row.weight) / f64::from(sum)
            };
            prop_assert!((count as f64 - share * THROWS as f64).abs() <= 1.5, "{count} of {share}");
        }
    }

    #[test]
    fn time_ends_every_cooldown(rows in rows(), dice in 0.0..1.0) {
        let now = Instant::now();
        let (group, _) = group(&rows, now);
        let later = now + std::time::Duration::from_secs(3601);
        prop_assert!(group.pick(&Routes::default(), &ask(later, dice, &[], &[])).is_ok());
    }

    #[test]
    fn later_orders_rise_and_leave_out_none(rows in rows()) {
        let (group, _) = group(&rows, Instant::now());
        let mut walked: Vec<i64> = group.later_orders(None);
        let mut orders: Vec<i64> = rows.iter().filter_map(|row| row.order).collect();
        orders.sort_unstable();
        orders.dedup();
        if let Some(first) = orders.first() {
            walked.insert(0, *first);
        }
        prop_assert_eq!(walked, orders);
    }
}
