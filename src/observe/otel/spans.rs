//! A finished call as spans: one of the call itself, a server's, and below it one of each attempt, a client's. Texts of
//! prompts and replies are in none, nor are messages of errors, which quote them.
//!
//! What an answer used is told by the attempt that was answered, and by it alone: whoever adds up spans counts once.

use super::names::{self, text};
use crate::account::{Outcome, Receipt, Usage};
use crate::request::Op;
use crate::trace::{Attempt, Traced};
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use std::borrow::Cow;
use std::time::Duration;

/// The spans of a sampled call, its own first.
pub fn of(receipt: &Receipt, traced: &Traced, scope: &InstrumentationScope) -> Vec<SpanData> {
    let total = receipt.timings.total;
    let mut spans = Vec::with_capacity(1 + traced.attempts.len());
    let (error, status) = match &receipt.outcome {
        Outcome::Success => (None, 200),
        Outcome::Failure(error) => (Some(error.kind.row().class), error.status),
        Outcome::Cancelled => (Some(CANCELLED), 499),
    };
    spans.push(SpanData {
        parent_span_id: traced.trace.parent_id,
        parent_span_is_remote: traced.trace.parent_id != SpanId::INVALID,
        span_kind: SpanKind::Server,
        name: call_name(receipt),
        attributes: call_attributes(receipt, error, status),
        // A client that asks for too much is no error of this server's.
        status: failed(error.is_some() && status >= 500),
        ..span(traced, traced.trace.span_id, Duration::ZERO..total, scope)
    });
    let answered = traced.attempts.iter().rev();
    let answered = answered
        .filter(|attempt| attempt.error.is_none() && !attempt.lost)
        .map(|attempt| attempt.span_id)
        .next();
    for attempt in &traced.attempts {
        let answered = answered == Some(attempt.span_id);
        let error = match attempt.error {
            Some((_, class)) => Some(class),
            None if answered => error,
            None => None,
        };
        let ended = attempt.ended.unwrap_or(total).max(attempt.began);
        spans.push(SpanData {
            parent_span_id: traced.trace.span_id,
            span_kind: SpanKind::Client,
            name: attempt_name(receipt.op, attempt),
            attributes: attempt_attributes(receipt, traced, attempt, answered, error),
            status: failed(error.is_some()),
            ..span(traced, attempt.span_id, attempt.began..ended, scope)
        });
    }
    spans
}

/// The class of error of a call that its client left.
const CANCELLED: &str = "cancelled";

fn failed(failed: bool) -> Status {
    if failed {
        Status::error("")
    } else {
        Status::Unset
    }
}

fn span(
    traced: &Traced,
    id: SpanId,
    time: std::ops::Range<Duration>,
    scope: &InstrumentationScope,
) -> SpanData {
    let trace = &traced.trace;
    let flags = TraceFlags::SAMPLED;
    SpanData {
        span_context: SpanContext::new(trace.trace_id, id, flags, false, trace.state.clone()),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: Cow::Borrowed(""),
        start_time: trace.began + time.start,
        end_time: trace.began + time.end,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: scope.clone(),
    }
}

/// The method and the route; a path that is passed through is no route.
fn call_name(receipt: &Receipt) -> Cow<'static, str> {
    let caller = &receipt.caller;
    if receipt.op == Op::PassThrough {
        return caller.method.to_string().into();
    }
    format!("{} {}", caller.method, caller.route).into()
}

fn call_attributes(receipt: &Receipt, error: Option<&'static str>, status: u16) -> Vec<KeyValue> {
    let caller = &receipt.caller;
    let mut attributes = vec![
        text(names::METHOD, caller.method.as_str()),
        text(names::ROUTE, &caller.route),
        KeyValue::new(names::STATUS, i64::from(status)),
        KeyValue::new(names::OPERATION, names::operation(receipt.op)),
        text(names::CALL_ID, &receipt.call_id),
        KeyValue::new(names::ATTEMPTS, i64::from(receipt.attempts)),
        KeyValue::new(names::FALLBACKS, i64::from(receipt.fallbacks)),
    ];
    if !receipt.requested_model.is_empty() {
        attributes.push(text(names::REQUEST_MODEL, &receipt.requested_model));
    }
    if let Some(address) = &caller.client_ip {
        attributes.push(text(names::CLIENT_ADDRESS, address));
    }
    attributes.extend(error.map(|class| KeyValue::new(names::ERROR_TYPE, class)));
    attributes
}

