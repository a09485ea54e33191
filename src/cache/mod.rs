//! The response cache: what was answered once is answered again without asking a provider. One cache for both faces.
//!
//! [`Settings`] say what is cached and for how long, [`Controls`] what one call asks for, [`key`] what makes two calls
//! the same, [`memory`] keeps the answers. Errors are never kept, nor a stream that was not read to its end.

mod controls;
mod key;
mod memory;

pub use controls::Controls;

use crate::adapt::{Reply, StreamEnd, Target};
use crate::options::Secret;
use crate::request::Call;
use bytes::Bytes;
use memory::Memory;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long an answer is kept where nobody says: LiteLLM's for its memory.
const USUAL_TTL: Duration = Duration::from_secs(120);
/// Bytes kept at most, all answers together.
const MAX_BYTES: usize = 128 << 20;
/// Bytes of one answer; larger ones are not kept.
const MAX_ANSWER: usize = 8 << 20;

/// What `cache_params` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Before every key.
    pub namespace: Option<String>,
    /// How long answers are kept.
    pub ttl: Option<Duration>,
    /// LiteLLM's names of the calls that are cached; empty: all.
    pub call_types: Vec<String>,
    /// Only calls that ask for it (`cache: {"use-cache": true}`) are cached.
    pub default_off: bool,
}

impl Settings {
    /// Reads `cache_params`.
    ///
    /// # Errors
    /// What kind of cache is not supported.
    pub fn read(params: &Map<String, Value>) -> Result<Self, String> {
        let text = |name: &str| params.get(name).and_then(Value::as_str);
        match text("type").unwrap_or("local") {
            "local" => {}
            other => {
                return Err(format!(
                    "a cache of type `{other}` is not supported; `local` keeps answers in this process's memory"
                ));
            }
        }
        let types = params.get("supported_call_types").and_then(Value::as_array);
        let names = types.into_iter().flatten().filter_map(Value::as_str);
        let seconds = params.get("ttl").and_then(Value::as_f64);
        Ok(Self {
            namespace: text("namespace").map(str::to_owned),
            ttl: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            call_types: names.map(str::to_owned).collect(),
            default_off: text("mode") == Some("default_off"),
        })
    }

    fn covers(&self, call: &Call) -> bool {
        // What is in a file is no part of the key.
        if !call.uploads.is_empty() {
            return false;
        }
        let name = call.op.call_type();
        let plain = name.strip_prefix('a').unwrap_or(name);
        let named = |listed: &String| listed == name || listed == plain;
        self.call_types.is_empty() || self.call_types.iter().any(named)
    }
}

/// A cached answer.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Who answered.
    pub target: Arc<Target>,
    /// What.
    pub body: KeptBody,
    /// When.
    pub at: Instant,
}

/// A whole reply, or all the events of a stream.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum KeptBody {
    Whole(Reply),
    Stream { events: Bytes, end: Box<StreamEnd> },
}

impl Kept {
    fn size(&self) -> usize {
        match &self.body {
            KeptBody::Whole(reply) => reply.body.len(),
            KeptBody::Stream { events, .. } => events.len(),
        }
    }
}

/// The cache.
#[derive(Debug)]
pub struct Cache {
    /// What it was made with.
    pub settings: Settings,
    memory: Memory,
}

/// What the cache says of a call.
#[derive(Debug)]
pub enum Looked {
    /// It has nothing to do with it.
    Passed,
    /// The answer.
    Hit(Box<Hit>),
    /// No answer; the one that comes may be kept.
    Miss(Place),
}

/// An answer, and its key.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Hit {
    pub kept: Kept,
    pub key: String,
}

/// Where an answer is to be kept.
#[derive(Debug)]
pub struct Place {
    cache: Arc<Cache>,
    key: String,
    ttl: Duration,
}

impl Cache {
    /// An empty cache.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            memory: Memory::new(MAX_BYTES),
        }
    }

    /// The cache that `litellm_settings` ask for: the one there is, if it was made with the same.
    ///
    /// # Errors
    /// What kind of cache is not supported.
    pub fn of_config(
        settings: &Map<String, Value>,
        before: Option<Arc<Self>>,
    ) -> Result<Option<Arc<Self>>, String> {
        if settings.get("cache").and_then(Value::as_bool) != Some(true) {
            return Ok(None);
        }
        let params = settings.get("cache_params").and_then(Value::as_object);
        let settings = Settings::read(params.unwrap_or(&Map::new()))?;
        let kept = before.filter(|before| before.settings == settings);
        Ok(Some(kept.unwrap_or_else(|| Arc::new(Self::new(settings)))))
    }

    /// Looks a call up.
    pub fn look_up(self: &Arc<Self>, call: &Call, now: Instant) -> Looked {
        let controls = Controls::of(call);
        if !controls.wanted(self.settings.default_off) || !self.settings.covers(call) {
            return Looked::Passed;
        }
        let namespace = controls
            .namespace
            .as_ref()
            .or(self.settings.namespace.as_ref());
        let key = key::of(call, namespace.map(String::as_str));
        if !controls.no_cache
            && let Some(kept) = self.memory.get(&key, now)
            && controls.is_fresh(now.saturating_duration_since(kept.at))
        {
            return Looked::Hit(Box::new(Hit { kept, key }));
        }
        if controls.no_store {
            return Looked::Passed;
        }
        Looked::Miss(Place {
            cache: self.clone(),
            key,
            ttl: controls.ttl.or(self.settings.ttl).unwrap_or(USUAL_TTL),
        })
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.memory.clear();
    }
}

impl Place {
    /// Bytes that an answer may have.
    pub fn room(&self) -> usize {
        MAX_ANSWER
    }

    /// Keeps an answer.
    pub fn keep(self, target: &Arc<Target>, body: KeptBody, now: Instant) {
        let mut target = Target::clone(target);
        // Nobody asks the provider with it any more.
        target.api_key = target.api_key.map(|_| Secret::default());
        let kept = Kept {
            target: Arc::new(target),
            body,
            at: now,
        };
        if kept.size() <= MAX_ANSWER {
            self.cache.memory.put(self.key, kept, self.ttl, now);
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
