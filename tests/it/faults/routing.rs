//! Strategies, checks and budgets of a configuration, as calls meet them.

use super::{asks, call, group, message, well};
use crate::bed::Bed;
use serde_json::json;
use std::time::Duration;

fn reached(bed: &Bed) -> Vec<u64> {
    bed.mocks.iter().map(mock_upstream::Mock::reached).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_least_busy_deployment_is_asked() {
    let bed = Bed::with(3, |ports| {
        group(ports, "", "routing_strategy: least-busy", "")
    });
    for mock in &bed.mocks {
        mock.script(vec![well(1500)]);
    }
    // One after the other, each while those before are under way: two that choose at once see the same.
    let request = asks(json!({}), "");
    let calls = (0..9).map(|nth| {
        let (bed, request) = (&bed, request.clone());
        async move {
            tokio::time::sleep(Duration::from_millis(60 * nth)).await;
            call(bed, request).await
        }
    });
    let replies = futures_util::future::join_all(calls).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    assert_eq!(reached(&bed), [3, 3, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fastest_deployment_is_asked() {
    for strategy in ["latency-based-routing", "p2c-peak-ewma"] {
        let bed = Bed::with(2, |ports| {
            group(ports, "", &format!("routing_strategy: {strategy}"), "")
        });
        bed.mocks[0].script(vec![well(80)]);
        bed.mocks[1].script(vec![well(1)]);
        for _ in 0..30 {
            assert_eq!(call(&bed, asks(json!({}), "")).await.status, 200);
        }
        let reached = reached(&bed);
        assert!(
            reached[0] <= 3 && reached[1] >= 27,
            "{strategy}: {reached:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_least_used_deployment_is_asked() {
    for strategy in ["usage-based-routing", "usage-based-routing-v2"] {
        let bed = Bed::with(3, |ports| {
            group(ports, "", &format!("routing_strategy: {strategy}"), "")
        });
        for mock in &bed.mocks {
            mock.script(vec![well(0)]);
        }
        for _ in 0..12 {
            assert_eq!(call(&bed, asks(json!({}), "")).await.status, 200);
        }
        assert_eq!(reached(&bed), [4, 4, 4], "{strategy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cheapest_deployment_is_asked() {
    let bed = Bed::with(2, |ports| {
        group(ports, "", "routing_strategy: cost-based-routing", "")
            .replacen("openai/gpt-4o", "openai/gpt-4o-mini", 2)
            .replacen("openai/gpt-4o-mini", "openai/gpt-4o", 1)
    });
    for mock in &bed.mocks {
        mock.script(vec![well(0)]);
    }
    for _ in 0..10 {
        assert_eq!(call(&bed, asks(json!({}), "")).await.status, 200);
    }
    assert_eq!(reached(&bed), [0, 10]);
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_that_begin_alike_stay_together() {
    let bed = Bed::with(3, |ports| {
        group(ports, "", "routing_strategy: prefix-affinity", "")
    });
    for mock in &bed.mocks {
        mock.script(vec![well(0)]);
    }
    for prompt in 0..12 {
        let before = reached(&bed);
        for _ in 0..5 {
            let messages =
                json!([{"role": "system", "content": format!("You are number {prompt}.")}]);
            assert_eq!(
                call(&bed, asks(json!({"messages": messages}), ""))
                    .await
                    .status,
                200
            );
        }
        let moved: Vec<u64> = reached(&bed)
            .iter()
            .zip(before)
            .map(|(now, then)| now - then)
            .collect();
        assert!(moved.contains(&5), "{moved:?}");
    }
    assert!(
        reached(&bed).iter().all(|count| *count > 0),
        "{:?}",
        reached(&bed)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_is_too_long_goes_where_it_fits() {
    let config = |ports: &[u16]| {
        group(
            ports,
            "",
            "enable_pre_call_checks: true, num_retries: 0",
            "",
        )
        .replace("{id: d0}", "{id: d0, max_input_tokens: 20}")
        .replace("{id: d1}", "{id: d1, max_input_tokens: 200}")
    };
    let bed = Bed::with(2, config);
    for mock in &bed.mocks {
        mock.script(vec![well(0)]);
    }
    let long = |words: usize| {
        let content = "word ".repeat(words);
        asks(
            json!({"messages": [{"role": "user", "content": content}]}),
            "",
        )
    };
    for _ in 0..10 {
        assert_eq!(call(&bed, long(100)).await.status, 200);
    }
    assert_eq!(reached(&bed), [0, 10]);
    let refused = call(&bed, long(1000)).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    let said = message(&refused);
    assert!(
        said.contains("Context Window exceeded for given call")
            && said.contains("Max Input Tokens=20, Got=10"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_spent_ends_calls_to_its_provider() {
    let provider = "num_retries: 0, provider_budget_config: {openai: {budget_limit: 0.000001, time_period: 1d}}";
    let bed = Bed::with(1, |ports| group(ports, "", provider, ""));
    bed.mock.script(vec![well(0)]);
    assert_eq!(call(&bed, asks(json!({}), "")).await.status, 200);
    let refused = call(&bed, asks(json!({}), "")).await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert!(
        message(&refused).contains("crossed budget: Exceeded budget for provider openai: "),
        "{}",
        refused.text()
    );

    let own = ", max_budget: 0.000001, budget_duration: 1d";
    let bed = Bed::with(2, |ports| group(ports, own, "num_retries: 0", ""));
    for mock in &bed.mocks {
        mock.script(vec![well(0)]);
    }
    for status in [200, 200, 429] {
        assert_eq!(call(&bed, asks(json!({}), "")).await.status, status);
    }
    assert_eq!(reached(&bed), [1, 1]);
}