fn attempt_name(op: Op, attempt: &Attempt) -> Cow<'static, str> {
    let model = super::super::redact::redact(&attempt.target.model);
    format!("{} {model}", names::operation(op)).into()
}

fn attempt_attributes(
    receipt: &Receipt,
    traced: &Traced,
    attempt: &Attempt,
    answered: bool,
    error: Option<&'static str>,
) -> Vec<KeyValue> {
    let target = &attempt.target;
    let mut attributes = vec![
        KeyValue::new(names::OPERATION, names::operation(receipt.op)),
        KeyValue::new(names::PROVIDER, names::provider(target.provider.name)),
        text(names::REQUEST_MODEL, &target.model),
        text(names::MODEL_GROUP, &target.model_group),
        text(names::DEPLOYMENT, &target.deployment_id),
    ];
    if let Some((host, port)) = names::server(target) {
        attributes.push(text(names::SERVER_ADDRESS, &host));
        attributes.push(KeyValue::new(names::SERVER_PORT, i64::from(port)));
    }
    if receipt.stream {
        attributes.push(KeyValue::new(names::REQUEST_STREAM, true));
    }
    for (name, number) in &traced.asked {
        attributes.push(KeyValue::new(*name, number_value(name, *number)));
    }
    for (name, is) in [(names::HEDGE, attempt.hedge), (names::OUTRUN, attempt.lost)] {
        if is {
            attributes.push(KeyValue::new(name, true));
        }
    }
    if let Some((status, _)) = attempt.error {
        attributes.push(KeyValue::new(names::STATUS, i64::from(status)));
    }
    attributes.extend(error.map(|class| KeyValue::new(names::ERROR_TYPE, class)));
    if answered {
        answer_attributes(receipt, traced, attempt, &mut attributes);
    }
    attributes
}

/// Counts are whole numbers, by the convention.
fn number_value(name: &str, number: f64) -> Value {
    let whole = ["max_tokens", "seed", "count"];
    if whole.iter().any(|end| name.ends_with(end)) {
        Value::I64(number as i64)
    } else {
        Value::F64(number)
    }
}

fn answer_attributes(
    receipt: &Receipt,
    traced: &Traced,
    attempt: &Attempt,
    attributes: &mut Vec<KeyValue>,
) {
    if let Some(model) = &receipt.served {
        attributes.push(text(names::RESPONSE_MODEL, model));
    }
    if let Some(id) = &traced.response_id {
        attributes.push(text(names::RESPONSE_ID, id));
    }
    if let Some(reason) = &traced.finish_reason {
        let reasons = vec![StringValue::from(reason.clone())];
        let reasons = Value::Array(Array::String(reasons));
        attributes.push(KeyValue::new(names::FINISH_REASONS, reasons));
    }
    if let Some(first) = receipt.timings.first_chunk.filter(|_| receipt.stream) {
        let first = first.saturating_sub(attempt.began).as_secs_f64();
        attributes.push(KeyValue::new(names::FIRST_CHUNK, first));
    }
    if let Some(usage) = &receipt.usage {
        usage_attributes(usage, attributes);
    }
    if let Some(cost) = receipt.cost {
        attributes.push(KeyValue::new(names::COST, cost.total));
    }
}

fn usage_attributes(usage: &Usage, attributes: &mut Vec<KeyValue>) {
    let mut count = |name: &'static str, tokens: u64| {
        attributes.push(KeyValue::new(name, tokens.cast_signed()));
    };
    count(names::INPUT_TOKENS, usage.prompt_tokens);
    count(names::OUTPUT_TOKENS, usage.completion_tokens);
    for (name, tokens) in [
        (names::CACHE_READ, usage.cached_tokens),
        (names::CACHE_CREATION, usage.cache_creation_tokens),
        (names::REASONING, usage.reasoning_tokens),
    ] {
        if tokens > 0 {
            count(name, tokens);
        }
    }
}
