//! Health of this process, and on request of the models. Liveness never waits for anything.

use super::body::ReplyBody;
use super::reply::json as json_reply;
use super::{Gateway, json, known, query_value};
use crate::adapt::Target;
use crate::params::Params;
use crate::pipeline::Failure;
use crate::request::{Call, Deadline, Op};
use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, Response, StatusCode};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A model that has not answered by then is unhealthy.
const PROBE_TIMEOUT: Duration = Duration::from_mins(1);

/// Models probed at the same time: a long list must not become a flood.
const PROBES_AT_ONCE: usize = 32;

/// The process runs.
pub fn alive() -> Response<ReplyBody> {
    json(&json!("I'm alive!"))
}

/// The process wants requests: no while it drains.
pub fn ready(gateway: &Gateway) -> Response<ReplyBody> {
    if gateway.is_ready() {
        return json(&json!({ "status": "healthy", "db": "Not connected" }));
    }
    let body = json!({ "status": "draining", "db": "Not connected" });
    json_reply(StatusCode::SERVICE_UNAVAILABLE, body.to_string().into())
}

/// Calls every deployment, or those of `?model=` or `?model_id=`, once. This costs money.
pub async fn probe(gateway: &Gateway, query: &str) -> Response<ReplyBody> {
    let snapshot = gateway.engine.snapshot.load_full();
    let model = query_value(query, "model");
    let model_id = query_value(query, "model_id");
    let targets: Vec<Arc<Target>> = snapshot
        .config
        .model_list
        .iter()
        .filter(|entry| !entry.model_name.contains('*'))
        .filter(|entry| {
            let named =
                |name: &str| entry.model_name == name || known::litellm_model(entry) == name;
            model.as_deref().is_none_or(named)
                && model_id.as_deref().is_none_or(|id| known::id(entry) == id)
        })
        .filter_map(|entry| {
            snapshot
                .routes
                .target(known::id(entry), Instant::now(), 0.0)
        })
        .collect();
    let (mut healthy, mut unhealthy) = (Vec::new(), Vec::new());
    for some in targets.chunks(PROBES_AT_ONCE) {
        for result in join_all(some.iter().map(|target| one(gateway, target))).await {
            match result {
                Ok(entry) => healthy.push(entry),
                Err(entry) => unhealthy.push(entry),
            }
        }
    }
    let status = if healthy.is_empty() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    let body = json!({
        "healthy_count": healthy.len(),
        "unhealthy_count": unhealthy.len(),
        "healthy_endpoints": healthy,
        "unhealthy_endpoints": unhealthy,
    });
    json_reply(status, body.to_string().into())
}

async fn one(gateway: &Gateway, target: &Arc<Target>) -> Result<Value, Value> {
    let call = question(target);
    let sent = sent(&call, target);
    match gateway.engine.call_target(call, target.clone()).await {
        Ok(answer) => {
            let mut entry = entry(target);
            limits(&mut entry, &answer.head.headers);
            Ok(entry.into())
        }
        Err(failure) => Err(unhealthy(target, &failure, sent)),
    }
}

/// The shortest question there is.
fn question(target: &Target) -> Call {
    let mode = if target.model.contains("embedding") {
        Op::Embeddings
    } else {
        Op::Chat
    };
    let body: &'static [u8] = match mode {
        Op::Embeddings => br#"{"input":["test"]}"#,
        _ => br#"{"messages":[{"role":"user","content":"What's 1 + 1?"}],"max_tokens":16}"#,
    };
    let mut params = Params::parse(&Bytes::from_static(body)).unwrap_or_default();
    params.set("model", &target.litellm_model);
    let mut call = Call::new(mode, target.litellm_model.clone(), params);
    call.options.max_retries = Some(0);
    call.options.num_retries = Some(0);
    call.deadline = Deadline::after(Instant::now(), PROBE_TIMEOUT);
    call
}

fn entry(target: &Target) -> Map<String, Value> {
    let mut entry = Map::new();
    entry.insert("api_base".into(), target.api_base.clone().into());
    entry.insert("model".into(), target.litellm_model.clone().into());
    entry.insert("model_id".into(), target.deployment_id.clone().into());
    entry
}

fn limits(entry: &mut Map<String, Value>, headers: &HeaderMap) {
    for name in [
        "x-ratelimit-remaining-requests",
        "x-ratelimit-remaining-tokens",
    ] {
        if let Some(left) = headers.get(name).and_then(|value| value.to_str().ok()) {
            entry.insert(name.into(), left.into());
        }
    }
}

/// What was sent, without any part of the key that could be used.
fn sent(call: &Call, target: &Target) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), target.model.clone().into());
    for (name, raw) in call.params.iter().filter(|(name, _)| *name != "model") {
        body.insert(name.into(), serde_json::from_slice(raw).unwrap_or_default());
    }
    body.insert("extra_body".into(), json!({}));
    json!({
        "raw_request_api_base": format!("{}/", target.api_base),
        "raw_request_body": body,
        "raw_request_headers": { "Authorization": "Be****in" },
        "error": null,
    })
}

fn unhealthy(target: &Target, failure: &Failure, sent: Value) -> Value {
    let mut entry = entry(target);
    entry.insert("error".into(), failure.error.litellm_message().into());
    entry.insert("raw_request_typed_dict".into(), sent);
    entry.insert("exception_status".into(), failure.error.status.into());
    entry.into()
}
