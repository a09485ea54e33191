//! [`RawStream`]: a reply that is no text, in the hands of the caller as it comes, and its accounting.

use super::running::Running;
use crate::account::{Outcome, Usage};
use crate::adapt::Target;
use crate::error::Result;
use crate::forward::UpstreamBody;
use bytes::Bytes;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::Instant;

/// Bytes as the provider sends them. Dropping it before its end closes the upstream's connection.
pub struct RawStream(Box<Raw>);

struct Raw {
    body: Box<dyn UpstreamBody>,
    running: Box<Running>,
    target: Arc<Target>,
    usage: Option<Usage>,
    since: Instant,
}

impl RawStream {
    pub(super) fn new(
        running: Box<Running>,
        target: Arc<Target>,
        body: Box<dyn UpstreamBody>,
        usage: Option<Usage>,
    ) -> Self {
        Self(Box::new(Raw {
            body,
            running,
            target,
            usage,
            since: Instant::now(),
        }))
    }

    /// The next bytes; `None` at the end. An error is the last item.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let raw = &mut *self.0;
        let Poll::Ready(next) = raw.body.poll_next(cx) else {
            return Poll::Pending;
        };
        if raw.running.first_chunk.is_none() {
            raw.running.first_chunk = Some(raw.running.elapsed());
        }
        Poll::Ready(match next {
            Some(Ok(piece)) => Some(Ok(piece)),
            None => {
                raw.over(Outcome::Success);
                None
            }
            Some(Err(fault)) => {
                let call = &raw.running.call;
                let error = raw.target.adapter(call.op).fault(call, &raw.target, fault);
                let error = raw.running.note_failure(&raw.target, error);
                raw.over(Outcome::Failure(error.clone()));
                Some(Err(error))
            }
        })
    }

    /// The length that the provider announced.
    pub fn length(&self) -> Option<u64> {
        self.0.body.size_hint()
    }
}

impl std::fmt::Debug for RawStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawStream").finish_non_exhaustive()
    }
}

impl Raw {
    fn over(&mut self, outcome: Outcome) {
        if !self.running.is_over() {
            self.running.upstream += self.since.elapsed();
            self.running.close(outcome, self.usage.take());
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.over(Outcome::Cancelled);
    }
}
