//! The metrics of real calls through the engine, held against the recorded exposition of LiteLLM: every recorded
//! family is there under its name, with exactly its labels.

use super::bed::{Served, config as config_to, upstream};
use super::client::{Client, chat, get};
use bytes::Bytes;
use gateway::adapt::{Fault, Head, UpstreamRequest};
use gateway::config::{self, Snapshot};
use gateway::forward::{BoxFuture, Clocks, Transport, Upstream, UpstreamBody};
use gateway::observe::Metrics;
use gateway::params::Params;
use gateway::pipeline::Engine;
use gateway::request::{Call, Caller, Op};
use gateway::route::{Env, Routes};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Answers 429 to `sk-limited`, a chat reply to any other key.
struct Scripted;

struct Once(Option<Bytes>);

impl Transport for Scripted {
    fn send(
        &self,
        request: UpstreamRequest,
        _clocks: Clocks,
    ) -> BoxFuture<'_, Result<Upstream, Fault>> {
        Box::pin(async move {
            let limited = request.headers.values().any(|v| v == "Bearer sk-limited");
            let (status, body) = if limited {
                (
                    429,
                    r#"{"error":{"message":"slow down","type":"x","param":null,"code":null}}"#,
                )
            } else {
                (
                    200,
                    r#"{"id":"c","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,
                    "message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],
                    "usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}"#,
                )
            };
            let mut headers = http::HeaderMap::new();
            headers.insert("x-ratelimit-remaining-requests", "99".parse().unwrap());
            headers.insert("x-ratelimit-remaining-tokens", "999".parse().unwrap());
            Ok(Upstream {
                head: Head {
                    status: http::StatusCode::from_u16(status).unwrap(),
                    headers,
                },
                body: Box::new(Once(Some(Bytes::from_static(body.as_bytes())))),
            })
        })
    }
}

