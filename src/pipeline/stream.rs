//! [`AnswerStream`]: a streamed reply in the hands of the caller, and its accounting however it ends.

use super::cached::Recording;
use super::flow::{Flow, Over};
use super::running::Running;
use crate::account::Outcome;
use crate::adapt::Target;
use crate::cache::Place;
use crate::error::Result;
use bytes::Bytes;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::Instant;

/// Canonical SSE events; each item is one or more whole events. Dropping it cancels the upstream call,
/// releases every permit and accounts what was forwarded so far.
pub struct AnswerStream(Box<Pump>);

struct Pump {
    flow: Flow,
    running: Box<Running>,
    target: Arc<Target>,
    since: Instant,
    /// What is to be kept of it.
    recording: Option<Recording>,
}

impl AnswerStream {
    /// `place`: where the cache keeps it, once it has been read to its end.
    pub(super) fn new(
        running: Box<Running>,
        target: Arc<Target>,
        flow: Flow,
        place: Option<Place>,
    ) -> Self {
        Self(Box::new(Pump {
            recording: place.map(Recording::new),
            flow,
            running,
            target,
            since: Instant::now(),
        }))
    }

    /// The next events; `None` at the end. An error is the last item.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        self.0.poll_next(cx)
    }

    /// The usage of a stream that came to its end, in LiteLLM's form, with its cost where the price is known.
    pub fn usage(&self) -> Option<&crate::adapt::usage::Object> {
        match self.0.flow.over() {
            Some(Over::Well(end)) => end.reported.as_ref(),
            _ => None,
        }
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
        let next = self.flow.poll_next(cx, &self.running.call, &self.target);
        if let Poll::Ready(Some(Ok(_))) = &next
            && self.running.first_chunk.is_none()
        {
            self.running.first_chunk = Some(self.running.elapsed());
            if let Some(tried) = &mut self.running.tried {
                tried.first_token();
            }
        }
        if let (Some(recording), Poll::Ready(Some(Ok(events)))) = (&mut self.recording, &next) {
            recording.push(events);
        }
        if let (Poll::Ready(None), Some(Over::Well(end))) = (&next, self.flow.over())
            && let Some(recording) = self.recording.take()
        {
            recording.keep(&self.target, end);
        }
        if next.is_ready() {
            self.account(match &next {
                Poll::Ready(Some(Err(error))) => Some(error.clone()),
                _ => None,
            });
        }
        next
    }

    /// Accounts a flow that has come to its end, as soon as the upstream is done with it.
    fn account(&mut self, error: Option<crate::error::Error>) {
        let (outcome, usage) = match (self.flow.over(), error) {
            (_, Some(error)) => {
                self.running.note_failure(&self.target, error.clone());
                let usage = self.flow.abandon().usage;
                (Outcome::Failure(error), usage)
            }
            (Some(Over::Well(end)), None) => {
                self.running.served.clone_from(&end.upstream_model);
                if let Some(traced) = &mut self.running.traced {
                    traced.finish_reason.clone_from(&end.finish_reason);
                    traced.response_id = end.id().map(str::to_owned);
                }
                (Outcome::Success, end.usage.clone())
            }
            _ => return,
        };
        self.over(outcome, usage);
    }

    fn over(&mut self, outcome: Outcome, usage: Option<crate::account::Usage>) {
        if !self.running.is_over() {
            self.running.upstream += self.since.elapsed();
            self.running.close(outcome, usage);
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        if !self.running.is_over() {
            let usage = self.flow.abandon().usage;
            self.over(Outcome::Cancelled, usage);
        }
    }
}
