//! Health of this process, and of the models: on request, or as [`super::background`] found it last. Liveness never
//! waits for anything.

use super::body::ReplyBody;
use super::reply::json as json_reply;
use super::{Gateway, gauges, json, known, query_value};
use crate::adapt::Target;
use crate::config::Snapshot;
use crate::observe::redact;
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
    // What the background has found costs nothing more.
    if snapshot.config.general.background_health_checks
        && model.is_none()
        && model_id.is_none()
        && let Some(found) = &*gateway.checked.load()
    {
        return shown(found);
    }
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
        // Those that cool, too: whether they are well is what is asked.
        .filter_map(|entry| snapshot.routes.by_id(known::id(entry)))
        .map(|deployment| deployment.target.clone())
        .collect();
    shown(&ask(gateway, &targets, PROBES_AT_ONCE).await)
}

/// Asks every deployment for the background, and tells routing what was found.
pub async fn check_all(gateway: &Gateway) {
    let snapshot = gateway.engine.snapshot.load_full();
    let left_out = |id: &str| {
        snapshot.config.model_list.iter().any(|entry| {
            known::id(entry) == id
                && entry.model_info.get("disable_background_health_check")
                    == Some(&Value::Bool(true))
        })
    };
    let targets: Vec<Arc<Target>> = snapshot
        .routes
        .deployments()
        .iter()
        .filter(|deployment| !left_out(deployment.id()))
        .map(|deployment| deployment.target.clone())
        .collect();
    let at_once = snapshot.config.general.health_check_concurrency;
    let at_once = at_once.map_or(PROBES_AT_ONCE, |most| most.max(1) as usize);
    let found = ask(gateway, &targets, at_once).await;
    gateway.checked.store(Some(Arc::new(found)));
}

/// Asks deployments, some at a time.
async fn ask(gateway: &Gateway, targets: &[Arc<Target>], at_once: usize) -> Value {
    let snapshot = gateway.engine.snapshot.load_full();
    let (mut healthy, mut unhealthy) = (Vec::new(), Vec::new());
    for some in targets.chunks(at_once) {
        let results = join_all(some.iter().map(|target| one(gateway, &snapshot, target)));
        for result in results.await {
            match result {
                Ok(entry) => healthy.push(entry),
                Err(entry) => unhealthy.push(entry),
            }
        }
    }
    json!({
        "healthy_count": healthy.len(),
        "unhealthy_count": unhealthy.len(),
        "healthy_endpoints": healthy,
        "unhealthy_endpoints": unhealthy,
    })
}

fn shown(found: &Value) -> Response<ReplyBody> {
    let status = if found["healthy_count"] == 0 {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    json_reply(status, found.to_string().into())
}

async fn one(gateway: &Gateway, snapshot: &Snapshot, target: &Arc<Target>) -> Result<Value, Value> {
    let call = question(target);
    let sent = sent(&call, target);
    let deployment = snapshot.routes.by_id(&target.deployment_id);
    let found = match gateway.engine.call_target(call, target.clone()).await {
        Ok(answer) => {
            let mut entry = entry(target);
            limits(&mut entry, &answer.head.headers);
            Ok((entry, true))
        }
        Err(failure) => {
            let general = &snapshot.config.general;
            let transient = matches!(failure.error.status, 408 | 429);
            let ill = !(transient && general.health_check_ignore_transient_errors);
            Err((unhealthy(target, &failure, sent), !ill))
        }
    };
    let now = Instant::now();
    if let Some(deployment) = &deployment {
        let (Ok((_, well)) | Err((_, well))) = &found;
        *deployment.state.checked.lock() = Some((now, *well));
    }
    let with_breaker = |mut entry: Map<String, Value>| -> Value {
        if let Some(deployment) = &deployment
            && snapshot.routes.rules.breaker.is_some()
        {
            let word = gauges::breaker_word(deployment, now);
            entry.insert("circuit_breaker".into(), word.into());
        }
        entry.into()
    };
    match found {
        Ok((entry, _)) => Ok(with_breaker(entry)),
        Err((entry, _)) => Err(with_breaker(entry)),
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

fn unhealthy(target: &Target, failure: &Failure, sent: Value) -> Map<String, Value> {
    let mut entry = entry(target);
    // A provider may repeat the key that it was sent.
    let message = failure.error.litellm_message();
    entry.insert("error".into(), redact::known(&message).into());
    entry.insert("raw_request_typed_dict".into(), sent);
    entry.insert("exception_status".into(), failure.error.status.into());
    entry
}
