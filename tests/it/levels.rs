//! How much is logged is changed while the server runs, and where the time of calls goes is told.

use super::bed::{Served, becomes, config, upstream};
use super::client::{Client, PATIENCE, chat, get};
use rustix::process::Signal;
use std::time::Duration;

/// Calls until the access log says that it does, or does not.
async fn logged(served: &Served, expected: bool) {
    let change = async {
        loop {
            let before = served.log().matches("\"message\":\"call\"").count();
            served.signal(Signal::HUP);
            let reply = Client::open(served.address)
                .await
                .call(chat("m", false))
                .await;
            assert_eq!(reply.status, 200);
            // The log is written every few milliseconds.
            tokio::time::sleep(Duration::from_millis(100)).await;
            if (served.log().matches("\"message\":\"call\"").count() > before) == expected {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, change)
        .await
        .expect("the level changes");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_level_of_a_module_changes_with_the_configuration() {
    let (_mock, port) = upstream();
    let with = |level: &str| {
        let levels = format!("general_settings: {{log_levels: {{\"gateway::access\": {level}}}, ");
        config(port, "").replace("general_settings: {", &levels)
    };
    let served = Served::start(&with("off")).await;
    logged(&served, false).await;
    std::fs::write(&served.config, with("info")).unwrap();
    logged(&served, true).await;
    std::fs::write(&served.config, with("error")).unwrap();
    logged(&served, false).await;
    // What is no level changes nothing.
    std::fs::write(&served.config, with("loud")).unwrap();
    served.signal(Signal::HUP);
    becomes("it is refused", || served.log().contains("is no level")).await;
    logged(&served, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stages_of_a_call_are_told() {
    let (_mock, port) = upstream();
    let limited = config(port, "      max_parallel_requests: 1\n").replace(
        "router_settings: {",
        "router_settings: {max_queued_requests: 4, queue_timeout: 20, ",
    );
    let served = Served::start(&limited).await;
    let slow = "load-chunks-1-gap-0-delay-300";
    let address = served.address;
    let ask =
        || tokio::spawn(async move { Client::open(address).await.call(chat(slow, false)).await });
    let (first, second) = (ask(), ask());
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(second.await.unwrap().status, 200);
    let shown = Client::open(address)
        .await
        .call(get("/metrics"))
        .await
        .text();
    let of = |stage: &str, what: &str| {
        let name = format!("gateway_stage_seconds_{what}{{stage=\"{stage}\"}} ");
        let line = shown
            .lines()
            .find_map(|line| line.strip_prefix(name.as_str()));
        line.unwrap_or_else(|| panic!("{stage}\n{shown}"))
            .parse::<f64>()
            .unwrap()
    };
    for stage in ["parse", "route", "adapt", "first_byte", "account"] {
        assert_eq!(of(stage, "count"), 2.0, "{stage}");
    }
    assert_eq!(of("queue", "count"), 1.0);
    assert!((1.0..=2.0).contains(&of("connect", "count")));
    assert!(
        of("first_byte", "sum") >= 0.6,
        "the upstream took 0.3 s each time"
    );
    assert!(
        of("queue", "sum") >= 0.2,
        "the second call waited for the first"
    );
    for stage in ["parse", "route", "adapt", "account"] {
        assert!(of(stage, "sum") < 0.2, "{stage} waits for nobody");
    }
}
