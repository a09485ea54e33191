//! Clients that leave: in every phase of a call the upstream learns of it at once, and nothing of the call stays.

use super::bed::{Bed, asked, becomes};
use super::client::{Client, PATIENCE, chat};
use mock_upstream::Answer;
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The upstream sees its connection close within this time.
const SOON: Duration = Duration::from_millis(250);
/// Clients that leave together.
const BATCH: usize = 20;
/// Calls that the deployment takes at a time: fewer than would hide a permit that is not given back.
const PERMITS: usize = BATCH;

/// Where a call is when its client leaves.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Half of the request's head is sent.
    Head,
    /// Half of the request's body is sent.
    Body,
    /// The upstream is thinking.
    Thinking,
    /// The upstream has sent its head, no event yet.
    FirstByte,
    /// One event has come.
    Streaming,
    /// More comes than the client reads.
    Slow,
}

const PHASES: [Phase; 6] = [
    Phase::Head,
    Phase::Body,
    Phase::Thinking,
    Phase::FirstByte,
    Phase::Streaming,
    Phase::Slow,
];

impl Phase {
    /// Whether the upstream hears of the call at all.
    fn goes_upstream(self) -> bool {
        !matches!(self, Self::Head | Self::Body)
    }

    /// Clients that leave in this phase, of those that every other phase gets: what fills the buffers takes time.
    fn share(self, clients: usize) -> usize {
        match self {
            Self::Slow => clients.div_ceil(5),
            _ => clients,
        }
    }

    fn answer(self) -> Answer {
        let event = |text: &str| {
            json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]})
        };
        let sse = match self {
            // A model that says the same again and again would be stopped.
            Self::Slow => vec![event(&"x".repeat(16 << 10)), event(&"y".repeat(16 << 10))],
            _ => vec![event("first"), event("never")],
        };
        let first = format!("data: {}\n\n", event("first")).len();
        Answer {
            sse: Some(sse),
            delay_ms: if matches!(self, Self::Thinking) {
                3_600_000
            } else {
                0
            },
            repeat: if matches!(self, Self::Slow) {
                1 << 20
            } else {
                1
            },
            stall_after: match self {
                Self::FirstByte => Some(0),
                Self::Streaming => Some(first),
                _ => None,
            },
            ..Answer::default()
        }
    }

    /// A client that has come so far.
    async fn reached(self, bed: &Bed) -> Client {
        let request = chat("m", true);
        let head = request.find("\r\n\r\n").unwrap();
        let mut client = match self {
            Self::Slow => Client::narrow(bed.address).await,
            _ => Client::open(bed.address).await,
        };
        match self {
            Self::Head => client.send(&request[..head / 2]).await,
            Self::Body => client.send(&request[..head + 20]).await,
            _ => client.send(&request).await,
        }
        if matches!(self, Self::Streaming | Self::Slow) {
            client.until("data: ").await;
        }
        client
    }
}

/// Waits until nothing more is taken of the upstream: every buffer on the way is full.
async fn stuck(bed: &Bed) {
    let mut before = 0;
    let mut same = 0;
    while same < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let written = bed.mock.written();
        same = if written == before { same + 1 } else { 0 };
        before = written;
    }
}

/// One batch: all get there, all leave. How long it took the upstream to learn of it.
async fn leave_together(bed: &Bed, phase: Phase, clients: usize) -> Duration {
    bed.mock.script(vec![phase.answer()]);
    let reached = bed.mock.reached() + clients as u64;
    let mut gone = Vec::new();
    for _ in 0..clients {
        gone.push(phase.reached(bed).await);
    }
    if phase.goes_upstream() {
        let all = bed.mock.until_reached(reached);
        tokio::time::timeout(PATIENCE, all)
            .await
            .expect("the upstream is asked");
    }
    if matches!(phase, Phase::Slow) {
        stuck(bed).await;
    }
    let begun = Instant::now();
    drop(gone);
    if phase.goes_upstream() {
        let left = bed.mock.until_left_early(clients as u64);
        tokio::time::timeout(PATIENCE, left)
            .await
            .unwrap_or_else(|_| {
                panic!(
                    "{phase:?}: {} of {clients} upstream calls ended",
                    bed.mock.left_early()
                )
            });
    }
    begun.elapsed()
}

/// A call that is answered, and its connection to the upstream closed again: what is left is the gateway's own.
async fn rest(bed: &Bed) -> usize {
    bed.mock.script(Vec::new());
    let calls = (0..PERMITS).map(|_| async {
        let reply = Client::open(bed.address).await.call(chat("m", false)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    });
    futures_util::future::join_all(calls).await;
    tokio::time::timeout(PATIENCE, bed.mock.close_idle())
        .await
        .expect("connections to the upstream end");
    bed.tasks()
}

/// `DISCONNECTS=10000 cargo test leaving` leaves ten thousand times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_takes_everything_of_its_call_along() {
    let bed = Bed::start(&format!("      max_parallel_requests: {PERMITS}\n"));
    rest(&bed).await;
    // The client's own connections end a moment after it has its answer.
    let own = 2;
    becomes("the gateway rests", || bed.tasks() <= own).await;

    let clients = asked("DISCONNECTS", 500) / PHASES.len();
    let (mut batches, mut late) = (0, 0);
    let mut calls = bed.tally.all();
    for phase in PHASES {
        let mut left = phase.share(clients);
        while left > 0 {
            let batch = left.min(BATCH);
            left -= batch;
            let took = leave_together(&bed, phase, batch).await;
            batches += 1;
            if took > SOON {
                late += 1;
                println!("{phase:?}: {took:?}");
            }
            if phase.goes_upstream() {
                calls += batch as u64;
            }
        }
        becomes("no request is in flight", || bed.in_flight() == "0.0").await;
        assert_eq!(
            bed.tally.all(),
            calls,
            "{phase:?}: a receipt for each call, once"
        );
        // All permits are there: so many calls are answered at a time.
        rest(&bed).await;
        calls += PERMITS as u64;
        becomes("no task is left", || bed.tasks() <= own).await;
    }
    assert_eq!(bed.tally.failed.load(Ordering::Relaxed), 0);
    // A machine that is short of processors may hold up one batch in twenty.
    assert!(
        late * 20 <= batches,
        "{late} of {batches} batches took longer than {SOON:?}"
    );
}
