//! The pooled client. A request that found its connection closed before a byte of it was written goes out on another.
//! One that was written goes out once more, on a new connection, where the one it had proves [`Stale`]; one that an
//! upstream may have begun to answer is never sent again here.

use super::address::Address;
use super::body::{ClockedBody, Watch};
use super::connect::{BoxError, Connector, TooSlow};
use super::outgoing::Outgoing;
use super::pool::{Lease, Pool};
use super::proxies::{Proxies, ProxySettings};
use super::wire::Stale;
use super::{BoxFuture, Clocks, Transport, Upstream, in_place, tls};
use crate::adapt::{Fault, Head, UpstreamRequest};
use crate::pieces::Pieces;
use http::header::{ACCEPT_ENCODING, HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::{Request, Response};
use hyper::body::Incoming;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How the client connects.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// PEM file with the roots to trust instead of the web's.
    pub roots: Option<PathBuf>,
    /// Proxies on the way.
    pub proxies: ProxySettings,
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
            proxies: ProxySettings::default(),
            pool_idle: Duration::from_secs(20),
            pool_size: 1024,
        }
    }
}

impl ClientSettings {
    /// Settings of the environment: `SSL_CERT_FILE`, `HTTPS_PROXY` and its kin.
    pub fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            roots: env("SSL_CERT_FILE")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            proxies: ProxySettings::from_env(env),
            ..Self::default()
        }
    }
}

/// The client. Cheap to clone; clones share the pool. Its connections live on the runtime that it is used on.
#[derive(Clone)]
pub struct Client {
    pool: Arc<Pool>,
}

impl Client {
    /// A client with an empty pool.
    ///
    /// # Errors
    /// A text that says what is wrong with the certificates, or with the address of a proxy.
    pub fn new(settings: &ClientSettings) -> Result<Self, String> {
        let tls = Arc::new(tls::config(settings.roots.as_deref())?);
        let connector = Connector::new(tls, Proxies::new(&settings.proxies)?);
        Ok(Self::over(Pool::new(
            connector,
            settings.pool_idle,
            settings.pool_size,
        )))
    }

    /// A client that connects alike and shares no connection: for another runtime.
    #[must_use]
    pub fn with_own_pool(&self) -> Self {
        Self::over(self.pool.alike(self.pool.connector().clone()))
    }

    /// The same client, with an empty pool, which tells how long its connections took to make, in seconds.
    #[must_use]
    pub fn timed(&self, connect: prometheus::Histogram) -> Self {
        Self::over(self.pool.alike(self.pool.connector().timed(connect)))
    }

    fn over(pool: Pool) -> Self {
        Self {
            pool: Arc::new(pool),
        }
    }

    pub(super) async fn exchange(
        &self,
        request: UpstreamRequest,
        clocks: Clocks,
    ) -> Result<Upstream, Fault> {
        let begun = Instant::now();
        let watch = Watch::new(begun, clocks);
        let (request, to) = built(request, self.pool.connector())?;
        let mut head = pin!(self.sent(request, &to, clocks));
        let limit = watch.head_limit();
        let limit = limit.and_then(|limit| Some((begun.checked_add(limit)?, limit)));
        let answered = match limit {
            None => head.await,
            Some((at, limit)) => match tokio::time::timeout_at(at, head.as_mut()).await {
                Ok(answered) => answered,
                Err(_) => return Err(watch.timeout(limit)),
            },
        };
        let (response, lease) = answered.map_err(|failure| failure.fault(&watch))?;
        let (parts, body) = response.into_parts();
        Ok(Upstream {
            head: Head {
                status: parts.status,
                headers: parts.headers,
            },
            body: Box::new(ClockedBody::new(body, watch, lease)),
        })
    }

    async fn sent(
        &self,
        mut request: Request<Pieces<Outgoing>>,
        to: &Arc<Address>,
        clocks: Clocks,
    ) -> Result<(Response<Incoming>, Lease), Failure> {
        loop {
            let mut lease = self
                .pool
                .lease(to, clocks)
                .await
                .map_err(Failure::Connect)?;
            let again = lease.reused.then(|| request.clone());
            let mut failed = match lease.sender.try_send_request(request).await {
                Ok(response) => return Ok((response, lease)),
                Err(failed) => failed,
            };
            request = match (again, failed.take_message()) {
                (Some(_), Some(unsent)) => unsent,
                (Some(again), None) if is_stale(failed.error()) => {
                    let lease = self.pool.connect(to, clocks).await;
                    let mut lease = lease.map_err(Failure::Connect)?;
                    let sent = lease.sender.send_request(again).await;
                    return sent
                        .map(|response| (response, lease))
                        .map_err(|_| Failure::Send);
                }
                _ => return Err(Failure::Send),
            }
        }
    }
}

/// What kept a response from coming.
enum Failure {
    /// There is no connection.
    Connect(BoxError),
    /// The connection ended.
    Send,
}

impl Failure {
    fn fault(&self, watch: &Watch) -> Fault {
        match self {
            Self::Send => Fault::Connection,
            Self::Connect(error) => sources(&**error)
                .find_map(|cause| cause.downcast_ref::<TooSlow>())
                .map_or(Fault::Unreachable, |slow| watch.timeout(slow.0)),
        }
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
        let client = Self::over(self.pool.keeping_nothing(self.pool.connector().public()));
        Box::pin(async move { client.exchange(request, clocks).await })
    }
}

fn built(
    request: UpstreamRequest,
    connector: &Connector,
) -> Result<(Request<Pieces<Outgoing>>, Arc<Address>), Fault> {
    let to = Address::of(request.url).ok_or(Fault::Connection)?;
    let mut built = Request::new(Pieces::of(request.body.into()));
    *built.method_mut() = request.method;
    *built.uri_mut() = to.path.clone();
    *built.headers_mut() = request.headers;
    let headers = built.headers_mut();
    headers.entry(HOST).or_insert_with(|| to.host.clone());
    // Compressed bytes could not be forwarded event by event.
    headers
        .entry(ACCEPT_ENCODING)
        .or_insert(HeaderValue::from_static("identity"));
    if let Some(proxy) = connector.forwarder(&to.uri) {
        if let Some(credentials) = proxy.credentials() {
            headers.insert(PROXY_AUTHORIZATION, credentials.clone());
        }
        *built.uri_mut() = to.whole().ok_or(Fault::Connection)?;
    }
    Ok((built, to))
}

fn is_stale(error: &hyper::Error) -> bool {
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
