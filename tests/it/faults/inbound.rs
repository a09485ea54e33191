//! Rows 21 to 27: clients that mean no good. Each is told so or closed on, and the others notice nothing.

use super::{asks, call, figure, group, well};
use crate::bed::{Bed, MASTER_KEY, Served, upstream};
use crate::client::{Client, PATIENCE, get};
use serde_json::json;
use std::time::{Duration, Instant};

/// How a server takes bytes that are no clean request: the statuses that it answered, and whether it closed.
async fn answered(bed: &Bed, bytes: &[u8]) -> (Vec<u16>, bool) {
    let mut client = Client::open(bed.address).await;
    client.send(bytes).await;
    let mut statuses = Vec::new();
    let text = tokio::time::timeout(Duration::from_millis(1500), client.rest()).await;
    let closed = text.is_ok();
    let text = text.unwrap_or_else(|_| client.so_far());
    for (at, _) in text.match_indices("HTTP/1.1 ") {
        statuses.extend(
            text.get(at + 9..at + 12)
                .and_then(|status| status.parse::<u16>().ok()),
        );
    }
    (statuses, closed)
}

/// Bodies whose end two readers could see at different places, each followed by a request that must not be served.
#[tokio::test(flavor = "multi_thread")]
async fn row_24_no_request_is_smuggled_past_a_body() {
    let bed = Bed::with(1, |ports| group(ports, "", "num_retries: 0", ""));
    bed.mock.script(vec![well(0)]);
    let auth = format!(
        "host: x\r\nauthorization: Bearer {MASTER_KEY}\r\ncontent-type: application/json\r\n"
    );
    let body = r#"{"model":"m","messages":[{"role":"user","content":"a"}]}"#;
    let n = body.len();
    let chunked = format!("{n:x}\r\n{body}\r\n0\r\n\r\n");
    let hidden =
        format!("POST /v1/chat/completions HTTP/1.1\r\n{auth}content-length: {n}\r\n\r\n{body}");
    let start = format!("POST /v1/chat/completions HTTP/1.1\r\n{auth}");
    let shapes: Vec<(&str, String)> = vec![
        (
            "length and chunks",
            format!("{start}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n{chunked}"),
        ),
        (
            "chunks and length",
            format!(
                "{start}transfer-encoding: chunked\r\ncontent-length: {}\r\n\r\n{chunked}",
                chunked.len() + hidden.len()
            ),
        ),
        (
            "two lengths",
            format!("{start}content-length: {n}\r\ncontent-length: 3\r\n\r\n{body}"),
        ),
        (
            "a list of lengths",
            format!("{start}content-length: {n}, 3\r\n\r\n{body}"),
        ),
        (
            "a length with a sign",
            format!("{start}content-length: +{n}\r\n\r\n{body}"),
        ),
        (
            "a length in hex",
            format!("{start}content-length: 0x{n:x}\r\n\r\n{body}"),
        ),
        (
            "another coding",
            format!("{start}transfer-encoding: xchunked\r\n\r\n{chunked}"),
        ),
        (
            "chunked is not last",
            format!("{start}transfer-encoding: chunked, identity\r\n\r\n{chunked}"),
        ),
        (
            "space before the colon",
            format!("{start}content-length : {n}\r\n\r\n{body}"),
        ),
        (
            "a folded line",
            format!("{start}content-length: {n}\r\n folded: x\r\n\r\n{body}"),
        ),
        (
            "a bare return in a value",
            format!("{start}x: a\rb\r\ncontent-length: {n}\r\n\r\n{body}"),
        ),
        (
            "a zero byte in a name",
            format!("{start}x\0y: a\r\ncontent-length: {n}\r\n\r\n{body}"),
        ),
        (
            "a chunk size that overflows",
            format!(
                "{start}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{body}\r\n0\r\n\r\n"
            ),
        ),
        (
            "a chunk size with a sign",
            format!("{start}transfer-encoding: chunked\r\n\r\n+{n:x}\r\n{body}\r\n0\r\n\r\n"),
        ),
        (
            "upgrade",
            format!(
                "{start}connection: upgrade\r\nupgrade: h2c\r\ntransfer-encoding: chunked\r\n\r\n{chunked}"
            ),
        ),
    ];
    let mut refused = 0;
    for (name, shape) in &shapes {
        let before = bed.mock.reached();
        let (statuses, closed) = answered(&bed, format!("{shape}{hidden}").as_bytes()).await;
        let served = bed.mock.reached() - before;
        assert!(
            served <= 1,
            "{name}: the hidden request was served: {statuses:?}"
        );
        assert!(statuses.len() <= 1, "{name}: two answers: {statuses:?}");
        assert!(closed, "{name}: the connection lives on: {statuses:?}");
        refused += usize::from(served == 0);
    }
    // The control: two clean requests are two requests.
    let clean = format!("{start}content-length: {n}\r\n\r\n{body}");
    let (statuses, _) = answered(&bed, format!("{clean}{hidden}").as_bytes()).await;
    assert_eq!(statuses, [200, 200]);
    figure!(
        24,
        "{} shapes: {refused} refused, 0 hidden requests served, every connection closed",
        shapes.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn row_25_an_upgrade_is_never_tunnelled_nor_passed_on() {
    let bed = Bed::with(1, |ports| group(ports, "", "num_retries: 0", ""));
    bed.mock.script(vec![well(0)]);
    for upgrade in ["websocket", "h2c", "TLS/1.0"] {
        let headers = format!("connection: upgrade\r\nupgrade: {upgrade}\r\n");
        assert_eq!(call(&bed, asks(json!({}), &headers)).await.status, 200);
    }
    for sent in bed.mock.captured() {
        assert!(sent["headers"]["upgrade"].is_null(), "{sent}");
        assert!(sent["headers"]["connection"].is_null(), "{sent}");
    }
    figure!(25, "upgrades tunnelled or passed on: 0 of 3");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_26_a_body_that_is_not_read_ends_its_connection() {
    let bed = Bed::with(1, |ports| group(ports, "", "num_retries: 0", ""));
    // Refused before its body is read, which holds what looks like a request.
    let inner = get("/health/liveliness");
    let unread = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        inner.len() + (1 << 20)
    );
    let (statuses, _) = answered(&bed, format!("{unread}{inner}").as_bytes()).await;
    assert_eq!(
        statuses,
        [401],
        "one answer, the body is not taken for a request"
    );
    figure!(26, "requests read out of an undrained body: 0");
}

/// Frames of HTTP/2, as few as a flood needs.
mod h2 {
    pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    /// `POST http://x/`, from the static table.
    const REQUEST: &[u8] = &[0x83, 0x86, 0x84, 0x41, 0x01, b'x'];

    pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        frame.extend_from_slice(&[kind, flags]);
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        frame
    }

    pub fn opened_and_reset(stream: u32) -> Vec<u8> {
        let mut frames = frame(1, 0x4, stream, REQUEST);
        frames.extend(frame(3, 0, stream, &8u32.to_be_bytes()));
        frames
    }

    pub fn without_end(stream: u32) -> Vec<u8> {
        frame(1, 0, stream, REQUEST)
    }

    pub fn continued(stream: u32) -> Vec<u8> {
        // Literal headers that are never indexed.
        let mut block = Vec::new();
        for _ in 0..200 {
            block.extend_from_slice(&[0x10, 1, b'a', 60]);
            block.extend_from_slice(&[b'b'; 60]);
        }
        frame(9, 0, stream, &block)
    }

    pub fn ping() -> Vec<u8> {
        frame(6, 0, 0, &[0; 8])
    }

    pub fn settings() -> Vec<u8> {
        frame(4, 0, 0, &[])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_27_floods_of_http_2_end_their_connection_and_harm_nobody() {
    type Frame = fn(u32) -> Vec<u8>;
    let (_mock, port) = upstream();
    let served = Served::start(&group(&[port], "", "num_retries: 0", "")).await;
    served.lives().await;
    let before = served.memory();
    let floods: [(&str, Frame); 4] = [
        ("rapid reset", |n| h2::opened_and_reset(n * 2 + 1)),
        ("continuation", |n| {
            if n == 0 {
                h2::without_end(1)
            } else {
                h2::continued(1)
            }
        }),
        ("ping", |_| h2::ping()),
        ("settings", |_| h2::settings()),
    ];
    for (name, frame) in floods {
        let mut flooder = Client::open(served.address).await;
        flooder.send(h2::PREFACE).await;
        let (mut sent, begun) = (0u32, Instant::now());
        let mut slowest = Duration::ZERO;
        while sent < 20_000 && begun.elapsed() < Duration::from_secs(3) {
            let frames: Vec<u8> = (sent..sent + 200).flat_map(frame).collect();
            flooder.send_some(&frames).await;
            sent += 200;
            if sent % 2000 == 0 {
                let looked = Instant::now();
                served.lives().await;
                slowest = slowest.max(looked.elapsed());
            }
        }
        let closed = tokio::time::timeout(Duration::from_millis(500), flooder.closed())
            .await
            .is_ok();
        let grown = served.memory().saturating_sub(before) >> 20;
        figure!(
            27,
            "{name}: {sent} frames, closed: {closed}, others' slowest {slowest:.1?}, {grown} MiB more"
        );
        if matches!(name, "rapid reset" | "continuation") {
            assert!(closed, "{name}");
        }
        assert!(slowest < Duration::from_secs(2), "{name}: {slowest:?}");
        assert!(grown < 64, "{name}: {grown} MiB");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_21_many_slow_heads_leave_room_for_others() {
    crate::bed::allow_many_connections();
    let bed = Bed::with(1, |ports| group(ports, "", "num_retries: 0", ""));
    bed.mock.script(vec![well(0)]);
    let mut slow = Vec::new();
    for _ in 0..300 * super::longer() {
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

/// A limit of connections makes others wait; it fails nobody.
#[tokio::test(flavor = "multi_thread")]
async fn row_35_connections_above_the_limit_wait() {
    let (mock, port) = upstream();
    mock.script(vec![well(0)]);
    let config = group(&[port], "", "num_retries: 0", "");
    let served = Served::start_with(&config, &["--limit_concurrency", "4"]).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut client = Client::open(served.address).await;
        assert_eq!(client.call(get("/health/liveliness")).await.status, 200);
        held.push(client);
    }
    let address = served.address;
    let mut waiting = tokio::spawn(async move {
        Client::open(address)
            .await
            .call(get("/health/liveliness"))
            .await
            .status
    });
    let early = tokio::time::timeout(Duration::from_millis(300), &mut waiting).await;
    assert!(early.is_err(), "the fifth waits");
    held.pop();
    let status = tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("it is served")
        .unwrap();
    figure!(
        35,
        "a fifth connection where four are allowed: waited, then {status}"
    );
    assert_eq!(status, 200);

    // The control: where five are allowed, the fifth does not wait.
    let served = Served::start_with(&config, &["--limit_concurrency", "5"]).await;
    let mut held = Vec::new();
    for _ in 0..5 {
        let mut client = Client::open(served.address).await;
        let told = tokio::time::timeout(PATIENCE, client.call(get("/health/liveliness")));
        assert_eq!(told.await.expect("it is served").status, 200);
        held.push(client);
    }
}