impl UpstreamBody for Once {
    fn poll_next(&mut self, _cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Fault>>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

const CONFIG: &str = r"
model_list:
  - model_name: answers
    litellm_params: {model: openai/gpt-4o, api_base: http://up/v1, api_key: sk-fine}
    model_info: {id: dep-answers}
  - model_name: limited
    litellm_params: {model: openai/gpt-4o-mini, api_base: http://up/v1, api_key: sk-limited}
    model_info: {id: dep-limited}
  - model_name: falls-back
    litellm_params: {model: openai/gpt-4o-mini, api_base: http://up/v1, api_key: sk-limited}
    model_info: {id: dep-falls-back}
litellm_settings: {num_retries: 0}
router_settings:
  fallbacks: [{falls-back: [answers]}]
";

async fn exposition(models: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.yaml");
    std::fs::write(&path, CONFIG).unwrap();
    let (config, _) = config::load(&path, &|_| None).unwrap();
    let metrics = Arc::new(Metrics::default());
    metrics.configure(&config, 1);
    let env: Env = Arc::new(|_| None);
    let routes = Routes::build(&config, &env, None);
    let snapshot = Snapshot {
        config,
        version: 1,
        routes,
    };
    let engine = Engine::new(
        Arc::new(Scripted),
        Arc::new(snapshot),
        vec![metrics.clone()],
    );
    for model in models {
        let body = Bytes::from_static(br#"{"messages":[{"role":"user","content":"hi"}]}"#);
        let mut call = Call::new(Op::Chat, *model, Params::parse(&body).unwrap());
        call.caller = Caller {
            hashed_key: Some("litellm_proxy_master_key".into()),
            user_id: Some("default_user_id".into()),
            client_ip: Some("127.0.0.1".into()),
            user_agent: Some("oracle/1".to_owned()),
            route: "/v1/chat/completions".into(),
            ..Caller::default()
        };
        let _ = engine.call(call).await;
    }
    metrics.render()
}

/// A sample line: name, labels, value.
fn samples(text: &str) -> Vec<(String, BTreeMap<String, String>, String)> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (head, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = head.split_once('{').unwrap_or((head, "}"));
            let labels = labels
                .trim_end_matches('}')
                .split("\",")
                .filter_map(|pair| {
                    let (label, value) = pair.split_once("=\"")?;
                    Some((label.to_owned(), value.trim_end_matches('"').to_owned()))
                });
            (name.to_owned(), labels.collect(), value.to_owned())
        })
        .collect()
}

fn recorded() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/conformance/proxy/cases/open/metrics.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn every_recorded_family_is_there_with_exactly_its_labels() {
    let text = exposition(&["answers", "limited", "falls-back", "nobody-knows"]).await;
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, labels, _) in samples(&text) {
        shown.insert(name, labels.into_keys().collect());
    }
    let recorded = recorded();
    let mut compared = 0;
    for case in recorded["cases"].as_array().unwrap() {
        for step in case["steps"].as_array().unwrap() {
            let Some(families) = step["expected"]["body"]["metrics"].as_object() else {
                continue;
            };
            for (name, labels) in families {
                let Some(labels) = labels.as_array() else {
                    continue;
                };
                let labels = labels
                    .iter()
                    .map(|l| l.as_str().unwrap().to_owned())
                    .collect();
                assert_eq!(shown.get(name), Some(&labels), "{name}");
                compared += 1;
            }
        }
    }
    assert!(compared > 25, "{compared}");
}

#[tokio::test]
async fn a_failure_a_fallback_and_an_unknown_model_are_told_apart() {
    let text = exposition(&["limited", "falls-back", "nobody-knows"]).await;
    let samples = samples(&text);
    let value = |name: &str, wanted: &[(&str, &str)]| -> Option<&str> {
        samples
            .iter()
            .find(|(found, labels, _)| {
                found == name
                    && wanted
                        .iter()
                        .all(|(label, value)| labels.get(*label).is_some_and(|v| v == value))
            })
            .map(|(_, _, value)| value.as_str())
    };
    let limited = [
        ("exception_status", "429"),
        ("exception_class", "Openai.RateLimitError"),
    ];
    let failed = "litellm_proxy_failed_requests_metric_total";
    let unknown = [
        ("requested_model", "other"),
        ("exception_class", "ProxyModelNotFoundError"),
    ];
    assert_eq!(value(failed, &limited), Some("1.0"), "{text}");
    assert_eq!(value(failed, &unknown), Some("1.0"), "{text}");
    assert_eq!(
        value("litellm_deployment_failure_responses_total", &limited),
        Some("1.0")
    );
    let hop = [
        ("requested_model", "falls-back"),
        ("fallback_model", "answers"),
    ];
    assert_eq!(
        value("litellm_deployment_successful_fallbacks_total", &hop),
        Some("1.0")
    );
    let answered = [
        ("requested_model", "falls-back"),
        ("status_code", "200"),
        ("model_id", "dep-answers"),
    ];
    assert_eq!(
        value("litellm_proxy_total_requests_metric_total", &answered),
        Some("1.0")
    );
    assert_eq!(
        value("litellm_deployment_state", &[("model_id", "dep-limited")]),
        Some("1.0")
    );
}

/// Metrics of more than a piece come as they are written, and between two pieces others have their turn.
#[tokio::test]
async fn a_large_exposition_reaches_its_reader_whole() {
    let (_mock, port) = upstream();
    let served = Served::start(&config_to(port, "")).await;
    let mut client = Client::open(served.address).await;
    for i in 0..200 {
        let agent = format!("host: gateway\r\nuser-agent: agent/{i}\r\n");
        let request = chat("m", false).replace("host: gateway\r\n", &agent);
        let reply = client.call(request).await;
        assert_eq!(reply.status, 200);
    }
    let reply = client.call(get("/metrics")).await;
    assert_eq!(reply.status, 200);
    assert!(
        reply.head.contains("\r\ntransfer-encoding: chunked\r\n"),
        "{} {}",
        reply.head,
        reply.body.len()
    );
    assert!(
        reply
            .head
            .contains("\r\ncontent-type: text/plain; version=0.0.4")
    );
    let text = reply.text();
    assert!(text.len() > 192 << 10, "{}", text.len());
    for i in 0..200 {
        let label = format!("user_agent=\"agent/{i}\"");
        let lines = text.lines().filter(|line| line.contains(&label));
        let counted = lines.filter(|line| line.starts_with("litellm_requests_metric_total{"));
        assert_eq!(counted.count(), 1, "{label}");
    }
    // The connection goes on.
    assert_eq!(client.call(get("/health/liveliness")).await.status, 200);
}
