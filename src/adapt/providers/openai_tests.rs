//! Every open conformance case of the compatible providers whose upstream answered: the recorded upstream bytes in,
//! what LiteLLM made of them out. The request side and the network have their own tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

use super::*;
use crate::adapt::providers::azure_ai;
use crate::adapt::registry::provider;
use crate::options::Options;
use crate::params::Params;
use bytes::BytesMut;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// LiteLLM's own values that differ from run to run.
fn volatile(expected: &Value, actual: &Value) -> bool {
    match expected.as_str() {
        Some("<volatile>") => !actual.is_null(),
        Some("<volatile:number>") => actual.is_number(),
        Some(text) => text
            .strip_prefix("<volatile:")
            .and_then(|rest| rest.strip_suffix('>'))
            .is_some_and(|prefix| actual.as_str().is_some_and(|text| text.starts_with(prefix))),
        None => false,
    }
}

fn differs(path: &str, expected: &Value, actual: &Value) -> Option<String> {
    if volatile(expected, actual) {
        return None;
    }
    match (expected, actual) {
        (Value::Object(e), Value::Object(a)) => {
            let names: std::collections::BTreeSet<_> = e.keys().chain(a.keys()).collect();
            names.into_iter().find_map(|name| {
                let null = Value::Null;
                let (e, a) = (e.get(name).unwrap_or(&null), a.get(name).unwrap_or(&null));
                differs(&format!("{path}.{name}"), e, a)
            })
        }
        (Value::Array(e), Value::Array(a)) if e.len() == a.len() => e
            .iter()
            .zip(a)
            .enumerate()
            .find_map(|(i, (e, a))| differs(&format!("{path}[{i}]"), e, a)),
        (Value::Number(e), Value::Number(a)) => {
            let (e, a) = (e.as_f64().unwrap(), a.as_f64().unwrap());
            ((e - a).abs() > 1e-9 * e.abs().max(1.0)).then(|| format!("{path}: {e} is {a}"))
        }
        (Value::String(e), Value::String(a)) if e != a => {
            let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
            match (parsed(e), parsed(a)) {
                (Some(pe), Some(pa)) if pe == pa => None,
                _ => Some(format!("{path}: {e:?} is {a:?}")),
            }
        }
        (e, a) if e == a => None,
        (e, a) => Some(format!("{path}: {e} is {a}")),
    }
}

struct Case {
    call: Call,
    target: Target,
    upstream: Value,
}

fn op_of(function: &str) -> Option<Op> {
    match function {
        "completion" | "acompletion" => Some(Op::Chat),
        "text_completion" | "atext_completion" => Some(Op::TextCompletion),
        "embedding" | "aembedding" => Some(Op::Embeddings),
        _ => None,
    }
}

fn params(object: &Object) -> Params {
    let bytes = Bytes::from(serde_json::to_vec(&Value::Object(object.clone())).unwrap());
    Params::parse(&bytes).unwrap()
}

fn sdk_case(name: &str, case: &Value) -> Option<Case> {
    let op = op_of(case["call"]["function"].as_str()?)?;
    let kwargs = case["call"]["kwargs"].as_object()?;
    let model = kwargs.get("model")?.as_str()?;
    let (prefix, rest) = model.split_once('/').unwrap_or((name, model));
    let provider_name = kwargs
        .get("custom_llm_provider")
        .and_then(Value::as_str)
        .unwrap_or(if provider(prefix).is_some() {
            prefix
        } else {
            name
        });
    let path = case["expected"]["requests"][0]["path"]
        .as_str()
        .unwrap_or("");
    let upstream = case["upstream"].as_array()?.iter().rev().find(|scripted| {
        scripted["match"]["path"]
            .as_str()
            .is_none_or(|wanted| path.contains(wanted.trim_end_matches('$')))
    })?;
    let upstream = upstream.clone();
    let provider_name = match provider_name {
        "azure_ai" => azure_ai::served_by(rest, Some("http://upstream")),
        name => name,
    };
    let (options, members) = Options::split(params(kwargs)).unwrap();
    let mut call = Call::new(op, model, members);
    call.options = options;
    Some(Case {
        call,
        target: target(provider_name, rest),
        upstream,
    })
}

fn target(provider_name: &str, model: &str) -> Target {
    Target {
        provider: provider(provider_name).expect(provider_name),
        model: model.into(),
        api_base: String::new(),
        api_key: None,
        options: Options::default(),
        defaults: Params::default(),
        deployment_id: String::new(),
        model_group: String::new(),
        litellm_model: String::new(),
        memo: crate::adapt::Memo::default(),
    }
}

