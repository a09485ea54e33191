//! Row 30, and limits that several processes share: with Redis as one, without it each for itself, and never slower.

use super::{asks, figure, group, well};
use crate::bed::{Bed, becomes, reserved};
use crate::client::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::process::{Child, Command, Stdio};
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
        let server = Self::at(port);
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

    fn at(port: u16) -> Option<Self> {
        let process = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
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
        let bed = Bed::with(1, |ports| {
            let router = format!(
                "num_retries: 0, optional_pre_call_checks: [enforce_model_rate_limits], redis_host: 127.0.0.1, redis_port: {}",
                self.port
            );
            group(
                ports,
                &format!(", max_parallel_requests: 1000{limits}"),
                &router,
                "",
            )
        });
        bed.mock.script(vec![well(0)]);
        bed
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// So many calls, one after the other on one connection: how many were admitted, and how long each took.
async fn calls(bed: &Bed, times: usize) -> (usize, Vec<Duration>) {
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

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_keep_one_limit() {
    let Some(redis) = Server::start().await else {
        return;
    };
    let (one, other) = (redis.shared(", rpm: 200"), redis.shared(", rpm: 200"));
    let ((first, _), (second, _)) = tokio::join!(calls(&one, 99), calls(&other, 99));
    assert_eq!(first + second, 198, "no false refusal below the limit");
    let ((third, _), (fourth, _)) = tokio::join!(calls(&one, 100), calls(&other, 100));
    let admitted = first + second + third + fourth;
    figure!(
        30,
        "2 instances, 200 requests a minute: {admitted} of 398 admitted"
    );
    assert!((200..=202).contains(&admitted), "{admitted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_shared_and_settled_with_what_was_used() {
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

#[tokio::test(flavor = "multi_thread")]
async fn row_30_a_redis_that_freezes_or_dies_holds_nobody_up() {
    let Some(mut redis) = Server::start().await else {
        return;
    };
    let bed = redis.shared(", rpm: 100000");
    let (_, calm) = calls(&bed, 200).await;
    for fault in ["frozen", "dead"] {
        if fault == "frozen" {
            redis.signal(Signal::STOP);
        } else {
            redis.process.kill().unwrap();
            redis.process.wait().unwrap();
        }
        let begun = Instant::now();
        let (admitted, first) = calls(&bed, 50).await;
        assert_eq!(admitted, 50, "{fault}: every call is answered");
        while begun.elapsed() < Duration::from_secs(1) {
            calls(&bed, 20).await;
        }
        let (admitted, later) = calls(&bed, 400).await;
        assert_eq!(admitted, 400);
        let p99 = |took: &[Duration]| took[took.len() * 99 / 100];
        figure!(
            30,
            "Redis {fault}: slowest of the first 50 {:.1?}; after 1 s p99 {:.1?} (with Redis {:.1?})",
            first[49],
            p99(&later),
            p99(&calm)
        );
        // By the median: others work on this machine, too, and a wait for Redis would be every call's.
        let half = |took: &[Duration]| took[took.len() / 2];
        assert!(
            half(&later) < half(&calm) + Duration::from_millis(10),
            "{:?}",
            half(&later)
        );
        if fault == "frozen" {
            redis.signal(Signal::CONT);
            // It is found again, and limits are shared again.
            let unavailable = || {
                bed.gateway
                    .engine
                    .shared
                    .load()
                    .as_ref()
                    .unwrap()
                    .unavailable()
            };
            let begun = Instant::now();
            loop {
                let before = unavailable();
                calls(&bed, 5).await;
                if unavailable() == before {
                    break;
                }
                assert!(
                    begun.elapsed() < Duration::from_secs(20),
                    "Redis is never found again"
                );
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_30_without_redis_from_the_start_each_keeps_the_limit_itself() {
    let (_held, port) = reserved();
    let bed = Bed::with(1, |ports| {
        let router = format!(
            "num_retries: 0, optional_pre_call_checks: [enforce_model_rate_limits], redis_url: \"redis://:secret@127.0.0.1:{port}/0\""
        );
        group(ports, ", rpm: 20, max_parallel_requests: 50", &router, "")
    });
    bed.mock.script(vec![well(0)]);
    let (admitted, _) = calls(&bed, 40).await;
    assert_eq!(admitted, 20);
    becomes("it is counted", || {
        bed.gateway
            .engine
            .shared
            .load()
            .as_ref()
            .is_some_and(|limits| limits.unavailable() > 0)
    })
    .await;
}
