//! Row 30: limits that several processes share in a Redis. What becomes of them without it: `redis_faults`.

use super::{asks, figure, group, well};
use crate::bed::{Bed, reserved};
use crate::client::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A real Redis on a port of its own.
pub struct Server {
    pub process: Child,
    pub port: u16,
}

impl Server {
    /// `None` where the machine has none.
    pub async fn start() -> Option<Self> {
        let (_held, port) = reserved();
        Self::started(port, &["--port", &port.to_string()]).await
    }

    /// The same with arguments that say where it listens: at this port.
    pub async fn started(port: u16, arguments: &[&str]) -> Option<Self> {
        let server = Self::at(port, arguments);
        if server.is_none() {
            println!("skipped: no `redis-server` on this machine (apt-get install redis-server)");
        }
        let server = server?;
        for _ in 0..500 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .is_ok()
            {
                return Some(server);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server does not listen");
    }

    fn at(port: u16, arguments: &[&str]) -> Option<Self> {
        let process = Command::new("redis-server")
            .args(arguments)
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        Some(Self { process, port })
    }

    pub fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.process.id()).unwrap()).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// A gateway that shares its limits here.
    fn shared(&self, limits: &str) -> Bed {
        limited(limits, &at(self.port))
    }
}

/// Settings of a router by which limits are shared in the Redis at this port.
pub fn at(port: u16) -> String {
    format!(", redis_host: 127.0.0.1, redis_port: {port}")
}

/// A gateway with these limits and these settings of its router.
pub fn limited(limits: &str, redis: &str) -> Bed {
    let bed = Bed::with(1, |ports| {
        let router =
            format!("num_retries: 0, optional_pre_call_checks: [enforce_model_rate_limits]{redis}");
        let limits = format!(", max_parallel_requests: 1000{limits}");
        group(ports, &limits, &router, "")
    });
    bed.mock.script(vec![well(0)]);
    bed
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// So many calls, one after the other on one connection: how many were admitted, and how long each took.
pub async fn calls(bed: &Bed, times: usize) -> (usize, Vec<Duration>) {
    let mut client = Client::open(bed.address).await;
    let (mut admitted, mut took) = (0, Vec::new());
    for _ in 0..times {
        let begun = Instant::now();
        let status = client.call(asks(json!({}), "")).await.status;
        took.push(begun.elapsed());
        assert!(matches!(status, 200 | 429), "{status}");
        admitted += usize::from(status == 200);
    }
    took.sort_unstable();
    (admitted, took)
}

/// Asks both instances from several clients until so many calls were made: how many were admitted, and how many before
/// the first was refused.
async fn both(one: &Bed, other: &Bed, each: usize) -> (usize, usize) {
    let admitted = AtomicUsize::new(0);
    let before = AtomicUsize::new(usize::MAX);
    let clients = [one, one, one, other, other, other].map(|bed| {
        let (admitted, before) = (&admitted, &before);
        async move {
            let mut client = Client::open(bed.address).await;
            for _ in 0..each {
                let status = client.call(asks(json!({}), "")).await.status;
                if status == 200 {
                    admitted.fetch_add(1, Ordering::SeqCst);
                } else {
                    assert_eq!(status, 429);
                    before.fetch_min(admitted.load(Ordering::SeqCst), Ordering::SeqCst);
                }
            }
        }
    });
    futures_util::future::join_all(clients).await;
    (
        admitted.load(Ordering::SeqCst),
        before.load(Ordering::SeqCst),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn row_30_two_instances_keep_one_limit() {
    let Some(redis) = Server::start().await else {
        return;
    };
    let limits = ", rpm: 600";
    let (admitted, before) = both(&redis.shared(limits), &redis.shared(limits), 150).await;
    figure!(
        30,
        "2 instances, 600 requests a minute: {admitted} of 900 admitted, the first refusal after {before}"
    );
    assert!((600..=606).contains(&admitted), "{admitted}");
    // A client may be told of its refusal before another one reads that it was admitted: one for each client.
    assert!(before >= 594, "a false refusal after {before}");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_30_control_without_a_shared_count_two_instances_admit_twice_the_limit() {
    let limits = ", rpm: 300";
    let (admitted, _) = both(&limited(limits, ""), &limited(limits, ""), 150).await;
    figure!(
        30,
        "the control, each by itself, 300 a minute: {admitted} of 900 admitted"
    );
    assert_eq!(admitted, 600);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_30_tokens_are_shared_and_settled_with_what_was_used() {
    let Some(redis) = Server::start().await else {
        return;
    };
    let (one, other) = (redis.shared(", tpm: 1000"), redis.shared(", tpm: 1000"));
    let mut admitted = 0;
    for bed in [&one, &other].into_iter().cycle().take(30) {
        admitted += calls(bed, 1).await.0;
        // What was used is told when the call is over, and nobody waits for it.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    figure!(
        30,
        "2 instances, 1,000 tokens a minute, 110 a call: {admitted} admitted"
    );
    assert!((9..=10).contains(&admitted), "{admitted}");
}
