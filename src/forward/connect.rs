//! One connection: name, TCP, TLS, each under its clock.
//!
//! Only HTTP/1.1 is offered: one connection for each call in flight keeps calls apart, so that one that is
//! cancelled or slow holds up no other. Proxies named in the environment are not used.

use super::names::Names;
use super::{Clocks, public};
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use prometheus::Histogram;
use rustls::pki_types::ServerName;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
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
    /// Connects to public hosts only.
    public_only: bool,
    /// What a connection took, TLS included.
    time: Option<Histogram>,
}

impl Connector {
    pub(super) fn new(tls: Arc<rustls::ClientConfig>) -> Self {
        let names = Names::default();
        let mut tcp = HttpConnector::new_with_resolver(names.clone());
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        Self(Arc::new(Way {
            tcp,
            names,
            tls: TlsConnector::from(tls),
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
    /// A connection to where `to` points, within the clocks of the call that asks.
    pub(super) async fn connect(&self, to: &Uri, clocks: Clocks) -> Result<Wire, BoxError> {
        let way = &*self.0;
        let begun = Instant::now();
        let secure = to.scheme() == Some(&http::uri::Scheme::HTTPS);
        let host = to.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = to.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let tcp = if way.public_only {
            within(clocks.connect, public::connect(&way.names, host, port)).await?
        } else {
            let connected = way.tcp.clone().call(to.clone());
            within(clocks.connect, connected).await?.into_inner()
        };
        let io = if secure {
            let name = ServerName::try_from(host.to_owned())?;
            let handshake = way.tls.connect(name, tcp);
            Io::Tls(Box::new(within(clocks.tls, handshake).await?))
        } else {
            Io::Plain(tcp)
        };
        if let Some(time) = &way.time {
            time.observe(begun.elapsed().as_secs_f64());
        }
        Ok(Wire {
            io,
            turn: Turn::First,
        })
    }
}

/// A connection, which knows whether it still owes the first byte of an answer.
pub(super) struct Wire {
    io: Io,
    turn: Turn,
}

#[derive(Clone, Copy)]
enum Turn {
    /// Nothing was read yet: an upstream that ends it now did so because of the request.
    First,
    /// Answers were read, and nothing was written since.
    Answered,
    /// It has answered before and was asked again, then; not a byte has come since.
    Asked(Instant),
}

/// A connection that had answered before ended before a byte of the next answer came, at once after the request
/// went out and in order: the upstream was closing it while the request was on its way. One that is reset is no such
/// thing: whoever resets it has seen the request.
#[derive(Debug)]
pub(super) struct Stale;

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the upstream closed the connection meanwhile")
    }
}

impl std::error::Error for Stale {}

/// What "at once" is. News of a connection that the upstream had closed comes within a round trip, and the longest
/// on this planet take less; an upstream that ends the connection later may have worked on the request.
const STALE_WITHIN: Duration = Duration::from_secs(1);

impl Wire {
    fn asked(&mut self) {
        if matches!(self.turn, Turn::Answered) {
            self.turn = Turn::Asked(Instant::now());
        }
    }

    fn answered(&mut self) {
        self.turn = Turn::Answered;
    }

    fn stale(&self) -> bool {
        matches!(self.turn, Turn::Asked(at) if at.elapsed() < STALE_WITHIN)
    }

    /// What writing came to.
    fn wrote<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match written {
            Poll::Ready(Err(error))
                if error.kind() == io::ErrorKind::BrokenPipe && self.stale() =>
            {
                Poll::Ready(Err(io::Error::other(Stale)))
            }
            written => written,
        }
    }
}

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        let before = buf.filled().len();
        let read = match &mut wire.io {
            Io::Plain(io) => Pin::new(io).poll_read(cx, buf),
            Io::Tls(io) => Pin::new(io).poll_read(cx, buf),
        };
        if buf.filled().len() > before {
            wire.answered();
        } else if matches!(read, Poll::Ready(Ok(()))) && wire.stale() {
            return Poll::Ready(Err(io::Error::other(Stale)));
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        wire.asked();
        let written = match &mut wire.io {
            Io::Plain(io) => Pin::new(io).poll_write(cx, buf),
            Io::Tls(io) => Pin::new(io).poll_write(cx, buf),
        };
        wire.wrote(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        wire.asked();
        let written = match &mut wire.io {
            Io::Plain(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Io::Tls(io) => Pin::new(io).poll_write_vectored(cx, bufs),
        };
        wire.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(io) => io.is_write_vectored(),
            Io::Tls(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        let flushed = match &mut wire.io {
            Io::Plain(io) => Pin::new(io).poll_flush(cx),
            Io::Tls(io) => Pin::new(io).poll_flush(cx),
        };
        wire.wrote(flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Io::Tls(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}
