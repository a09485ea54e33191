//! The one way to Redis: a connection for each thread, a bounded wait for each answer, and a breaker of its own, so that
//! a Redis that is down, frozen or slow holds nobody up.
//!
//! While the breaker is open nobody asks; one task in the background looks whether it answers again. What callers do
//! without it is theirs to say: [`Unavailable`] is no error of a call.

use crate::options::Secret;
use crate::resilience::breaker::{Breaker, BreakerRules, Failure, Pass, Verdict};
use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisResult, Script, ScriptInvocation,
};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::{Handle, Id};
use tokio::time::Instant;

/// Longest wait for one answer.
const ANSWER: Duration = Duration::from_millis(50);
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_millis(200);
/// A few failures are enough: each has cost a call its wait.
const RULES: BreakerRules = BreakerRules {
    consecutive_failures: 3,
    success_rate: 0.0,
    min_calls: u32::MAX,
    window: Duration::from_secs(10),
    ejection_time: Duration::from_millis(500),
    max_ejection_time: Duration::from_secs(10),
    eject_last: true,
};

thread_local! {
    /// A connection is driven by the runtime that opened it: each thread has its own, for each runtime that it is on.
    static CONNECTIONS: RefCell<HashMap<(u64, Id), MultiplexedConnection>> = RefCell::new(HashMap::new());
}

/// Redis did not answer, or was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

/// Where a Redis is, in parts.
#[derive(Default)]
#[allow(missing_docs)]
pub struct Address {
    pub host: String,
    pub port: String,
    pub database: String,
    pub user: String,
    pub password: Option<String>,
}

impl Address {
    /// In one text, as [`Redis::new`] takes it.
    pub fn url(&self) -> Secret {
        let escaped = |text: &str| {
            text.bytes().fold(String::new(), |mut out, byte| {
                // Writing into a text cannot fail.
                let _ = write!(out, "%{byte:02x}");
                out
            })
        };
        let who = self.password.as_ref().map_or_else(String::new, |password| {
            format!("{}:{}@", escaped(&self.user), escaped(password))
        });
        let Self {
            host,
            port,
            database,
            ..
        } = self;
        Secret::new(format!("redis://{who}{host}:{port}/{database}"))
    }
}

/// The way to one Redis. Clones are the same way.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    number: u64,
    client: Client,
    breaker: Mutex<Breaker>,
    unavailable: AtomicU64,
}

impl Redis {
    /// The way to the Redis at `url` (`redis://:password@host:port/db`). Nothing is connected yet.
    ///
    /// # Errors
    /// What is wrong with the address; never the address itself, which may hold a password.
    pub fn new(url: &Secret) -> Result<Self, &'static str> {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let client = Client::open(url.expose()).map_err(|_| "is no address of a Redis")?;
        Ok(Self(Arc::new(Inner {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            client,
            breaker: Mutex::default(),
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
        let answer = async {
            let mut connection = self.connection().await?;
            tokio::time::timeout(ANSWER, question(&mut connection))
                .await
                .ok()?
                .ok()
        };
        let answer = answer.await;
        self.tell(pass, answer.is_some());
        answer.ok_or(Unavailable)
    }

    /// How often somebody had to do without it.
    pub fn unavailable(&self) -> u64 {
        self.0.unavailable.load(Ordering::Relaxed)
    }

    /// Leave to ask. Whether it is well again is found out by a task that nobody waits for.
    fn pass(&self) -> Option<Pass> {
        let now = Instant::now().into_std();
        let mut breaker = self.0.breaker.lock();
        match breaker.verdict(now) {
            Verdict::Admit => breaker.begin(now),
            Verdict::Reject(_) => None,
            Verdict::Probe => {
                let probe = breaker.begin(now)?;
                drop(breaker);
                let redis = self.clone();
                tokio::spawn(async move {
                    let well = redis.is_well().await;
                    redis.tell(probe, well);
                });
                None
            }
        }
    }

    async fn is_well(&self) -> bool {
        let Some(mut connection) = self.connection().await else {
            return false;
        };
        let ping = redis::cmd("PING");
        let asked = ping.query_async::<String>(&mut connection);
        matches!(tokio::time::timeout(ANSWER, asked).await, Ok(Ok(_)))
    }

    fn tell(&self, pass: Pass, well: bool) {
        let now = Instant::now().into_std();
        let mut breaker = self.0.breaker.lock();
        if well {
            breaker.succeeded(now, pass, &RULES);
            return;
        }
        self.0.unavailable.fetch_add(1, Ordering::Relaxed);
        if breaker.failed(now, pass, &RULES, Failure::default()) {
            tracing::warn!("Redis does not answer; this process goes on by itself");
        }
        drop(breaker);
        // Whatever is still to come on it comes too late.
        CONNECTIONS.with_borrow_mut(|all| all.remove(&self.here()));
    }

    /// This way, on the runtime that asks.
    fn here(&self) -> (u64, Id) {
        (self.0.number, Handle::current().id())
    }

    async fn connection(&self) -> Option<MultiplexedConnection> {
        let here = self.here();
        let known = CONNECTIONS.with_borrow(|all| all.get(&here).cloned());
        if known.is_some() {
            return known;
        }
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(CONNECT));
        let opened = self
            .0
            .client
            .get_multiplexed_async_connection_with_config(&settings);
        let opened = tokio::time::timeout(CONNECT, opened).await.ok()?.ok()?;
        CONNECTIONS.with_borrow_mut(|all| all.insert(here, opened.clone()));
        Some(opened)
    }
}

/// A script by its text; only its digest travels once Redis knows it.
pub fn script(text: &str) -> Script {
    Script::new(text)
}
