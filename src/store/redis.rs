//! The one way to Redis: a connection for each thread, a bounded wait for each answer, and a breaker of its own, so that
//! a Redis that is down, frozen or slow holds nobody up.
//!
//! While the breaker is open nobody asks; one task in the background looks whether it answers again. What callers do
//! without it is theirs to say: [`Unavailable`] is no error of a call.

use super::address::Address;
use super::connect::Way;
use crate::resilience::breaker::{Breaker, BreakerRules, Failure, Pass, Verdict};
use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, RedisResult, Script, ScriptInvocation};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::{Handle, Id};
use tokio::time::Instant;

/// What keeps a Redis from holding calls up. `None` is a guard that is missing.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    /// Longest wait for a connection.
    pub connect: Option<Duration>,
    /// Longest wait for one answer.
    pub answer: Option<Duration>,
    /// A Redis that answers more slowly than this for [`SLOW_FOR`], again and again, is as good as down.
    pub slow: Option<Duration>,
    /// When one that fails is left alone.
    pub breaker: Option<BreakerRules>,
}

impl Guard {
    /// For decisions that every call waits for.
    pub const DECISIONS: Self = Self {
        slow: Some(Duration::from_millis(5)),
        ..Self::ANSWERS
    };

    /// For answers that spare a call: worth a wait.
    pub const ANSWERS: Self = Self {
        connect: Some(Duration::from_millis(200)),
        answer: Some(Duration::from_millis(50)),
        slow: None,
        // A few failures are enough: each has cost a call its wait.
        breaker: Some(BreakerRules {
            consecutive_failures: 3,
            success_rate: 0.0,
            min_calls: u32::MAX,
            window: Duration::from_secs(10),
            ejection_time: Duration::from_millis(500),
            max_ejection_time: Duration::from_secs(10),
            eject_last: true,
        }),
    };

    /// None at all.
    pub const NONE: Self = Self {
        connect: None,
        answer: None,
        slow: None,
        breaker: None,
    };
}

/// How long a Redis may be slow before it is left alone: a moment without a processor is no slow Redis.
const SLOW_FOR: Duration = Duration::from_millis(500);
/// Slow answers without a fast one among them that say so, too.
const SLOW_ANSWERS: u32 = 5;
/// Questions of a probe, the fastest of which counts.
const PROBES: usize = 3;

thread_local! {
    /// A connection is driven by the runtime that opened it: each thread has its own, for each runtime that it is on.
    static CONNECTIONS: RefCell<HashMap<(u64, Id), MultiplexedConnection>> = RefCell::new(HashMap::new());
}

/// Redis did not answer, or was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

/// The way to one Redis. Clones are the same way.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    number: u64,
    way: Way,
    guard: Guard,
    seen: Mutex<Seen>,
    unavailable: AtomicU64,
}

/// How it has answered so far.
#[derive(Default)]
struct Seen {
    breaker: Breaker,
    /// Since when every answer was slow, and how many those are.
    slow: Option<(Instant, u32)>,
}

impl Redis {
    /// The way to a Redis. Nothing is connected yet.
    ///
    /// # Errors
    /// What is wrong with the address or the roots.
    pub fn new(address: &Address, guard: Guard) -> Result<Self, String> {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        Ok(Self(Arc::new(Inner {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            way: Way::to(address)?,
            guard,
            seen: Mutex::default(),
            unavailable: AtomicU64::new(0),
        })))
    }

    /// Runs a script.
    ///
    /// # Errors
    /// When it does not answer in time, or lately did not.
    pub async fn run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, Unavailable> {
        self.asked(async |connection| script.invoke_async(connection).await)
            .await
    }

    /// Sends a command.
    ///
    /// # Errors
    /// When it does not answer in time, or lately did not.
    pub async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Unavailable> {
        self.asked(async |connection| command.query_async(connection).await)
            .await
    }

