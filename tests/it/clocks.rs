//! The six clocks of the client, each on its own, to the millisecond, and the server's patience with slow clients: time
//! stands still but for what a test lets pass, while sockets do what they do.

use super::client::PATIENCE;
use bytes::Bytes;
use gateway::adapt::{Fault, UpstreamRequest};
use gateway::config::Config;
use gateway::forward::{Client, ClientSettings, Clocks, Transport, Upstream, collect};
use gateway::serve::bounds::Bounds;
use gateway::serve::listen;
use gateway::serve::workers::Workers;
use http::{HeaderMap, Method};
use mock_upstream::{Answer, Mock};
use serde_json::json;
use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::advance;

const LIMIT: Duration = Duration::from_secs(7);
/// Timers fire on whole milliseconds; more than one, so that rounding decides nothing.
const STEP: Duration = Duration::from_millis(5);

/// Time that stands still. Tokio lets a paused clock run to the next timer as soon as nothing is to be done, and does
/// not count waiting for a socket as something; a blocking task that is under way keeps it from that.
struct Frozen(std::sync::mpsc::Sender<()>);

/// Once for each test: what is frozen stays so.
fn freeze() -> Frozen {
    tokio::time::pause();
    let (release, held) = std::sync::mpsc::channel();
    tokio::task::spawn_blocking(move || held.recv());
    Frozen(release)
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

fn upstream() -> (Mock, u16) {
    let mock = Mock::default();
    let listener = Mock::bind(0).unwrap();
    let port = listener.local_addr().unwrap().port();
    // A runtime of its own, whose time runs.
    let served = mock.clone();
    let listener = listener.into_std().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async move {
            served
                .serve(tokio::net::TcpListener::from_std(listener).unwrap())
                .await;
        });
    });
    (mock, port)
}

type Called = JoinHandle<Result<Bytes, Fault>>;

/// A call under way.
fn call(url: String, clocks: Clocks) -> Called {
    tokio::spawn(async move {
        let mut upstream = sent(url, clocks).await?;
        collect(&mut *upstream.body, 1 << 20).await
    })
}

async fn sent(url: String, clocks: Clocks) -> Result<Upstream, Fault> {
    let request = UpstreamRequest {
        method: Method::POST,
        url,
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{}").into(),
    };
    let client = Client::new(&ClientSettings::default()).unwrap();
    client.send(request, clocks).await
}

fn to(port: u16) -> String {
    format!("http://127.0.0.1:{port}/v1/chat/completions")
}

/// Lets everything happen that can happen without time, sockets included.
async fn settle() {
    for _ in 0..50 {
        std::thread::sleep(Duration::from_millis(1));
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
}

/// Asserts that the call goes on until just before `limit` from now, and no longer.
async fn runs_out(called: Called, limit: Duration, taken: Duration) {
    settle().await;
    advance(limit.checked_sub(STEP).unwrap()).await;
    settle().await;
    assert!(!called.is_finished(), "ended before its time");
    advance(STEP * 2).await;
    let begun = std::time::Instant::now();
    while !called.is_finished() {
        assert!(begun.elapsed() < PATIENCE, "the clock does not run out");
        settle().await;
    }
    let ended = called.await.unwrap();
    let Err(Fault::Timeout {
        limit: said,
        taken: took,
    }) = ended
    else {
        panic!("{ended:?}");
    };
    assert_eq!(said, limit);
    assert!(took >= taken && took <= taken + STEP * 4, "{took:?}");
}

/// An address where connections are never accepted: its queue is full. Linux drops an attempt that finds it so.
pub fn dead() -> (std::net::TcpListener, Vec<std::net::TcpStream>, SocketAddr) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let listener = socket.listen(1).unwrap().into_std().unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(one) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(one);
        assert!(waiting.len() < 100, "the queue never fills");
    }
    (listener, waiting, address)
}

fn answer(sse: bool) -> Answer {
    Answer {
        sse: sse.then(|| vec![json!("one"), json!("two"), json!("three")]),
        json: (!sse).then(|| json!({"fine": true})),
        ..Answer::default()
    }
}

const FIRST: usize = "data: one\n\n".len();

/// A limit that must not be the one that runs out.
const LONG: Option<Duration> = Some(Duration::from_secs(3600));

fn but(change: impl FnOnce(&mut Clocks)) -> Clocks {
    let mut clocks = Clocks {
        connect: LONG,
        tls: LONG,
        headers: LONG,
        first_token: LONG,
        idle: LONG,
        total: LONG,
    };
    change(&mut clocks);
    clocks
}

/// Linux drops a connection attempt that finds the queue full; other systems refuse it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn connecting() {
    let (_listener, _waiting, address) = dead();
    let _frozen = freeze();
    let called = call(
        to(address.port()),
        but(|clocks| clocks.connect = Some(LIMIT)),
    );
    runs_out(called, LIMIT, LIMIT).await;
}

#[tokio::test]
async fn the_tls_handshake() {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let _frozen = freeze();
    let called = call(
        to(port).replace("http:", "https:"),
        but(|clocks| clocks.tls = Some(LIMIT)),
    );
    runs_out(called, LIMIT, LIMIT).await;
}

#[tokio::test]
async fn the_head_of_the_response() {
    let _frozen = freeze();
    for name in ["headers", "first token", "total"] {
        let (mock, port) = upstream();
        mock.script(vec![Answer {
            delay_ms: 3_600_000,
            ..answer(false)
        }]);
        let clocks = but(|clocks| match name {
            "headers" => clocks.headers = Some(LIMIT),
            "first token" => clocks.first_token = Some(LIMIT),
            _ => clocks.total = Some(LIMIT),
        });
        let called = call(to(port), clocks);
        mock.until_reached(1).await;
        runs_out(called, LIMIT, LIMIT).await;
        mock.until_left_early(1).await;
    }
}