/// The bytes that the mock upstream would send for a scripted stream.
fn sse_bytes(events: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for event in events {
        match event {
            Value::String(text) => bytes.extend(format!("data: {text}\n\n").into_bytes()),
            Value::Object(object) if object.contains_key("$raw") => {
                bytes.extend(object["$raw"].as_str().unwrap().as_bytes());
            }
            other => bytes.extend(format!("data: {other}\n\n").into_bytes()),
        }
    }
    bytes
}

/// Runs a stream; returns the chunks, how it ended, and the raw output.
fn run_stream(
    case: &Case,
    cuts: &[usize],
) -> (Vec<Value>, Result<crate::adapt::StreamEnd>, Vec<u8>) {
    let events = case.upstream["sse"].as_array().unwrap();
    let kept = case.upstream.get("abort_after").and_then(Value::as_u64);
    let events = &events[..kept.map_or(events.len(), |n| n as usize)];
    let bytes = sse_bytes(events);
    let mut adapter = OpenAi.stream(&case.call, &case.target);
    let mut out = BytesMut::new();
    let mut at = 0;
    let mut result = Ok(());
    for &cut in cuts.iter().chain([&bytes.len()]) {
        result = adapter.push(&bytes[at..cut], &mut out);
        at = cut;
        if result.is_err() {
            break;
        }
    }
    let end = result.and_then(|()| {
        if kept.is_some() {
            adapter.cut(&mut out)
        } else {
            adapter.finish(&mut out)
        }
    });
    let raw = out.to_vec();
    let mut chunks = Vec::new();
    let mut parser = crate::adapt::sse::SseParser::default();
    parser
        .push(&raw, |item| {
            if let crate::adapt::sse::Item::Event { data, .. } = item {
                chunks.push(serde_json::from_slice(data).unwrap());
            }
            Ok(())
        })
        .unwrap();
    (chunks, end, raw)
}

fn head(upstream: &Value) -> Head {
    let status = upstream
        .get("status")
        .and_then(Value::as_u64)
        .unwrap_or(200);
    Head {
        status: StatusCode::from_u16(status as u16).unwrap(),
        headers: HeaderMap::new(),
    }
}

/// The recorded usage chunk, apart: its counts and its cost are accounting's.
fn without_usage_chunk(expected: &[Value]) -> (&[Value], Option<&Value>) {
    match expected.split_last() {
        Some((last, rest)) if last.get("usage").is_some_and(|u| !u.is_null()) => (rest, Some(last)),
        _ => (expected, None),
    }
}

/// Whether the usage chunk comes when it should, and is like the recorded one but for the usage.
fn check_usage_chunk(end: &crate::adapt::StreamEnd, recorded: Option<&Value>) -> Option<String> {
    let Some(recorded) = recorded else {
        return end.usage_asked.then(|| "a usage chunk too many".to_owned());
    };
    if !end.usage_asked {
        return Some("no usage chunk".to_owned());
    }
    let mut out = BytesMut::new();
    crate::adapt::stream::write_usage_chunk(end, Object::new(), &mut out);
    let mut chunk: Value = serde_json::from_slice(&out["data: ".len()..]).unwrap();
    chunk["usage"] = recorded["usage"].clone();
    differs("usage chunk", recorded, &chunk)
}

fn check(case: &Case, expected: &Value) -> Option<String> {
    let head = head(&case.upstream);
    if head.status.as_u16() >= 400 {
        let body = match (case.upstream.get("json"), case.upstream.get("text")) {
            (Some(json), _) => serde_json::to_vec(json).unwrap(),
            (_, Some(text)) => text.as_str().unwrap().into(),
            _ => Vec::new(),
        };
        let error = OpenAi.error(&case.call, &case.target, &head, &body);
        return check_error(&error, expected.get("error")?, case);
    }
    if case.upstream.get("sse").is_some() && case.call.stream {
        let (chunks, end, raw) = run_stream(case, &[]);
        let half = raw.len() / 2;
        let bytes = sse_bytes(case.upstream["sse"].as_array().unwrap());
        if case.upstream.get("abort_after").is_none() {
            let (again, _, raw_again) = run_stream(case, &[half.min(bytes.len())]);
            assert_eq!(
                (&again, &raw_again),
                (&chunks, &raw),
                "a cut changed the stream"
            );
        }
        let recorded = expected.get("chunks").and_then(Value::as_array)?;
        let (recorded, usage) = without_usage_chunk(recorded);
        if let Some(difference) = differs("chunks", &json!(recorded), &json!(chunks)) {
            return Some(difference);
        }
        return match (end, expected.get("stream_error")) {
            (Ok(end), None) => check_usage_chunk(&end, usage),
            (Err(error), Some(wanted)) => {
                let ok = wanted["status_code"] == json!(error.status)
                    && wanted["message"].as_str().is_some_and(|text| {
                        text.contains(&error.litellm_message()) || text.contains("char ")
                    });
                (!ok).then(|| format!("{wanted} is {error}"))
            }
            (Ok(_), Some(wanted)) => Some(format!("no error, wanted {wanted}")),
            (Err(error), None) => Some(format!("unexpected {error}")),
        };
    }
    let body = Bytes::from(serde_json::to_vec(case.upstream.get("json")?).unwrap());
    let adapter = case.target.provider.adapter;
    match adapter.reply(&case.call, &case.target, &head, body) {
        Ok(reply) => {
            let reply: Value = serde_json::from_slice(&reply.body).unwrap();
            differs("result", expected.get("result")?, &reply)
        }
        Err(error) => check_error(&error, expected.get("error").unwrap_or(&Value::Null), case),
    }
}

