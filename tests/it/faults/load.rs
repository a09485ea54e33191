//! Rows 14 to 16, and limits: what is too much is refused at once, with the time to come back.

use super::{asks, call, figure, group, header, longer, message, together, well};
use crate::bed::Bed;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

fn statuses(replies: &[crate::client::Reply]) -> (usize, usize) {
    let count = |status| {
        replies
            .iter()
            .filter(|reply| reply.status == status)
            .count()
    };
    (count(200), count(429))
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_above_max_parallel_requests_are_refused_as_in_litellm() {
    let bed = Bed::with(1, |ports| {
        group(ports, ", max_parallel_requests: 2", "num_retries: 0", "")
    });
    bed.mock.script(vec![well(300)]);
    let replies = together(&bed, &asks(json!({}), ""), 5).await;
    assert_eq!(statuses(&replies), (2, 3));
    let refused = replies.iter().find(|reply| reply.status == 429).unwrap();
    assert!(
        message(refused).contains("Deployment has all max_parallel_requests slots in use."),
        "{}",
        refused.text()
    );
    assert!(header(refused, "retry-after").is_some());
    let again = together(&bed, &asks(json!({}), ""), 2).await;
    assert_eq!(statuses(&again), (2, 0), "the places are free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_has_its_hands_full_steps_aside() {
    let bed = Bed::with(2, |ports| {
        group(ports, ", max_parallel_requests: 3", "num_retries: 0", "")
    });
    for mock in &bed.mocks {
        mock.script(vec![well(500)]);
    }
    let replies = together(&bed, &asks(json!({}), ""), 6).await;
    assert_eq!(statuses(&replies), (6, 0));
    assert_eq!(bed.mocks[0].reached(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_may_wait_are_served_the_urgent_ones_first() {
    let bed = Arc::new(Bed::with(1, |ports| {
        let router = "num_retries: 0, max_queued_requests: 4, queue_timeout: 20";
        group(ports, ", max_parallel_requests: 1", router, "")
    }));
    bed.mock.script(vec![well(400)]);
    let order = Arc::new(AtomicUsize::new(0));
    let mut calls = Vec::new();
    for (name, header, body) in [
        ("first", "", json!({})),
        ("late", "", json!({"priority": 9})),
        ("usual", "", json!({})),
        ("urgent", "x-litellm-priority: -5\r\n", json!({})),
    ] {
        let (bed, order) = (bed.clone(), order.clone());
        let request = asks(body, header);
        calls.push(tokio::spawn(async move {
            let reply = call(&bed, request).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            (order.fetch_add(1, Ordering::SeqCst), name)
        }));
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    let mut served = Vec::new();
    for call in calls {
        served.push(call.await.unwrap());
    }
    served.sort_unstable();
    let names: Vec<&str> = served.iter().map(|(_, name)| *name).collect();
    assert_eq!(names, ["first", "urgent", "usual", "late"]);
    // What goes upstream says nothing of it.
    let sent = bed.mock.captured();
    assert!(
        sent.iter()
            .all(|request| request["body"]["priority"].is_null()),
        "{sent:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_would_wait_for_longer_than_it_has_is_refused_at_once() {
    let bed = Bed::with(1, |ports| {
        let router = "num_retries: 0, max_queued_requests: 100";
        group(ports, ", max_parallel_requests: 1", router, "")
    });
    bed.mock.script(vec![well(400)]);
    // One call, so that it is known how long they take.
    assert_eq!(call(&bed, asks(json!({}), "")).await.status, 200);
    let usual = asks(json!({}), "");
    let patient = together(&bed, &usual, 4);
    let hurried = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let begun = Instant::now();
        let reply = call(&bed, asks(json!({}), "x-gateway-deadline-ms: 600\r\n")).await;
        (reply, begun.elapsed())
    };
    let (patient, (hurried, took)) = tokio::join!(patient, hurried);
    assert_eq!(statuses(&patient), (4, 0));
    assert_eq!(hurried.status, 429, "{}", hurried.text());
    assert!(took < Duration::from_millis(300), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_at_capacity_says_so_as_litellms_does() {
    let bed = Bed::with(1, |ports| {
        let general = ", max_in_flight_requests_per_worker: 2, max_queued_requests_per_worker: 1, \
                       admission_queue_timeout_seconds: 5";
        group(ports, "", "num_retries: 0", general)
    });
    bed.mock.script(vec![well(400)]);
    let replies = together(&bed, &asks(json!({}), ""), 6).await;
    let shed: Vec<_> = replies.iter().filter(|reply| reply.status == 503).collect();
    assert_eq!((statuses(&replies).0, shed.len()), (3, 3));
    let error = &shed[0].json()["error"];
    assert_eq!(
        error["message"],
        "Worker at capacity: 2 in-flight, 1 queued requests. Retry later."
    );
    assert_eq!(error["type"], "overloaded_error");
    assert_eq!(header(shed[0], "retry-after").as_deref(), Some("1"));
    assert_eq!(
        bed.gateway.engine.gate.load(),
        (0, 0),
        "every place is free again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_above_the_global_limit_are_refused() {
    let bed = Bed::with(1, |ports| {
        group(
            ports,
            "",
            "num_retries: 0",
            ", global_max_parallel_requests: 2",
        )
    });
    bed.mock.script(vec![well(300)]);
    let replies = together(&bed, &asks(json!({}), ""), 5).await;
    assert_eq!(statuses(&replies), (2, 3));
}

/// An upstream that does eight at a time well and thrashes above: a reply takes 100 ms, and with more than eight in its
/// hands as many times longer as the square of what is too much.
async fn thrashing() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asking = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(thrash(stream, asking.clone()));
        }
    });
    port
}

async fn thrash(stream: TcpStream, asking: Arc<AtomicUsize>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while stream.read_line(&mut line).await? > 2 {
            let lower = line.to_ascii_lowercase();
            if let Some(told) = lower.strip_prefix("content-length:") {
                length = told.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        if line.is_empty() {
            return Ok(());
        }
        stream.read_exact(&mut vec![0; length]).await?;
        let held = asking.fetch_add(1, Ordering::Relaxed) + 1;
        let times = (held as f64 / 8.0).max(1.0).powi(2);
        tokio::time::sleep(Duration::from_millis(100).mul_f64(times)).await;
        asking.fetch_sub(1, Ordering::Relaxed);
        let body = super::reply().to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).await?;
    }
}

const LIMIT: &str = ", max_in_flight_requests_per_worker: 8, max_queued_requests_per_worker: 8";

/// Goodput at three times what the upstream can do.
#[tokio::test(flavor = "multi_thread")]
async fn row_15_at_three_times_the_capacity_goodput_stays() {
    let goodput = |general: &'static str, clients: usize| async move {
        let port = thrashing().await;
        let bed = Bed::with(1, |_| group(&[port], "", "num_retries: 0", general));
        let ends = Instant::now() + Duration::from_secs(2 * longer() as u64);
        let workers = (0..clients).map(|_| async {
            let mut client = crate::client::Client::open(bed.address).await;
            let (mut served, mut slowest) = (0usize, Duration::ZERO);
            while Instant::now() < ends {
                let begun = Instant::now();
                let reply = client.call(asks(json!({}), "")).await;
                if reply.status == 200 {
                    served += 1;
                    slowest = slowest.max(begun.elapsed());
                } else {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            (served, slowest)
        });
        let done = futures_util::future::join_all(workers).await;
        let served: usize = done.iter().map(|(served, _)| served).sum();
        let slowest = done
            .iter()
            .map(|(_, slowest)| *slowest)
            .max()
            .unwrap_or_default();
        (served, slowest)
    };
    let (peak, _) = goodput(LIMIT, 8).await;
    let (over, slowest) = goodput(LIMIT, 24).await;
    let (without, slow) = goodput("", 24).await;
    let share = |served: usize| 100.0 * served as f64 / peak as f64;
    figure!(
        15,
        "3x capacity: goodput {over} of {peak} ({:.0} %), slowest admitted {slowest:.1?}; without a limit {:.0} %, {slow:.1?}",
        share(over),
        share(without)
    );
    assert!(over * 10 >= peak * 9, "{over} of {peak}");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(without * 10 < peak * 7, "the control: {without} of {peak}");
}

/// What an overload costs in memory: calls of a large prompt come three times as fast as they are served, whether or
/// not they are. How many were served, and what the process held at most above what it holds at its capacity; KiB.
#[cfg(target_os = "linux")]
async fn overloaded(general: &str) -> (usize, usize, usize) {
    let port = thrashing().await;
    let config = group(&[port], "", "num_retries: 0", general);
    let served = crate::bed::Served::start(&config).await;
    let request = Arc::new(asks(json!({"user": "x".repeat(128 << 10)}), ""));
    let one = |patience| {
        let (address, request) = (served.address, request.clone());
        tokio::spawn(async move {
            let answer = crate::client::Client::try_call(address, &*request);
            tokio::time::timeout(patience, answer).await.ok().flatten()
        })
    };
    // What is loaded once, and what a full house takes.
    for _ in 0..3 {
        let house = (0..8).map(|_| one(crate::client::PATIENCE));
        futures_util::future::join_all(house).await;
    }
    let before = served.most_memory();
    let mut every = tokio::time::interval(Duration::from_secs(1) / 240);
    // A busy machine is no crowd.
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut calls = Vec::new();
    for _ in 0..240 * longer() {
        every.tick().await;
        calls.push(one(Duration::from_millis(1500)));
    }
    let all = calls.len();
    let replies = futures_util::future::join_all(calls).await;
    let well = replies
        .iter()
        .filter(|reply| matches!(reply, Ok(Some(200))));
    let held = served.most_memory().saturating_sub(before) >> 10;
    (well.count(), all, held)
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn row_15_three_times_the_capacity_costs_a_bounded_amount_of_memory() {
    /// Eight calls more than at capacity, some that are being refused, and the holes that these leave; KiB.
    const MOST: usize = 32 << 10;
    crate::bed::allow_many_connections();
    let (well, all, held) = overloaded(LIMIT).await;
    let (well_without, _, held_without) = overloaded("").await;
    figure!(
        15,
        "240 calls of 128 KiB a second where 80 are served: {well} of {all} served, {held} KiB more at most than at capacity; \
         without a limit {well_without}, {held_without} KiB"
    );
    assert!(held < MOST, "{held} KiB");
    assert!(held_without > MOST, "the control: {held_without} KiB");
}

/// Two groups of one process, the first with a limit of its own or without. The process takes forty calls at a time.
fn neighbours(limit: &str) -> Bed {
    let bed = Bed::with(2, |ports| {
        format!(
            "model_list:\n  - model_name: m\n    litellm_params: {{model: openai/gpt-4o, api_base: \"http://127.0.0.1:{}/v1\", api_key: sk-upstream{limit}}}\n  \
             - model_name: victim\n    litellm_params: {{model: openai/gpt-4o, api_base: \"http://127.0.0.1:{}/v1\", api_key: sk-upstream}}\n\
             router_settings: {{num_retries: 0, disable_cooldowns: true}}\n\
             general_settings: {{master_key: {}, max_in_flight_requests_per_worker: {PLACES}, max_queued_requests_per_worker: 0}}\n",
            ports[0],
            ports[1],
            crate::bed::MASTER_KEY
        )
    });
    bed.mocks[0].script(vec![well(60_000)]);
    bed.mocks[1].script(vec![well(20)]);
    bed
}

const PLACES: usize = 40;

/// So many calls to the slow group, which wait for their answer.
async fn held(bed: &Bed, calls: usize) -> Vec<crate::client::Client> {
    let mut held = Vec::new();
    for _ in 0..calls {
        let mut client = crate::client::Client::open(bed.address).await;
        client.send(asks(json!({}), "")).await;
        held.push(client);
    }
    bed.mocks[0].until_reached(calls as u64).await;
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn row_16_control_without_a_limit_a_slow_upstream_takes_every_place() {
    let bed = neighbours("");
    let _held = held(&bed, PLACES).await;
    let victim = asks(json!({"model": "victim"}), "");
    let replies = together(&bed, &victim, 10).await;
    let served = statuses(&replies).0;
    figure!(
        16,
        "the control, a flooded group without a limit: {served} of {} of its neighbour's calls served",
        replies.len()
    );
    assert_eq!(served, 0);
}

/// How long so many calls to the quiet group take, four at a time: their median and 99th percentile.
async fn victim(bed: &Bed, calls: usize) -> (Duration, Duration) {
    let one = || async {
        let request = asks(json!({"model": "victim"}), "");
        let mut client = crate::client::Client::open(bed.address).await;
        let mut times = Vec::new();
        for _ in 0..calls / 4 {
            let begun = Instant::now();
            assert_eq!(client.call(&request).await.status, 200);
            times.push(begun.elapsed());
        }
        times
    };
    let times = futures_util::future::join_all((0..4).map(|_| one())).await;
    let mut times: Vec<Duration> = times.into_iter().flatten().collect();
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

/// A group that is flooded all the while, and a neighbour on the same process, which fares as before and after.
#[tokio::test(flavor = "multi_thread")]
async fn row_16_a_flooded_group_does_not_take_the_other_down() {
    const HELD: usize = 4;
    let bed = neighbours(", max_parallel_requests: 4");
    let calls = 200 * longer();
    let _ = victim(&bed, 40).await;
    let before = victim(&bed, calls).await;
    let _held = held(&bed, HELD).await;
    let over = AtomicBool::new(false);
    let flood = (0..8).map(|_| async {
        let request = asks(json!({}), "");
        let mut client = crate::client::Client::open(bed.address).await;
        let mut refused = 0;
        while !over.load(Ordering::Relaxed) {
            assert_eq!(client.call(&request).await.status, 429);
            refused += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        refused
    });
    let looked = async {
        let begun = Instant::now();
        let during = victim(&bed, calls).await;
        over.store(true, Ordering::Relaxed);
        (during, begun.elapsed())
    };
    let (refused, (during, took)) = tokio::join!(futures_util::future::join_all(flood), looked);
    let refused: usize = refused.iter().sum();
    let after = victim(&bed, calls).await;
    // The worse of both: others work on this machine, too.
    let calm = before.1.max(after.1);
    figure!(
        16,
        "a neighbour's flood of {:.0} calls a second: victim's p50 {:.1?} before, {:.1?} during, {:.1?} after; \
         p99 {:.1?}, {:.1?}, {:.1?} ({:+.0} %, {calls} calls each)",
        refused as f64 / took.as_secs_f64(),
        before.0,
        during.0,
        after.0,
        before.1,
        during.1,
        after.1,
        100.0 * (during.1.as_secs_f64() / calm.as_secs_f64() - 1.0)
    );
    assert_eq!(
        bed.mocks[0].reached(),
        HELD as u64,
        "the slow upstream holds four calls and no more"
    );
    // A busy machine may be late with anybody's call; the flood's own take a minute.
    let most = if longer() > 1 {
        calm.mul_f64(1.1)
    } else {
        calm * 2 + Duration::from_millis(50)
    };
    assert!(during.1 <= most, "{:?} where {calm:?} is calm", during.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_tokens_of_a_minute_are_enforced_where_it_is_asked() {
    let checks = "num_retries: 0, optional_pre_call_checks: [enforce_model_rate_limits]";
    let bed = Bed::with(2, |ports| {
        group(ports, ", rpm: 3, max_parallel_requests: 50", checks, "")
    });
    for mock in &bed.mocks {
        mock.script(vec![well(0)]);
    }
    let replies = together(&bed, &asks(json!({}), ""), 10).await;
    assert_eq!(statuses(&replies), (6, 4));
    let refused = replies.iter().find(|reply| reply.status == 429).unwrap();
    assert!(
        message(refused).contains("Model rate limit exceeded."),
        "{}",
        refused.text()
    );
    assert_eq!(bed.mocks[0].reached() + bed.mocks[1].reached(), 6);
    assert!(header(refused, "retry-after").is_some());

    // Each call reserves what it says it may need, and settles with the 110 tokens that it used.
    let bed = Bed::with(1, |ports| {
        group(ports, ", tpm: 1000, max_parallel_requests: 50", checks, "")
    });
    bed.mock.script(vec![well(100)]);
    let large = asks(json!({"max_tokens": 400}), "");
    let replies = together(&bed, &large, 4).await;
    assert_eq!(statuses(&replies), (2, 2), "two reservations fit");
    let mut served = 2;
    while call(&bed, large.clone()).await.status == 200 {
        served += 1;
    }
    assert_eq!(served, 6, "what was not used was given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_that_rpm_is_a_weight_and_no_limit() {
    let bed = Bed::with(1, |ports| {
        group(
            ports,
            ", rpm: 3, max_parallel_requests: 50",
            "num_retries: 0",
            "",
        )
    });
    let replies = together(&bed, &asks(json!({}), ""), 10).await;
    assert_eq!(statuses(&replies), (10, 0));
}

/// A deployment whose upstream has refused sixty calls, and then answers.
async fn refused(adaptive: &str) -> Bed {
    let bed = Bed::with(1, |ports| {
        let router = format!("num_retries: 0, disable_cooldowns: true{adaptive}");
        group(ports, "", &router, "")
    });
    bed.mock.script(vec![super::ill(503)]);
    for _ in 0..60 {
        call(&bed, asks(json!({}), "")).await;
    }
    bed
}

#[tokio::test(flavor = "multi_thread")]
async fn row_14_control_without_an_adaptive_limit_all_are_sent() {
    let bed = refused("").await;
    bed.mock.script(vec![well(100)]);
    let replies = together(&bed, &asks(json!({}), ""), 20).await;
    assert_eq!(statuses(&replies), (20, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn row_14_an_adaptive_limit_finds_its_way_down() {
    let bed = refused(", adaptive_concurrency: {initial: 40, max: 100}").await;
    let shown = bed_metrics(&bed).await;
    let limit = shown
        .lines()
        .find(|line| line.starts_with("gateway_deployment_concurrency_limit{"))
        .and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .unwrap();
    figure!(14, "an upstream that refuses: limit from 40 to {limit}");
    assert!(limit <= 4.0, "{limit}");
    bed.mock.script(vec![well(100)]);
    let replies = together(&bed, &asks(json!({}), ""), 20).await;
    let (served, shed) = statuses(&replies);
    assert!(served <= 5 && shed >= 15, "{served} {shed}");
}

async fn bed_metrics(bed: &Bed) -> String {
    let mut client = crate::client::Client::open(bed.address).await;
    client.call(crate::client::get("/metrics")).await.text()
}
