//! Row 28: stopping. What is under way has its time, and is told when that is over.

use super::{figure, longer};
use crate::bed::{Served, allow_many_connections, becomes, upstream};
use crate::client::{Client, PATIENCE, chat};
use rustix::process::Signal;
use std::time::{Duration, Instant};

fn any(port: u16) -> String {
    crate::bed::config(port, "")
}

pub async fn ended(served: &mut Served) -> Option<i32> {
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
async fn row_28_control_without_a_grace_streams_are_cut() {
    let (mock, port) = upstream();
    let mut served = Served::start_with(&any(port), &["--grace", "0"]).await;
    let mut client = Client::open(served.address).await;
    client
        .send(chat("load-chunks-10-gap-150-delay-0", true))
        .await;
    mock.until_reached(1).await;
    served.signal(Signal::TERM);
    let text = client.rest().await;
    assert!(!text.contains("word9"), "{text}");
    assert_eq!(ended(&mut served).await, Some(0));
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
