//! OpenTelemetry, by a server that users run and a collector that decodes what it is sent.

mod attempts;
mod export;
mod receiver;
mod spans;

use super::bed::{MASTER_KEY, Served, becomes, config, reserved, upstream};
use super::client::{Client, PATIENCE, chat, get, post_with};
use mock_upstream::Answer;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::{span::SpanKind, status::StatusCode};
use receiver::{Receiver, attribute};
use rustix::process::Signal;
use serde_json::json;
use std::time::{Duration, Instant};

/// A gateway that tries once more, and tells OpenTelemetry of it.
fn traced(port: u16) -> String {
    config(port, "")
        .replace(
            "router_settings: {num_retries: 0",
            "router_settings: {num_retries: 1, retry_after: 0",
        )
        .replace("json_logs: true", "json_logs: true, callbacks: [otel]")
}

/// What every test wants: spans and metrics at once.
fn environment<'a>(
    endpoint: &'a str,
    more: &[(&'static str, &'a str)],
) -> Vec<(&'static str, &'a str)> {
    let usual = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "50"),
    ];
    usual.into_iter().chain(more.iter().copied()).collect()
}

fn unable() -> Answer {
    Answer {
        status: 503,
        json: Some(json!({"error": {"message": "busy", "type": "t", "param": null, "code": null}})),
        ..Answer::default()
    }
}

fn streamed() -> Answer {
    let chunk = |delta: serde_json::Value, end: Option<&str>| {
        json!({"id": "chatcmpl-7", "object": "chat.completion.chunk", "created": 1,
            "model": "gpt-4o-2024-08-06", "choices": [{"index": 0, "delta": delta, "finish_reason": end}]})
    };
    let mut last = chunk(json!({}), None);
    last["choices"] = json!([]);
    last["usage"] = json!({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 4}});
    Answer {
        sse: Some(vec![
            chunk(json!({"role": "assistant", "content": "hel"}), None),
            chunk(json!({"content": "lo"}), None),
            chunk(json!({}), Some("stop")),
            last,
            json!("[DONE]"),
        ]),
        ..Answer::default()
    }
}

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// One call within the client's trace.
async fn call_in_trace(served: &Served, body: &str) -> u16 {
    let headers = format!(
        "authorization: Bearer {MASTER_KEY}\r\ntraceparent: {PARENT}\r\ntracestate: vendor=a\r\n"
    );
    let request = post_with("/v1/chat/completions", body, &headers);
    Client::open(served.address)
        .await
        .call(request)
        .await
        .status
}

fn body(stream: bool) -> String {
    json!({"model": "gpt-4o", "stream": stream, "temperature": 0.5, "max_tokens": 64,
        "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "hello"}]})
    .to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn of_kind(spans: &[Span], kind: SpanKind) -> Vec<&Span> {
    spans.iter().filter(|span| span.kind() == kind).collect()
}

fn is(span: &Span, name: &str) -> String {
    attribute(&span.attributes, name).unwrap_or_default()
}

async fn spans(receiver: &Receiver, count: usize) -> Vec<Span> {
    becomes("the spans arrive", || receiver.spans().len() >= count).await;
    receiver.spans()
}

async fn shown(served: &Served) -> String {
    Client::open(served.address)
        .await
        .call(get("/metrics"))
        .await
        .text()
}

/// A sample of `/metrics`.
fn sample(shown: &str, name: &str) -> f64 {
    let line = shown
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or("0").parse().unwrap()
}

/// Ends it, and says what that took.
async fn ended_by(mut served: Served, signal: Signal) -> Duration {
    served.signal(signal);
    let begun = Instant::now();
    becomes("it ends", || served.ended().is_some()).await;
    begun.elapsed()
}
