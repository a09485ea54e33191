//! Answers in Redis, for several instances: under LiteLLM's keys, as JSON that LiteLLM's cache reads, too
//! (`{"timestamp", "response"}`), with what it takes to tell an answer again beside it. A stream's events have a key of
//! their own, because LiteLLM keeps streams otherwise. A Redis that does not answer in time costs a call nothing but
//! that wait: it is asked as if nothing were kept.

use super::{Kept, KeptBody};
use crate::adapt::usage::{self, Object};
use crate::adapt::{Reply, StreamEnd, Target};
use crate::options::{Options, Secret};
use crate::store::redis::{Redis, Unavailable};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::Handle;

/// How long an answer is kept where nobody says: LiteLLM's for Redis.
pub const USUAL_TTL: Duration = Duration::from_secs(60);

/// Behind the key of a stream's events.
const EVENTS: &str = ":events";

/// Where that is.
#[derive(Clone)]
pub struct Shared {
    redis: Redis,
    /// Where answers are kept: the runtime that made it, else that of the call.
    runtime: Option<Handle>,
}

/// The value of a key.
#[derive(Serialize, Deserialize)]
struct Entry {
    /// Seconds since 1970.
    timestamp: f64,
    /// A whole reply, or a stream's events.
    response: String,
    /// What LiteLLM has no place for; without it, the entry is LiteLLM's own.
    gateway: Option<Beside>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Beside {
    /// `provider/model`, and the rest of who answered.
    model: String,
    deployment: String,
    api_base: String,
    upstream_model: Option<String>,
    finish_reason: Option<String>,
    /// Of a stream.
    usage_asked: bool,
    reported: Option<Object>,
    head: Object,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    /// The cache in the Redis at `url`.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn new(url: &Secret) -> Result<Self, &'static str> {
        Ok(Self {
            redis: Redis::new(url)?,
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

fn named(key: &str, stream: bool) -> String {
    let end = if stream { EVENTS } else { "" };
    format!("{key}{end}")
}

impl Entry {
    fn of(kept: &Kept) -> (Self, bool) {
        let target = &kept.target;
        let mut beside = Beside {
            model: format!("{}/{}", target.provider.name, target.model),
            deployment: target.deployment_id.clone(),
            api_base: target.api_base.clone(),
            ..Beside::default()
        };
        let (bytes, stream) = match &kept.body {
            KeptBody::Whole(reply) => {
                beside.upstream_model.clone_from(&reply.upstream_model);
                beside.finish_reason.clone_from(&reply.finish_reason);
                (&reply.body, false)
            }
            KeptBody::Stream { events, end } => {
                beside.upstream_model.clone_from(&end.upstream_model);
                beside.finish_reason.clone_from(&end.finish_reason);
                beside.usage_asked = end.usage_asked;
                beside.reported.clone_from(&end.reported);
                beside.head.clone_from(&end.head);
                (events, true)
            }
        };
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let entry = Self {
            timestamp: since.unwrap_or_default().as_secs_f64(),
            response: String::from_utf8_lossy(bytes).into_owned(),
            gateway: Some(beside),
        };
        (entry, stream)
    }

    fn kept(self, stream: bool) -> Option<Kept> {
        let beside = self.gateway?;
        let mut target = Target::resolve(&beside.model, &Options::default(), &|_| None).ok()?;
        target.deployment_id = beside.deployment;
        target.api_base = beside.api_base;
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .ok()?;
        let age = Duration::try_from_secs_f64(since.as_secs_f64() - self.timestamp);
        let at = Instant::now().checked_sub(age.unwrap_or_default())?;
        let bytes = Bytes::from(self.response);
        let body = if stream {
            KeptBody::Stream {
                events: bytes,
                end: Box::new(StreamEnd {
                    upstream_model: beside.upstream_model,
                    finish_reason: beside.finish_reason,
                    complete: true,
                    usage_asked: beside.usage_asked,
                    reported: beside.reported,
                    head: beside.head,
                    ..StreamEnd::default()
                }),
            }
        } else {
            KeptBody::Whole(Reply {
                usage: used(&bytes),
                body: bytes,
                upstream_model: beside.upstream_model,
                finish_reason: beside.finish_reason,
            })
        };
        Some(Kept {
            target: Arc::new(target),
            body,
            at,
        })
    }
}

fn used(body: &Bytes) -> Option<crate::account::Usage> {
    let reply: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let tier = reply.get("service_tier").and_then(Value::as_str);
    let used = reply.get("usage")?.as_object()?;
    Some(usage::counts(used, tier))
}
