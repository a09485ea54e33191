//! What becomes of a call's attempts in its trace: fallbacks, hedges, clients that leave.

use super::*;

/// Two deployments of one model, and a group that falls back to another.
fn grouped(ports: [u16; 2], router: &str) -> String {
    let deployment = |name: &str, model: &str, port: u16| {
        format!(
            "  - model_name: {name}\n    litellm_params: {{model: openai/{model}, api_key: k, max_retries: 0, \
             api_base: \"http://127.0.0.1:{port}/v1\"}}\n"
        )
    };
    format!(
        "model_list:\n{}{}{}{}\
         litellm_settings: {{callbacks: [otel], num_retries: 0}}\n\
         router_settings: {{num_retries: 0, disable_cooldowns: true, {router}}}\n\
         general_settings: {{master_key: {MASTER_KEY}}}\n",
        deployment("pair", "first", ports[0]),
        deployment("pair", "second", ports[1]),
        deployment("fails", "failing", ports[0]),
        deployment("stands-in", "standing-in", ports[1]),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_is_a_span_of_its_own() {
    let ((one, first), (two, second)) = (upstream(), upstream());
    let receiver = Receiver::start(false).await;
    let config = grouped([first, second], "fallbacks: [{fails: [stands-in]}]");
    let served = Served::start_among(&config, &environment(&receiver.address, &[])).await;
    one.script(vec![unable()]);
    two.script(vec![streamed()]);
    let reply = Client::open(served.address)
        .await
        .call(chat("fails", true))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let spans = spans(&receiver, 3).await;
    let call = of_kind(&spans, SpanKind::Server)[0];
    assert_eq!(hex(&call.parent_span_id), "", "it begins its trace");
    assert_eq!(is(call, "gen_ai.request.model"), "fails");
    assert_eq!(is(call, "gateway.fallbacks"), "1");
    let attempts = of_kind(&spans, SpanKind::Client);
    let groups: Vec<String> = attempts
        .iter()
        .map(|span| is(span, "gateway.model_group"))
        .collect();
    assert_eq!(groups, ["fails", "stands-in"]);
    let errors: Vec<String> = attempts.iter().map(|span| is(span, "error.type")).collect();
    assert_eq!(errors, ["ServiceUnavailableError", ""]);
    assert!(
        attempts
            .iter()
            .all(|span| span.parent_span_id == call.span_id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hedged_call_has_two_attempts_one_of_which_was_outrun() {
    let ((one, first), (two, second)) = (upstream(), upstream());
    let receiver = Receiver::start(false).await;
    let router = "hedging: {min_samples: 1, min_delay: 0.1, budget: 1}";
    let served = Served::start_among(
        &grouped([first, second], router),
        &environment(&receiver.address, &[]),
    )
    .await;
    let mut client = Client::open(served.address).await;
    for mock in [&one, &two] {
        mock.script(vec![streamed()]);
    }
    for _ in 0..30 {
        assert_eq!(client.call(chat("pair", true)).await.status, 200);
    }
    one.script(vec![Answer {
        delay_ms: 60_000,
        ..streamed()
    }]);
    let outrun = |spans: &[Span]| {
        let lost = spans
            .iter()
            .find(|span| is(span, "gateway.outrun") == "true");
        lost.map(|span| (span.clone(), span.parent_span_id.clone()))
    };
    let asked = async {
        while outrun(&receiver.spans()).is_none() {
            assert_eq!(client.call(chat("pair", true)).await.status, 200);
        }
    };
    tokio::time::timeout(PATIENCE, asked)
        .await
        .expect("a call is hedged");
    let spans = receiver.spans();
    let (lost, call) = outrun(&spans).unwrap();
    let of_call: Vec<&Span> = spans
        .iter()
        .filter(|span| span.parent_span_id == call)
        .collect();
    assert_eq!(of_call.len(), 2);
    let won = of_call
        .iter()
        .find(|span| is(span, "gateway.hedge") == "true")
        .unwrap();
    assert_eq!(
        (
            is(&lost, "gen_ai.request.model"),
            is(won, "gen_ai.request.model")
        ),
        ("first".into(), "second".into())
    );
    assert_eq!(is(won, "gen_ai.usage.output_tokens"), "3");
    assert_eq!(is(&lost, "gen_ai.usage.output_tokens"), "");
    assert!(lost.start_time_unix_nano < won.start_time_unix_nano);
    let named = |request: &serde_json::Value| {
        let context = request["headers"]["traceparent"].as_str().unwrap();
        context.contains(&hex(&won.span_id))
    };
    assert!(
        two.captured().iter().any(named),
        "its upstream knows its span"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_client_leaves_is_told_with_its_attempt() {
    let (mock, port) = upstream();
    let receiver = Receiver::start(false).await;
    let served = Served::start_among(&traced(port), &environment(&receiver.address, &[])).await;
    mock.script(vec![Answer {
        delay_ms: 60_000,
        ..streamed()
    }]);
    let mut client = Client::open(served.address).await;
    client.send(chat("m", true)).await;
    mock.until_reached(1).await;
    drop(client);
    let spans = spans(&receiver, 2).await;
    let call = of_kind(&spans, SpanKind::Server)[0];
    let attempt = of_kind(&spans, SpanKind::Client)[0];
    assert_eq!(is(call, "http.response.status_code"), "499");
    assert_eq!(
        (is(call, "error.type"), is(attempt, "error.type")),
        ("cancelled".into(), "cancelled".into())
    );
    assert_eq!(attempt.parent_span_id, call.span_id);
}
