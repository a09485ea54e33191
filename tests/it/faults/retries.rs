//! Rows 1, 9, 10 and 11: retries help, and never become a storm.

use super::{asks, call, figure, group, header, ill, longer, together, well};
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

/// Upstream requests for each of the clients', while half of them fail. Calls begin at their time, whatever became of
/// those before them.
async fn amplification(budget: &str, calls: usize, rate: f64) -> (f64, f64) {
    let bed = Bed::with(2, |ports| {
        let router = format!("num_retries: 3, disable_cooldowns: true, retry_budget: {budget}");
        group(ports, "", &router, "")
    });
    for mock in &bed.mocks {
        mock.script(every_second_fails(calls));
    }
    let begun = tokio::time::Instant::now();
    let idle = std::sync::Mutex::new(Vec::new());
    let one = async |number: usize| {
        tokio::time::sleep_until(begun + Duration::from_secs_f64(number as f64 / rate)).await;
        let waits = idle.lock().unwrap().pop();
        let mut client = match waits {
            Some(client) => client,
            None => Client::open(bed.address).await,
        };
        let well = client.call(asks(json!({}), "")).await.status == 200;
        idle.lock().unwrap().push(client);
        usize::from(well)
    };
    let well: usize = futures_util::future::join_all((0..calls).map(one))
        .await
        .iter()
        .sum();
    let reached: u64 = bed.mocks.iter().map(mock_upstream::Mock::reached).sum();
    (reached as f64 / calls as f64, well as f64 / calls as f64)
}

#[tokio::test(flavor = "multi_thread")]
async fn row_10_half_of_all_answers_fail_and_retries_add_a_fifth_at_most() {
    crate::bed::allow_many_connections();
    let (calls, rate) = if longer() >= 10 {
        (60_000, 1000.0)
    } else {
        (1500, 300.0)
    };
    let (with, well) = amplification("{ratio: 0.19, floor: 10}", calls, rate).await;
    let (without, all_well) = amplification("false", calls / 6, rate).await;
    figure!(
        10,
        "50 % errors, {calls} calls at {rate} a second: upstream/client requests {with:.3} ({:.0} % answered); without a budget {without:.3} ({:.0} %)",
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
    // The control: who asks for nothing is asked again sooner, when the dice of the wait fall low.
    let mut sooner = false;
    for _ in 0..20 {
        bed.mock.script(vec![ill(429), well(0)]);
        let begun = Instant::now();
        assert_eq!(call(&bed, asks(json!({}), "")).await.status, 200);
        sooner = begun.elapsed() < Duration::from_millis(950);
        if sooner {
            break;
        }
    }
    assert!(sooner, "every retry waited for a second");

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

/// Requests upstream for three calls at once, as an SDK makes them that tries again, too; each asks for ten thousand
/// retries in every way there is.
async fn greedy(budget: &str) -> u64 {
    let bed = Bed::with(1, |ports| {
        let router = format!(
            "num_retries: 3, retry_after: 0, disable_cooldowns: true, retry_budget: {budget}"
        );
        group(ports, "", &router, "")
    });
    bed.mock.script(vec![ill(500)]);
    let headers = "x-litellm-num-retries: 10000\r\nx-litellm-max-retries: 50\r\nx-gateway-deadline-ms: 4000\r\n";
    let request = asks(json!({"num_retries": 10_000, "max_retries": 50}), headers);
    for reply in together(&bed, &request, 3).await {
        assert_eq!(reply.status, 500, "{}", reply.text());
    }
    bed.mock.reached()
}

/// The cap of one call is in `src/resilience/retry_tests.rs`.
#[tokio::test(flavor = "multi_thread")]
async fn row_11_no_word_of_a_client_raises_attempts_above_the_budget() {
    let (with, without) = tokio::join!(greedy("{ratio: 0, floor: 2}"), greedy("false"));
    figure!(
        11,
        "3 calls that ask for 10,000 retries each, 2 in the budget: {with} requests upstream; without one {without} in 4 s"
    );
    assert_eq!(with, 3 + 2);
    assert!(without > 6, "the control: {without}");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_11_a_reply_tells_how_many_attempts_it_took() {
    let bed = Bed::with(1, |ports| {
        group(ports, "", "num_retries: 3, disable_cooldowns: true", "")
    });
    bed.mock.script(vec![ill(500), well(0)]);
    let retried = call(&bed, asks(json!({}), "")).await;
    let at_once = call(&bed, asks(json!({}), "")).await;
    let told = |reply| header(reply, "x-litellm-attempted-retries");
    assert_eq!(told(&retried).as_deref(), Some("1"));
    assert_eq!(told(&at_once).as_deref(), Some("0"));
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
        // Nothing in the budget: what no upstream has seen needs nothing of it.
        let router = "num_retries: 12, disable_cooldowns: true, retry_budget: {ratio: 0, floor: 0}";
        group(&ports, "", router, "")
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

    // The control: without retries the refusals are the client's.
    let bed = Bed::with(2, |ports| {
        let ports = [dead, ports[0], ports[1]];
        group(&ports, "", "num_retries: 0, disable_cooldowns: true", "")
    });
    let mut refused = 0;
    for _ in 0..60 {
        refused += usize::from(call(&bed, asks(json!({}), "")).await.status != 200);
    }
    assert!(refused > 5, "{refused}");
}
