//! Replies about the server itself: routes, metrics, cross-origin rules, redirects.

use super::auth;
use super::body::ReplyBody;
use super::reply::json as json_reply;
use super::routes::ROUTES;
use super::{Gateway, gauges, json};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, header};
use serde_json::{Value, json};
use std::time::Instant;

const METRICS_REFUSED: &str = "Unauthorized access to metrics endpoint: Authentication Error, Malformed API Key \
passed in. Ensure Key has `Bearer ` prefix. To allow unauthenticated access, set \
`litellm_settings.require_auth_for_metrics_endpoint: false` in your proxy_config.yaml.";

/// Response headers that scripts of other origins may read.
const EXPOSED: &str = "x-litellm-semantic-filter, x-litellm-semantic-filter-tools, x-litellm-adaptive-router-model, \
x-litellm-applied-guardrails, x-litellm-guardrail-scan-id, x-litellm-guardrail-scan-metadata, x-litellm-cache-key";

/// What Prometheus scrapes.
pub fn metrics(gateway: &Gateway, headers: &HeaderMap) -> Response<ReplyBody> {
    let snapshot = gateway.engine.snapshot.load();
    let config = &snapshot.config;
    if config.litellm.require_auth_for_metrics_endpoint
        && auth::admit(headers, &config.general).is_err()
    {
        return json_reply(
            StatusCode::UNAUTHORIZED,
            Value::from(METRICS_REFUSED).to_string().into(),
        );
    }
    gauges::refresh(gateway, Instant::now());
    let mut reply = Response::new(gateway.metrics.exposition().into());
    set(
        &mut reply,
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    );
    reply
}

/// Every route, with its verbs.
pub fn routes() -> Response<ReplyBody> {
    let routes: Vec<Value> = ROUTES
        .iter()
        .map(|route| json!({ "path": route.path, "methods": route.methods.split(", ").collect::<Vec<_>>() }))
        .collect();
    json(&json!({ "routes": routes }))
}

/// The routes as OpenAPI, without schemas.
pub fn openapi() -> Response<ReplyBody> {
    let mut paths = serde_json::Map::new();
    for route in ROUTES {
        let verbs = route.methods.split(", ").map(|method| {
            let responses = json!({ "200": { "description": "Successful Response" } });
            (
                method.to_ascii_lowercase(),
                json!({ "responses": responses }),
            )
        });
        paths.insert(route.path.to_owned(), Value::Object(verbs.collect()));
    }
    json(&json!({
        "openapi": "3.1.0",
        "info": { "title": "Gateway", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
    }))
}

/// The callbacks in force. LiteLLM keeps them in seven lists; a configuration fills one of these.
pub fn callbacks(gateway: &Gateway) -> Response<ReplyBody> {
    let snapshot = gateway.engine.snapshot.load();
    let config = &snapshot.config;
    let alerting = config.general.other.get("alerting");
    let channels = alerting.and_then(Value::as_array).map_or(0, Vec::len);
    let callbacks = &config.litellm.callbacks;
    let timeout = config.litellm.request_timeout;
    json(&json!({
        "alerting": alerting.map_or_else(|| "None".to_owned(), Value::to_string),
        "litellm.callbacks": callbacks,
        "litellm.input_callback": [],
        "litellm.failure_callback": [],
        "litellm.success_callback": [],
        "litellm._async_success_callback": [],
        "litellm._async_failure_callback": [],
        "litellm._async_input_callback": [],
        "all_litellm_callbacks": callbacks,
        "num_callbacks": callbacks.len(),
        "num_alerting": channels,
        "litellm.request_timeout": timeout.map_or(6000.0, |timeout| timeout.as_secs_f64()),
    }))
}

/// For people who open the address in a browser.
pub fn home() -> Response<ReplyBody> {
    json(&json!({
        "name": "gateway",
        "version": env!("CARGO_PKG_VERSION"),
        "routes": "/routes",
        "health": "/health/readiness",
    }))
}

/// 307 to a path without its trailing slash. The address is the one that the client used.
pub fn moved(headers: &HeaderMap, uri: &Uri, to: &str) -> Response<ReplyBody> {
    let query = uri.query().map(|q| format!("?{q}")).unwrap_or_default();
    let location = match headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
    {
        Some(host) => format!("http://{host}{to}{query}"),
        None => format!("{to}{query}"),
    };
    let mut reply = Response::new(ReplyBody::Whole(None));
    *reply.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    set(&mut reply, header::LOCATION, &location);
    reply
}

/// `OPTIONS` of the health routes.
pub fn options() -> Response<ReplyBody> {
    let mut reply = Response::new(ReplyBody::Whole(None));
    set(&mut reply, header::ALLOW, "GET, OPTIONS");
    set(
        &mut reply,
        header::ACCESS_CONTROL_ALLOW_METHODS,
        "GET, OPTIONS",
    );
    set(&mut reply, header::ACCESS_CONTROL_ALLOW_HEADERS, "*");
    reply
}

/// Whether a browser asks for leave first.
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Leave for every origin: access is by key, never by cookie.
pub fn preflight(headers: &HeaderMap) -> Response<ReplyBody> {
    let mut reply = text("OK".to_owned());
    let verbs = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
    set(&mut reply, header::ACCESS_CONTROL_ALLOW_METHODS, verbs);
    set(&mut reply, header::ACCESS_CONTROL_MAX_AGE, "600");
    if let Some(asked) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        reply
            .headers_mut()
            .insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    reply
}

/// Headers for a request that came from a page of another origin.
pub fn allow_origin(headers: &mut HeaderMap) {
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
}

fn text(text: String) -> Response<ReplyBody> {
    let mut reply = Response::new(ReplyBody::from(Bytes::from(text)));
    set(
        &mut reply,
        header::CONTENT_TYPE,
        "text/plain; charset=utf-8",
    );
    reply
}

fn set(reply: &mut Response<ReplyBody>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}
