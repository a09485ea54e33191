//! Trace context in and out, and who is sampled.

#![allow(clippy::unwrap_used)]
use super::*;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

fn sent(trace: &Trace) -> (HeaderMap, SpanId) {
    let mut headers = HeaderMap::new();
    let span = trace.span();
    span.write(&mut headers);
    (headers, span.id)
}

#[test]
fn the_clients_trace_goes_on_with_the_span_of_the_attempt() {
    let tracer = Tracer::new(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)));
    let trace = tracer.begin(&headers(&[
        ("traceparent", PARENT),
        ("tracestate", "vendor=a,other=b"),
    ]));
    assert!(trace.sampled, "the client's decision counts");
    assert_eq!(trace.parent_id.to_string(), "00f067aa0ba902b7");
    let (out, id) = sent(&trace);
    let expected = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{id}-01");
    assert_eq!(out["traceparent"], expected.as_str());
    assert_eq!(out["tracestate"], "vendor=a,other=b");
    assert_ne!(id, trace.span_id);
}

#[test]
fn an_unsampled_call_says_so() {
    let tracer = Tracer::new(Sampler::AlwaysOff);
    let trace = tracer.begin(&HeaderMap::new());
    assert!(!trace.sampled && trace.parent_id == SpanId::INVALID);
    let (out, _) = sent(&trace);
    assert!(out["traceparent"].to_str().unwrap().ends_with("-00"));
    assert_eq!(out["traceparent"].len(), LENGTH);
    assert!(!out.contains_key("tracestate"));
}

#[test]
fn what_is_no_trace_context_begins_a_trace() {
    let tracer = Tracer::new(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)));
    let zeros = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
    let twice = [("traceparent", PARENT), ("traceparent", PARENT)];
    for given in [
        headers(&[("traceparent", "nonsense")]),
        headers(&[("traceparent", &zeros)]),
        headers(&twice),
    ] {
        let trace = tracer.begin(&given);
        assert!(trace.sampled && trace.parent_id == SpanId::INVALID);
        assert_ne!(trace.trace_id.to_string(), &PARENT[3..35]);
    }
}

#[test]
fn a_ratio_is_kept() {
    let tracer = Tracer::new(Sampler::TraceIdRatioBased(0.25));
    let sampled = (0..4000)
        .filter(|_| tracer.begin(&HeaderMap::new()).sampled)
        .count();
    assert!((700..1300).contains(&sampled), "{sampled}");
}
