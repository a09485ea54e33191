//! Requests that are passed through to a provider as they are: `/anthropic/*`, `/openai/*`, files and batches, and what
//! the configuration lists. Bytes are forwarded as they came, in both directions; the client's key stays here, and the
//! provider's is placed.

mod clouds;
pub mod spent;
pub mod ways;

use super::body::{Passing, ReplyBody};
use super::pace::Limits;
use super::refusal::{self, Refusal};
use super::reply::{Writer, name};
use super::{Gateway, auth, inbound, uploads};
use crate::account::{Outcome, Receipt, Timings, Usage};
use crate::adapt::{Fault, UpstreamRequest};
use crate::config::schema::GeneralSettings;
use crate::error::{Error, ErrorKind};
use crate::forward::{Clocks, Upstream, collect};
use crate::params::Params;
use crate::request::{Call, Format, Op};
use crate::upload::Payload;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body::Body;
use spent::Spent;
use std::sync::Arc;
use std::time::Duration;
use ways::{NoWay, Way};

/// LiteLLM's default for these.
const TIMEOUT: Duration = Duration::from_secs(600);
/// Whole replies whose use is told in the head are read this far; longer ones are passed on as they come.
const READ: u64 = 16 << 20;

/// Headers of one connection, and of the client's way here.
const OURS: [&str; 22] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "host",
    "content-length",
    "expect",
    "accept-encoding",
    "cookie",
    "origin",
    "authorization",
    "api-key",
    "x-api-key",
    "x-goog-api-key",
    "ocp-apim-subscription-key",
    "forwarded",
    "x-real-ip",
];

/// LiteLLM has an answer of its own where this is not set.
const ANTHROPIC_KEY: &str = "ANTHROPIC_API_KEY";

/// The way of a request; `None` for one that is nobody's.
pub fn way(gateway: &Gateway, head: &Parts) -> Option<Result<Way, NoWay>> {
    let snapshot = gateway.engine.snapshot.load();
    let config = &snapshot.config;
    let query = head.uri.query().unwrap_or_default();
    let env = |name: &str| config.variable(name, &|name| (gateway.engine.env)(name));
    let deployed =
        |name: &str| (snapshot.routes).target(name, std::time::Instant::now(), fastrand::f64());
    ways::find(head.uri.path(), query, config, &env, &deployed)
}

/// Answers a request that has a way.
pub async fn answer<B>(
    gateway: &Gateway,
    found: Result<Way, NoWay>,
    head: &Parts,
    body: B,
    peer: &Arc<str>,
) -> Response<ReplyBody>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let snapshot = gateway.engine.snapshot.load_full();
    let config = &snapshot.config;
    let guarded = found.as_ref().map_or(true, |way| way.guarded);
    let google = found.as_ref().is_ok_and(|way| way.google);
    if guarded && let Err(refusal) = admitted(head, google, &config.general) {
        return refusal.reply();
    }
    let mut way = match found {
        Ok(way) => way,
        Err(NoWay::Wrong(error)) => return refused(&error),
        Err(NoWay::Traversal) => {
            let what = "the path leaves the place that it is below";
            return Refusal::new(400, "invalid_request_error", what).reply();
        }
        Err(NoWay::Unset(name)) => {
            let what =
                format!("`{name}` is not set on this server: nothing can be passed through there");
            if name == ANTHROPIC_KEY {
                let body = serde_json::json!({ "detail": what }).to_string();
                return super::reply::json(StatusCode::UNAUTHORIZED, body.into());
            }
            return Refusal::new(500, "internal_server_error", what).reply();
        }
    };
    let body = match payload(head, body, inbound::limits(config)).await {
        Ok(body) => body,
        Err(refusal) => return refusal.reply(),
    };
    let mut call = Call::new(
        Op::PassThrough,
        way.model.clone().unwrap_or_default(),
        Params::default(),
    );
    call.caller.method = head.method.clone();
    call.caller.route = head.uri.path().to_owned().into();
    call.caller.client_ip = Some(peer.clone());
    call.caller.hashed_key = config
        .general
        .master_key
        .as_ref()
        .map(|_| auth::MASTER.into());
    call.trace = gateway.engine.trace(&head.headers);
    let house = config.general.litellm_key_header_name.as_deref();
    let own_token = way
        .own_token
        .then(|| own_token(&head.headers, &config.general))
        .flatten();
    let mut request = request(&way, head, house, body);
    let clocks = Clocks {
        connect: Some(Duration::from_secs(15)),
        tls: Some(Duration::from_secs(15)),
        headers: Some(TIMEOUT),
        first_token: Some(TIMEOUT),
        idle: Some(TIMEOUT),
        total: None,
    };
    let auth = std::mem::take(&mut way.auth);
    if let Some(token) = own_token {
        request.headers.insert(header::AUTHORIZATION, token);
    } else if let Err(error) = gateway.engine.authorize(&mut request, auth, clocks).await {
        let reply = refused(&error);
        gateway.engine.record(&Receipt::refused(&call, error));
        return reply;
    }
    if let Some(trace) = &call.trace {
        trace.own().write(&mut request.headers);
    }
    let spent = Spent::new(way.provider, way.model, way.priced);
    match gateway.engine.transport.send(request, clocks).await {
        Ok(upstream) => passed(gateway, upstream, call, &way.url, spent).await,
        Err(fault) => failed(gateway, &call, &way.url, fault),
    }
}

