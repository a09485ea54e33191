//! 1 REQUEST. Inbound HTTP: the listener and its drain ([`listen`]), its threads ([`workers`]), the table of routes ([`routes`]), authentication
//! ([`auth`]), body limits and the way to a [`Call`](crate::request::Call) ([`inbound`]), and replies: [`calls`] for
//! models, [`health`], [`models`] and [`groups`] for what is configured, [`count`], [`estimate`] and [`preview`] for
//! what a call would be. Errors are worded in [`refusal`].
//!
//! A request that is dropped, because its client left, takes its upstream call with it: nothing is spawned for it.

pub mod auth;
pub mod background;
pub mod body;
pub mod bounds;
pub mod calls;
pub mod count;
pub mod count_dialects;
pub mod estimate;
pub mod facts;
pub mod fields;
pub mod gauges;
pub mod groups;
pub mod header_list;
pub mod health;
pub mod inbound;
pub mod json_fault;
pub mod known;
pub mod listen;
pub mod meta;
pub mod models;
pub mod pace;
pub mod passthrough;
pub mod preview;
pub mod refusal;
pub mod reply;
pub mod routes;
pub mod signal;
pub mod stored;
pub mod uploads;
pub mod wishes;
pub mod workers;

use crate::observe::Metrics;
use crate::pipeline::Engine;
use arc_swap::ArcSwapOption;
use body::ReplyBody;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body::Body;
use routes::{Endpoint, Found, Route, Tool};
use signal::Signal;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Instant;

/// The server: everything that handlers share.
pub struct Gateway {
    /// What answers calls.
    pub engine: Arc<Engine>,
    /// What `/metrics` shows.
    pub metrics: Arc<Metrics>,
    /// Whether what is under way has had its time.
    pub ending: Signal,
    ready: AtomicBool,
    /// What the last background check found.
    checked: ArcSwapOption<serde_json::Value>,
}

impl Gateway {
    /// A server that is ready.
    pub fn new(engine: Arc<Engine>, metrics: Arc<Metrics>) -> Self {
        Self {
            engine,
            metrics,
            ending: Signal::default(),
            ready: AtomicBool::new(true),
            checked: ArcSwapOption::empty(),
        }
    }

    /// Whether new requests are wanted: off while draining.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Sets readiness.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }
}

/// Answers one request, whatever happens: a panic ends this request only.
pub async fn respond<B>(
    gateway: &Gateway,
    request: Request<B>,
    peer: &Arc<str>,
) -> Response<ReplyBody>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let in_flight = gateway.metrics.enter();
    let (head, body) = request.into_parts();
    let cross_origin = head.headers.contains_key(header::ORIGIN);
    let scrape = head.uri.path().starts_with("/metrics");
    let handled = handle(gateway, &head, body, peer);
    let mut handled = pin!(AssertUnwindSafe(handled).catch_unwind());
    let handled = poll_fn(|cx| {
        if gateway.ending.is_set() {
            return Poll::Ready(Ok(refusal::ended()));
        }
        handled.as_mut().poll(cx)
    });
    let handled = handled.await;
    let mut reply = handled.unwrap_or_else(|_| {
        tracing::error!("handling a request panicked");
        refusal::broken()
    });
    if let ReplyBody::Events(Some(events)) = reply.body_mut() {
        events.in_flight = Some(in_flight);
        events.ending = Some(gateway.ending.clone());
    }
    // Where a body ends is told by its chunks here, by a length that was dropped elsewhere perhaps: nothing that comes
    // after it on this connection is taken for a request.
    if head.headers.contains_key(header::TRANSFER_ENCODING) && head.version < Version::HTTP_2 {
        let close = HeaderValue::from_static("close");
        reply.headers_mut().insert(header::CONNECTION, close);
    }
    reply::secure(reply.headers_mut(), !scrape);
    if cross_origin {
        meta::allow_origin(reply.headers_mut());
    }
    reply
}

