//! Whole calls between real sockets, with an upstream that misbehaves.

use super::bed::{Bed, Served, allow_many_connections, asked, config, upstream};
use super::client::{Client, PATIENCE, chat};
use mock_upstream::Answer;
use serde_json::{Value, json};

fn chunk(text: &str) -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]})
}

fn stop() -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
}

fn stream() -> Vec<Value> {
    vec![
        chunk("Hel"),
        chunk("lo, \u{4e16}\u{754c}"),
        stop(),
        json!("[DONE]"),
    ]
}

fn reply() -> Value {
    json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
}

async fn answered(bed: &Bed, answer: Answer, streamed: bool) -> super::client::Reply {
    bed.mock.script(vec![answer]);
    let mut client = Client::open(bed.address).await;
    client.call(chat("m", streamed)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_drips_byte_by_byte_is_the_same_stream() {
    let bed = Bed::start("");
    let sse = Some(stream());
    let whole = Answer {
        sse: sse.clone(),
        ..Answer::default()
    };
    let dripped = Answer {
        sse,
        drip: true,
        gap_ms: 1,
        ..Answer::default()
    };
    let whole = answered(&bed, whole, true).await;
    assert!(
        whole.text().contains("lo, \u{4e16}\u{754c}"),
        "{}",
        whole.text()
    );
    assert!(whole.text().ends_with("data: [DONE]\n\n"));
    assert_eq!(answered(&bed, dripped, true).await.text(), whole.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_cut_is_an_error_and_no_reply() {
    let bed = Bed::start("");
    for reset in [false, true] {
        for cut in [0, 1, 100] {
            let answer = Answer {
                json: Some(reply()),
                cut_after: Some(cut),
                reset,
                ..Answer::default()
            };
            let reply = answered(&bed, answer, false).await;
            assert_eq!(reply.status, 500, "{cut} {reset}: {}", reply.text());
            assert!(reply.json()["error"]["message"].is_string());
            assert_eq!(reply.json()["error"]["code"], "500");
        }
    }
    assert_eq!(
        answered(
            &bed,
            Answer {
                json: Some(reply()),
                ..Answer::default()
            },
            false
        )
        .await
        .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_cut_ends_with_an_error_event() {
    let bed = Bed::start("");
    let first = format!("data: {}\n\n", chunk("Hel")).len();
    for reset in [false, true] {
        let answer = Answer {
            sse: Some(stream()),
            gap_ms: 20,
            cut_after: Some(first + 9),
            reset,
            ..Answer::default()
        };
        let reply = answered(&bed, answer, true).await;
        let text = reply.text();
        assert_eq!(reply.status, 200, "{text}");
        let (before, after) = text
            .split_once("data: {\"error\":")
            .expect("an error event");
        assert!(before.contains("Hel") && !before.contains("lo, "), "{text}");
        assert!(after.ends_with("data: [DONE]\n\n"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_stalls_runs_into_the_timeout_and_is_let_go() {
    let bed = Bed::start("      timeout: 0.2\n");
    let stalled = |json, sse, after| Answer {
        json,
        sse,
        stall_after: Some(after),
        ..Answer::default()
    };
    let whole = answered(&bed, stalled(Some(reply()), None, 10), false).await;
    assert_eq!(whole.status, 408, "{}", whole.text());
    left(&bed).await;

    let first = format!("data: {}\n\n", chunk("Hel")).len();
    let streamed = answered(&bed, stalled(None, Some(stream()), first), true).await;
    let text = streamed.text();
    assert_eq!(streamed.status, 200, "{text}");
    let (before, after) = text
        .split_once("data: {\"error\":")
        .expect("an error event");
    assert!(
        before.contains("Hel") && after.contains("\"408\""),
        "{text}"
    );
    left(&bed).await;
}

async fn left(bed: &Bed) {
    tokio::time::timeout(PATIENCE, bed.mock.until_left_early(1))
        .await
        .expect("the upstream's connection ends");
}

/// `STREAMS=1000` is what a thousand clients see.
#[tokio::test(flavor = "multi_thread")]
async fn many_streams_at_once_are_correct_to_the_byte() {
    allow_many_connections();
    let (mock, port) = upstream();
    let served = Served::start(&config(port, "")).await;
    let request = chat("load-chunks-20-gap-50-delay-0", true);
    let alone = Client::open(served.address).await.call(&request).await;
    let content: String = events(&alone.text())
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
        .collect();
    let words: Vec<&str> = content.split_terminator(' ').collect();
    assert_eq!((words.len(), words[0], words[19]), (20, "word0", "word19"));

    let streams = asked("STREAMS", 1000);
    let calls = (0..streams).map(|_| {
        let (request, address) = (request.clone(), served.address);
        tokio::spawn(async move { Client::open(address).await.call(&request).await })
    });
    let replies = futures_util::future::join_all(calls).await;
    for reply in replies {
        let reply = reply.unwrap();
        assert_eq!(reply.status, 200);
        assert!(reply.body == alone.body, "{}", reply.text());
    }
    assert_eq!(mock.left_early(), 0);
}

fn events(text: &str) -> Vec<Value> {
    text.split("\n\n")
        .filter_map(|event| serde_json::from_str(event.strip_prefix("data: ")?).ok())
        .collect()
}
