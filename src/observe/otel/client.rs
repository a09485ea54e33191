//! Requests to the collector, on the core's own client. What goes wrong is counted, and logged now and then.

use crate::adapt::UpstreamRequest;
use crate::forward::{Client, Clocks, Transport, collect};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use parking_lot::Mutex;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// An answer is read this far, bytes. It is a few of them.
const MAX_ANSWER: usize = 4 << 20;

/// How often it is said that nothing can be exported.
const SAID: Duration = Duration::from_secs(60);

static FAILED: AtomicU64 = AtomicU64::new(0);
static LAST_SAID: Mutex<Option<Instant>> = Mutex::new(None);

/// Requests to collectors that failed so far in this process.
pub fn requests_failed() -> u64 {
    FAILED.load(Ordering::Relaxed)
}

/// What exporters send with, from whichever thread they are on.
#[derive(Clone)]
pub struct CollectorClient {
    /// The client.
    pub client: Client,
    /// Where its connections live.
    pub runtime: Handle,
    /// What one request may take.
    pub limit: Duration,
}

impl fmt::Debug for CollectorClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectorClient").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let (client, limit) = (self.client.clone(), self.limit);
        let sent = self
            .runtime
            .spawn(async move { sent(&client, request, limit).await });
        let answered = match sent.await {
            Ok(answered) => answered,
            // The runtime is gone, and the process with it.
            Err(error) => Err(error.to_string()),
        };
        match &answered {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => note(
                &host,
                &format!("the collector answered {}", answer.status()),
            ),
            Err(why) => note(&host, why),
        }
        answered.map_err(Into::into)
    }
}

async fn sent(
    client: &Client,
    request: Request<Bytes>,
    limit: Duration,
) -> Result<Response<Bytes>, String> {
    let (head, body) = request.into_parts();
    let request = UpstreamRequest {
        method: head.method,
        url: head.uri.to_string(),
        headers: head.headers,
        body: body.into(),
    };
    let limit = Some(limit);
    let clocks = Clocks {
        connect: limit,
        tls: limit,
        headers: limit,
        first_token: limit,
        idle: limit,
        total: limit,
    };
    let answer = client.send(request, clocks).await;
    let mut answer = answer.map_err(|fault| format!("no answer ({fault:?})"))?;
    let body = collect(&mut *answer.body, MAX_ANSWER).await;
    let body = body.map_err(|fault| format!("half an answer ({fault:?})"))?;
    let mut response = Response::new(body);
    *response.status_mut() = answer.head.status;
    *response.headers_mut() = answer.head.headers;
    Ok(response)
}

fn note(host: &str, why: &str) {
    let failed = FAILED.fetch_add(1, Ordering::Relaxed) + 1;
    let mut last = LAST_SAID.lock();
    let now = Instant::now();
    if last.is_none_or(|last| now.duration_since(last) >= SAID) {
        *last = Some(now);
        tracing::warn!(
            host,
            failed,
            "telemetry cannot be exported: {why}; calls go on"
        );
    }
}
