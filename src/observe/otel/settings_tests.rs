//! The environment as OpenTelemetry's specification and LiteLLM have it.

#![allow(clippy::unwrap_used)]
use super::*;
use opentelemetry::Key;

fn read(pairs: &[(&str, &str)]) -> Result<Option<Settings>, String> {
    Settings::read(&|name| {
        let found = pairs.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn settings(pairs: &[(&str, &str)]) -> Settings {
    read(pairs).unwrap().unwrap()
}

fn attribute(settings: &Settings, name: &'static str) -> Option<String> {
    let value = settings.resource.get(&Key::from_static_str(name));
    value.map(|value| value.to_string())
}

#[test]
fn nothing_said_is_the_usual_collector() {
    let settings = settings(&[]);
    let (traces, metrics) = (
        settings.traces.clone().unwrap(),
        settings.metrics.clone().unwrap(),
    );
    assert_eq!(traces.url, "http://localhost:4318/v1/traces");
    assert_eq!(metrics.url, "http://localhost:4318/v1/metrics");
    assert_eq!(traces.timeout, Duration::from_secs(10));
    assert_eq!(settings.queue.capacity, 2048);
    assert_eq!(settings.interval, Duration::from_secs(60));
    assert_eq!(attribute(&settings, "service.name").unwrap(), "litellm");
    assert!(matches!(settings.sampler, Sampler::ParentBased(_)));
}

#[test]
fn what_one_signal_says_wins_over_both_and_both_over_litellms_names() {
    let settings = settings(&[
        ("OTEL_ENDPOINT", "http://litellm:1"),
        ("OTEL_HEADERS", "x=litellm"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://both:4318/base/"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces/own"),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer%20a, b = c",
        ),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "d=e"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1500"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none"),
    ]);
    let (traces, metrics) = (settings.traces.unwrap(), settings.metrics.unwrap());
    assert_eq!(traces.url, "https://traces/own");
    assert_eq!(metrics.url, "http://both:4318/base/v1/metrics");
    assert_eq!(traces.headers["authorization"], "Bearer a");
    assert_eq!(traces.headers["b"], "c");
    assert_eq!(metrics.headers.len(), 1);
    assert_eq!(traces.timeout, Duration::from_millis(1500));
    assert!(traces.gzip && !metrics.gzip);
}

#[test]
fn litellms_names_are_enough() {
    let settings = settings(&[
        ("OTEL_EXPORTER", "otlp_http"),
        ("OTEL_ENDPOINT", "http://collector:4318/v1/traces"),
        ("OTEL_HEADERS", "api-key=k"),
        ("OTEL_ENVIRONMENT_NAME", "staging"),
    ]);
    assert_eq!(
        attribute(&settings, "deployment.environment.name").unwrap(),
        "staging"
    );
    let (traces, metrics) = (settings.traces.unwrap(), settings.metrics.unwrap());
    assert_eq!(traces.url, "http://collector:4318/v1/traces");
    assert_eq!(metrics.url, "http://collector:4318/v1/metrics");
    assert_eq!(metrics.headers["api-key"], "k");
}

#[test]
fn a_name_given_alone_wins_over_one_among_attributes() {
    let settings = settings(&[
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.name=a,team=x%20y,nonsense",
        ),
        ("OTEL_SERVICE_NAME", "b"),
    ]);
    assert_eq!(attribute(&settings, "service.name").unwrap(), "b");
    assert_eq!(attribute(&settings, "team").unwrap(), "x y");
}

#[test]
fn what_is_switched_off_is_off() {
    assert!(read(&[("OTEL_SDK_DISABLED", "true")]).unwrap().is_none());
    let none = [
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    assert!(read(&none).unwrap().is_none());
    let settings = settings(&none[..1]);
    assert!(settings.traces.is_none() && settings.metrics.is_some());
}

#[test]
fn what_cannot_be_obeyed_is_said() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER", "otlp_grpc"),
        ("OTEL_EXPORTER", "console"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "-1"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "brotli"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "forever",
        ),
    ] {
        let said = read(&[(name, value)]).unwrap_err();
        assert!(said.contains(name) && said.contains(value), "{said}");
    }
    let ratio = [
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
    ];
    assert!(read(&ratio).unwrap_err().contains("from 0 to 1"));
    let address = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")]);
    assert!(address.unwrap_err().contains("http://"));
}
