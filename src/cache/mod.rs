//! The response cache: what was answered once is answered again without asking a provider. One cache for both faces.
//!
//! [`Settings`] say what is cached and for how long, [`Controls`] what one call asks for, [`key`] what makes two calls
//! the same, [`memory`], [`disk`] or [`shared`] (Redis) keeps the answers, and [`flights`] lets the same calls wait for
//! one. Errors are never kept, nor a stream that was not read to its end.

mod controls;
mod disk;
mod entry;
mod flights;
mod key;
mod memory;
mod shared;

pub use controls::Controls;

use crate::adapt::lookup::Env;
use crate::adapt::{Reply, StreamEnd, Target};
use crate::options::Secret;
use crate::request::Call;
use crate::store::address::Address;
use crate::store::redis::Unavailable;
use bytes::Bytes;
use disk::Disk;
use flights::{Flight, Flights, Waiting};
use memory::Memory;
use serde_json::{Map, Value};
use shared::Shared;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long an answer is kept where nobody says: LiteLLM's for its memory.
const USUAL_TTL: Duration = Duration::from_secs(120);
/// Bytes kept at most, all answers together.
const MAX_BYTES: usize = 128 << 20;
/// Bytes of one answer; larger ones are not kept.
const MAX_ANSWER: usize = 8 << 20;

/// What is cached where nobody says: LiteLLM's `supported_call_types`.
const CALL_TYPES: [&str; 7] = [
    "completion",
    "embedding",
    "transcription",
    "text_completion",
    "rerank",
    "responses",
    "anthropic_messages",
];

/// Who keeps the answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Keeper {
    /// This process's memory.
    #[default]
    Memory,
    /// A folder.
    Disk(PathBuf),
    /// The Redis at an address.
    Redis(Address),
}

/// What `cache_params` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Who keeps the answers.
    pub keeper: Keeper,
    /// Before every key.
    pub namespace: Option<String>,
    /// How long answers are kept.
    pub ttl: Option<Duration>,
    /// LiteLLM's names of the calls that are cached; empty: [`CALL_TYPES`].
    pub call_types: Vec<String>,
    /// The same calls at the same time are asked once.
    pub single_flight: bool,
    /// Only calls that ask for it (`cache: {"use-cache": true}`) are cached.
    pub default_off: bool,
}

impl Settings {
    /// Reads `cache_params`. What they do not say of a Redis, `REDIS_URL`, `REDIS_HOST`, `REDIS_SSL` and their like do.
    ///
    /// # Errors
    /// What kind of cache is not supported, or what is missing of it.
    pub fn read(params: &Map<String, Value>, env: Env<'_>) -> Result<Self, String> {
        let text = |name: &str| params.get(name).and_then(Value::as_str);
        let keeper = match text("type").unwrap_or("local") {
            "local" => Keeper::Memory,
            "disk" => Keeper::Disk(text("disk_cache_dir").unwrap_or(disk::USUAL_FOLDER).into()),
            "redis" => Keeper::Redis(redis(params, env)?),
            other => {
                return Err(format!(
                    "a cache of type `{other}` is not supported; `local` keeps answers in this process's memory, \
                     `disk` in a folder, `redis` in a Redis"
                ));
            }
        };
        let types = params.get("supported_call_types").and_then(Value::as_array);
        let names = types.into_iter().flatten().filter_map(Value::as_str);
        let own = match keeper {
            Keeper::Redis(_) => params.get("default_in_redis_ttl"),
            _ => None,
        };
        let seconds = params.get("ttl").or(own).and_then(Value::as_f64);
        Ok(Self {
            keeper,
            namespace: text("namespace").map(str::to_owned),
            ttl: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            call_types: names.map(str::to_owned).collect(),
            default_off: text("mode") == Some("default_off"),
            single_flight: params.get("single_flight") == Some(&Value::Bool(true)),
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
        match &self.call_types[..] {
            [] => CALL_TYPES.contains(&plain) || CALL_TYPES.contains(&name),
            listed => listed.iter().any(named),
        }
    }
}

/// The Redis that `cache_params` name.
fn redis(params: &Map<String, Value>, env: Env<'_>) -> Result<Address, String> {
    let said = |name: &str| match params.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    };
    let or_prefixed = |name: &str| said(name).or_else(|| said(&format!("redis_{name}")));
    Address::read(&or_prefixed, env)
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
    outside: Option<Outside>,
    flights: Flights,
}

/// Where answers are that outlive the process.
#[derive(Clone, Debug)]
enum Outside {
    Disk(Disk),
    Redis(Shared),
}

impl Outside {
    fn new(keeper: &Keeper) -> Result<Option<Self>, String> {
        Ok(match keeper {
            Keeper::Memory => None,
            Keeper::Disk(folder) => Some(Self::Disk(Disk::new(folder).map_err(|error| {
                let folder = folder.display();
                format!("the folder {folder} (`disk_cache_dir`) cannot be made: {error}")
            })?)),
            Keeper::Redis(address) => Some(Self::Redis(Shared::new(address)?)),
        })
    }

    async fn get(&self, key: &str, stream: bool) -> Option<Kept> {
        match self {
            Self::Disk(disk) => disk.get(key, stream).await,
            Self::Redis(shared) => shared.get(key, stream).await,
        }
    }

