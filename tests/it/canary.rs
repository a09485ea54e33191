//! Planted secrets go through every kind of answer and failure; no sink shows one: not the log, not the metrics, and
//! not the reply, where it is not the client's own.

use super::bed::{MASTER_KEY, Served, becomes, upstream};
use super::client::{Client, get, post, post_with};
use mock_upstream::Answer;
use serde_json::json;

/// What the gateway holds, and no client may see.
const PROVIDER_KEY: &str = "plain-canary-provider-key";
/// What clients and providers say, and no log may keep.
const PROMPT: &str = "canary prompt of a private matter";
const ANSWER: &str = "canary answer to it";
const STRAY_KEY: &str = "sk-canary-0123456789abcdef";
const MAIL: &str = "canary.person@example.org";
const CARD: &str = "4111 1111 1111 1111";

fn config(port: u16) -> String {
    format!(
        "model_list:\n  - model_name: group\n    litellm_params:\n      model: openai/gpt-4o\n      \
         api_base: http://127.0.0.1:{port}/v1\n      api_key: {PROVIDER_KEY}\n      max_retries: 0\n  \
         - model_name: claude\n    litellm_params:\n      model: anthropic/claude-sonnet-4-5\n      \
         api_base: http://127.0.0.1:{port}\n      api_key: {PROVIDER_KEY}\n      max_retries: 0\n\
         litellm_settings: {{num_retries: 0, json_logs: true}}\n\
         router_settings: {{num_retries: 0, disable_cooldowns: true}}\n\
         general_settings: {{master_key: {MASTER_KEY}}}\n"
    )
}

/// What a provider says that repeats everything it was told, and more.
fn babble() -> String {
    format!(
        "wrong key {PROVIDER_KEY}, or {STRAY_KEY}; ask {MAIL} or pay with {CARD}; you said: api_key={STRAY_KEY}"
    )
}

fn answers() -> Vec<Answer> {
    let mut answers = vec![Answer {
        json: Some(
            json!({"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}),
        ),
        ..Answer::default()
    }];
    for status in [400, 401, 403, 404, 408, 422, 429, 500, 503] {
        answers.push(Answer {
            status,
            json: Some(
                json!({"error": {"message": babble(), "type": "t", "param": null, "code": null}}),
            ),
            ..Answer::default()
        });
        answers.push(Answer {
            status,
            text: Some(babble()),
            ..Answer::default()
        });
    }
    // A body that is no JSON, a stream that fails in its middle, one that is cut, and no answer at all.
    answers.push(Answer {
        text: Some(babble()),
        ..Answer::default()
    });
    let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o",
        "choices": [{"index": 0, "delta": {"content": ANSWER}}]});
    answers.push(Answer {
        sse: Some(vec![chunk.clone(), json!({"error": {"message": babble()}})]),
        ..Answer::default()
    });
    answers.push(Answer {
        sse: Some(vec![chunk, json!(babble())]),
        cut_after: Some(200),
        ..Answer::default()
    });
    answers.push(Answer {
        hang_up: true,
        ..Answer::default()
    });
    answers
}

fn requests() -> Vec<String> {
    let chat = |model: &str, stream: bool| {
        json!({"model": model, "stream": stream, "user": MAIL,
            "messages": [{"role": "user", "content": PROMPT}]})
        .to_string()
    };
    let mut requests = Vec::new();
    for model in ["group", "claude", STRAY_KEY] {
        for stream in [false, true] {
            for path in ["/v1/chat/completions", "/v1/messages", "/v1/responses"] {
                requests.push(post(path, &chat(model, stream)));
            }
        }
    }
    let bodies = [
        chat("group", false).replace("user", "\u{0}"),
        format!("{{\"model\": \"group\", \"messages\": \"{PROMPT}\""),
        format!("[\"{PROMPT}\", \"{STRAY_KEY}\"]"),
        json!({"model": "group", "prompt": PROMPT, "api_key": STRAY_KEY}).to_string(),
    ];
    for body in &bodies {
        for path in ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"] {
            requests.push(post(path, body));
        }
    }
    for header in [
        format!("authorization: Bearer {STRAY_KEY}\r\n"),
        format!("x-api-key: {STRAY_KEY}\r\n"),
        format!("authorization: Bearer {MASTER_KEY}\r\nx-litellm-call-id: {STRAY_KEY}\r\n"),
        format!("authorization: Bearer {MASTER_KEY}\r\nx-litellm-timeout: {STRAY_KEY}\r\n"),
    ] {
        requests.push(post_with(
            "/v1/chat/completions",
            &chat("group", false),
            &header,
        ));
    }
    requests.push(post(
        &format!("/engines/{STRAY_KEY}/chat/completions"),
        &chat("group", false),
    ));
    requests.push(get(&format!("/v1/models/{STRAY_KEY}")));
    requests.push(get(&format!("/nowhere/{STRAY_KEY}")));
    for path in [
        "/health",
        "/model/info",
        "/v1/models",
        "/routes",
        "/settings",
    ] {
        requests.push(get(path));
    }
    requests
}

#[tokio::test]
async fn planted_secrets_reach_no_sink() {
    let (mock, port) = upstream();
    let served = Served::start(&config(port)).await;
    let mut calls = 0;
    for answer in answers() {
        for request in requests() {
            mock.script(vec![answer.clone()]);
            let mut client = Client::open(served.address).await;
            let text = client.call(&request).await.text();
            assert!(!text.contains(PROVIDER_KEY), "{request}\n{text}");
            assert!(!text.contains(MASTER_KEY), "{request}\n{text}");
            calls += 1;
        }
    }
    assert!(calls > 700, "{calls}");
    let metrics = Client::open(served.address)
        .await
        .call(get("/metrics"))
        .await
        .text();
    // The last line is there when all are.
    let last = post(
        "/v1/chat/completions",
        "{\"model\": \"the-last-one\", \"messages\": []}",
    );
    Client::open(served.address).await.call(last).await;
    becomes("the log is whole", || served.log().contains("the-last-one")).await;
    let log = served.log();
    assert!(log.lines().count() > 500, "{}", log.lines().count());
    for secret in [PROVIDER_KEY, MASTER_KEY, STRAY_KEY, PROMPT, ANSWER, CARD] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
        let line = metrics.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    // The metrics name end users, as LiteLLM's do; the log does not.
    assert_eq!(log.lines().find(|line| line.contains(MAIL)), None);
}
