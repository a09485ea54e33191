//! A streamed reply on its way: pulls the upstream's bytes through the adapter as fast as the caller takes them.
//!
//! There is no task and no channel: a caller that does not poll does not read, so that the upstream's own flow
//! control holds it back; a caller that drops the stream drops the connection with it.

use super::running::Running;
use crate::account::Outcome;
use crate::adapt::{Fault, Head, StreamAdapter, StreamEnd, Target};
use crate::error::{Error, Result};
use crate::forward::UpstreamBody;
use bytes::{Bytes, BytesMut};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::Instant;

/// Pieces that are already there are joined up to this size.
const JOIN: usize = 32 << 10;

/// Canonical SSE events; each item is one or more whole events. Dropping it cancels the upstream call,
/// releases every permit and accounts what was forwarded so far.
pub struct AnswerStream(Box<Pump>);

struct Pump {
    running: Running,
    target: Arc<Target>,
    adapter: Box<dyn StreamAdapter>,
    body: Option<Box<dyn UpstreamBody>>,
    since: Instant,
    out: BytesMut,
    /// An item taken ahead, to see whether the stream begins at all.
    ahead: Option<Bytes>,
    /// What follows when `out` is taken.
    error: Option<Error>,
}

impl AnswerStream {
    pub(super) fn new(
        mut running: Running,
        target: Arc<Target>,
        head: &Head,
        body: Box<dyn UpstreamBody>,
        adapter: Box<dyn StreamAdapter>,
    ) -> Self {
        running.note_head(head);
        Self(Box::new(Pump {
            running,
            target,
            adapter,
            body: Some(body),
            since: Instant::now(),
            out: BytesMut::new(),
            ahead: None,
            error: None,
        }))
    }

    /// The next events; `None` at the end. An error is the last item.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        self.0.poll_next(cx)
    }

    /// The next events; `None` at the end. An error is the last item. Cancel safe.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }
}

impl std::fmt::Debug for AnswerStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnswerStream").finish_non_exhaustive()
    }
}

impl Pump {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if let Some(ahead) = self.ahead.take() {
            return Poll::Ready(Some(Ok(ahead)));
        }
        while let Some(body) = &mut self.body {
            match body.poll_next(cx) {
                Poll::Pending if self.out.is_empty() => return Poll::Pending,
                Poll::Pending => return Poll::Ready(Some(Ok(self.take()))),
                Poll::Ready(Some(Ok(piece))) => self.push(&piece),
                Poll::Ready(Some(Err(fault))) => self.broken(fault),
                Poll::Ready(None) => self.finish(),
            }
            if self.out.len() >= JOIN {
                return Poll::Ready(Some(Ok(self.take())));
            }
        }
        if !self.out.is_empty() {
            return Poll::Ready(Some(Ok(self.take())));
        }
        Poll::Ready(self.error.take().map(Err))
    }

    fn take(&mut self) -> Bytes {
        if self.running.first_chunk.is_none() {
            self.running.first_chunk = Some(self.running.elapsed());
        }
        self.out.split().freeze()
    }

    fn push(&mut self, piece: &[u8]) {
        if let Err(error) = self.adapter.push(piece, &mut self.out) {
            self.fail(error);
        }
    }

    fn broken(&mut self, fault: Fault) {
        let error = self
            .target
            .provider
            .adapter
            .fault(&self.running.call, &self.target, fault);
        self.fail(error);
    }

    fn finish(&mut self) {
        match self.adapter.finish(&mut self.out) {
            Ok(end) if end.complete => self.over(Outcome::Success, end),
            Ok(_) => self.broken(Fault::Cut),
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: Error) {
        self.error = Some(error.clone());
        // What was used until here is still to be paid.
        let end = self
            .adapter
            .finish(&mut BytesMut::new())
            .unwrap_or_default();
        self.over(Outcome::Failure(error), end);
    }

    /// Closes the connection, gives back what is held, and accounts.
    fn over(&mut self, outcome: Outcome, end: StreamEnd) {
        self.body = None;
        self.running.upstream += self.since.elapsed();
        self.running.close(outcome, end.usage, None);
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        if self.body.is_some() {
            let end = self
                .adapter
                .finish(&mut BytesMut::new())
                .unwrap_or_default();
            self.over(Outcome::Cancelled, end);
        }
    }
}
