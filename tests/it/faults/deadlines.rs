//! Row 18: a call that cannot make it is not sent.

use super::{asks, call, figure, group, ill, message, well};
use crate::bed::Bed;
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn row_18_a_call_is_over_with_its_deadline_and_none_is_sent_after_it() {
    let bed = Bed::with(2, |ports| {
        let router = "num_retries: 10, retry_after: 0, disable_cooldowns: true";
        group(ports, "", router, "")
    });
    for mock in &bed.mocks {
        mock.script(vec![ill(500)]);
    }
    let gone = call(&bed, asks(json!({}), "x-gateway-deadline-ms: 0\r\n")).await;
    assert_eq!(gone.status, 408, "{}", gone.text());
    assert!(
        message(&gone).contains("before it was sent"),
        "{}",
        gone.text()
    );
    assert_eq!(bed.mocks[0].reached() + bed.mocks[1].reached(), 0);

    for mock in &bed.mocks {
        mock.script(vec![well(60_000)]);
    }
    for header in ["x-gateway-deadline-ms: 300", "x-stainless-timeout: 0.3"] {
        let begun = Instant::now();
        let late = call(
            &bed,
            asks(json!({"num_retries": 0}), &format!("{header}\r\n")),
        )
        .await;
        let took = begun.elapsed();
        assert_eq!(late.status, 408, "{}", late.text());
        figure!(18, "{header}: over after {took:.1?}");
        assert!(
            took >= Duration::from_millis(300) && took < Duration::from_millis(800),
            "{took:?}"
        );
    }
}

/// Retries that would begin after the deadline are not made.
#[tokio::test(flavor = "multi_thread")]
async fn row_18_retries_end_with_the_deadline() {
    let bed = Bed::with(1, |ports| group(ports, "", "num_retries: 10", ""));
    bed.mock.script(vec![ill(503)]);
    let begun = Instant::now();
    let reply = call(&bed, asks(json!({}), "x-gateway-deadline-ms: 1500\r\n")).await;
    let took = begun.elapsed();
    let with = bed.mock.reached();
    assert_eq!(reply.status, 503, "the upstream's answer, not a timeout");
    assert!(took < Duration::from_millis(1700), "{took:?}");
    figure!(
        18,
        "10 retries within 1.5 s: {with} requests upstream, over after {took:.1?}"
    );
    assert!(with < 4, "{with}");

    // The control: without a deadline they go on.
    let on_and_on = tokio::time::timeout(2 * took, call(&bed, asks(json!({}), ""))).await;
    assert!(
        on_and_on.is_err(),
        "ten retries took no longer than {took:?}"
    );
}
