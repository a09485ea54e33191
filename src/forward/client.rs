//! The pooled client: hyper-util's. A request that found its pooled connection closed before a byte of it was written
//! goes out on another. One that was written goes out once more, on a new connection, where the pooled one proves
//! [`Stale`]; one that an upstream may have begun to answer is never sent again here.

use super::address::Address;
use super::body::{ClockedBody, Watch};
use super::connect::{CLOCKS, Connector, Stale, TooSlow};
use super::outgoing::Outgoing;
use super::{BoxFuture, Clocks, Transport, Upstream, in_place, tls};
use crate::adapt::{Fault, Head, UpstreamRequest};
use crate::pieces::Pieces;
use http::header::{ACCEPT_ENCODING, HOST, HeaderValue};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::future::{Future, poll_fn};
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What is read of a response before somebody asks for it, and the longest head; bytes. A slow reader holds this much
/// for as long as it likes; hyper would let it be 400 KB.
const READ_BUFFER: usize = 12 << 10;

/// How the client connects.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// PEM file with the roots to trust instead of the web's.
    pub roots: Option<PathBuf>,
    /// How long an unused connection is kept. Providers and their load balancers close theirs after 60 s and more;
    /// well below that, few connections prove stale.
    pub pool_idle: Duration,
    /// Unused connections kept for each host.
    pub pool_size: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            roots: None,
            pool_idle: Duration::from_secs(20),
            pool_size: 1024,
        }
    }
}

impl ClientSettings {
    /// Settings of the environment: `SSL_CERT_FILE`.
    pub fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            roots: env("SSL_CERT_FILE")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            ..Self::default()
        }
    }
}

/// The client. Cheap to clone; clones share the pool. Its connections live on the runtime that it is used on.
#[derive(Clone)]
pub struct Client {
    pool: legacy::Client<Connector, Pieces<Outgoing>>,
    connector: Connector,
    pool_idle: Duration,
    pool_size: usize,
}

impl Client {
    /// A client with an empty pool.
    ///
    /// # Errors
    /// A text that says what is wrong with the certificates.
    pub fn new(settings: &ClientSettings) -> Result<Self, String> {
        let tls = Arc::new(tls::config(settings.roots.as_deref())?);
        let connector = Connector::new(tls);
        Ok(Self::over(
            connector,
            settings.pool_idle,
            settings.pool_size,
        ))
    }

    /// A client that connects alike and shares no connection: for another runtime.
    #[must_use]
    pub fn with_own_pool(&self) -> Self {
        Self::over(self.connector.clone(), self.pool_idle, self.pool_size)
    }

    /// The same client, with an empty pool, which tells how long its connections took to make, in seconds.
    #[must_use]
    pub fn timed(&self, connect: prometheus::Histogram) -> Self {
        let connector = self.connector.timed(connect);
        Self::over(connector, self.pool_idle, self.pool_size)
    }

    fn over(connector: Connector, pool_idle: Duration, pool_size: usize) -> Self {
        let pool = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(pool_idle)
            .pool_max_idle_per_host(pool_size)
            .http1_max_buf_size(READ_BUFFER)
            .http1_writev(false)
            .build(connector.clone());
        Self {
            pool,
            connector,
            pool_idle,
            pool_size,
        }
    }

    pub(super) async fn exchange(
        &self,
        request: UpstreamRequest,
        clocks: Clocks,
    ) -> Result<Upstream, Fault> {
        let begun = Instant::now();
        let watch = Watch::new(begun, clocks);
        let mut sent = pin!(self.sent(built(request)?));
        let head = poll_fn(|cx| CLOCKS.sync_scope(clocks, || sent.as_mut().poll(cx)));
        let limit = watch.head_limit();
        let limit = limit.and_then(|limit| Some((begun.checked_add(limit)?, limit)));
        let response = match limit {
            None => head.await,
            Some((at, limit)) => match tokio::time::timeout_at(at, head).await {
                Ok(response) => response,
                Err(_) => return Err(watch.timeout(limit)),
            },
        };
        let response = response.map_err(|error| fault_of(&error, &watch))?;
        let (parts, body) = response.into_parts();
        Ok(Upstream {
            head: Head {
                status: parts.status,
                headers: parts.headers,
            },
            body: Box::new(ClockedBody::new(body, watch)),
        })
    }

    async fn sent(
        &self,
        request: Request<Pieces<Outgoing>>,
    ) -> Result<Response<Incoming>, legacy::Error> {
        let again = request.clone();
        match self.pool.request(request).await {
            // A pool that keeps nothing: its connections are new, and none of them proves stale.
            Err(error) if is_stale(&error) => self.without_pool().pool.request(again).await,
            ended => ended,
        }
    }

    /// A client that connects alike and keeps no connection.
    fn without_pool(&self) -> Self {
        Self::over(self.connector.clone(), self.pool_idle, 0)
    }
}

impl Transport for Client {
    fn send(
        &self,
        request: UpstreamRequest,
        clocks: Clocks,
    ) -> BoxFuture<'_, Result<Upstream, Fault>> {
        in_place!(self.exchange(request, clocks))
    }

    fn fetch(
        &self,
        request: UpstreamRequest,
        clocks: Clocks,
    ) -> BoxFuture<'_, Result<Upstream, Fault>> {
        let client = Self::over(self.connector.public(), self.pool_idle, 0);
        Box::pin(async move { client.exchange(request, clocks).await })
    }
}

fn built(request: UpstreamRequest) -> Result<Request<Pieces<Outgoing>>, Fault> {
    let address = Address::of(request.url).ok_or(Fault::Connection)?;
    let mut built = Request::new(Pieces::of(request.body.into()));
    *built.method_mut() = request.method;
    *built.uri_mut() = address.uri;
    *built.headers_mut() = request.headers;
    let headers = built.headers_mut();
    headers.entry(HOST).or_insert(address.host);
    // Compressed bytes could not be forwarded event by event.
    headers
        .entry(ACCEPT_ENCODING)
        .or_insert(HeaderValue::from_static("identity"));
    Ok(built)
}

fn fault_of(error: &legacy::Error, watch: &Watch) -> Fault {
    sources(error)
        .find_map(|cause| cause.downcast_ref::<TooSlow>())
        .map_or_else(
            || {
                if error.is_connect() {
                    Fault::Unreachable
                } else {
                    Fault::Connection
                }
            },
            |slow| watch.timeout(slow.0),
        )
}

fn is_stale(error: &legacy::Error) -> bool {
    sources(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>()?.get_ref())
        .any(<dyn std::error::Error + Send + Sync + 'static>::is::<Stale>)
}

/// An error and what caused it, outermost first.
fn sources<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}
