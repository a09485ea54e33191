//! A call under way, and the one receipt that it leaves behind: success, failure, or cancelled when it is dropped.

use super::Failure;
use crate::account::{Cost, FailedAttempt, Outcome, Receipt, Sink, Timings, Trail, Usage};
use crate::adapt::{Head, Target};
use crate::error::Error;
use crate::request::Call;
use http::HeaderMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A call under way. Dropping it before its end is what a caller that leaves does.
pub(super) struct Running {
    /// What is asked; a fallback changes it.
    pub(super) call: Call,
    /// The model as the caller asked for it.
    requested_model: String,
    /// The deployment tried last.
    pub(super) target: Option<Arc<Target>>,
    /// Exchanges begun.
    pub(super) attempts: u32,
    /// Retries made.
    pub(super) retries: u32,
    /// Fallbacks taken.
    pub(super) fallbacks: u32,
    /// Time spent in attempts.
    pub(super) upstream: Duration,
    pub(super) first_chunk: Option<Duration>,
    remaining: (Option<u64>, Option<u64>),
    /// What failed on the way.
    pub(super) trail: Trail,
    sinks: Arc<[Arc<dyn Sink>]>,
    over: bool,
}

impl Running {
    pub(super) fn start(call: Call, sinks: Arc<[Arc<dyn Sink>]>) -> Self {
        Self {
            requested_model: call.model.clone(),
            call,
            target: None,
            attempts: 0,
            retries: 0,
            fallbacks: 0,
            upstream: Duration::ZERO,
            first_chunk: None,
            remaining: (None, None),
            trail: Trail::default(),
            sinks,
            over: false,
        }
    }

    /// Time since the call came in.
    pub(super) fn elapsed(&self) -> Duration {
        Instant::now()
            .into_std()
            .saturating_duration_since(self.call.started)
    }

    /// Waits before another attempt; false when the deadline would pass meanwhile.
    pub(super) async fn wait(&self, wait: Duration) -> bool {
        let left = self.call.deadline.left(Instant::now().into_std());
        if left.is_some_and(|left| left <= wait) {
            return false;
        }
        tokio::time::sleep(wait).await;
        true
    }

    /// Notes what the upstream says is left of its limits.
    pub(super) fn note_head(&mut self, head: &Head) {
        self.remaining = (
            number(&head.headers, "x-ratelimit-remaining-requests"),
            number(&head.headers, "x-ratelimit-remaining-tokens"),
        );
    }

    /// Notes an attempt that failed, for the trail of the receipt.
    pub(super) fn note_failure(&mut self, target: &Arc<Target>, error: Error) -> Error {
        self.trail.failed.push(FailedAttempt {
            target: target.clone(),
            status: error.status,
            class: error.kind.row().class,
            cooled_down: false,
        });
        error
    }

    /// The call was answered.
    pub(super) fn succeed(
        &mut self,
        target: &Arc<Target>,
        usage: Option<Usage>,
        head: Option<&Head>,
    ) -> Option<Cost> {
        if let Some(head) = head {
            self.note_head(head);
        }
        self.target = Some(target.clone());
        let cost = None;
        self.close(Outcome::Success, usage, cost);
        cost
    }

    /// The call failed for good.
    pub(super) fn fail(mut self, error: Error) -> Box<Failure> {
        let failure = Box::new(Failure {
            error: error.clone(),
            target: self.target.clone(),
            retries: self.retries,
            fallbacks: self.fallbacks,
        });
        self.close(Outcome::Failure(error), None, None);
        failure
    }

    /// The call is over: tells every sink, once.
    pub(super) fn close(&mut self, outcome: Outcome, usage: Option<Usage>, cost: Option<Cost>) {
        if std::mem::replace(&mut self.over, true) || self.sinks.is_empty() {
            return;
        }
        let total = self.elapsed();
        let receipt = Receipt {
            call_id: std::mem::take(&mut self.call.id),
            op: self.call.op,
            stream: self.call.stream,
            caller: std::mem::take(&mut self.call.caller),
            requested_model: std::mem::take(&mut self.requested_model),
            target: self.target.take(),
            usage,
            cost,
            timings: Timings {
                total,
                upstream: self.upstream,
                first_chunk: self.first_chunk,
                queue: None,
            },
            attempts: self.attempts,
            fallbacks: self.fallbacks,
            outcome,
            remaining: self.remaining,
            trail: std::mem::take(&mut self.trail),
        };
        for sink in &*self.sinks {
            sink.record(&receipt);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.close(Outcome::Cancelled, None, None);
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}
