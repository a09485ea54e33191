//! 5 FORWARD. Outbound IO: the pooled client, TLS, the six clocks, and the body as it comes.
//!
//! Dropping a future or a body of this module ends the upstream call at once.

use crate::adapt::{Head, UpstreamRequest};
use crate::error::Result;
use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A boxed future, as object-safe traits need it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The clocks of one upstream call; `None` is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clocks {
    /// TCP connect.
    pub connect: Option<Duration>,
    /// TLS handshake.
    pub tls: Option<Duration>,
    /// Until the response head.
    pub headers: Option<Duration>,
    /// Until the first body byte of a stream.
    pub first_token: Option<Duration>,
    /// Between two reads of the body.
    pub idle: Option<Duration>,
    /// All of it.
    pub total: Option<Duration>,
}

/// Sends one request upstream.
pub trait Transport: Send + Sync {
    /// Resolves with the response head; the body follows.
    fn send(&self, request: UpstreamRequest, clocks: Clocks) -> BoxFuture<'_, Result<Upstream>>;
}

/// An upstream response: head, and body still to come.
pub struct Upstream {
    /// Status and headers.
    pub head: Head,
    /// The body.
    pub body: Box<dyn UpstreamBody>,
}

/// The body of an upstream response, under its clocks.
pub trait UpstreamBody: Send + Unpin {
    /// The next piece; `None` at the end.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>>;
}
