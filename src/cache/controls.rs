//! What one call asks of the cache: LiteLLM's `cache` member, and `caching` in process.

use crate::request::Call;
use serde_json::{Map, Value};
use std::time::Duration;

/// `cache: {"no-cache", "no-store", "ttl", "s-maxage", "namespace", "use-cache"}`.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Controls {
    /// Do not read.
    pub no_cache: bool,
    /// Do not keep.
    pub no_store: bool,
    /// Keep so long.
    pub ttl: Option<Duration>,
    /// Answers that are older do not count.
    pub max_age: Option<Duration>,
    pub namespace: Option<String>,
    pub use_cache: bool,
    /// `caching: false`.
    pub off: bool,
}

impl Controls {
    /// Those of a call. A member of the wrong kind asks for nothing.
    pub fn of(call: &Call) -> Self {
        let other = &call.options.other;
        let members: Map<String, Value> = other.get("cache").unwrap_or_default();
        let on = |name: &str| members.get(name).and_then(Value::as_bool) == Some(true);
        let seconds = |name: &str| {
            let value = members.get(name)?;
            Duration::try_from_secs_f64(value.as_f64()?).ok()
        };
        Self {
            no_cache: on("no-cache"),
            no_store: on("no-store"),
            ttl: seconds("ttl"),
            max_age: seconds("s-maxage").or_else(|| seconds("s-max-age")),
            namespace: members
                .get("namespace")
                .and_then(Value::as_str)
                .map(str::to_owned),
            use_cache: on("use-cache"),
            off: other.get::<bool>("caching") == Some(false),
        }
    }

    /// Whether the call has to do with the cache at all.
    pub fn wanted(&self, default_off: bool) -> bool {
        !self.off && (!default_off || self.use_cache)
    }

    /// Whether an answer of this age will do.
    pub fn is_fresh(&self, age: Duration) -> bool {
        self.max_age.is_none_or(|most| age < most)
    }
}
