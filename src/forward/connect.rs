//! The way to an upstream: name, TCP, a proxy where one is between, TLS, each under its clock.
//!
//! Only HTTP/1.1 is offered: one connection for each call in flight keeps calls apart, so that one that is
//! cancelled or slow holds up no other.

use super::names::Names;
use super::proxies::{Proxies, Proxy};
use super::wire::{Io, Wire};
use super::{Clocks, public};
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use prometheus::Histogram;
use rustls::pki_types::ServerName;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tower_service::Service;

/// For a step of a connection without a clock of its own: longer than any network needs, short enough to end.
const LIMIT: Duration = Duration::from_secs(60);

/// Makes connections.
#[derive(Clone)]
pub(super) struct Connector(Arc<Way>);

/// How connections are made.
#[derive(Clone)]
struct Way {
    tcp: HttpConnector<Names>,
    names: Names,
    tls: TlsConnector,
    proxies: Option<Arc<Proxies>>,
    /// Connects to public hosts only, and through no proxy: it could reach others.
    public_only: bool,
    /// What a connection took, TLS included.
    time: Option<Histogram>,
}

impl Connector {
    pub(super) fn new(tls: Arc<rustls::ClientConfig>, proxies: Option<Proxies>) -> Self {
        let names = Names::default();
        let mut tcp = HttpConnector::new_with_resolver(names.clone());
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        Self(Arc::new(Way {
            tcp,
            names,
            tls: TlsConnector::from(tls),
            proxies: proxies.map(Arc::new),
            public_only: false,
            time: None,
        }))
    }

    /// One that connects alike, and tells what it took.
    pub(super) fn timed(&self, time: Histogram) -> Self {
        Self(Arc::new(Way {
            time: Some(time),
            ..Way::clone(&self.0)
        }))
    }

    /// One that connects alike, but to public hosts only.
    pub(super) fn public(&self) -> Self {
        Self(Arc::new(Way {
            public_only: true,
            ..Way::clone(&self.0)
        }))
    }
}

/// A step of a connection took longer than its clock allows.
#[derive(Debug)]
pub(super) struct TooSlow(pub(super) Duration);

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no connection within {:?}", self.0)
    }
}

impl std::error::Error for TooSlow {}

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn within<T, E: Into<BoxError>>(
    limit: Option<Duration>,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, BoxError> {
    let limit = limit.unwrap_or(LIMIT);
    match tokio::time::timeout(limit, step).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(TooSlow(limit).into()),
    }
}

impl Connector {
    /// The proxy that is to be given requests for this address, as it is no tunnel.
    pub(super) fn forwarder(&self, to: &Uri) -> Option<Proxy> {
        let proxy = self.0.before(to)?;
        let forwards = !is_secure(to) && proxy.speaks_http();
        forwards.then_some(proxy)
    }

    /// A connection to where `to` points, within the clocks of the call that asks.
    pub(super) async fn connect(&self, to: &Uri, clocks: Clocks) -> Result<Wire, BoxError> {
        let way = &*self.0;
        let begun = Instant::now();
        let io = match way.before(to) {
            None if way.public_only => {
                let public = public::connect(&way.names, host(to), port(to));
                Io::Plain(within(clocks.connect, public).await?)
            }
            None => Io::Plain(
                within(clocks.connect, way.tcp.clone().call(to.clone()))
                    .await?
                    .into_inner(),
            ),
            Some(proxy) => {
                let through = proxy.connect(to.clone(), |proxy| {
                    let way = self.0.clone();
                    Box::pin(async move { way.open(&proxy).await })
                });
                within(clocks.connect, through).await.inspect_err(|error| {
                    let proxy = host(proxy.uri());
                    tracing::warn!(proxy, error = &**error, "the proxy gives no connection");
                })?
            }
        };
        let io = if is_secure(to) {
            way.secured(io, to, clocks.tls).await?
        } else {
            io
        };
        if let Some(time) = &way.time {
            time.observe(begun.elapsed().as_secs_f64());
        }
        Ok(Wire::new(io))
    }
}

impl Way {
    fn before(&self, to: &Uri) -> Option<Proxy> {
        let proxies = self.proxies.as_ref().filter(|_| !self.public_only)?;
        proxies.before(to)
    }

    /// A connection to a proxy itself.
    async fn open(&self, proxy: &Uri) -> Result<Io, BoxError> {
        let tcp = self.tcp.clone().call(proxy.clone()).await?;
        let io = Io::Plain(tcp.into_inner());
        if is_secure(proxy) {
            self.secured(io, proxy, None).await
        } else {
            Ok(io)
        }
    }

    async fn secured(&self, io: Io, to: &Uri, limit: Option<Duration>) -> Result<Io, BoxError> {
        let name = ServerName::try_from(host(to).to_owned())?;
        let tls = within(limit, self.tls.connect(name, io)).await?;
        Ok(Io::Tls(Box::new(tls)))
    }
}

fn is_secure(to: &Uri) -> bool {
    to.scheme() == Some(&http::uri::Scheme::HTTPS)
}

fn host(to: &Uri) -> &str {
    to.host().unwrap_or_default().trim_matches(['[', ']'])
}

fn port(to: &Uri) -> u16 {
    to.port_u16()
        .unwrap_or(if is_secure(to) { 443 } else { 80 })
}