    async fn asked<T>(
        &self,
        question: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, Unavailable> {
        let Some(pass) = self.pass() else {
            self.0.unavailable.fetch_add(1, Ordering::Relaxed);
            return Err(Unavailable);
        };
        let answer = self.answer(question).await;
        match answer {
            Ok((answer, took)) => {
                self.answered(pass, took);
                Ok(answer)
            }
            Err(why) => {
                self.failed(pass, &why);
                Err(Unavailable)
            }
        }
    }

    /// The answer and how long it took, or why there is none.
    async fn answer<T>(
        &self,
        question: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<(T, Duration), String> {
        let mut connection = self.connection().await?;
        let begun = Instant::now();
        let asked = question(&mut connection);
        let answer = match self.0.guard.answer {
            None => asked.await,
            Some(limit) => match tokio::time::timeout(limit, asked).await {
                Ok(answer) => answer,
                Err(_) => return Err(format!("it did not answer within {limit:?}")),
            },
        };
        // Its words may repeat what was sent.
        let answer =
            answer.map_err(|error| format!("it answered with an error ({:?})", error.kind()));
        Ok((answer?, begun.elapsed()))
    }

    /// How often somebody had to do without it.
    pub fn unavailable(&self) -> u64 {
        self.0.unavailable.load(Ordering::Relaxed)
    }

    /// Leave to ask. Whether it is well again is found out by a task that nobody waits for.
    fn pass(&self) -> Option<Pass> {
        let now = Instant::now().into_std();
        let mut seen = self.0.seen.lock();
        match seen.breaker.verdict(now) {
            Verdict::Admit => seen.breaker.begin(now),
            Verdict::Reject(_) => None,
            Verdict::Probe => {
                let probe = seen.breaker.begin(now)?;
                drop(seen);
                let redis = self.clone();
                tokio::spawn(async move {
                    match redis.is_well().await {
                        Ok(took) => redis.answered(probe, took),
                        Err(why) => redis.failed(probe, &why),
                    }
                });
                None
            }
        }
    }

    /// How long the fastest of a few answers takes.
    async fn is_well(&self) -> Result<Duration, String> {
        let mut fastest = Duration::MAX;
        for _ in 0..PROBES {
            let ping = redis::cmd("PING");
            let asked = self.answer(async |connection| {
                let pong: RedisResult<String> = ping.query_async(connection).await;
                pong
            });
            fastest = fastest.min(asked.await?.1);
        }
        match self.0.guard.slow {
            Some(limit) if fastest > limit => Err(slow(fastest)),
            _ => Ok(fastest),
        }
    }

    fn answered(&self, pass: Pass, took: Duration) {
        let Some(rules) = &self.0.guard.breaker else {
            return;
        };
        let now = Instant::now();
        let mut seen = self.0.seen.lock();
        let is_slow = self.0.guard.slow.is_some_and(|limit| took > limit);
        if !is_slow {
            seen.slow = None;
            seen.breaker.succeeded(now.into_std(), pass, rules);
            return;
        }
        let (since, answers) = seen.slow.unwrap_or((now, 0));
        seen.slow = Some((since, answers + 1));
        if answers >= SLOW_ANSWERS && now - since >= SLOW_FOR {
            seen.slow = None;
            drop(seen);
            self.left_alone(pass, &slow(took), Some(rules.ejection_time));
        }
    }

    fn failed(&self, pass: Pass, why: &str) {
        self.0.unavailable.fetch_add(1, Ordering::Relaxed);
        self.left_alone(pass, why, None);
        // Whatever is still to come on it comes too late.
        CONNECTIONS.with_borrow_mut(|all| all.remove(&self.here()));
    }

    /// Tells the breaker of a failure, and the log when that opens it.
    fn left_alone(&self, pass: Pass, why: &str, at_once: Option<Duration>) {
        let Some(rules) = &self.0.guard.breaker else {
            return;
        };
        let failure = Failure {
            asked: at_once,
            ..Failure::default()
        };
        let now = Instant::now().into_std();
        let mut seen = self.0.seen.lock();
        if seen.breaker.failed(now, pass, rules, failure) {
            drop(seen);
            tracing::warn!("Redis is left alone, this process goes on by itself: {why}");
        }
    }

    /// This way, on the runtime that asks.
    fn here(&self) -> (u64, Id) {
        (self.0.number, Handle::current().id())
    }

    async fn connection(&self) -> Result<MultiplexedConnection, String> {
        let here = self.here();
        let known = CONNECTIONS.with_borrow(|all| all.get(&here).cloned());
        if let Some(known) = known {
            return Ok(known);
        }
        let opened = self.0.way.open(self.0.guard.connect).await?;
        CONNECTIONS.with_borrow_mut(|all| all.insert(here, opened.clone()));
        Ok(opened)
    }
}

fn slow(took: Duration) -> String {
    format!("it takes {took:.1?} to answer")
}

/// A script by its text; only its digest travels once Redis knows it.
pub fn script(text: &str) -> Script {
    Script::new(text)
}
