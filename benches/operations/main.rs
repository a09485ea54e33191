//! What single operations of a call cost: time, and allocations.
//!
//! `cargo bench --bench operations [-- FILTER]` prints the allocations of each operation and then criterion's time of
//! it. `-- --test` runs each once.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench stops at the first thing that is wrong, and prints its figures"
)]

mod allocations;
mod translation;

use allocations::Counting;
use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput};
use gateway::account::Usage;
use gateway::account::price::Quote;
use gateway::account::tokens::Encoding;
use gateway::adapt::Target;
use gateway::adapt::sse::SseParser;
use gateway::config;
use gateway::options::Options;
use gateway::params::Params;
use gateway::request::{Call, Op};
use gateway::route::{Ask, Env, Need, Routes};
use serde_json::json;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One operation: its allocations, then its time. `bytes` are what it works on, where a rate says something.
fn measure<T>(
    criterion: &mut Criterion,
    name: &str,
    bytes: Option<usize>,
    mut operation: impl FnMut() -> T,
) {
    let mut group = criterion.benchmark_group("operations");
    if let Some(bytes) = bytes {
        group.throughput(Throughput::Bytes(bytes as u64));
    }
    // Criterion calls this for what it is asked to measure, and more than once.
    let mut told = false;
    group.bench_function(name, |bencher| {
        if !std::mem::replace(&mut told, true) {
            let (times, size) = allocations::each(&mut operation);
            println!("{name}: {times:.1} allocations, {size:.0} bytes each");
        }
        bencher.iter(&mut operation);
    });
    group.finish();
}

fn target() -> Target {
    let env = |name: &str| (name == "OPENAI_API_KEY").then(|| "sk-bench".to_owned());
    Target::resolve("openai/gpt-4o", &Options::default(), &env).unwrap()
}

/// A chat as a client sends it, of about so many bytes.
fn body(bytes: usize, stream: bool) -> Bytes {
    let words = "The quick brown fox jumps over the lazy dog and goes on its way. ";
    let text = words.repeat(bytes.div_ceil(words.len()));
    let body = json!({"model": "gpt-4o", "temperature": 0.2, "max_tokens": 256, "stream": stream, "messages": [
        {"role": "system", "content": "You are helpful."}, {"role": "user", "content": text}]});
    body.to_string().into()
}

/// A reply of 200 words as OpenAI streams it.
fn events() -> Vec<Bytes> {
    let chunk = |delta: serde_json::Value, finish: Option<&str>| {
        let chunk = json!({"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": "gpt-4o-2024-08-06", "service_tier": "default", "system_fingerprint": "fp_bench",
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]});
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
    events.extend((0..200).map(|i| chunk(json!({"content": format!("word{i} ")}), None)));
    events.push(chunk(json!({}), Some("stop")));
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

fn sse(criterion: &mut Criterion) {
    let events = events();
    let size = events.iter().map(Bytes::len).sum();
    measure(criterion, "sse: cut 203 events", Some(size), || {
        let mut parser = SseParser::default();
        let mut seen = 0;
        for event in &events {
            let _ = parser.push(event, |_| {
                seen += 1;
                Ok(())
            });
        }
        seen
    });

    let target = target();
    let call = Call::new(
        Op::Chat,
        "gpt-4o",
        Params::parse(&body(1000, true)).unwrap(),
    );
    measure(criterion, "sse: forward 203 events", Some(size), || {
        let mut adapter = target.provider.adapter.stream(&call, &target);
        let mut out = BytesMut::with_capacity(1024);
        for event in &events {
            adapter.push(event, &mut out).unwrap();
            black_box(out.split().freeze());
        }
        adapter.finish(&mut out).unwrap()
    });
}

fn tokens(criterion: &mut Criterion) {
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(23);
    let encoding = Encoding::of("gpt-4o");
    measure(criterion, "tokens: count 1 KB", Some(text.len()), || {
        encoding.count(black_box(&text))
    });
    measure(criterion, "tokens: encoding of a model", None, || {
        Encoding::of(black_box("gpt-4o-mini-2024-07-18"))
    });
}

fn routes() -> Routes {
    let mut text = "model_list:\n".to_owned();
    for group in 0..50 {
        for deployment in 0..4 {
            text.push_str(&format!(
                "  - model_name: group-{group}\n    litellm_params: {{model: openai/gpt-{deployment}, api_key: k, \
                 weight: {}}}\n",
                deployment + 1
            ));
        }
    }
    text.push_str(
        "  - model_name: \"wild/*\"\n    litellm_params: {model: \"openai/*\", api_key: k}\n",
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.yaml");
    std::fs::write(&path, text).unwrap();
    let (config, _) = config::load(&path, &|_| None).unwrap();
    let env: Env = Arc::new(|_| None);
    Routes::build(&config, &env, None)
}

fn router(criterion: &mut Criterion) {
    let routes = routes();
    let ask = Ask {
        now: Instant::now(),
        dice: 0.7,
        order: None,
        skip: &[],
        tags: &[],
        need: Need::default(),
    };
    let pick = |model: &str| {
        let group = routes.group(model).unwrap();
        group.pick(&routes, &ask).unwrap().target.clone()
    };
    measure(criterion, "router: 1 of 4 by weight", None, || {
        pick(black_box("group-17"))
    });
    measure(criterion, "router: wildcard", None, || {
        pick(black_box("wild/gpt-4o"))
    });
}

fn splice(criterion: &mut Criterion) {
    let target = target();
    for (name, bytes) in [("1 KB", 900), ("100 KB", 100_000)] {
        let body = body(bytes, false);
        let size = Some(body.len());
        measure(criterion, &format!("splice: read {name}"), size, || {
            Params::parse(black_box(&body)).unwrap()
        });
        let params = Params::parse(&body).unwrap();
        let call = Call::new(Op::Chat, "gpt-4o", params);
        measure(criterion, &format!("splice: write {name}"), size, || {
            target
                .provider
                .adapter
                .request(black_box(&call), &target)
                .unwrap()
        });
    }
}

fn pricing(criterion: &mut Criterion) {
    let usage = Usage {
        prompt_tokens: 1200,
        completion_tokens: 340,
        total_tokens: 1540,
        cached_tokens: 400,
        reasoning_tokens: 20,
        ..Usage::default()
    };
    let quote = Quote::of("openai", "gpt-4o", None, None).unwrap();
    measure(criterion, "pricing: cost of a usage", None, || {
        quote.cost(black_box(&usage))
    });
    measure(criterion, "pricing: quote of a model", None, || {
        Quote::of("openai", black_box("gpt-4o"), None, None)
    });
    let target = target();
    measure(criterion, "pricing: cost at a target", None, || {
        target.cost(black_box(&usage), Some("gpt-4o-2024-08-06"), || {
            Duration::ZERO
        })
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for part in [
        sse,
        tokens,
        router,
        splice,
        pricing,
        translation::translation,
    ] {
        part(&mut criterion);
    }
    criterion.final_summary();
}
