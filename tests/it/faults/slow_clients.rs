//! Row 21: clients that send slowly. Each has its time, and nobody waits for them.

use super::{asks, call, figure, group, well};
use crate::bed::{Bed, allow_many_connections};
use crate::client::{Client, PATIENCE, post_with};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn row_21_many_slow_heads_leave_room_for_others() {
    allow_many_connections();
    let bed = Bed::with(1, |ports| group(ports, "", "num_retries: 0", ""));
    bed.mock.script(vec![well(0)]);
    let mut slow = Vec::new();
    for _ in 0..(300 * super::longer()).min(5000) {
        let mut client = Client::open(bed.address).await;
        client
            .send("POST /v1/chat/completions HTTP/1.1\r\nx: ")
            .await;
        slow.push(client);
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..30 {
        let begun = Instant::now();
        assert_eq!(call(&bed, asks(json!({}), "")).await.status, 200);
        slowest = slowest.max(begun.elapsed());
    }
    figure!(
        21,
        "{} half-sent heads: others' slowest call {slowest:.1?}",
        slow.len()
    );
    assert!(slowest < PATIENCE);
}

/// As many connections as there may be, all of them held by heads that never end.
async fn all_held(header_timeout: &str) -> (Bed, Vec<Client>) {
    const ROOM: usize = 20;
    let general = format!(", client_header_timeout: {header_timeout}");
    let bed = Bed::bounded(
        1,
        |ports| group(ports, "", "num_retries: 0", &general),
        |bounds| bounds.connections = ROOM,
    );
    bed.mock.script(vec![well(0)]);
    let mut slow = Vec::new();
    for _ in 0..ROOM {
        let mut client = Client::open(bed.address).await;
        client
            .send("POST /v1/chat/completions HTTP/1.1\r\nx: ")
            .await;
        slow.push(client);
    }
    (bed, slow)
}

#[tokio::test(flavor = "multi_thread")]
async fn row_21_a_head_that_never_ends_gives_its_connection_back_at_its_time() {
    let (bed, mut slow) = all_held("0.5").await;
    let begun = Instant::now();
    assert_eq!(call(&bed, asks(json!({}), "")).await.status, 200);
    let took = begun.elapsed();
    for client in &mut slow {
        assert!(client.closed().await);
    }
    figure!(
        21,
        "every connection held by a half-sent head: the next call served after {took:.1?}, set to 500ms"
    );
    assert!(took < Duration::from_millis(1500), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_21_control_without_a_limit_such_heads_hold_everybody_up() {
    let (bed, _slow) = all_held("0").await;
    let served =
        tokio::time::timeout(Duration::from_secs(2), call(&bed, asks(json!({}), ""))).await;
    assert!(served.is_err(), "a call got through");
}

/// The time until a body that is never sent whole is answered, and how; `None` after two seconds.
async fn half_a_body(timeout: &str, path: &str, kind: &str) -> Option<(u16, Duration)> {
    let general = format!(", client_body_timeout: {timeout}");
    let bed = Bed::with(1, |ports| group(ports, "", "num_retries: 0", &general));
    let headers = format!("authorization: Bearer {}\r\n", crate::bed::MASTER_KEY);
    let body = "--B\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm\r\n--B--\r\n";
    let whole = post_with(path, body, &headers).replace("application/json", kind);
    let mut client = Client::open(bed.address).await;
    let begun = Instant::now();
    client.send(&whole[..whole.len() - 20]).await;
    let reply = tokio::time::timeout(Duration::from_secs(2), client.reply()).await;
    reply.ok().map(|reply| (reply.status, begun.elapsed()))
}

#[tokio::test(flavor = "multi_thread")]
async fn row_21_a_body_that_never_ends_is_given_up_at_its_time() {
    let form = "multipart/form-data; boundary=B";
    for (path, kind) in [
        ("/v1/chat/completions", "application/json"),
        ("/v1/audio/transcriptions", form),
    ] {
        let (status, took) = half_a_body("0.3", path, kind).await.expect("an answer");
        figure!(
            21,
            "half a body to {path}: {status} after {took:.1?}, set to 300ms"
        );
        assert_eq!(status, 408);
        assert!(
            took >= Duration::from_millis(300) && took < PATIENCE,
            "{took:?}"
        );
        // The control: without a limit it is waited for.
        assert_eq!(half_a_body("0", path, kind).await, None, "{path}");
    }
}
