//! Row 36: everything at once, by dice whose seed is printed. `FAULTS=10` goes on for ten minutes, `SOAK=60` for
//! a minute.

use super::{asks, figure, group, ill, longer, reply, well};
use crate::bed::{Served, asked, upstream};
use crate::client::{Client, PATIENCE, get};
use mock_upstream::{Answer, Mock};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn chunks() -> Vec<Value> {
    let part = |text: &str, finish: Value| {
        json!({"id": "c", "object": "chat.completion.chunk", "created": 1,
        "model": "m", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]})
    };
    vec![
        part("a", Value::Null),
        part("b", Value::Null),
        part("", json!("stop")),
        json!("[DONE]"),
    ]
}

/// Any fault an upstream can have, most often none.
fn any(dice: &mut Dice) -> Answer {
    let sse = Some(chunks());
    let reset = dice.throw(2) == 0;
    match dice.throw(16) {
        0 => ill(500),
        1 => ill(429),
        2 => ill(503),
        3 => ill(400),
        4 => Answer {
            hang_up: true,
            reset,
            ..Answer::default()
        },
        5 => Answer {
            json: Some(reply()),
            cut_after: Some(20),
            reset,
            ..Answer::default()
        },
        6 => Answer {
            sse,
            cut_after: Some(dice.throw(300) as usize),
            reset,
            ..Answer::default()
        },
        7 => Answer {
            json: Some(reply()),
            stall_after: Some(10),
            ..Answer::default()
        },
        8 => Answer {
            text: Some("<html>".to_owned()),
            ..Answer::default()
        },
        9 => Answer {
            json: Some(json!({"error": {"message": "made up"}})),
            ..Answer::default()
        },
        10 | 11 => Answer {
            sse,
            gap_ms: 3,
            ..Answer::default()
        },
        _ => well(dice.throw(10)),
    }
}

/// The dice's seed.
fn seed() -> u64 {
    std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0x5eed)
}

/// Three upstreams with any faults.
fn faulty(seed: u64) -> (Vec<Mock>, Vec<u16>) {
    let mut dice = Dice(seed);
    let (mocks, ports): (Vec<_>, Vec<_>) = (0..3).map(|_| upstream()).unzip();
    for mock in &mocks {
        mock.script_again((0..4000).map(|_| any(&mut dice)).collect());
    }
    (mocks, ports)
}

