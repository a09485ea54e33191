//! Rows 12 and 13: a deployment that fails is left alone, and asked once whether it is well again.

use super::{asks, call, figure, group, ill, well};
use crate::bed::{Bed, becomes};
use crate::client::{Client, get};
use serde_json::json;
use std::time::{Duration, Instant};

fn three(breaker: &str) -> Bed {
    three_with(breaker, "")
}

/// With more `settings` of the router, each with a comma before it.
fn three_with(breaker: &str, settings: &str) -> Bed {
    let bed = Bed::with(3, |ports| {
        let router = format!(
            "num_retries: 12, disable_cooldowns: true, circuit_breaker: {breaker}{settings}"
        );
        group(ports, "", &router, "")
    });
    bed.mocks[0].script(vec![ill(500)]);
    for mock in &bed.mocks[1..] {
        mock.script(vec![well(0)]);
    }
    bed
}

/// Calls until the first deployment has been asked so often.
async fn until_asked(bed: &Bed, times: u64) {
    let mut client = Client::open(bed.address).await;
    for _ in 0..2000 {
        if bed.mocks[0].reached() >= times {
            return;
        }
        assert_eq!(client.call(asks(json!({}), "")).await.status, 200);
    }
    panic!("it was asked {} times", bed.mocks[0].reached());
}

async fn some_calls(bed: &Bed, calls: usize) {
    let mut client = Client::open(bed.address).await;
    for _ in 0..calls {
        assert_eq!(client.call(asks(json!({}), "")).await.status, 200);
    }
}

async fn state(bed: &Bed) -> String {
    let shown = Client::open(bed.address).await.call(get("/metrics")).await;
    let shown = shown.text();
    let line = shown.lines().find(|line| {
        line.starts_with("gateway_circuit_breaker_state{") && line.contains("model_id=\"d0\"")
    });
    line.and_then(|line| line.rsplit(' ').next())
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn row_12_five_failures_eject_one_probe_asks_and_success_brings_it_back() {
    let bed = three("{ejection_time: 1, success_rate: 0}");
    let failing = &bed.mocks[0];
    until_asked(&bed, 5).await;
    becomes("the breaker is open", || failing.reached() == 5).await;
    some_calls(&bed, 100).await;
    let leaked = failing.reached() - 5;
    assert_eq!(state(&bed).await, "2.0");
    let health = Client::open(bed.address)
        .await
        .call(get("/health?model_id=d0"))
        .await;
    assert!(
        health.text().contains("\"circuit_breaker\":\"open\""),
        "{}",
        health.text()
    );
    // The check itself asked it once; it did not go through the breaker.
    let before = failing.reached();

    tokio::time::sleep(Duration::from_millis(1000)).await;
    until_asked(&bed, before + 1).await;
    let probed = Instant::now();
    // It is out for two seconds now, not for one; a busy machine may take longer to look.
    while probed.elapsed() < Duration::from_millis(1500) {
        some_calls(&bed, 10).await;
    }
    let probes = failing.reached() - before;
    if probed.elapsed() < Duration::from_secs(2) {
        assert_eq!(
            probes, 1,
            "one probe fails, and it is out for twice as long"
        );
    }

    failing.script(vec![well(0)]);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let before = failing.reached();
    some_calls(&bed, 100).await;
    let share = failing.reached() - before;
    assert_eq!(state(&bed).await, "0.0");
    figure!(
        12,
        "5 failures on 1 of 3: {leaked} requests leaked while open, {probes} probe, {share}/100 after recovery"
    );
    assert!(leaked <= 1, "{leaked}");
    assert!(share > 10, "{share}");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_12_control_without_a_breaker_it_is_asked_on_and_on() {
    // A third of the attempts fail; chance alone takes their retries over the budget's floor once in a hundred runs.
    let bed = three_with("false", ", retry_budget: false");
    some_calls(&bed, 150).await;
    let asked = bed.mocks[0].reached();
    figure!(
        12,
        "the control, no breaker: asked {asked} times in 150 calls"
    );
    assert!(asked > 30, "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_12_the_last_deployment_is_not_ejected_unless_told() {
    for (eject_last, reached) in [(false, 30), (true, 5)] {
        let bed = Bed::with(1, |ports| {
            let breaker = format!("{{ejection_time: 60, eject_last: {eject_last}}}");
            let router = format!("num_retries: 0, circuit_breaker: {breaker}");
            group(ports, "", &router, "")
        });
        bed.mock.script(vec![ill(500)]);
        for _ in 0..30 {
            call(&bed, asks(json!({}), "")).await;
        }
        assert_eq!(bed.mock.reached(), reached, "{eject_last}");
    }
}

/// A call whose client leaves while it probes gives the probe back.
#[tokio::test(flavor = "multi_thread")]
async fn row_12_a_probe_whose_client_leaves_is_asked_again() {
    let bed = three("{ejection_time: 0.3, success_rate: 0}");
    let failing = &bed.mocks[0];
    until_asked(&bed, 5).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    failing.script(vec![well(60_000)]);
    let mut leaving = Client::open(bed.address).await;
    leaving.send(asks(json!({}), "")).await;
    failing.until_reached(6).await;
    some_calls(&bed, 30).await;
    assert_eq!(failing.reached(), 6, "one probe at a time");
    drop(leaving);
    failing.until_left_early(1).await;
    failing.script(vec![well(0)]);
    becomes("the probe's place is free", || bed.in_flight() == "0.0").await;
    some_calls(&bed, 60).await;
    assert!(failing.reached() > 10, "{}", failing.reached());
}

/// Asks a deployment that fails six times of ten, never five times in a row, with a pause after each call: at which call
/// it was ejected, if it was.
async fn ejected_after(breaker: &str, pause: Duration, calls: u32) -> Option<u32> {
    let bed = Bed::with(2, |ports| {
        let router = format!("num_retries: 0, disable_cooldowns: true, circuit_breaker: {breaker}");
        group(ports, "", &router, "")
    });
    let burst = (0..400).map(|n| if n % 5 < 3 { ill(500) } else { well(0) });
    bed.mocks[0].script(burst.collect());
    bed.mocks[1].script(vec![well(0)]);
    let mut client = Client::open(bed.address).await;
    for call in 1..=calls {
        client.call(asks(json!({}), "")).await;
        tokio::time::sleep(pause).await;
        if state(&bed).await == "2.0" {
            return Some(call);
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn row_13_a_burst_of_failures_ejects_alike_at_any_rate() {
    let breaker = "{success_rate: 0.5, min_calls: 20, window: 10, ejection_time: 60}";
    let mut after = Vec::new();
    for pause in [Duration::ZERO, Duration::from_millis(20)] {
        let call = ejected_after(breaker, pause, 300)
            .await
            .expect("it is ejected");
        figure!(
            13,
            "6 of 10 fail, {pause:?} between calls: ejected at call {call} of both deployments"
        );
        after.push(call);
    }
    // Chance says to which of the two a call goes: of so many more than a quarter have gone to the failing one.
    assert!(
        after.iter().all(|call| (20..=80).contains(call)),
        "{after:?}"
    );
    // The control: without a least success rate, failures that are not in a row eject nobody.
    let without = ejected_after("{success_rate: 0, ejection_time: 60}", Duration::ZERO, 200).await;
    assert_eq!(without, None);
}
