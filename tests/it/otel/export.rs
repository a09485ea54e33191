//! What is exported and what is not: samplers, switches, collectors that do not answer, the end of the process.

use super::*;
use opentelemetry_proto::tonic::metrics::v1::AggregationTemporality;

#[tokio::test(flavor = "multi_thread")]
async fn the_sampler_is_obeyed_and_told_on() {
    let (mock, port) = upstream();
    let receiver = Receiver::start(false).await;
    let none = [
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0"),
    ];
    let served = Served::start_among(&traced(port), &environment(&receiver.address, &none)).await;
    mock.script(vec![streamed()]);
    for _ in 0..5 {
        assert_eq!(
            Client::open(served.address)
                .await
                .call(chat("m", true))
                .await
                .status,
            200
        );
    }
    assert_eq!(call_in_trace(&served, &body(true)).await, 200);
    let seen = spans(&receiver, 2).await;
    assert!(
        seen.iter().all(|span| hex(&span.trace_id) == PARENT[3..35]),
        "the client's alone"
    );
    let sent = mock.captured();
    assert_eq!(sent.len(), 6);
    for request in &sent[..5] {
        let context = request["headers"]["traceparent"].as_str().unwrap();
        assert!(context.ends_with("-00"), "{context}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_off_tells_nobody_anything() {
    let (mock, port) = upstream();
    let receiver = Receiver::start(false).await;
    let without = config(port, "");
    for (config, more) in [
        (traced(port), vec![("OTEL_SDK_DISABLED", "true")]),
        (without, vec![]),
        (
            traced(port),
            vec![
                ("OTEL_TRACES_EXPORTER", "none"),
                ("OTEL_METRICS_EXPORTER", "none"),
            ],
        ),
        (traced(port), vec![("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]),
    ] {
        let served = Served::start_among(&config, &environment(&receiver.address, &more)).await;
        mock.script(vec![streamed()]);
        assert_eq!(call_in_trace(&served, &body(true)).await, 200);
        assert!(
            mock.captured()[0]["headers"].get("traceparent").is_none(),
            "{more:?}"
        );
        let ended = ended_by(served, Signal::TERM).await;
        assert!(ended < PATIENCE);
        assert!(receiver.raw().is_empty(), "{more:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protocol_that_is_not_spoken_is_said_at_start() {
    let (_mock, port) = upstream();
    let grpc = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
    let served = Served::start_among(&traced(port), &grpc).await;
    served.lives().await;
    becomes("it is said", || served.log_from_start().contains("grpc")).await;
    let said = served.log_from_start();
    assert!(
        said.contains("`OTEL_EXPORTER_OTLP_PROTOCOL` is `grpc`"),
        "{said}"
    );
    assert!(said.contains("http/protobuf"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_down_or_frozen_costs_spans_and_no_call() {
    let (mock, port) = upstream();
    let frozen = Receiver::start(true).await;
    let (_held, down) = reserved();
    for endpoint in [frozen.address.clone(), format!("http://127.0.0.1:{down}")] {
        let small = [
            ("OTEL_BSP_MAX_QUEUE_SIZE", "8"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
        ];
        let served = Served::start_among(&traced(port), &environment(&endpoint, &small)).await;
        mock.script(vec![streamed()]);
        let mut client = Client::open(served.address).await;
        let begun = Instant::now();
        for _ in 0..50 {
            assert_eq!(client.call(chat("m", true)).await.status, 200);
        }
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
        // 100 spans, of which 8 may wait and a few batches have been tried.
        let dropped = sample(&shown(&served).await, "gateway_otel_spans_dropped_total");
        assert!((50.0..=100.0).contains(&dropped), "{dropped}");
        let mut said = String::new();
        for _ in 0..1000 {
            said = shown(&served).await;
            if sample(&said, "gateway_otel_failed_exports_total") >= 2.0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(
            sample(&said, "gateway_otel_failed_exports_total") >= 2.0,
            "{endpoint}"
        );
        let complaints = || {
            let log = served.log_from_start();
            log.matches("telemetry cannot be exported").count()
        };
        // It is counted before it is written.
        becomes("it is said", || complaints() > 0).await;
        assert_eq!(complaints(), 1, "{}", served.log_from_start());
        let ended = ended_by(served, Signal::TERM).await;
        assert!(ended < Duration::from_secs(8), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_exported_at_the_end() {
    let (mock, port) = upstream();
    let receiver = Receiver::start(false).await;
    let patient = [
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "3600000"),
    ];
    let served =
        Served::start_among(&traced(port), &environment(&receiver.address, &patient)).await;
    mock.script(vec![streamed()]);
    assert_eq!(call_in_trace(&served, &body(true)).await, 200);
    assert!(receiver.raw().is_empty());
    ended_by(served, Signal::TERM).await;
    assert_eq!(receiver.spans().len(), 2);
    assert_eq!(receiver.histogram("gen_ai.client.token.usage").len(), 2);
}

/// Every setting is obeyed where the rest of the configuration is, too.
#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_may_say_what_the_environment_may() {
    let (mock, port) = upstream();
    let receiver = Receiver::start(false).await;
    let config = traced(port)
        + &format!(
            "environment_variables:\n  OTEL_EXPORTER_OTLP_ENDPOINT: {}\n  OTEL_EXPORTER_OTLP_COMPRESSION: gzip\n  \
             OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: delta\n",
            receiver.address
        );
    let served = Served::start_among(&config, &[]).await;
    mock.script(vec![streamed()]);
    assert_eq!(call_in_trace(&served, &body(true)).await, 200);
    ended_by(served, Signal::TERM).await;
    assert_eq!(receiver.spans().len(), 2);
    let tokens = receiver.newest("gen_ai.client.token.usage").unwrap();
    assert_eq!(
        tokens.aggregation_temporality(),
        AggregationTemporality::Delta
    );
    for path in ["/v1/traces", "/v1/metrics"] {
        let encoding = receiver.header(path, "content-encoding");
        assert_eq!(encoding.as_deref(), Some("gzip"), "{path}");
    }
}