/// So many clients that ask and ask, and sometimes leave: how many calls ended with which hundred of statuses, and
/// first how many without an answer while they waited for one.
async fn storm(
    address: SocketAddr,
    (seed, workers): (u64, u64),
    ends: Instant,
    patience: Duration,
) -> [u64; 6] {
    let workers = (0..workers).map(|worker| async move {
        let mut dice = Dice(seed ^ (worker + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut statuses = [0u64; 6];
        while Instant::now() < ends {
            let stream = dice.throw(2) == 0;
            let headers = if dice.throw(8) == 0 {
                "x-gateway-deadline-ms: 100\r\n"
            } else {
                ""
            };
            let request = asks(json!({"stream": stream}), headers);
            if dice.throw(10) == 0 {
                // Leaves, wherever the call is by then.
                let mut client = Client::open(address).await;
                client.send(&request).await;
                tokio::time::sleep(Duration::from_millis(dice.throw(20))).await;
                continue;
            }
            let answer = tokio::time::timeout(patience, Client::try_call(address, request));
            let status = answer.await.ok().flatten().unwrap_or(0);
            statuses[usize::from(status / 100).min(5)] += 1;
        }
        statuses
    });
    let all = futures_util::future::join_all(workers).await;
    std::array::from_fn(|hundred| all.iter().map(|statuses| statuses[hundred]).sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn row_36_random_faults_leave_nothing_behind() {
    let seed = seed();
    let (mocks, ports) = faulty(seed);
    let router = "num_retries: 2, retry_after: 0, circuit_breaker: {ejection_time: 0.2}, routing_strategy: p2c-peak-ewma, \
                  hedging: {min_samples: 10, min_delay: 0.02}, max_queued_requests: 50, queue_timeout: 1";
    let config = group(
        &ports,
        ", max_parallel_requests: 20, timeout: 0.3, stream_timeout: 0.3",
        router,
        "",
    );
    let served = Served::start(&config).await;
    let long = longer() >= 10;
    let seconds = asked("SOAK", if long { 600 } else { 6 * longer() }) as u64;
    let begun = Instant::now();
    let ends = begun + Duration::from_secs(seconds);
    let workers = if long { 96 } else { 16 };
    let storm = storm(served.address, (seed, workers), ends, PATIENCE);
    let memory = async {
        let mut seen = Vec::new();
        tokio::time::sleep(Duration::from_secs((seconds / 5).max(2))).await;
        while Instant::now() < ends {
            seen.push((begun.elapsed().as_secs_f64() / 60.0, served.memory()));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        seen
    };
    let (memory, statuses) = tokio::join!(memory, storm);
    let warm = memory[0].1;
    let slope = slope(&memory) / 1024.0;
    let calls: u64 = statuses.iter().sum();
    let [unanswered, _, well, ..] = statuses;
    for mock in &mocks {
        mock.script(vec![well_at_last()]);
    }
    let begun = Instant::now();
    let (at_rest, shown) = loop {
        let mut client = Client::open(served.address).await;
        let shown = client.call(get("/metrics")).await.text();
        let busy = shown.lines().any(|line| {
            let gauge = line.starts_with("gateway_deployment_in_flight_requests{")
                || line.starts_with("gateway_deployment_queued_requests{");
            gauge && !line.ends_with(" 0.0")
        });
        if !busy || begun.elapsed() > Duration::from_secs(10) {
            break (!busy, shown);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let grown = served.memory().saturating_sub(warm) >> 20;
    figure!(
        36,
        "seed {seed}: {calls} calls in {seconds} s ({:.0}/s), {well} answered well, {unanswered} unanswered, {grown} MiB more \
         after warm-up, RSS slope {slope:.0} KiB a minute, gauges at rest: {at_rest}",
        calls as f64 / seconds as f64
    );
    served.lives().await;
    assert!(at_rest, "{shown}");
    assert_eq!(unanswered, 0, "every call that stays gets an answer");
    // Where more ask than there are places, refusals are soon told, and asked for again at once: it is a rate then.
    let enough = if long { 100 * seconds } else { calls / 4 };
    assert!(well > enough, "{well} of {calls} in {seconds} s");
    assert!(grown < 48, "{grown} MiB");
    // Of a few seconds it says nothing.
    assert!(!long || slope < 1024.0, "{slope} KiB a minute");
}

/// What the guards are for, all of them: without clocks, retries and a breaker the same dice leave calls without an
/// answer.
#[tokio::test(flavor = "multi_thread")]
async fn row_36_control_without_guards_calls_are_left_without_an_answer() {
    let seed = seed();
    let (_mocks, ports) = faulty(seed);
    let config = group(&ports, "", "num_retries: 0, disable_cooldowns: true", "");
    let served = Served::start(&config).await;
    let ends = Instant::now() + Duration::from_secs(2);
    let patience = Duration::from_secs(1);
    let statuses = storm(served.address, (seed, 16), ends, patience).await;
    let calls: u64 = statuses.iter().sum();
    let [unanswered, _, well, ..] = statuses;
    figure!(
        36,
        "the control, seed {seed} without guards: {calls} calls, {well} answered well, {unanswered} unanswered within {patience:?}"
    );
    assert!(unanswered > 0, "{calls} calls, {well} answered well");
}

/// Bytes a minute, by least squares.
fn slope(seen: &[(f64, usize)]) -> f64 {
    let count = seen.len() as f64;
    let middle = seen.iter().map(|(at, _)| at).sum::<f64>() / count;
    let mean = seen.iter().map(|(_, bytes)| *bytes as f64).sum::<f64>() / count;
    let (mut above, mut below) = (0.0, f64::MIN_POSITIVE);
    for (at, bytes) in seen {
        above += (at - middle) * (*bytes as f64 - mean);
        below += (at - middle).powi(2);
    }
    above / below
}

fn well_at_last() -> Answer {
    well(0)
}
