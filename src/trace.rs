//! The trace that a call belongs to: W3C trace context, taken in from the client and sent on to the upstream.
//! <https://www.w3.org/TR/trace-context/>
//!
//! Whether a call is sampled is decided once, when it comes in. One that is not carries its ids on and notes nothing;
//! for one that is, [`Traced`] keeps what its spans are made of when it is over. Where tracing is off, a call has no
//! trace at all.

use crate::adapt::Target;
use crate::error::Error;
use crate::request::Call;
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanId, SpanKind, TraceContextExt, TraceId, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// What `traceparent` takes, in bytes.
const LENGTH: usize = 55;

/// Attempts that are noted at most.
const MOST: usize = 64;

/// Gives calls their traces.
#[derive(Debug)]
pub struct Tracer {
    sampler: Sampler,
    propagator: TraceContextPropagator,
}

impl Tracer {
    /// One that samples as told.
    pub fn new(sampler: Sampler) -> Self {
        Self {
            sampler,
            propagator: TraceContextPropagator::new(),
        }
    }

    /// The trace of a request with these headers: the client's, where they name one, else a trace of its own.
    pub fn begin(&self, headers: &HeaderMap) -> Box<Trace> {
        let parent = headers
            .contains_key(&TRACEPARENT)
            .then(|| (self.propagator).extract_with_context(&Context::new(), &Carrier(headers)));
        let parent = parent.filter(|context| context.span().span_context().is_valid());
        let (trace_id, parent_id, state) = match &parent {
            None => (trace_id(), SpanId::INVALID, TraceState::NONE),
            Some(context) => {
                let span = context.span();
                let span = span.span_context();
                (span.trace_id(), span.span_id(), span.trace_state().clone())
            }
        };
        let sampler = &self.sampler;
        let result =
            sampler.should_sample(parent.as_ref(), trace_id, "", &SpanKind::Server, &[], &[]);
        let sampled = result.decision == SamplingDecision::RecordAndSample;
        Box::new(Trace {
            trace_id,
            parent_id,
            span_id: span_id(),
            state,
            sampled,
            // Nobody asks an unsampled call when it came in.
            began: if sampled {
                SystemTime::now()
            } else {
                SystemTime::UNIX_EPOCH
            },
        })
    }
}

struct Carrier<'a>(&'a HeaderMap);

impl Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let mut all = self.0.get_all(key).iter();
        // A second one makes either untrustworthy.
        match (all.next(), all.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

fn trace_id() -> TraceId {
    TraceId::from(fastrand::u128(1..))
}

fn span_id() -> SpanId {
    SpanId::from(fastrand::u64(1..))
}

/// The trace of one call, and the call's own span in it.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The trace.
    pub trace_id: TraceId,
    /// The client's span; invalid for a call that begins the trace.
    pub parent_id: SpanId,
    /// The call's span.
    pub span_id: SpanId,
    /// `tracestate`, as it came.
    pub state: TraceState,
    /// Whether spans are made of it.
    pub sampled: bool,
    /// When the call came in, by the wall clock. Of sampled calls only.
    pub began: SystemTime,
}

impl Trace {
    /// The call's own span, for a request that is passed on as it is.
    pub fn own(&self) -> Span<'_> {
        Span {
            trace: self,
            id: self.span_id,
        }
    }

    /// The span with this id, which [`Self::span`] gave.
    pub fn named(&self, id: SpanId) -> Span<'_> {
        Span { trace: self, id }
    }

    /// A span below the call's: an attempt.
    pub fn span(&self) -> Span<'_> {
        Span {
            trace: self,
            id: span_id(),
        }
    }
}

/// The span of one attempt, which the upstream is to be the child of.
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    trace: &'a Trace,
    /// Its id.
    pub id: SpanId,
}

