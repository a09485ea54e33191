//! Row 27: clients of HTTP/2 that send frames for their own sake, or take nothing. The flood ends its connection or
//! waits, and others notice nothing.

use super::{asks, figure, group, well};
use crate::bed::{Bed, MASTER_KEY, Served, becomes, upstream};
use crate::client::Client;
use mock_upstream::Answer;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

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

    /// A chat over plain HTTP/2, whose answer may fill no window: the client has given none.
    pub fn chat(stream: u32, key: &str, body: &str) -> Vec<u8> {
        let literal = |name: &str, value: &str| {
            let mut field = vec![0x10];
            for text in [name, value] {
                field.push(u8::try_from(text.len()).unwrap());
                field.extend_from_slice(text.as_bytes());
            }
            field
        };
        let mut block = REQUEST[..2].to_vec();
        block.extend(literal(":path", "/v1/chat/completions"));
        block.extend_from_slice(&REQUEST[3..]);
        block.extend(literal("authorization", &format!("Bearer {key}")));
        block.extend(literal("content-type", "application/json"));
        let mut frames = frame(1, 0x4, stream, &block);
        frames.extend(frame(0, 0x1, stream, body.as_bytes()));
        frames
    }

    /// The preface of a client that takes no byte of any answer.
    pub fn preface_without_window() -> Vec<u8> {
        let mut preface = PREFACE[..24].to_vec();
        preface.extend(frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]));
        preface
    }

    pub fn ping() -> Vec<u8> {
        frame(6, 0, 0, &[0; 8])
    }

    pub fn settings() -> Vec<u8> {
        frame(4, 0, 0, &[])
    }
}

type Frame = fn(u32) -> Vec<u8>;

fn continued(n: u32) -> Vec<u8> {
    if n == 0 {
        h2::without_end(1)
    } else {
        h2::continued(1)
    }
}

fn reset(n: u32) -> Vec<u8> {
    h2::opened_and_reset(n * 2 + 1)
}

/// Sends so many frames as fast as they are taken; `look` now and then. How many were sent, and whether the
/// connection was closed.
async fn flood(
    address: std::net::SocketAddr,
    frame: Frame,
    frames: u32,
    mut look: impl AsyncFnMut(),
) -> (u32, bool) {
    let mut flooder = Client::open(address).await;
    flooder.send(h2::PREFACE).await;
    let (mut sent, begun) = (0u32, Instant::now());
    while sent < frames && begun.elapsed() < Duration::from_secs(3) {
        let some: Vec<u8> = (sent..sent + 200).flat_map(frame).collect();
        flooder.send_some(&some).await;
        sent += 200;
        if sent.is_multiple_of(2000) {
            look().await;
        }
    }
    let closed = tokio::time::timeout(Duration::from_millis(500), flooder.closed()).await;
    (sent, closed.is_ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn row_27_floods_of_http_2_end_their_connection_and_harm_nobody() {
    let (_mock, port) = upstream();
    let served = Served::start(&group(&[port], "", "num_retries: 0", "")).await;
    served.lives().await;
    let before = served.memory();
    let floods: [(&str, Frame); 4] = [
        ("rapid reset", reset),
        ("continuation", continued),
        ("ping", |_| h2::ping()),
        ("settings", |_| h2::settings()),
    ];
    for (name, frame) in floods {
        let mut slowest = Duration::ZERO;
        let look = async || {
            let looked = Instant::now();
            served.lives().await;
            slowest = slowest.max(looked.elapsed());
        };
        let (sent, closed) = flood(served.address, frame, 20_000, look).await;
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

/// What the guards of a listener are for: without its bound of resets, or of heads, a flood is taken frame by frame.
#[tokio::test(flavor = "multi_thread")]
async fn row_27_control_without_its_bounds_a_listener_takes_every_frame() {
    for (name, frame) in [("rapid reset", reset as Frame), ("continuation", continued)] {
        let bed = Bed::bounded(
            1,
            |ports| group(ports, "", "num_retries: 0", ""),
            |bounds| {
                bounds.resets = usize::MAX;
                bounds.head = 1 << 30;
            },
        );
        let mut flooder = Client::open(bed.address).await;
        flooder.send(h2::PREFACE).await;
        let sent = 1000;
        flooder
            .send((0..sent).flat_map(frame).collect::<Vec<u8>>())
            .await;
        let closed = tokio::time::timeout(Duration::from_millis(500), flooder.closed())
            .await
            .is_ok();
        figure!(
            27,
            "the control, {name} without a bound: {sent} frames, closed: {closed}"
        );
        assert!(!closed, "{name}");
    }
}

/// Frames that have to be answered, from a client that takes no answer: how many MiB of them were taken before nobody
/// read on, or all.
async fn unanswered(address: std::net::SocketAddr, frame: Vec<u8>) -> (usize, Client) {
    let mut flooder = Client::narrow(address).await;
    flooder.send(h2::PREFACE).await;
    let piece = frame.repeat((1 << 20) / frame.len());
    let mut taken = 0;
    while taken < FLOOD && !flooder.is_stopped() {
        flooder.send_some(&piece).await;
        taken += usize::from(!flooder.is_stopped());
    }
    (taken, flooder)
}

/// More than the system keeps for two sockets; MiB.
const FLOOD: usize = 96;

/// The answer to a frame is written before the next one is read: who takes none is not read on, and nothing piles up.
#[tokio::test(flavor = "multi_thread")]
async fn row_27_pings_and_settings_of_a_client_that_takes_no_answer_pile_up_nowhere() {
    let (_mock, port) = upstream();
    let served = Served::start(&group(&[port], "", "num_retries: 0", "")).await;
    served.lives().await;
    for (name, frame) in [("ping", h2::ping()), ("settings", h2::settings())] {
        let before = served.memory();
        let (taken, _flooder) = unanswered(served.address, frame).await;
        let grown = served.memory().saturating_sub(before) >> 10;
        figure!(
            27,
            "{name}, no answer taken: {taken} MiB of {FLOOD} until nobody reads on, {grown} KiB more"
        );
        assert!(taken < FLOOD, "{name}: all of it was read");
        assert!(grown < 2 << 10, "{name}: {grown} KiB");
        served.lives().await;
    }
}

/// A listener that reads whatever comes, and keeps the answers that its client does not take: so many bytes.
async fn greedy() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let kept = Arc::new(AtomicUsize::new(0));
    let count = kept.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (mut frames, mut answers) = (vec![0; 64 << 10], Vec::new());
            while stream.readable().await.is_ok() {
                match stream.try_read(&mut frames) {
                    // An acknowledgement is as long as what it acknowledges.
                    Ok(some @ 1..) => answers.extend_from_slice(&frames[..some]),
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    _ => break,
                }
                if let Ok(written) = stream.try_write(&answers) {
                    answers.drain(..written);
                }
                count.store(answers.len(), Ordering::Relaxed);
            }
        }
    });
    (address, kept)
}

