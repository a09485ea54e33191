//! Answers in Redis, for several instances, under LiteLLM's keys. A Redis that does not answer in time costs a call
//! nothing but that wait: it is asked as if nothing were kept.

use super::Kept;
use super::entry::{Entry, named};
use crate::store::address::Address;
use crate::store::redis::{Guard, Redis, Unavailable};
use std::time::Duration;
use tokio::runtime::Handle;

/// How long an answer is kept where nobody says: LiteLLM's for Redis.
pub const USUAL_TTL: Duration = Duration::from_secs(60);

/// Where that is.
#[derive(Clone)]
pub struct Shared {
    redis: Redis,
    /// Where answers are kept: the runtime that made it, else that of the call.
    runtime: Option<Handle>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    /// The cache in a Redis.
    ///
    /// # Errors
    /// What is wrong with the address or the roots.
    pub fn new(address: &Address) -> Result<Self, String> {
        Ok(Self {
            redis: Redis::new(address, Guard::ANSWERS)?,
            runtime: Handle::try_current().ok(),
        })
    }

    /// The answer, if there is one that can be read.
    pub async fn get(&self, key: &str, stream: bool) -> Option<Kept> {
        let text: Option<Vec<u8>> = self
            .redis
            .ask(redis::cmd("GET").arg(named(key, stream)))
            .await
            .ok()?;
        let entry: Entry = serde_json::from_slice(&text?).ok()?;
        entry.kept(stream)
    }

    /// Keeps an answer for `ttl`; nobody waits for it.
    pub fn keep(self, key: String, kept: Kept, ttl: Duration) {
        if let Some(runtime) = self.runtime.clone().or_else(|| Handle::try_current().ok()) {
            runtime.spawn(async move { self.put(&key, &kept, ttl).await });
        }
    }

    async fn put(&self, key: &str, kept: &Kept, ttl: Duration) {
        let (entry, stream) = Entry::of(kept);
        let Ok(text) = serde_json::to_vec(&entry) else {
            return;
        };
        let seconds = ttl.as_secs().max(1);
        let mut command = redis::cmd("SET");
        command
            .arg(named(key, stream))
            .arg(text)
            .arg("EX")
            .arg(seconds);
        // Who cannot be told does not keep it.
        let _: Result<(), Unavailable> = self.redis.ask(&command).await;
    }

    /// How often it did not answer.
    pub fn unavailable(&self) -> u64 {
        self.redis.unavailable()
    }

    /// Forgets every answer below the namespace; without one, all that this database of Redis has.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn clear(&self, namespace: Option<&str>) -> Result<(), Unavailable> {
        let Some(namespace) = namespace else {
            return self.redis.ask(&redis::cmd("FLUSHDB")).await;
        };
        let escaped: String = namespace
            .chars()
            .flat_map(|letter| {
                "*?[]\\"
                    .contains(letter)
                    .then_some('\\')
                    .into_iter()
                    .chain([letter])
            })
            .collect();
        let mut cursor = 0u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor)
                .arg("MATCH")
                .arg(format!("{escaped}:*"))
                .arg("COUNT")
                .arg(500);
            let (next, keys): (u64, Vec<String>) = self.redis.ask(&scan).await?;
            if !keys.is_empty() {
                self.redis.ask::<()>(redis::cmd("DEL").arg(keys)).await?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }
}
