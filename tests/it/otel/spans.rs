//! Spans and metrics of a call, by the names and the shape of the conventions.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_call_with_a_retry_is_a_span_with_two_below_it() {
    let (mock, port) = upstream();
    let receiver = Receiver::start(false).await;
    let more = [
        ("OTEL_SERVICE_NAME", "edge"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=t%31"),
    ];
    let served = Served::start_among(&traced(port), &environment(&receiver.address, &more)).await;
    mock.script(vec![unable(), streamed()]);
    assert_eq!(call_in_trace(&served, &body(true)).await, 200);

    let spans = spans(&receiver, 3).await;
    assert_eq!(receiver.resource("service.name").as_deref(), Some("edge"));
    assert_eq!(
        receiver.header("/v1/traces", "x-tenant").as_deref(),
        Some("t1")
    );
    assert!(
        spans
            .iter()
            .all(|span| hex(&span.trace_id) == PARENT[3..35])
    );
    assert!(spans.iter().all(|span| span.trace_state == "vendor=a"));

    let call = of_kind(&spans, SpanKind::Server)[0];
    assert_eq!(hex(&call.parent_span_id), PARENT[36..52]);
    assert_eq!(call.name, "POST /v1/chat/completions");
    assert_eq!(is(call, "http.response.status_code"), "200");
    assert_eq!(is(call, "gen_ai.operation.name"), "chat");
    assert_eq!(is(call, "gateway.attempts"), "2");
    assert_eq!(
        call.status.clone().unwrap_or_default().code(),
        StatusCode::Unset
    );

    let attempts = of_kind(&spans, SpanKind::Client);
    assert_eq!(attempts.len(), 2);
    for attempt in &attempts {
        assert_eq!(attempt.parent_span_id, call.span_id);
        assert_eq!(attempt.name, "chat gpt-4o");
        assert_eq!(is(attempt, "gen_ai.provider.name"), "openai");
        assert_eq!(is(attempt, "gen_ai.request.model"), "gpt-4o");
        assert_eq!(is(attempt, "gen_ai.request.temperature"), "0.5");
        assert_eq!(is(attempt, "gen_ai.request.max_tokens"), "64");
        assert_eq!(is(attempt, "gen_ai.request.stream"), "true");
        assert_eq!(is(attempt, "server.address"), "127.0.0.1");
        assert_eq!(is(attempt, "server.port"), port.to_string());
        assert!(attempt.start_time_unix_nano >= call.start_time_unix_nano);
        assert!(attempt.start_time_unix_nano <= attempt.end_time_unix_nano);
        assert!(attempt.end_time_unix_nano <= call.end_time_unix_nano);
    }
    let (failed, answered) = (attempts[0], attempts[1]);
    assert_eq!(is(failed, "error.type"), "ServiceUnavailableError");
    assert_eq!(is(failed, "http.response.status_code"), "503");
    assert_eq!(failed.status.clone().unwrap().code(), StatusCode::Error);
    assert_eq!(is(failed, "gen_ai.usage.input_tokens"), "");
    assert!(failed.end_time_unix_nano <= answered.start_time_unix_nano);
    assert_eq!(is(answered, "error.type"), "");
    assert_eq!(is(answered, "gen_ai.response.id"), "chatcmpl-7");
    assert_eq!(is(answered, "gen_ai.response.model"), "gpt-4o-2024-08-06");
    assert_eq!(is(answered, "gen_ai.response.finish_reasons"), "stop");
    assert_eq!(is(answered, "gen_ai.usage.input_tokens"), "9");
    assert_eq!(is(answered, "gen_ai.usage.output_tokens"), "3");
    assert_eq!(is(answered, "gen_ai.usage.cache_read.input_tokens"), "4");
    assert_ne!(is(answered, "gen_ai.response.time_to_first_chunk"), "");

    let sent = mock.captured();
    for (request, attempt) in sent.iter().zip([failed, answered]) {
        let expected = format!("{}-{}-01", &PARENT[..35], hex(&attempt.span_id));
        assert_eq!(request["headers"]["traceparent"], expected.as_str());
        assert_eq!(request["headers"]["tracestate"], "vendor=a");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_is_a_span_with_none_below_it() {
    let (mock, port) = upstream();
    let receiver = Receiver::start(false).await;
    let served = Served::start_among(&traced(port), &environment(&receiver.address, &[])).await;
    let ours = format!("authorization: Bearer {MASTER_KEY}");
    let asked = [
        ("x-nothing: 1", body(false), 401),
        (&*ours, "{".to_owned(), 400),
        (&*ours, json!({"model": "gpt-4o"}).to_string(), 400),
    ];
    for (key, body, status) in &asked {
        let headers = format!("{key}\r\ntraceparent: {PARENT}\r\n");
        let request = post_with("/v1/chat/completions", body, &headers);
        let mut client = Client::open(served.address).await;
        assert_eq!(client.call(request).await.status, *status);
    }
    let spans = spans(&receiver, asked.len()).await;
    assert_eq!(spans.len(), asked.len());
    for (refused, (.., status)) in spans.iter().zip(asked) {
        assert_eq!(refused.kind(), SpanKind::Server);
        assert_eq!(refused.name, "POST /v1/chat/completions");
        assert_eq!(hex(&refused.parent_span_id), PARENT[36..52]);
        assert_eq!(is(refused, "http.response.status_code"), status.to_string());
        // A client's mistake is no error of this server's.
        let code = refused.status.clone().unwrap_or_default().code();
        assert_eq!(code, StatusCode::Unset);
    }
    assert!(mock.captured().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_of_every_call_arrive_with_the_buckets_of_the_convention() {
    let (mock, port) = upstream();
    let receiver = Receiver::start(false).await;
    let unsampled = [("OTEL_TRACES_SAMPLER", "always_off")];
    let served =
        Served::start_among(&traced(port), &environment(&receiver.address, &unsampled)).await;
    mock.script(vec![streamed()]);
    assert_eq!(call_in_trace(&served, &body(true)).await, 200);
    // A failure's class is told, too.
    mock.script(vec![unable()]);
    assert_eq!(call_in_trace(&served, &body(false)).await, 503);

    becomes("both calls are counted", || {
        receiver.histogram("gen_ai.client.operation.duration").len() == 2
    })
    .await;
    let tokens = receiver.histogram("gen_ai.client.token.usage");
    let of = |kind: &str| {
        let named = |attributes| attribute(attributes, "gen_ai.token.type");
        let point = tokens
            .iter()
            .find(|point| named(&point.attributes).as_deref() == Some(kind));
        point.unwrap().sum.unwrap()
    };
    assert_eq!((of("input"), of("output")), (9.0, 3.0));
    assert_eq!(tokens[0].explicit_bounds[..3], [1.0, 4.0, 16.0]);
    let durations = receiver.histogram("gen_ai.client.operation.duration");
    assert_eq!(durations[0].explicit_bounds[..2], [0.01, 0.02]);
    let mut errors: Vec<String> = durations
        .iter()
        .map(|point| attribute(&point.attributes, "error.type").unwrap_or_default())
        .collect();
    errors.sort_unstable();
    assert_eq!(errors, ["", "ServiceUnavailableError"]);
    for point in &durations {
        for (name, value) in [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "openai"),
            ("gen_ai.request.model", "gpt-4o"),
            ("server.address", "127.0.0.1"),
        ] {
            assert_eq!(attribute(&point.attributes, name).as_deref(), Some(value));
        }
    }
    for name in [
        "gen_ai.server.time_to_first_token",
        "gen_ai.client.operation.time_to_first_chunk",
    ] {
        assert_eq!(receiver.histogram(name)[0].count, 1, "{name}");
    }
    assert_eq!(
        receiver.histogram("gen_ai.server.request.duration").len(),
        2
    );
    assert!(receiver.spans().is_empty(), "always_off");
}

#[tokio::test(flavor = "multi_thread")]
async fn planted_secrets_are_in_no_span_and_no_metric() {
    const PROVIDER_KEY: &str = "plain-canary-provider-key";
    const STRAY_KEY: &str = "sk-canary-0123456789abcdef";
    const PROMPT: &str = "canary prompt of a private matter";
    const ANSWER: &str = "canary answer to it";
    let (mock, port) = upstream();
    let receiver = Receiver::start(false).await;
    let config = traced(port).replace("api_key: sk-upstream", &format!("api_key: {PROVIDER_KEY}"));
    let served = Served::start_among(&config, &environment(&receiver.address, &[])).await;
    let babble = format!("wrong key {PROVIDER_KEY} or {STRAY_KEY}; you said {PROMPT}");
    let answer = |id: &str, model: &str| Answer {
        json: Some(
            json!({"id": id, "object": "chat.completion", "created": 1, "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": ANSWER},
                "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}),
        ),
        ..Answer::default()
    };
    let refusal = Answer {
        status: 401,
        json: Some(json!({"error": {"message": babble, "type": "t", "param": null, "code": null}})),
        ..Answer::default()
    };
    let mut calls = 0;
    for answer in [answer("c", "gpt-4o"), answer(STRAY_KEY, STRAY_KEY), refusal] {
        for model in ["gpt-4o", STRAY_KEY] {
            for path in ["/v1/chat/completions", "/v1/messages"] {
                mock.script(vec![answer.clone()]);
                let body = json!({"model": model, "max_tokens": 5, "stop": [PROMPT],
                    "user": STRAY_KEY, "messages": [{"role": "user", "content": PROMPT}]});
                let headers = format!(
                    "authorization: Bearer {MASTER_KEY}\r\nx-litellm-call-id: {STRAY_KEY}\r\n"
                );
                let request = post_with(path, &body.to_string(), &headers);
                Client::open(served.address).await.call(request).await;
                calls += 1;
            }
        }
    }
    becomes("all calls are told", || {
        of_kind(&receiver.spans(), SpanKind::Server).len() == calls
    })
    .await;
    becomes("metrics are told", || {
        !receiver
            .histogram("gen_ai.client.operation.duration")
            .is_empty()
    })
    .await;
    ended_by(served, Signal::TERM).await;
    let told = receiver.raw();
    assert!(
        memchr::memmem::find(&told, b"[redacted]").is_some(),
        "something was there to hide"
    );
    for secret in [PROVIDER_KEY, STRAY_KEY, MASTER_KEY, PROMPT, ANSWER] {
        assert!(
            memchr::memmem::find(&told, secret.as_bytes()).is_none(),
            "{secret}"
        );
    }
}
