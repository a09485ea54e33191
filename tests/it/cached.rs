//! The cache in a real Redis: what one instance was answered, another answers; without Redis nobody is held up.

use super::bed::{Bed, MASTER_KEY};
use super::client::{Client, Reply, chat, get};
use super::faults::header;
use super::faults::redis::Server;
use mock_upstream::Answer;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn bed(redis: &Server, more: &str) -> Bed {
    bed_at(redis.port, more)
}

fn bed_at(redis: u16, more: &str) -> Bed {
    Bed::with(1, |ports| {
        format!(
            "model_list:\n  - model_name: m\n    litellm_params: {{model: openai/gpt-4o, api_base: \
             \"http://127.0.0.1:{}/v1\", api_key: sk-upstream}}\n    model_info: {{id: one}}\n\
             litellm_settings:\n  cache: true\n  cache_params: {{type: redis, host: 127.0.0.1, port: {redis}, \
             namespace: house{more}}}\ngeneral_settings: {{master_key: {MASTER_KEY}}}\n",
            ports[0]
        )
    })
}

async fn asked(bed: &Bed, stream: bool) -> Reply {
    let reply = Client::open(bed.address)
        .await
        .call(chat("m", stream))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply
}

fn whole() -> Answer {
    Answer {
        json: Some(
            json!({"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o-2024-08-06",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}}),
        ),
        ..Answer::default()
    }
}

fn streamed() -> Answer {
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let said = chunk(
        json!({"role": "assistant", "content": "Hello"}),
        Value::Null,
    );
    let over = chunk(json!({}), json!("stop"));
    Answer {
        sse: Some(vec![said, over, json!("[DONE]")]),
        ..Answer::default()
    }
}

/// The value of the one key there is.
async fn kept(redis: &Server) -> Option<(String, String)> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{}/0", redis.port)).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg("*")
        .query_async(&mut connection)
        .await
        .unwrap();
    let key = keys.into_iter().next()?;
    let text = redis::cmd("GET")
        .arg(&key)
        .query_async(&mut connection)
        .await
        .unwrap();
    Some((key, text))
}

async fn until_kept(redis: &Server) -> (String, String) {
    let begun = Instant::now();
    loop {
        if let Some(found) = kept(redis).await {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "nothing is kept");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_instance_was_answered_another_answers() {
    let Some(redis) = Server::start().await else {
        return;
    };
    let (first, second) = (bed(&redis, ""), bed(&redis, ""));
    first.mock.script(vec![whole()]);
    let told = asked(&first, false).await;
    let (key, text) = until_kept(&redis).await;
    assert!(key.starts_with("house:"), "{key}");
    let entry: Value = serde_json::from_str(&text).unwrap();
    let response: Value = serde_json::from_str(entry["response"].as_str().unwrap()).unwrap();
    assert_eq!(response["choices"][0]["message"]["content"], "Hello");
    assert!(!text.contains("sk-upstream"), "{text}");

    let again = asked(&second, false).await;
    assert_eq!(second.mock.reached(), 0);
    assert_eq!(again.json(), told.json());
    assert_eq!(header(&again, "x-litellm-model-id").as_deref(), Some("one"));
    assert_eq!(header(&again, "x-litellm-cache-key"), Some(key));
    assert_eq!(
        header(&again, "x-litellm-response-cost").as_deref(),
        Some("0.0")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_told_again_event_by_event() {
    let Some(redis) = Server::start().await else {
        return;
    };
    let (first, second) = (bed(&redis, ""), bed(&redis, ""));
    first.mock.script(vec![streamed()]);
    let told = asked(&first, true).await;
    let (key, _) = until_kept(&redis).await;
    assert!(
        key.ends_with(":events"),
        "LiteLLM keeps streams otherwise: {key}"
    );
    let again = asked(&second, true).await;
    assert_eq!(second.mock.reached(), 0);
    assert_eq!(again.text(), told.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_forgotten_when_it_is_told_to_or_its_time_is_over() {
    let Some(redis) = Server::start().await else {
        return;
    };
    let bed = bed(&redis, ", ttl: 1");
    bed.mock.script(vec![whole()]);
    asked(&bed, false).await;
    until_kept(&redis).await;
    let cache = bed.gateway.engine.cache.load_full().unwrap();
    cache.clear().await.unwrap();
    assert!(kept(&redis).await.is_none());
    asked(&bed, false).await;
    until_kept(&redis).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    asked(&bed, false).await;
    assert_eq!(bed.mock.reached(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_does_not_answer_holds_nobody_up() {
    let Some(redis) = Server::start().await else {
        return;
    };
    let bed = bed(&redis, "");
    bed.mock.script(vec![whole()]);
    asked(&bed, false).await;
    until_kept(&redis).await;
    redis.signal(Signal::STOP);
    let begun = Instant::now();
    for _ in 0..50 {
        asked(&bed, false).await;
    }
    // Three waits of 50 ms, then nobody waits any more but now and then.
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(bed.mock.reached(), 51);
    let metrics = Client::open(bed.address).await.call(get("/metrics")).await;
    let text = metrics.text();
    let counted = text
        .lines()
        .find_map(|line| line.strip_prefix("gateway_redis_unavailable_total "));
    assert!(
        counted.is_some_and(|times| times.parse::<f64>().unwrap() >= 3.0),
        "{counted:?}"
    );
    redis.signal(Signal::CONT);
    let begun = Instant::now();
    loop {
        let before = bed.mock.reached();
        asked(&bed, false).await;
        if bed.mock.reached() == before {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it is never asked again"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
