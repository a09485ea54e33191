//! Hot reload under load: calls never notice, and nothing of a replaced configuration is kept.

use super::bed::asked;
use super::faults::{figure, longer};
use bytes::Bytes;
use gateway::adapt::{Fault, Head, UpstreamRequest};
use gateway::config::{self, Reload, Reloader, Snapshot};
use gateway::forward::{BoxFuture, Clocks, Transport, Upstream, UpstreamBody};
use gateway::observe::Metrics;
use gateway::params::Params;
use gateway::pipeline::{AnswerBody, Engine};
use gateway::request::{Call, Op};
use gateway::route::{Env, Routes};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

/// Reloads to make: `RELOADS=1000 cargo test reload` makes a thousand.
fn reloads() -> usize {
    asked("RELOADS", 100 * longer().min(10))
}

/// An upstream that takes longer than a reload, so that calls are always under way.
struct Slow;

struct Once(Option<Bytes>);

impl Transport for Slow {
    fn send(
        &self,
        _request: UpstreamRequest,
        _clocks: Clocks,
    ) -> BoxFuture<'_, Result<Upstream, Fault>> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let body = r#"{"id":"c","object":"chat.completion","created":1,"model":"x","choices":[{"index":0,
                "message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],
                "usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
            Ok(Upstream {
                head: Head {
                    status: http::StatusCode::OK,
                    headers: http::HeaderMap::new(),
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

fn text(i: usize) -> String {
    if i % 2 == 1 {
        // Every second one is invalid, each in its own way.
        return [
            "model_list: [",
            "model_list: [{model_name: m}]",
            "include: [gone.yaml]",
        ][i / 2 % 3]
            .to_owned();
    }
    format!(
        "model_list:\n  - model_name: m\n    litellm_params: {{model: openai/gpt-{i}, api_key: k, api_base: http://up/v1}}\n\
         \x20   model_info: {{id: d}}\n"
    )
}

fn snapshot(config: config::Config, version: u64, before: Option<&Routes>) -> Snapshot {
    let env: Env = Arc::new(|_| None);
    let routes = Routes::build(&config, &env, before);
    Snapshot {
        config,
        version,
        routes,
    }
}

struct Bench {
    engine: Arc<Engine>,
    reloader: Arc<Reloader>,
    metrics: Arc<Metrics>,
    /// Every snapshot that was swapped out.
    replaced: Arc<Mutex<Vec<Weak<Snapshot>>>>,
}

fn start(path: &Path) -> Bench {
    let (config, _) = config::load(path, &|_| None).unwrap();
    let metrics = Arc::new(Metrics::default());
    let first = Arc::new(snapshot(config.clone(), 1, None));
    let engine = Arc::new(Engine::new(Arc::new(Slow), first, vec![metrics.clone()]));
    let replaced = Arc::new(Mutex::new(Vec::new()));
    let (engine_here, replaced_here) = (engine.clone(), replaced.clone());
    let apply = move |config, version| {
        let before = engine_here.snapshot.load_full();
        let next = Arc::new(snapshot(config, version, Some(&before.routes)));
        replaced_here.lock().unwrap().push(Arc::downgrade(&before));
        engine_here.snapshot.store(next);
        Ok(())
    };
    let reloader = Reloader::new(path.to_owned(), &config, metrics.clone(), |_| None, apply);
    Bench {
        engine,
        reloader: Arc::new(reloader),
        metrics,
        replaced,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_31_reloads_under_load_fail_no_call_and_keep_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.yaml");
    std::fs::write(&path, text(0)).unwrap();
    let Bench {
        engine,
        reloader,
        metrics,
        replaced,
    } = start(&path);

    let over = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (engine, over, answered) = (engine.clone(), over.clone(), answered.clone());
            tokio::spawn(async move {
                let body = Bytes::from_static(br#"{"messages":[{"role":"user","content":"hi"}]}"#);
                while !over.load(Ordering::Relaxed) {
                    let params = Params::parse(&body).unwrap();
                    let answer = engine.call(Call::new(Op::Chat, "m", params)).await;
                    let answer = answer.unwrap_or_else(|failure| panic!("{}", failure.error));
                    assert!(matches!(answer.body, AnswerBody::Whole(_)));
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();

    let count = reloads();
    let path_here = path.clone();
    let (applied, rejected) = tokio::task::spawn_blocking(move || {
        let (mut applied, mut rejected) = (0, 0);
        for i in 1..=count {
            std::fs::write(&path_here, text(i)).unwrap();
            match reloader.reload() {
                Reload::Applied(_) => applied += 1,
                Reload::Rejected(_) => rejected += 1,
                Reload::Unchanged => {}
            }
        }
        (applied, rejected)
    })
    .await
    .unwrap();
    over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }

    assert_eq!((applied, rejected), (count / 2, count - count / 2));
    assert!(answered.load(Ordering::Relaxed) > 0);
    let alive = replaced
        .lock()
        .unwrap()
        .iter()
        .filter(|s| s.strong_count() > 0)
        .count();
    assert_eq!(alive, 0, "a replaced configuration is still held");
    let shown = metrics.render();
    let version = format!("\ngateway_config_version {}.0\n", applied + 1);
    assert!(shown.contains(&version), "{shown}");
    assert!(!shown.contains("litellm_proxy_failed_requests_metric_total{"));
    figure!(
        31,
        "{count} reloads, {rejected} of them invalid: {} calls, 0 failed",
        answered.load(Ordering::Relaxed)
    );
}

/// What a reload is checked for: a configuration that is put in force as it was read takes the model away.
#[tokio::test]
async fn row_31_control_what_is_not_checked_before_it_is_in_force_fails_calls() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.yaml");
    std::fs::write(&path, text(0)).unwrap();
    let bench = start(&path);
    let call = || {
        let body = Bytes::from_static(br#"{"messages":[{"role":"user","content":"hi"}]}"#);
        Call::new(Op::Chat, "m", Params::parse(&body).unwrap())
    };
    std::fs::write(&path, text(1)).unwrap();
    assert!(matches!(bench.reloader.reload(), Reload::Rejected(_)));
    assert!(bench.engine.call(call()).await.is_ok());
    let unchecked = snapshot(config::Config::default(), 2, None);
    bench.engine.snapshot.store(Arc::new(unchecked));
    assert!(bench.engine.call(call()).await.is_err());
}