async fn handle<B>(
    gateway: &Gateway,
    head: &http::request::Parts,
    body: B,
    peer: &Arc<str>,
) -> Response<ReplyBody>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let path = head.uri.path();
    if meta::is_preflight(&head.method, &head.headers) {
        return meta::preflight(&head.headers);
    }
    let (route, model) = match routes::find(head.method.as_str(), path) {
        Found::Route(route, model) => (route, model),
        Found::WrongMethod(allow) => return refusal::wrong_method(allow),
        Found::Moved(to) => return meta::moved(&head.headers, &head.uri, to),
        Found::Nothing => {
            return match passthrough::way(gateway, head) {
                Some(way) => Box::pin(passthrough::answer(gateway, way, head, body, peer)).await,
                None => refusal::not_found(),
            };
        }
    };
    let query = head.uri.query().unwrap_or_default();
    let from = || inbound::From {
        method: &head.method,
        headers: &head.headers,
        path: route.path,
        query,
        path_model: model.as_deref(),
        peer: peer.clone(),
    };
    if let Some(refusal) = refused(gateway, route, &head.headers) {
        if let Endpoint::Call(op) = route.endpoint {
            calls::note_refused(gateway, op, &from(), refusal.status());
        }
        return refusal;
    }
    match route.endpoint {
        Endpoint::Call(op) => {
            let from = from();
            let limits = inbound::limits(&gateway.engine.snapshot.load().config);
            if let Some(boundary) = uploads::boundary(&head.headers).filter(|_| op.is_endpoint()) {
                let read = Box::pin(uploads::read(body, &boundary, limits)).await;
                return calls::answer_form(gateway, op, read, &from, Instant::now()).await;
            }
            match inbound::read(body, limits).await {
                Ok(body) => calls::answer(gateway, op, &body, &from).await,
                Err(refusal) => refusal.reply(),
            }
        }
        Endpoint::Alive | Endpoint::Ready if head.method == Method::OPTIONS => meta::options(),
        Endpoint::Alive => health::alive(),
        Endpoint::Ready | Endpoint::ReadyDetails => health::ready(gateway),
        Endpoint::Health => health::probe(gateway, query).await,
        Endpoint::Metrics => meta::metrics(gateway, &head.headers),
        Endpoint::Models => models::list(gateway, query),
        Endpoint::Model => models::one(gateway, model.as_deref().unwrap_or_default()),
        Endpoint::ModelInfo => models::info(gateway, query),
        Endpoint::GroupInfo => groups::list(gateway, query),
        Endpoint::SupportedParams => preview::supported(gateway, query),
        Endpoint::Catalogued => preview::catalogued(query),
        Endpoint::Callbacks => meta::callbacks(gateway),
        Endpoint::Tool(tool) => {
            let limits = inbound::limits(&gateway.engine.snapshot.load().config);
            match inbound::read(body, limits).await {
                Ok(body) => {
                    let model = model.as_deref().unwrap_or_default();
                    Box::pin(told_by(gateway, tool, &body, &head.headers, model)).await
                }
                Err(refusal) => refusal.reply(),
            }
        }
        Endpoint::Routes => meta::routes(),
        Endpoint::OpenApi => meta::openapi(),
        Endpoint::Home => meta::home(),
        Endpoint::Managed => refusal::no_database(path),
    }
}

/// What a tool says of a call that is not made.
async fn told_by(
    gateway: &Gateway,
    tool: Tool,
    body: &Bytes,
    headers: &HeaderMap,
    model: &str,
) -> Response<ReplyBody> {
    match tool {
        Tool::TokenCounter => count::tokens(gateway, body).await,
        Tool::MessageTokens => count_dialects::messages(gateway, body, headers).await,
        Tool::ContentTokens => count_dialects::contents(gateway, body, headers, model).await,
        Tool::ClientEvents => json(&serde_json::json!({ "status": "ok" })),
        Tool::CostEstimate => estimate::cost(gateway, body),
        Tool::TransformRequest => preview::transformed(gateway, body),
    }
}

fn refused(gateway: &Gateway, route: &Route, headers: &HeaderMap) -> Option<Response<ReplyBody>> {
    if !route.guarded {
        return None;
    }
    let snapshot = gateway.engine.snapshot.load();
    auth::admit(headers, &snapshot.config.general)
        .err()
        .map(|refusal| refusal.reply())
}

/// A value of a query string.
fn query_value(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then(|| routes::percent_decoded(&value.replace('+', " ")).into_owned())
    })
}

/// A JSON reply from a value.
fn json(value: &serde_json::Value) -> Response<ReplyBody> {
    reply::json(StatusCode::OK, value.to_string().into())
}