/// The answer where nothing was sent.
fn refused(error: &Error) -> Response<ReplyBody> {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    super::reply::json(status, refusal::body(error, Format::OpenAi, None))
}

/// The token that a client has for the provider itself: the key of this server came in a header of its own.
fn own_token(headers: &HeaderMap, settings: &GeneralSettings) -> Option<HeaderValue> {
    headers.get("x-litellm-api-key")?;
    let token = headers.get(header::AUTHORIZATION)?;
    (!auth::is_ours(token, settings)).then(|| token.clone())
}

fn admitted(head: &Parts, google: bool, settings: &GeneralSettings) -> Result<(), Refusal> {
    if !google {
        return auth::admit(&head.headers, settings);
    }
    // Google's clients name their key in its header or in the query; a bearer token would be Google's own.
    let query = head.uri.query().unwrap_or_default();
    let key = head
        .headers
        .get("x-goog-api-key")
        .cloned()
        .or_else(|| HeaderValue::from_str(&super::query_value(query, "key")?).ok())
        .unwrap_or(HeaderValue::from_static("none"));
    let mut headers = HeaderMap::new();
    headers.insert("x-goog-api-key", key);
    auth::admit(&headers, settings)
}

/// The body as it is sent. What is said to be, or may be, JSON has to be; files are not looked at.
async fn payload<B>(head: &Parts, body: B, limits: Limits) -> Result<Payload, Refusal>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let kind = head.headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kinds = [
        "multipart/",
        "audio/",
        "image/",
        "video/",
        "application/octet-stream",
    ];
    if kinds.iter().any(|binary| kind.starts_with(binary)) {
        let content = uploads::whole(body, limits).await?;
        return Ok(Payload::Pieces([content].into()));
    }
    let body = inbound::read(body, limits).await?;
    if body.is_empty() && matches!(head.method, Method::GET | Method::HEAD) {
        return Ok(Payload::default());
    }
    if body.is_empty() {
        return Ok(Bytes::from_static(b"{}").into());
    }
    inbound::members(&HeaderMap::new(), &body)?;
    Ok(body.into())
}

fn request(way: &Way, head: &Parts, house: Option<&str>, body: Payload) -> UpstreamRequest {
    let mut headers = HeaderMap::new();
    if way.forwards {
        let named: Vec<&str> = head
            .headers
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|list| list.split(',').map(str::trim))
            .collect();
        for (name, value) in &head.headers {
            let text = name.as_str();
            let kept = !OURS.contains(&text)
                && !["x-litellm-", "x-forwarded-", "x-stainless-", "sec-"]
                    .iter()
                    .any(|start| text.starts_with(start))
                && !named.iter().any(|own| own.eq_ignore_ascii_case(text))
                && !house.is_some_and(|own| own.eq_ignore_ascii_case(text));
            if kept {
                headers.append(name.clone(), value.clone());
            }
        }
    }
    if let Some(kind) = head.headers.get(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, kind.clone());
    } else if body.length() > 0 {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    for (name, value) in &way.headers {
        headers.insert(name.clone(), value.clone());
    }
    let mark = if way.query.is_empty() { "" } else { "?" };
    UpstreamRequest {
        method: head.method.clone(),
        url: format!("{}{mark}{}", way.url, way.query),
        headers,
        body,
    }
}

