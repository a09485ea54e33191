//! Row 30: a Redis that freezes, dies or answers slowly. Nobody waits for it, and what is admitted stays within its
//! bounds; without the guards of the way to it every call would wait.

use super::figure;
use super::redis::{Server, at, calls, limited};
use crate::bed::{Bed, becomes, reserved};
use gateway::store::limits::SharedLimits;
use gateway::store::redis::Guard;
use rustix::process::Signal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a Redis may add to the slowest of a hundred calls.
const BAR: Duration = Duration::from_millis(5);

const LIMITS: &str = ", rpm: 1000000";

/// What stands between a gateway and its Redis and keeps every answer for so long.
struct Between {
    port: u16,
    delay_ms: Arc<AtomicU64>,
}

impl Between {
    async fn start(redis: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let delay_ms = Arc::new(AtomicU64::new(0));
        let delay = delay_ms.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", redis)).await else {
                    continue;
                };
                for stream in [&client, &server] {
                    stream.set_nodelay(true).unwrap();
                }
                let (mut asks, mut answers) = client.into_split();
                let (mut answered, mut asked) = server.into_split();
                let delay = delay.clone();
                tokio::spawn(async move { tokio::io::copy(&mut asks, &mut asked).await });
                tokio::spawn(async move {
                    let mut buffer = vec![0; 1 << 16];
                    while let Ok(n @ 1..) = answered.read(&mut buffer).await {
                        tokio::time::sleep(Duration::from_millis(delay.load(Ordering::Relaxed)))
                            .await;
                        if answers.write_all(&buffer[..n]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { port, delay_ms }
    }

    fn delay(&self, ms: u64) {
        self.delay_ms.store(ms, Ordering::Relaxed);
    }
}

fn unavailable(bed: &Bed) -> u64 {
    let shared = bed.gateway.engine.shared.load();
    shared.as_ref().map_or(0, |limits| limits.unavailable())
}

/// How much longer the slowest of a hundred calls takes than where no Redis is asked, in the calmest of a few looks: a
/// wait for Redis is in all of them, what else this machine does is not.
async fn added_p99(bed: &Bed, alone: &Bed) -> (Duration, Duration) {
    let mut least = (Duration::MAX, Duration::ZERO);
    for _ in 0..5 {
        let ((_, with), (_, without)) = tokio::join!(calls(bed, 300), calls(alone, 300));
        let p99 = |took: &[Duration]| took[took.len() * 99 / 100];
        let added = p99(&with).saturating_sub(p99(&without));
        if added < least.0 {
            least = (added, p99(&without));
        }
        if added <= BAR {
            break;
        }
    }
    least
}

/// It is found again, and limits are shared again.
async fn found_again(bed: &Bed) {
    let begun = Instant::now();
    loop {
        let before = unavailable(bed);
        calls(bed, 5).await;
        if unavailable(bed) == before {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "Redis is never found again"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_30_a_redis_that_is_slow_freezes_or_dies_holds_nobody_up() {
    let Some(mut redis) = Server::start().await else {
        return;
    };
    let between = Between::start(redis.port).await;
    let (bed, alone) = (limited(LIMITS, &at(between.port)), limited(LIMITS, ""));
    calls(&bed, 50).await;
    let (added, base) = added_p99(&bed, &alone).await;
    figure!(30, "Redis well: {added:.1?} added to a p99 of {base:.1?}");
    assert_eq!(unavailable(&bed), 0, "it is well");
    for fault in ["30 ms slow", "300 ms slow", "frozen", "dead"] {
        match fault {
            "30 ms slow" => between.delay(30),
            "300 ms slow" => between.delay(300),
            "frozen" => redis.signal(Signal::STOP),
            _ => {
                redis.process.kill().unwrap();
                redis.process.wait().unwrap();
            }
        }
        let begun = Instant::now();
        let mut slowest = Duration::ZERO;
        while begun.elapsed() < Duration::from_secs(1) {
            let (admitted, took) = calls(&bed, 10).await;
            assert_eq!(admitted, 10, "{fault}: every call is answered");
            slowest = slowest.max(took[9]);
        }
        let (added, base) = added_p99(&bed, &alone).await;
        figure!(
            30,
            "Redis {fault}: slowest call of the first second {slowest:.1?}; after it {added:.1?} added to a p99 of {base:.1?}"
        );
        assert!(added <= BAR, "{fault}: {added:?}");
        assert!(unavailable(&bed) > 0, "{fault}: it was asked all the time");
        match fault {
            "30 ms slow" | "300 ms slow" => between.delay(0),
            "frozen" => redis.signal(Signal::CONT),
            _ => return,
        }
        found_again(&bed).await;
    }
}

/// A gateway whose way to this Redis has these guards and no others.
fn guarded(port: u16, guard: Guard) -> Bed {
    let bed = limited(LIMITS, &at(port));
    let engine = &bed.gateway.engine;
    let address = engine.snapshot.load().config.router.redis.clone().unwrap();
    let limits = SharedLimits::guarded(&address, guard).unwrap();
    engine.shared.store(Some(Arc::new(limits)));
    bed
}

#[tokio::test(flavor = "multi_thread")]
async fn row_30_control_without_its_guards_a_redis_holds_every_call_up() {
    let Some(redis) = Server::start().await else {
        return;
    };
    let between = Between::start(redis.port).await;
    let alone = limited(LIMITS, "");

    let never_slow = guarded(
        between.port,
        // On a busy machine one of the 30 ms may become more than a breaker allows, which would hide the others.
        Guard {
            slow: None,
            breaker: None,
            ..Guard::DECISIONS
        },
    );
    calls(&never_slow, 10).await;
    between.delay(30);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let ((_, with), (_, without)) = tokio::join!(calls(&never_slow, 60), calls(&alone, 60));
    let added = with[30].saturating_sub(without[30]);
    figure!(
        30,
        "the control, 30 ms slow and that is fine: {added:.1?} added to every call"
    );
    assert!(added >= Duration::from_millis(25), "{added:?}");
    between.delay(0);

    let no_breaker = guarded(
        redis.port,
        Guard {
            breaker: None,
            ..Guard::DECISIONS
        },
    );
    let no_clock = guarded(redis.port, Guard::NONE);
    for bed in [&no_breaker, &no_clock] {
        calls(bed, 10).await;
    }
    redis.signal(Signal::STOP);
    let (_, with) = calls(&no_breaker, 20).await;
    figure!(
        30,
        "the control, frozen and no breaker: {:.1?} for every call",
        with[10]
    );
    assert!(with[10] >= Duration::from_millis(50), "{:?}", with[10]);
    let hangs = tokio::time::timeout(Duration::from_secs(2), calls(&no_clock, 1)).await;
    assert!(
        hangs.is_err(),
        "a frozen Redis without a clock was not waited for"
    );
    figure!(
        30,
        "the control, frozen and no clock: a call hangs for 2s and more"
    );
    redis.signal(Signal::CONT);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_30_instances_without_their_redis_admit_each_its_limit_and_no_more() {
    let Some(redis) = Server::start().await else {
        return;
    };
    let limits = ", rpm: 100";
    let (one, other) = (
        limited(limits, &at(redis.port)),
        limited(limits, &at(redis.port)),
    );
    calls(&one, 20).await;
    redis.signal(Signal::STOP);
    let ((first, _), (second, _)) = tokio::join!(calls(&one, 150), calls(&other, 150));
    figure!(
        30,
        "2 instances, 100 a minute, Redis frozen after 20: {} and {second} admitted, 200 allowed",
        first + 20
    );
    assert_eq!((first + 20, second), (100, 100));
    redis.signal(Signal::CONT);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_30_without_redis_from_the_start_each_keeps_the_limit_itself() {
    let (_held, port) = reserved();
    let redis = format!(", redis_url: \"redis://:secret@127.0.0.1:{port}/0\"");
    let bed = limited(", rpm: 20", &redis);
    let (admitted, _) = calls(&bed, 40).await;
    assert_eq!(admitted, 20);
    becomes("it is counted", || unavailable(&bed) > 0).await;
}