    fn usual_ttl(&self) -> Duration {
        match self {
            Self::Disk(_) => disk::USUAL_TTL,
            Self::Redis(_) => shared::USUAL_TTL,
        }
    }
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
    /// Who keeps answers outside has to be asked.
    Ask(Box<Question>),
    /// The same is being asked.
    Wait(Box<Waiting>),
}

/// What is asked outside of a call.
#[derive(Debug)]
pub struct Question {
    outside: Outside,
    controls: Controls,
    stream: bool,
    place: Place,
}

impl Question {
    /// What it says.
    pub async fn answer(self) -> Looked {
        let place = self.place;
        match self.outside.get(&place.key, self.stream).await {
            Some(kept) if self.controls.is_fresh(kept.at.elapsed()) => place.hit(kept),
            _ => place.missed(&self.controls, self.stream),
        }
    }
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
    flight: Option<Box<Flight>>,
}

impl Cache {
    /// A cache of its own, empty; or the one on disk or in Redis.
    ///
    /// # Errors
    /// What is wrong with the folder, or with the address of the Redis.
    pub fn new(settings: Settings) -> Result<Self, String> {
        Ok(Self {
            outside: Outside::new(&settings.keeper)?,
            settings,
            memory: Memory::new(MAX_BYTES),
            flights: Flights::default(),
        })
    }

    /// The cache that `litellm_settings` ask for: the one there is, if it was made with the same.
    ///
    /// # Errors
    /// What kind of cache is not supported.
    pub fn of_config(
        settings: &Map<String, Value>,
        env: Env<'_>,
        before: Option<Arc<Self>>,
    ) -> Result<Option<Arc<Self>>, String> {
        if settings.get("cache").and_then(Value::as_bool) != Some(true) {
            return Ok(None);
        }
        let params = settings.get("cache_params").and_then(Value::as_object);
        let settings = Settings::read(params.unwrap_or(&Map::new()), env)?;
        match before.filter(|before| before.settings == settings) {
            Some(kept) => Ok(Some(kept)),
            None => Ok(Some(Arc::new(Self::new(settings)?))),
        }
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
        let outside = self.outside.as_ref();
        let usual = outside.map_or(USUAL_TTL, Outside::usual_ttl);
        let place = Place {
            cache: self.clone(),
            key,
            ttl: controls.ttl.or(self.settings.ttl).unwrap_or(usual),
            flight: None,
        };
        if controls.no_cache {
            return place.missed(&controls, call.stream);
        }
        if let Some(outside) = outside {
            return Looked::Ask(Box::new(Question {
                outside: outside.clone(),
                controls,
                stream: call.stream,
                place,
            }));
        }
        match self.memory.get(&place.key, now) {
            Some(kept) if controls.is_fresh(now.saturating_duration_since(kept.at)) => {
                place.hit(kept)
            }
            _ => place.missed(&controls, call.stream),
        }
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// Why what is kept outside is still there.
    pub async fn clear(&self) -> Result<(), String> {
        self.memory.clear();
        let namespace = self.settings.namespace.as_deref();
        match &self.outside {
            Some(Outside::Redis(shared)) => shared
                .clear(namespace)
                .await
                .map_err(|Unavailable| "the Redis of the cache does not answer".to_owned()),
            Some(Outside::Disk(disk)) => disk
                .clear(namespace)
                .map_err(|error| format!("the folder of the cache cannot be emptied: {error}")),
            None => Ok(()),
        }
    }

    /// How often Redis did not answer; 0 where there is none.
    pub fn unavailable(&self) -> u64 {
        match &self.outside {
            Some(Outside::Redis(shared)) => shared.unavailable(),
            _ => 0,
        }
    }
}

impl Place {
    fn hit(self, kept: Kept) -> Looked {
        let key = self.key;
        Looked::Hit(Box::new(Hit { kept, key }))
    }

    /// There is no answer; the one that comes is kept unless that is not wanted.
    fn missed(self, controls: &Controls, stream: bool) -> Looked {
        if controls.no_store {
            return Looked::Passed;
        }
        // Who wants an answer of its own, or its first words soon, does not wait for another's.
        if self.cache.settings.single_flight && !stream && !controls.no_cache {
            return Flights::join(self);
        }
        Looked::Miss(self)
    }

    /// Bytes that an answer may have.
    pub fn room(&self) -> usize {
        MAX_ANSWER
    }

    /// Keeps an answer.
    pub fn keep(mut self, target: &Arc<Target>, body: KeptBody, now: Instant) {
        let mut target = Target::clone(target);
        // Nobody asks the provider with it any more.
        target.api_key = target.api_key.map(|_| Secret::default());
        let kept = Kept {
            target: Arc::new(target),
            body,
            at: now,
        };
        let told = self.flight.take().map(|flight| (flight, kept.clone()));
        match self.cache.outside.clone() {
            _ if kept.size() > MAX_ANSWER => {}
            Some(Outside::Redis(shared)) => shared.keep(self.key, kept, self.ttl),
            Some(Outside::Disk(disk)) => disk.keep(&self.key, &kept, self.ttl),
            None => self.cache.memory.put(self.key, kept, self.ttl, now),
        }
        // Those that wait hear of it last: who comes after them finds it kept.
        if let Some((flight, kept)) = told {
            flight.land(kept);
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