/// The provider's answer, with what it cost.
async fn passed(
    gateway: &Gateway,
    mut upstream: Upstream,
    call: Call,
    url: &str,
    mut spent: Spent,
) -> Response<ReplyBody> {
    let kind = upstream.head.headers.get(header::CONTENT_TYPE);
    let kind = kind
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let streamed = kind.starts_with("text/event-stream");
    let long = upstream
        .body
        .size_hint()
        .is_some_and(|length| length > READ);
    let head = std::mem::take(&mut upstream.head.headers);
    let length = upstream.body.size_hint();
    let whole = !streamed && !long && kind.contains("json");
    let (body, cost) = if whole {
        let read = collect(&mut *upstream.body, READ as usize).await;
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(fault) => return failed(gateway, &call, url, fault),
        };
        if upstream.head.status.is_success()
            && let Ok(said) = serde_json::from_slice(&bytes)
        {
            spent.reply(&said);
        }
        gateway
            .engine
            .record(&receipt(&call, &spent, upstream.head.status));
        (ReplyBody::from(bytes), Some(spent.cost()))
    } else {
        let sinks = gateway.engine.sinks.clone();
        let status = upstream.head.status;
        let passing = Passing::new(upstream.body, spent, sinks, call.clone(), status);
        let body = ReplyBody::Passing(Some(Box::new(passing)));
        (body, None)
    };
    let mut reply = Response::new(body);
    *reply.status_mut() = upstream.head.status;
    for (name, value) in &head {
        let own = [
            "connection",
            "keep-alive",
            "transfer-encoding",
            "te",
            "trailer",
            "upgrade",
            "proxy-authenticate",
            "set-cookie",
            "content-length",
        ];
        if !own.contains(&name.as_str()) {
            reply.headers_mut().append(name.clone(), value.clone());
        }
    }
    let mut headers = Writer(reply.headers_mut());
    headers.text(name!("x-litellm-call-id"), &call.id);
    if streamed {
        return reply;
    }
    headers.text(name!("x-litellm-model-api-base"), url);
    headers.cost(cost.flatten().as_ref());
    if let Some(length) = length.filter(|_| !whole) {
        headers.count(name!("content-length"), length);
    }
    reply
}

fn failed(gateway: &Gateway, call: &Call, url: &str, fault: Fault) -> Response<ReplyBody> {
    let what = match fault {
        Fault::Connection | Fault::Unreachable => "the upstream cannot be reached".to_owned(),
        Fault::Timeout { limit, .. } => format!("the upstream did not answer within {limit:?}"),
        Fault::Cut => "the upstream's reply broke off".to_owned(),
        Fault::TooLarge(limit) => format!("the upstream's reply is longer than {limit} bytes"),
    };
    let error = Error::new(ErrorKind::ApiConnection, what.clone());
    gateway.engine.record(&Receipt::refused(call, error));
    let refusal = Refusal::new(500, "internal_server_error", what);
    let mut reply = refusal.reply();
    let mut headers = Writer(reply.headers_mut());
    headers.text(name!("x-litellm-call-id"), &call.id);
    headers.text(name!("x-litellm-model-api-base"), url);
    headers.cost(None);
    reply
}

/// The receipt of a request that was passed through.
pub fn receipt(call: &Call, spent: &Spent, status: StatusCode) -> Receipt {
    let usage: Option<Usage> = spent.usage().cloned();
    let outcome = if status.is_success() {
        Outcome::Success
    } else {
        let kind = ErrorKind::Api;
        Outcome::Failure(Error::new(kind, "the upstream refused").status(status.as_u16()))
    };
    Receipt {
        usage,
        cost: spent.cost(),
        outcome,
        timings: Timings {
            total: call.elapsed(),
            upstream: call.elapsed(),
            ..Timings::default()
        },
        attempts: 1,
        ..Receipt::refused(call, Error::new(ErrorKind::Api, ""))
    }
}