#[tokio::test]
async fn the_first_byte_of_the_body() {
    let (mock, port) = upstream();
    mock.script(vec![Answer {
        stall_after: Some(0),
        ..answer(true)
    }]);
    let _frozen = freeze();
    let clocks = but(|clocks| {
        clocks.first_token = Some(LIMIT);
        // It is no limit of the first piece.
        clocks.idle = Some(STEP);
    });
    let called = call(to(port), clocks);
    mock.until_reached(1).await;
    runs_out(called, LIMIT, LIMIT).await;
    mock.until_left_early(1).await;
}

#[tokio::test]
async fn the_time_between_two_pieces() {
    let (mock, port) = upstream();
    mock.script(vec![Answer {
        stall_after: Some(FIRST),
        ..answer(true)
    }]);
    let _frozen = freeze();
    let clocks = but(|clocks| {
        clocks.idle = Some(LIMIT);
        // These are over when the first piece is there.
        clocks.first_token = Some(LIMIT / 2);
        clocks.headers = Some(LIMIT / 2);
    });
    let called = call(to(port), clocks);
    mock.until_reached(1).await;
    runs_out(called, LIMIT, LIMIT).await;
    mock.until_left_early(1).await;
}

/// Between two pieces the upstream is waited for from when its reader asks for the next one.
#[tokio::test]
async fn a_readers_own_time_is_not_the_upstreams() {
    let (mock, port) = upstream();
    mock.script(vec![Answer {
        stall_after: Some(FIRST),
        ..answer(true)
    }]);
    let _frozen = freeze();
    let clocks = but(|clocks| clocks.idle = Some(LIMIT));
    let called = tokio::spawn(async move {
        let mut upstream = sent(to(port), clocks).await?;
        let first = poll_fn(|cx| upstream.body.poll_next(cx)).await;
        assert_eq!(&first.expect("a piece")?[..], b"data: one\n\n");
        tokio::time::sleep(LIMIT * 2).await;
        collect(&mut *upstream.body, 1 << 20).await
    });
    mock.until_reached(1).await;
    settle().await;
    advance(LIMIT * 2 + STEP).await;
    runs_out(called, LIMIT, LIMIT * 3).await;
    mock.until_left_early(1).await;
}

#[tokio::test]
async fn the_whole_call_although_pieces_come() {
    let (mock, port) = upstream();
    mock.script(vec![Answer {
        // Pieces that come and come; the clock between them never runs out.
        gap_ms: 1,
        repeat: 1_000_000,
        ..answer(true)
    }]);
    let _frozen = freeze();
    let clocks = but(|clocks| {
        clocks.total = Some(LIMIT);
        clocks.idle = Some(Duration::from_secs(2));
    });
    let called = call(to(port), clocks);
    mock.until_reached(1).await;
    settle().await;
    for _ in 0..6 {
        advance(Duration::from_secs(1)).await;
        settle().await;
        assert!(!called.is_finished(), "pieces come in time");
    }
    advance(Duration::from_secs(1) + STEP).await;
    let ended = tokio::task::spawn_blocking(move || {
        let begun = std::time::Instant::now();
        while !called.is_finished() && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
        called
    });
    let ended = ended.await.unwrap();
    assert!(ended.is_finished(), "the clock does not run out");
    let taken = LIMIT + STEP;
    let ran_out = Fault::Timeout {
        limit: LIMIT,
        taken,
    };
    assert_eq!(ended.await.unwrap(), Err(ran_out));
    mock.until_left_early(1).await;
}

#[tokio::test]
async fn without_a_clock_nothing_runs_out() {
    let (mock, port) = upstream();
    mock.script(vec![Answer {
        stall_after: Some(FIRST),
        ..answer(true)
    }]);
    let _frozen = freeze();
    let called = call(to(port), Clocks::default());
    mock.until_reached(1).await;
    settle().await;
    advance(Duration::from_secs(1_000_000)).await;
    settle().await;
    assert!(!called.is_finished());
    called.abort();
    mock.until_left_early(1).await;
}

/// A client that never ends its request's head is let go; one that asks again and again in time is not.
#[tokio::test]
async fn a_client_has_half_a_minute_for_its_head() {
    let (gateway, _) = super::bed::gateway(&super::bed::config(1, ""));
    let listener = listen::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let _frozen = freeze();
    let stop = std::future::pending();
    tokio::spawn(listen::serve(
        gateway,
        listener,
        stop,
        Duration::ZERO,
        Workers::none(),
        Bounds::of(&Config::default()),
    ));
    let mut slow = super::client::Client::open(address).await;
    slow.send("GET /health/liveliness HTTP/1.1\r\nhost: x\r\nx-slow: ")
        .await;
    settle().await;
    for _ in 0..29 {
        advance(Duration::from_secs(1)).await;
        slow.send("y").await;
        settle().await;
    }
    let begun = std::time::Instant::now();
    let closed = tokio::spawn(async move { slow.closed().await });
    settle().await;
    assert!(!closed.is_finished(), "closed before its time");
    advance(Duration::from_secs(1) + STEP).await;
    while !closed.is_finished() {
        assert!(
            begun.elapsed() < PATIENCE,
            "a slow head holds its connection"
        );
        settle().await;
    }
}
