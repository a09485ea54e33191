//! A call under way, what it holds, and the one receipt that it leaves behind: success, failure, or cancelled when it is dropped.

use super::Failure;
use super::admit::Tried;
use super::attempt::Took;
use super::explain::Notes;
use crate::account::{Cost, FailedAttempt, Outcome, Receipt, Sink, Stages, Timings, Trail, Usage};
use crate::adapt::{Head, Target};
use crate::error::Error;
use crate::request::Call;
use crate::resilience::gate::Permit;
use crate::trace::{Attempt, Traced, asked};
use http::{HeaderMap, HeaderName};
use opentelemetry::trace::SpanId;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

static LEFT_REQUESTS: HeaderName = HeaderName::from_static("x-ratelimit-remaining-requests");
static LEFT_TOKENS: HeaderName = HeaderName::from_static("x-ratelimit-remaining-tokens");

/// A call under way. Dropping it before its end is what a caller that leaves does.
pub(super) struct Running {
    /// What is asked; a fallback changes it.
    pub(super) call: Box<Call>,
    /// The model as the caller asked for it.
    requested_model: String,
    /// The deployment tried last.
    pub(super) target: Option<Arc<Target>>,
    /// The model as the reply names it.
    pub(super) served: Option<String>,
    /// Exchanges begun.
    pub(super) attempts: u32,
    /// Retries made.
    pub(super) retries: u32,
    /// Retries that the group in use allows, once one was considered.
    pub(super) allowed_retries: u32,
    /// Fallbacks taken.
    pub(super) fallbacks: u32,
    /// Whether the attempt under way was answered with a stream.
    pub(super) begun: bool,
    /// Time spent in attempts.
    pub(super) upstream: Duration,
    pub(super) first_chunk: Option<Duration>,
    /// From the request's arrival to the start of routing.
    queued: Duration,
    /// When it was ready to be routed.
    ready: Instant,
    /// Where its time went.
    pub(super) stages: Stages,
    remaining: (Option<u64>, Option<u64>),
    /// What its spans are made of, where it is sampled.
    pub(super) traced: Option<Box<Traced>>,
    /// What failed on the way.
    pub(super) trail: Trail,
    /// The deployment in use, and what is held there. Empty in process.
    pub(super) tried: Option<Tried>,
    /// The place among all calls of this process, where these are limited.
    pub(super) seat: Option<Permit>,
    /// What is noted of the way, where the call asks for it.
    pub(super) notes: Option<Box<Notes>>,
    /// What they told in the end.
    pub(super) explanation: Option<String>,
    /// `default_priority`, where the call says none.
    pub(super) default_priority: Option<i64>,
    /// Whether a failure of this call was held against its deployment: LiteLLM does so with a call's first failure,
    /// and with the last of each fallback.
    pub(super) judged: bool,
    sinks: Arc<[Arc<dyn Sink>]>,
    over: bool,
}

impl Running {
    /// In a box: it goes through many hands, and is as large as all of them.
    pub(super) fn start(call: Box<Call>, sinks: Arc<[Arc<dyn Sink>]>) -> Box<Self> {
        let ready = Instant::now();
        let now = ready.into_std();
        Box::new(Self {
            requested_model: call.model.clone(),
            queued: now.saturating_duration_since(call.started),
            ready,
            stages: Stages {
                parse: Some(now.saturating_duration_since(call.received)),
                ..Stages::default()
            },
            traced: Traced::of(call.trace.as_deref()),
            notes: call.explain.then(Box::default),
            call,
            target: None,
            served: None,
            attempts: 0,
            retries: 0,
            allowed_retries: 0,
            fallbacks: 0,
            begun: false,
            upstream: Duration::ZERO,
            first_chunk: None,
            remaining: (None, None),
            trail: Trail::default(),
            tried: None,
            seat: None,
            explanation: None,
            default_priority: None,
            judged: false,
            sinks,
            over: false,
        })
    }

    /// Its place in a line: lower goes first. `None` for a call that takes no part in lines.
    pub(super) fn priority(&self) -> Option<i64> {
        self.call.priority.or(self.default_priority)
    }

    /// Time since the call came in.
    pub(super) fn elapsed(&self) -> Duration {
        self.call.elapsed()
    }

    /// The same for a moment that was looked at already.
    pub(super) fn elapsed_at(&self, now: Instant) -> Duration {
        let now = now.into_std();
        now.saturating_duration_since(self.call.started)
    }

    /// Whether the budget of its group has one more attempt; it is counted then. After one that no upstream has seen
    /// another is no more load than there would be without it: that costs nothing of the budget.
    pub(super) fn may_retry(&self, error: &Error) -> bool {
        if error.unsent {
            return true;
        }
        let Some(tried) = &self.tried else {
            return true;
        };
        let Some(rules) = &tried.snapshot.routes.rules.retry_budget else {
            return true;
        };
        let now = Instant::now().into_std();
        let state = &tried.group.state;
        let granted = state.retries.lock().withdraw(now, rules);
        if !granted {
            state.retries_denied.fetch_add(1, Ordering::Relaxed);
        }
        granted
    }

    /// Notes that the first attempt begins.
    pub(super) fn routed(&mut self, now: Instant) {
        if self.stages.route.is_none() {
            let waited = self.stages.queue.unwrap_or_default();
            let passed = now.saturating_duration_since(self.ready);
            self.stages.route = Some(passed.saturating_sub(waited));
        }
    }

