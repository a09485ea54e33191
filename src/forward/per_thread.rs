//! A connection belongs to the runtime that opened it and moves only while that runtime is driven. Where runtimes are
//! bound to threads, each thread therefore has a client, and so a pool, of its own.

use super::{BoxFuture, Client, Clocks, Transport, Upstream, in_place};
use crate::adapt::{Fault, UpstreamRequest};
use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;

thread_local! {
    static CLIENT: RefCell<Option<Arc<Client>>> = const { RefCell::new(None) };
}

/// Sends with the client of the thread that asks, or with this one where the thread has none.
pub struct PerThread(pub Client);

impl Transport for PerThread {
    fn send(
        &self,
        request: UpstreamRequest,
        clocks: Clocks,
    ) -> BoxFuture<'_, Result<Upstream, Fault>> {
        match CLIENT.with_borrow(Clone::clone) {
            Some(client) => in_place!(async move { client.exchange(request, clocks).await }),
            None => self.0.send(request, clocks),
        }
    }

    fn fetch(
        &self,
        request: UpstreamRequest,
        clocks: Clocks,
    ) -> BoxFuture<'_, Result<Upstream, Fault>> {
        match CLIENT.with_borrow(Clone::clone) {
            Some(client) => Box::pin(async move { client.fetch(request, clocks).await }),
            None => self.0.fetch(request, clocks),
        }
    }
}

/// Until it is dropped, its client is the one that its thread sends with.
#[must_use]
pub struct InUse(PhantomData<*const ()>);

impl InUse {
    /// From now on this thread sends with `client`.
    pub fn start(client: &Client) -> Self {
        CLIENT.set(Some(Arc::new(client.clone())));
        Self(PhantomData)
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        CLIENT.set(None);
    }
}
