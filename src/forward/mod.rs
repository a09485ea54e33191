//! 5 FORWARD. Outbound IO: the client ([`client`]) and its connections ([`pool`]), TLS ([`tls`]), proxies
//! ([`proxies`]), the six clocks, and the body as it comes ([`body`]).
//!
//! Dropping a future or a body of this module ends the upstream call at once. Nothing here knows a dialect: what
//! goes wrong is a [`Fault`], which the adapter of the provider names.

mod address;
pub mod aws;
pub mod body;
pub mod client;
mod connect;
pub mod entra;
pub mod google;
pub mod ibm;
mod names;
mod outgoing;
pub mod per_thread;
mod pool;
pub mod proxies;
pub mod public;
pub mod sigv4;
pub(crate) mod tls;
pub mod tokens;
mod wire;

use crate::adapt::{Fault, Head, UpstreamRequest};
use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

pub use body::collect;
pub use client::{Client, ClientSettings};

/// A boxed future, as object-safe traits need it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Boxes a future where it stays: `Box::pin` would make it elsewhere and move all of its room.
macro_rules! in_place {
    ($future:expr) => {{
        let boxed = Box::write(Box::new_uninit(), $future);
        Box::into_pin(boxed)
    }};
}
pub(crate) use in_place;

/// The clocks of one upstream call; `None` is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clocks {
    /// TCP connect, with name resolution.
    pub connect: Option<Duration>,
    /// TLS handshake.
    pub tls: Option<Duration>,
    /// Until the response head, a connection included.
    pub headers: Option<Duration>,
    /// From the request to the first body byte.
    pub first_token: Option<Duration>,
    /// Between two reads of the body.
    pub idle: Option<Duration>,
    /// All of it.
    pub total: Option<Duration>,
}

/// Sends one request upstream.
pub trait Transport: Send + Sync {
    /// Resolves with the response head; the body follows.
    fn send(
        &self,
        request: UpstreamRequest,
        clocks: Clocks,
    ) -> BoxFuture<'_, Result<Upstream, Fault>>;

    /// Sends one request to an address that a caller named: to hosts of the public internet only ([`public`]), on a
    /// connection that no other call uses. A transport that cannot tell them apart sends none.
    fn fetch(
        &self,
        _request: UpstreamRequest,
        _clocks: Clocks,
    ) -> BoxFuture<'_, Result<Upstream, Fault>> {
        Box::pin(async { Err(Fault::Connection) })
    }
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
    /// The next piece; `None` at the end. A fault is the last item.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Fault>>>;

    /// The length that the head announced.
    fn size_hint(&self) -> Option<u64> {
        None
    }
}
