//! Rows 1, 9, 10 and 11: retries help, and never become a storm.

use super::{asks, call, figure, group, header, ill, longer, well};
use crate::bed::{Bed, reserved};
use crate::client::Client;
use mock_upstream::Answer;
use serde_json::json;
use std::time::{Duration, Instant};

/// Every second answer fails, by dice with a known seed.
fn every_second_fails(answers: usize) -> Vec<Answer> {
    let mut dice = 7u32;
    (0..answers)
        .map(|_| {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if dice >> 31 == 0 { ill(500) } else { well(0) }
        })
        .collect()
}

/// Upstream requests for each of the clients', while half of them fail.
async fn amplification(budget: &str) -> (f64, f64) {
    let bed = Bed::with(2, |ports| {
        let router = format!("num_retries: 3, disable_cooldowns: true, retry_budget: {budget}");
        group(ports, "", &router, "")
    });
    let calls = 1500 * longer();
    for mock in &bed.mocks {
        mock.script(every_second_fails(calls * 4));
    }
    let workers = (0..10).map(|_| async {
        let mut client = Client::open(bed.address).await;
        let mut well = 0;
        for _ in 0..calls / 10 {
            well += usize::from(client.call(asks(json!({}), "")).await.status == 200);
        }
        well
    });
    let well: usize = futures_util::future::join_all(workers).await.iter().sum();
    let reached: u64 = bed.mocks.iter().map(mock_upstream::Mock::reached).sum();
    (reached as f64 / calls as f64, well as f64 / calls as f64)
}

#[tokio::test(flavor = "multi_thread")]
async fn row_10_half_of_all_answers_fail_and_retries_add_a_fifth_at_most() {
    let (with, well) = amplification("{ratio: 0.19, floor: 10}").await;
    let (without, all_well) = amplification("false").await;
    figure!(
        10,
        "50 % errors: upstream/client requests {with:.3} ({:.0} % answered); without a budget {without:.3} ({:.0} %)",
        well * 100.0,
        all_well * 100.0
    );
    assert!(with <= 1.2, "{with}");
    assert!(without > 1.5, "the control: {without}");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_9_a_retry_waits_as_long_as_the_upstream_asks_but_not_for_ever() {
    let bed = Bed::with(1, |ports| group(ports, "", "num_retries: 1", ""));
    let asks_for = |seconds: &str| Answer {
        headers: [("retry-after".to_owned(), seconds.to_owned())].into(),
        ..ill(429)
    };
    for (seconds, least, most) in [("1", 1000, 3000), ("86400", 500, 3000)] {
        bed.mock.script(vec![asks_for(seconds), well(0)]);
        let begun = Instant::now();
        let reply = call(&bed, asks(json!({}), "")).await;
        let took = begun.elapsed();
        figure!(9, "retry-after {seconds}: retried after {took:.2?}");
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(took >= Duration::from_millis(least), "{took:?}");
        assert!(took < Duration::from_millis(most), "{took:?}");
    }
    // The control: who asks for nothing is asked again sooner.
    bed.mock.script(vec![ill(429), well(0)]);
    let begun = Instant::now();
    assert_eq!(call(&bed, asks(json!({}), "")).await.status, 200);
    assert!(
        begun.elapsed() < Duration::from_millis(950),
        "{:?}",
        begun.elapsed()
    );

    // It is passed on to the client, too.
    bed.mock.script(vec![asks_for("7")]);
    let reply = call(&bed, asks(json!({"num_retries": 0}), "")).await;
    assert_eq!(reply.status, 429);
    assert_eq!(header(&reply, "retry-after").as_deref(), Some("7"));
}

#[tokio::test(flavor = "multi_thread")]
async fn row_11_attempts_never_exceed_the_cap_however_they_nest() {
    // Two orders and a fallback group. With a cap of its own each has as many attempts as that says.
    for (retries, attempts) in [(0, 1), (2, 3), (4, 5)] {
        let reached = nested(retries).await;
        figure!(
            11,
            "{attempts} attempts in each of 3 places: upstream requests {reached:?}"
        );
        assert_eq!(reached, [attempts; 3]);
    }
}

async fn nested(retries: u64) -> Vec<u64> {
    let bed = Bed::with(3, |ports| {
        let one = |name: &str, port: u16, order: &str, id: &str| {
            format!(
                "  - model_name: {name}\n    litellm_params: {{model: openai/gpt-4o, api_base: \"http://127.0.0.1:{port}/v1\", \
                 api_key: sk-upstream{order}}}\n    model_info: {{id: {id}}}\n"
            )
        };
        format!(
            "model_list:\n{}{}{}router_settings: {{num_retries: {retries}, retry_after: 0, disable_cooldowns: true, \
             fallbacks: [{{m: [other]}}]}}\ngeneral_settings: {{master_key: {}}}\n",
            one("m", ports[0], ", order: 1", "first"),
            one("m", ports[1], ", order: 2", "second"),
            one("other", ports[2], "", "third"),
            crate::bed::MASTER_KEY
        )
    });
    for mock in &bed.mocks {
        mock.script(vec![ill(500)]);
    }
    let reply = call(&bed, asks(json!({}), "")).await;
    assert_eq!(reply.status, 500);
    bed.mocks.iter().map(mock_upstream::Mock::reached).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn row_1_a_refused_connection_costs_the_client_nothing() {
    let (_held, dead) = reserved();
    let bed = Bed::with(2, |ports| {
        let ports = [dead, ports[0], ports[1]];
        group(&ports, "", "num_retries: 5, disable_cooldowns: true", "")
    });
    let calls = 60 * longer();
    let (mut well, mut slowest) = (0, Duration::ZERO);
    for _ in 0..calls {
        let begun = Instant::now();
        well += usize::from(call(&bed, asks(json!({}), "")).await.status == 200);
        slowest = slowest.max(begun.elapsed());
    }
    let reached: u64 = bed.mocks.iter().map(mock_upstream::Mock::reached).sum();
    figure!(
        1,
        "1 of 3 refuses: {well}/{calls} answered, {reached} requests upstream, slowest {slowest:.1?}"
    );
    assert_eq!(well, calls);
    assert_eq!(reached, calls as u64, "nobody is asked twice");
}