fn check_error(error: &Error, wanted: &Value, case: &Case) -> Option<String> {
    let same_class = wanted["class"] == json!(error.kind.row().class);
    let same_status =
        wanted["status_code"].is_null() || wanted["status_code"] == json!(error.status);
    let same_provider = wanted["llm_provider"] == json!(error.provider);
    let message = wanted["message"].as_str().unwrap_or("");
    let spaced = |text: &str| text.replace([' ', '\\'], "");
    let same_message = spaced(message)
        .starts_with(&spaced(&error.litellm_message())[..20.min(error.litellm_message().len())]);
    let body_wording =
        Place::of(&case.call, &case.target).wording == Wording::Body || case.call.op != Op::Chat;
    let ok = same_class
        && same_status
        && same_provider
        && same_message
        && (body_wording || message == error.litellm_message());
    (!ok).then(|| format!("{wanted} is {} {} {error}", error.status, error.provider))
}

fn conformance(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/conformance")
        .join(name)
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn recorded_upstreams_give_recorded_results() {
    const AREAS: [&str; 8] = [
        "chat.",
        "stream.",
        "usage",
        "errors",
        "embeddings",
        "text_completion",
        "models",
        "env",
    ];
    /// Cases that differ, which is wanted (docs/differences.md).
    const DIFFERENT: [&str; 3] = [
        "openai/stream.text/refusal",
        "databricks/stream.error/mid_error",
        "azure_ai/stream.error/mid_error",
    ];
    let mut matched = 0;
    let mut missed = Vec::new();
    for entry in std::fs::read_dir(conformance("cases")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(name) = file
            .strip_prefix("http_")
            .and_then(|f| f.strip_suffix(".json"))
        else {
            continue;
        };
        let Some(row) = provider(name).filter(|row| row.is_compatible()) else {
            continue;
        };
        let cases = read(&path);
        for case in cases["cases"].as_array().unwrap() {
            let id = case["id"].as_str().unwrap();
            let area = case["area"].as_str().unwrap();
            if !AREAS.iter().any(|prefix| area.starts_with(prefix)) {
                continue;
            }
            let Some(built) = sdk_case(row.name, case) else {
                continue;
            };
            let is_responses = case["expected"]["requests"].as_array().is_some_and(|r| {
                r.iter()
                    .any(|r| r["path"].as_str().is_some_and(|p| p.contains("/responses")))
            });
            let refused = case["expected"]["requests"]
                .as_array()
                .is_some_and(Vec::is_empty);
            if is_responses || refused || !built.target.provider.is_compatible() {
                continue;
            }
            let known = ["json", "text", "sse"]
                .iter()
                .any(|k| built.upstream.get(k).is_some());
            if !known {
                continue;
            }
            match check(&built, &case["expected"]) {
                None => matched += 1,
                Some(difference) => missed.push(format!("{id}: {difference}")),
            }
        }
    }
    for miss in &missed {
        println!("{miss}");
    }
    println!("{matched} matched, {} missed", missed.len());
    let wanted = |miss: &String| DIFFERENT.iter().any(|id| miss.starts_with(id));
    assert!(matched >= 985 && missed.iter().all(wanted));
}

#[path = "openai_served_tests.rs"]
mod served;

#[test]
fn a_reply_that_cites_pages_is_billed_for_a_search_and_a_text_about_citations_is_not() {
    let target = target("openai", "gpt-5");
    let reply = |message: Value| {
        let body = json!({
            "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-5",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        });
        let head = Head {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
        };
        let call = Call::new(Op::Chat, "gpt-5", Params::default());
        let reply = OpenAi.reply(&call, &target, &head, body.to_string().into());
        let used = reply.unwrap().usage.unwrap();
        target.cost(&used, None, || Duration::ZERO).unwrap().tool
    };
    let cited = json!([{"type": "url_citation", "url_citation": {"url": "https://a.example"}}]);
    assert_eq!(
        reply(json!({"role": "assistant", "content": "x", "annotations": cited})),
        0.01
    );
    let told = json!({"role": "assistant", "content": "{\"type\":\"url_citation\"}"});
    assert_eq!(reply(told), 0.0);
}
