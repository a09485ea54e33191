//! Background checks: what they find decides, and liveness waits for none of them.

use super::{asks, call, group, ill, well};
use crate::bed::{Bed, Served, upstream};
use crate::client::{Client, get};
use gateway::serve::health;
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_check_found_ill_gets_no_calls_until_it_is_well() {
    let bed = Bed::with(2, |ports| {
        let router = "num_retries: 0, disable_cooldowns: true, enable_health_check_routing: true";
        group(ports, "", router, ", background_health_checks: true")
    });
    bed.mocks[0].script(vec![ill(500)]);
    bed.mocks[1].script(vec![well(0)]);
    health::check_all(&bed.gateway).await;
    let asked = bed.mocks[0].reached();
    for _ in 0..30 {
        assert_eq!(call(&bed, asks(json!({}), "")).await.status, 200);
    }
    assert_eq!(
        bed.mocks[0].reached(),
        asked,
        "the one that is ill is left alone"
    );
    let shown = Client::open(bed.address).await.call(get("/health")).await;
    assert_eq!(shown.json()["unhealthy_count"], 1, "{}", shown.text());
    assert_eq!(
        bed.mocks[0].reached(),
        asked,
        "what was found is shown, nobody is asked"
    );

    bed.mocks[0].script(vec![well(0)]);
    health::check_all(&bed.gateway).await;
    for _ in 0..30 {
        assert_eq!(call(&bed, asks(json!({}), "")).await.status, 200);
    }
    assert!(bed.mocks[0].reached() > asked + 3);

    // All of them ill: better any than none.
    for mock in &bed.mocks {
        mock.script(vec![ill(500)]);
    }
    health::check_all(&bed.gateway).await;
    for mock in &bed.mocks {
        mock.script(vec![well(0)]);
    }
    assert_eq!(call(&bed, asks(json!({}), "")).await.status, 200);
}

/// The control: what a check found is shown, and where calls go is not its business unless it is told so.
#[tokio::test(flavor = "multi_thread")]
async fn without_health_check_routing_what_is_ill_is_asked_all_the_same() {
    let bed = Bed::with(2, |ports| {
        let router = "num_retries: 0, disable_cooldowns: true";
        group(ports, "", router, ", background_health_checks: true")
    });
    bed.mocks[0].script(vec![ill(500)]);
    bed.mocks[1].script(vec![well(0)]);
    health::check_all(&bed.gateway).await;
    let asked = bed.mocks[0].reached();
    for _ in 0..30 {
        call(&bed, asks(json!({}), "")).await;
    }
    assert!(bed.mocks[0].reached() > asked + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn liveness_waits_for_no_check() {
    let (mock, port) = upstream();
    mock.script(vec![well(60_000)]);
    let general = ", background_health_checks: true, health_check_interval: 1";
    let served = Served::start(&group(&[port], "", "num_retries: 0", general)).await;
    mock.until_reached(1).await;
    let begun = Instant::now();
    served.lives().await;
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
}
