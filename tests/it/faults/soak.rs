//! Row 36: everything at once, by dice whose seed is printed. `FAULTS=10` goes on for ten minutes, `SOAK=60` for
//! a minute.

use super::{asks, figure, group, ill, longer, reply, well};
use crate::bed::{Served, asked, upstream};
use crate::client::{Client, get};
use mock_upstream::Answer;
use serde_json::{Value, json};
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

#[tokio::test(flavor = "multi_thread")]
async fn row_36_random_faults_leave_nothing_behind() {
    let seed = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0x5eed_u64);
    let mut dice = Dice(seed);
    let (mocks, ports): (Vec<_>, Vec<_>) = (0..3).map(|_| upstream()).unzip();
    for mock in &mocks {
        mock.script((0..4000).map(|_| any(&mut dice)).collect());
    }
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
    let workers = (0..if long { 96 } else { 16 }).map(|worker| {
        let address = served.address;
        async move {
            let worker: u64 = worker;
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
                let status = Client::try_call(address, request).await.unwrap_or(0);
                statuses[usize::from(status / 100).min(5)] += 1;
            }
            statuses
        }
    });
    let memory = async {
        let mut seen = Vec::new();
        tokio::time::sleep(Duration::from_secs((seconds / 5).max(2))).await;
        while Instant::now() < ends {
            seen.push((begun.elapsed().as_secs_f64() / 60.0, served.memory()));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        seen
    };
    let (memory, all) = tokio::join!(memory, futures_util::future::join_all(workers));
    let warm = memory[0].1;
    let slope = slope(&memory) / 1024.0;
    let calls: u64 = all.iter().flatten().sum();
    let well: u64 = all.iter().map(|statuses| statuses[2]).sum();
    let unanswered: u64 = all.iter().map(|statuses| statuses[0]).sum();
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
    assert!(well > calls / 4, "{well} of {calls}");
    assert!(grown < 48, "{grown} MiB");
    // Of a few seconds it says nothing.
    assert!(!long || slope < 1024.0, "{slope} KiB a minute");
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
