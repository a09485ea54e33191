//! An answer as it is kept outside this process: JSON that LiteLLM's cache reads, too (`{"timestamp", "response"}`), with
//! what it takes to tell an answer again beside it.

use super::{Kept, KeptBody};
use crate::adapt::usage::{self, Object};
use crate::adapt::{Reply, StreamEnd, Target};
use crate::options::Options;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Behind the key of a stream's events: LiteLLM keeps streams otherwise.
const EVENTS: &str = ":events";

/// Where an answer is kept.
pub fn named(key: &str, stream: bool) -> String {
    let end = if stream { EVENTS } else { "" };
    format!("{key}{end}")
}

/// The value of a key.
#[derive(Serialize, Deserialize)]
pub struct Entry {
    /// Seconds since 1970.
    pub timestamp: f64,
    /// The same, when it is too old; a Redis sees to that by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<f64>,
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

impl Entry {
    /// An answer, and whether it is a stream's events.
    pub fn of(kept: &Kept) -> (Self, bool) {
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
            expires: None,
            response: String::from_utf8_lossy(bytes).into_owned(),
            gateway: Some(beside),
        };
        (entry, stream)
    }

    /// The answer, if it is one of this program's.
    pub fn kept(self, stream: bool) -> Option<Kept> {
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