impl Span<'_> {
    /// Names it in the headers of a request.
    pub fn write(&self, headers: &mut HeaderMap) {
        // Every call of a traced process has one: digits are written as they are, without the machinery of formats.
        let mut value = [b'-'; LENGTH];
        let flags = u8::from(self.trace.sampled);
        for (at, bytes) in [
            (0, &[0][..]),
            (3, &self.trace.trace_id.to_bytes()),
            (36, &self.id.to_bytes()),
            (53, &[flags]),
        ] {
            for (digits, byte) in value[at..].chunks_exact_mut(2).zip(bytes) {
                digits.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            }
        }
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            headers.insert(TRACEPARENT, value);
        }
        let state = self.trace.state.header();
        if !state.is_empty()
            && let Ok(value) = HeaderValue::try_from(state)
        {
            headers.insert(TRACESTATE, value);
        }
    }
}

/// A number below 16 as hexadecimal.
fn digit(number: u8) -> u8 {
    match number {
        0..10 => b'0' + number,
        _ => b'a' + number - 10,
    }
}

/// What is noted of a sampled call beyond what is noted of all.
#[derive(Clone, Debug)]
pub struct Traced {
    /// Its trace.
    pub trace: Trace,
    /// Every attempt, in the order in which they began.
    pub attempts: Vec<Attempt>,
    /// The id that the reply has.
    pub response_id: Option<String>,
    /// Why the first choice ended.
    pub finish_reason: Option<String>,
    /// The numbers by which the call asked for its answer, by their attribute.
    pub asked: Vec<(&'static str, f64)>,
}

/// One exchange with a deployment, under way or over.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its span.
    pub span_id: SpanId,
    /// The deployment.
    pub target: Arc<Target>,
    /// When it began, from the call's arrival.
    pub began: Duration,
    /// When it ended; `None` for one that goes on.
    pub ended: Option<Duration>,
    /// HTTP status and Python class of the error that it ended with.
    pub error: Option<(u16, &'static str)>,
    /// Made because another one was late.
    pub hedge: bool,
    /// Dropped because another one answered first.
    pub lost: bool,
}

impl Attempt {
    /// One that begins.
    pub fn begun(span_id: SpanId, target: &Arc<Target>, began: Duration) -> Self {
        Self {
            span_id,
            target: target.clone(),
            began,
            ended: None,
            error: None,
            hedge: false,
            lost: false,
        }
    }
}

impl Traced {
    /// Nothing noted yet; `None` for a call that is not sampled.
    pub fn of(trace: Option<&Trace>) -> Option<Box<Self>> {
        let trace = trace.filter(|trace| trace.sampled)?.clone();
        Some(Box::new(Self {
            trace,
            attempts: Vec::new(),
            response_id: None,
            finish_reason: None,
            asked: Vec::new(),
        }))
    }

    /// Notes an attempt.
    pub fn attempt(&mut self, attempt: Attempt) {
        if self.attempts.len() < MOST {
            self.attempts.push(attempt);
        }
    }

    /// The answer of this deployment proved to be none.
    pub fn failed(&mut self, target: &Arc<Target>, error: &Error, now: Duration) {
        let answering = |attempt: &&mut Attempt| {
            attempt.error.is_none() && !attempt.lost && Arc::ptr_eq(&attempt.target, target)
        };
        if let Some(attempt) = self.attempts.iter_mut().rev().find(answering) {
            attempt.error = Some((error.status, error.kind.row().class));
            attempt.ended = Some(now);
        }
    }

    /// The call is over, and with it the attempt that answered.
    pub fn end(&mut self, now: Duration) {
        for attempt in &mut self.attempts {
            attempt.ended.get_or_insert(now);
        }
    }
}

/// The numbers by which a call asks for its answer, under the names that spans have for them. Nothing of its text.
pub fn asked(call: &Call) -> Vec<(&'static str, f64)> {
    [
        ("max_tokens", "gen_ai.request.max_tokens"),
        ("max_completion_tokens", "gen_ai.request.max_tokens"),
        ("max_output_tokens", "gen_ai.request.max_tokens"),
        ("temperature", "gen_ai.request.temperature"),
        ("top_p", "gen_ai.request.top_p"),
        ("top_k", "gen_ai.request.top_k"),
        ("frequency_penalty", "gen_ai.request.frequency_penalty"),
        ("presence_penalty", "gen_ai.request.presence_penalty"),
        ("seed", "gen_ai.request.seed"),
        ("n", "gen_ai.request.choice.count"),
    ]
    .into_iter()
    .filter_map(|(member, name)| Some((name, call.params.get(member)?)))
    .collect()
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