#[tokio::test(flavor = "multi_thread")]
async fn row_27_control_who_reads_on_keeps_every_answer() {
    for (name, frame) in [("ping", h2::ping()), ("settings", h2::settings())] {
        let (address, kept) = greedy().await;
        let (taken, _flooder) = unanswered(address, frame).await;
        assert_eq!(taken, FLOOD, "{name}");
        let most = FLOOD << 19;
        becomes("they pile up", || kept.load(Ordering::Relaxed) > most).await;
        figure!(
            27,
            "the control, a listener that reads on: {taken} MiB of {name} taken, {} MiB of answers kept",
            kept.load(Ordering::Relaxed) >> 20
        );
    }
}

/// A client that is never told to wait may ask for so many answers at a time, and one that takes none of them holds no
/// more than those.
#[tokio::test(flavor = "multi_thread")]
async fn row_27_a_client_without_a_window_holds_as_many_calls_as_it_has_streams() {
    for (streams, most) in [(10, 10), (60, 30)] {
        let bed = Bed::bounded(
            1,
            |ports| group(ports, "", "num_retries: 0", ""),
            |bounds| bounds.streams = most,
        );
        bed.mock.script(vec![Answer {
            sse: Some(vec![json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                "choices": [{"index": 0, "delta": {"content": "x".repeat(4000)}, "finish_reason": null}]})]),
            repeat: 50,
            ..Answer::default()
        }]);
        let mut client = Client::open(bed.address).await;
        let body =
            json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "a"}]})
                .to_string();
        client.send(h2::preface_without_window()).await;
        // The server's settings have to be known before its bound counts.
        tokio::time::sleep(Duration::from_millis(50)).await;
        for n in 0..streams {
            client.send(h2::chat(n * 2 + 1, MASTER_KEY, &body)).await;
        }
        let expected = u64::from(streams.min(most));
        becomes("they are asked", || bed.mock.reached() >= expected).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let held = bed.mock.reached();
        figure!(
            27,
            "{streams} streams without a window where {most} are allowed: {held} calls held"
        );
        assert_eq!(held, expected);
        bed.mock.script(vec![well(0)]);
        assert_eq!(super::call(&bed, asks(json!({}), "")).await.status, 200);
        drop(client);
        becomes("all are let go", || bed.in_flight() == "0.0").await;
    }
}