    /// Notes that it waited for a place.
    pub(super) fn waited(&mut self, time: Duration) {
        let before = self.stages.queue.unwrap_or_default();
        self.stages.queue = Some(before + time);
    }

    /// Notes where the time of the attempt that answered went.
    pub(super) fn answered(&mut self, took: Took) {
        self.stages.adapt = Some(took.adapt);
        self.stages.first_byte = took.first_byte;
    }

    /// Gives an attempt that begins its span, where the call has a trace.
    pub(super) fn begin(&mut self, target: &Arc<Target>, now: Instant) -> Option<SpanId> {
        let id = self.call.trace.as_deref()?.span().id;
        let began = self.elapsed_at(now);
        if let Some(traced) = &mut self.traced {
            traced.attempt(Attempt::begun(id, target, began));
        }
        Some(id)
    }

    /// What is noted of the attempt with this span, in a sampled call.
    pub(super) fn attempt(&mut self, span: Option<SpanId>) -> Option<&mut Attempt> {
        let (traced, id) = self.traced.as_mut().zip(span)?;
        traced
            .attempts
            .iter_mut()
            .rev()
            .find(|attempt| attempt.span_id == id)
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
            number(&head.headers, &LEFT_REQUESTS),
            number(&head.headers, &LEFT_TOKENS),
        );
    }

    /// Notes an attempt that failed: for the trail of the receipt, and once against the deployment.
    pub(super) fn note_failure(&mut self, target: &Arc<Target>, error: Error) -> Error {
        let first = !std::mem::replace(&mut self.judged, true);
        let late = self.call.deadline.left(Instant::now().into_std());
        let late = late.is_some_and(|left| left.is_zero());
        let mut cooled_down = false;
        if let Some(tried) = &mut self.tried {
            cooled_down = first && tried.cools(&error);
            cooled_down |= tried.failed(&error, late);
        }
        if let Some(traced) = &mut self.traced {
            traced.failed(target, &error, self.call.elapsed());
        }
        self.trail.failed.push(FailedAttempt {
            target: target.clone(),
            status: error.status,
            class: error.kind.row().class,
            cooled_down,
        });
        error
    }

    /// Holds the end of a fallback that failed against its deployment.
    pub(super) fn judge(&mut self, error: &Error) {
        let cooled = self.tried.as_ref().is_some_and(|tried| tried.cools(error));
        if cooled && let Some(last) = self.trail.failed.last_mut() {
            last.cooled_down = true;
        }
    }

    /// The call failed for good.
    pub(super) fn fail(mut self: Box<Self>, error: Error) -> Box<Failure> {
        self.explain(None);
        let failure = Box::new(Failure {
            error: error.clone(),
            target: self.target.clone(),
            retries: self.retries,
            fallbacks: self.fallbacks,
            begun: self.begun,
            explanation: self.explanation.take(),
        });
        self.close(Outcome::Failure(error), None);
        failure
    }

    /// Whether the receipt is out.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// The call is over: tells every sink, once.
    pub(super) fn close(&mut self, outcome: Outcome, usage: Option<Usage>) -> Option<Cost> {
        if std::mem::replace(&mut self.over, true) {
            return None;
        }
        let closing = Instant::now();
        let cost = self.cost(usage.as_ref());
        if let Some(mut tried) = self.tried.take() {
            let total = cost.map(|cost| cost.total);
            match outcome {
                Outcome::Success => tried.succeeded(closing, usage.as_ref(), total),
                Outcome::Failure(_) | Outcome::Cancelled => {
                    tried.leave(closing, usage.as_ref(), total);
                }
            }
        }
        if let Some(seat) = self.seat.take() {
            seat.end(self.elapsed());
        }
        if self.explanation.is_none() {
            self.explain(cost.as_ref());
        }
        if self.sinks.is_empty() {
            return cost;
        }
        let total = closing.into_std();
        let total = total.saturating_duration_since(self.call.started);
        if let Some(traced) = &mut self.traced {
            traced.end(total);
            traced.asked = asked(&self.call);
        }
        let receipt = Receipt {
            call_id: std::mem::take(&mut self.call.id),
            op: self.call.op,
            stream: self.call.stream,
            caller: std::mem::take(&mut self.call.caller),
            requested_model: std::mem::take(&mut self.requested_model),
            target: self.target.take(),
            served: self.served.take(),
            usage,
            cost,
            timings: Timings {
                total,
                upstream: self.upstream,
                first_chunk: self.first_chunk,
                queue: Some(self.queued),
                stages: self.stages,
            },
            attempts: self.attempts,
            fallbacks: self.fallbacks,
            outcome,
            remaining: self.remaining,
            trail: std::mem::take(&mut self.trail),
            traced: self.traced.take(),
        };
        for sink in &*self.sinks {
            sink.record(&receipt);
        }
        let took = closing.elapsed();
        for sink in &*self.sinks {
            sink.accounted(took);
        }
        cost
    }

    /// Brings the notes of the way into one line, which the log keeps, too.
    pub(super) fn explain(&mut self, cost: Option<&Cost>) {
        let Some(notes) = self.notes.take() else {
            return;
        };
        let told = notes.told(self, cost);
        tracing::info!(target: "gateway::explain", "{told}");
        self.explanation = Some(told);
    }

    /// What the call cost, when its price is known.
    fn cost(&self, usage: Option<&Usage>) -> Option<Cost> {
        let target = self.target.as_ref()?;
        target.cost(usage?, self.served.as_deref(), || self.elapsed())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.close(Outcome::Cancelled, None);
    }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}
