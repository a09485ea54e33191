//! Rows 28, 29: stopping, taking over, and being killed.

use super::{asks, figure, group, longer, well};
use crate::bed::{Served, allow_many_connections, becomes, upstream};
use crate::client::{Client, PATIENCE, chat, get};
use rustix::process::Signal;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const ALWAYS: &str = "num_retries: 0, disable_cooldowns: true";

fn any(port: u16) -> String {
    crate::bed::config(port, "")
}

async fn ended(served: &mut Served) -> Option<i32> {
    let mut status = None;
    becomes("the gateway ends", || {
        status = served.ended();
        status.is_some()
    })
    .await;
    status.and_then(|status| status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn row_28_streams_within_the_grace_end_well() {
    allow_many_connections();
    let (mock, port) = upstream();
    let mut served = Served::start(&any(port)).await;
    let streams = 100 * longer().min(10);
    let mut under_way = Vec::new();
    for _ in 0..streams {
        let mut client = Client::open(served.address).await;
        client
            .send(chat("load-chunks-10-gap-150-delay-0", true))
            .await;
        under_way.push(client);
    }
    tokio::time::timeout(PATIENCE, mock.until_reached(streams as u64))
        .await
        .expect("all are asked");
    served.signal(Signal::TERM);
    let begun = Instant::now();
    let mut whole = 0;
    for client in &mut under_way {
        let reply = client.reply().await;
        whole += usize::from(
            reply.text().ends_with("data: [DONE]\n\n") && !reply.text().contains("\"error\""),
        );
    }
    let code = ended(&mut served).await;
    figure!(
        28,
        "SIGTERM with {streams} streams: {whole} whole, exit {code:?} after {:.1?}",
        begun.elapsed()
    );
    assert_eq!((whole, code), (streams, Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn row_28_what_outlives_the_grace_is_told_so_in_its_dialect() {
    let (mock, port) = upstream();
    let mut served = Served::start_with(&any(port), &["--grace", "1"]).await;
    let address = served.address;
    let mut stream = Client::open(address).await;
    stream
        .send(chat("load-chunks-3-gap-3600000-delay-0", true))
        .await;
    stream.until("word0").await;
    let reached = mock.reached();
    let mut plain = Client::open(address).await;
    plain
        .send(chat("load-chunks-1-gap-0-delay-3600000", false))
        .await;
    mock.until_reached(reached + 1).await;
    let begun = Instant::now();
    served.signal(Signal::TERM);
    let last = stream.reply().await.text();
    assert!(last.contains("the server is shutting down"), "{last}");
    assert!(last.ends_with("data: [DONE]\n\n"), "{last}");
    let refused = plain.reply().await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    let code = ended(&mut served).await;
    let took = begun.elapsed();
    figure!(
        28,
        "grace of 1 s over: error event and 503 told, exit {code:?} after {took:.1?}"
    );
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(4),
        "{took:?}"
    );
    tokio::time::timeout(PATIENCE, mock.until_left_early(2))
        .await
        .expect("upstream calls end");
}

/// A second server takes over the port of the first under load.
#[tokio::test(flavor = "multi_thread")]
async fn row_28_a_restart_on_the_same_port_refuses_no_connection() {
    let (mock, port) = upstream();
    mock.script(vec![well(5)]);
    let config = group(&[port], "", ALWAYS, "");
    let mut first = Served::start_with(&config, &["--reuse-port"]).await;
    let address = first.address;
    let over = Arc::new(AtomicBool::new(false));
    let (served, failed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (over, served, failed) = (over.clone(), served.clone(), failed.clone());
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let well = Client::try_call(address, asks(json!({}), "")).await == Some(200);
                    let count = if well { &served } else { &failed };
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    becomes("the first serves", || served.load(Ordering::Relaxed) > 50).await;
    let port = address.port().to_string();
    let second = Served::start_with(&config, &["--reuse-port", "--port", &port]).await;
    first.signal(Signal::TERM);
    assert_eq!(ended(&mut first).await, Some(0));
    let before = served.load(Ordering::Relaxed);
    becomes("the second serves", || {
        served.load(Ordering::Relaxed) > before + 50
    })
    .await;
    over.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    second.lives().await;
    let (served, failed) = (
        served.load(Ordering::Relaxed),
        failed.load(Ordering::Relaxed),
    );
    figure!(
        28,
        "a restart under load: {served} calls served, {failed} failed"
    );
    // A connection that is made in the instant between the last look and the close is the kernel's to reset.
    assert!(failed <= 1, "{failed} of {served}");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_29_after_a_kill_it_starts_again_at_once() {
    let (mock, port) = upstream();
    mock.script(vec![well(0)]);
    let config = group(&[port], "", ALWAYS, "");
    let times = 5 * longer();
    let mut slowest = Duration::ZERO;
    for _ in 0..times {
        let begun = Instant::now();
        let mut served = Served::start(&config).await;
        slowest = slowest.max(begun.elapsed());
        let mut client = Client::open(served.address).await;
        assert_eq!(client.call(asks(json!({}), "")).await.status, 200);
        let mut under_way = Client::open(served.address).await;
        under_way.send(get("/health/liveliness")).await;
        served.signal(Signal::KILL);
        becomes("it is gone", || served.ended().is_some()).await;
    }
    figure!(
        29,
        "kill -9, {times} times: every start clean, slowest {slowest:.1?}"
    );
}
