//! Row 17: a call that is late is made a second time, for a small part of the calls.

use super::{asks, call, figure, group, longer, well};
use crate::bed::Bed;
use serde_json::json;
use std::time::{Duration, Instant};

fn bed(hedging: &str) -> Bed {
    Bed::with(2, |ports| {
        let router = format!("num_retries: 0, disable_cooldowns: true, hedging: {hedging}");
        group(ports, "", &router, "")
    })
}

/// Fast answers, so that it is known what is late.
async fn warm(bed: &Bed) {
    for mock in &bed.mocks {
        mock.script(vec![well(5)]);
    }
    for _ in 0..80 {
        assert_eq!(call(bed, asks(json!({}), "")).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_17_a_late_call_is_answered_by_another_deployment_and_the_first_is_let_go() {
    let bed = bed("{min_samples: 10, min_delay: 0.1, budget: 1}");
    warm(&bed).await;
    // Whoever is asked first is slow, whoever comes second is not.
    bed.mocks[0].script(vec![well(60_000)]);
    bed.mocks[1].script(vec![well(60_000), well(5)]);
    let late = |stream: bool| {
        let bed = &bed;
        async move {
            bed.mocks[0].script(vec![well(60_000)]);
            bed.mocks[1].script(vec![well(5)]);
            let mut slowest = Duration::ZERO;
            for _ in 0..12 {
                let begun = Instant::now();
                let reply = call(bed, asks(json!({"stream": stream}), "")).await;
                slowest = slowest.max(begun.elapsed());
                assert_eq!(reply.status, 200, "{}", reply.text());
            }
            slowest
        }
    };
    let before = bed.mocks[0].reached();
    let slowest = late(false).await;
    let asked = bed.mocks[0].reached() - before;
    figure!(
        17,
        "1 of 2 hangs: slowest of 12 calls {slowest:.1?}, {asked} of them hedged"
    );
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(asked > 0, "the slow one was asked");
    tokio::time::timeout(Duration::from_secs(5), bed.mocks[0].until_left_early(asked))
        .await
        .expect("every call that lost is let go");
    assert_eq!(
        bed.gateway.engine.snapshot.load().routes.deployments()[0]
            .state
            .in_flight(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn row_17_hedges_stay_within_their_budget() {
    let bed = bed("{min_samples: 10, min_delay: 0.02, budget: 0.05}");
    warm(&bed).await;
    for mock in &bed.mocks {
        mock.script(vec![well(60)]);
    }
    let before: u64 = bed.mocks.iter().map(mock_upstream::Mock::reached).sum();
    let calls = 200 * longer() as u64;
    let workers = (0..10).map(|_| async {
        for _ in 0..calls / 10 {
            assert_eq!(call(&bed, asks(json!({}), "")).await.status, 200);
        }
    });
    futures_util::future::join_all(workers).await;
    let asked = bed
        .mocks
        .iter()
        .map(mock_upstream::Mock::reached)
        .sum::<u64>()
        - before;
    let extra = asked as f64 / calls as f64 - 1.0;
    figure!(
        17,
        "all late, budget 5 %: {:.1} % more requests upstream",
        extra * 100.0
    );
    // The warming calls count for the budget, too.
    assert!(extra <= 0.05 * 280.0 / 200.0 + 0.01, "{extra}");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_17_control_without_hedging_a_late_call_is_late() {
    let bed = bed("false");
    warm(&bed).await;
    bed.mocks[0].script(vec![well(700)]);
    let mut slowest = Duration::ZERO;
    for _ in 0..12 {
        let begun = Instant::now();
        assert_eq!(call(&bed, asks(json!({}), "")).await.status, 200);
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest >= Duration::from_millis(700), "{slowest:?}");
}
