#![allow(clippy::unwrap_used)]

use super::*;
use crate::options::Options;
use serde_json::{Value, json};

fn made(op: Op, model: &str, members: &Value) -> (Call, Target) {
    let raw = Bytes::from(serde_json::to_vec(members).unwrap());
    let (mut options, members) = Options::split(Params::parse(&raw).unwrap()).unwrap();
    options.other.set("vertex_project", &"p");
    let model = format!("vertex_ai/{model}");
    let target = Target::resolve(&model, &options, &|_| None).unwrap();
    (Call::new(op, &model, members), target)
}

fn sent(op: Op, model: &str, members: &Value) -> (String, Value) {
    let (call, target) = made(op, model, members);
    let request = target.provider.adapter.request(&call, &target).unwrap();
    (request.url, serde_json::from_slice(&request.body).unwrap())
}

#[test]
fn a_body_names_the_model_as_its_engine_knows_it() {
    let members =
        json!({"messages": [{"role": "user", "content": "q"}], "max_completion_tokens": 3});
    for (model, name) in [
        ("mistral-large@2411-001", "mistral-large"),
        ("jamba-1.5-mini@001", "jamba-1.5-mini@001"),
        ("meta/llama-4", "meta/llama-4"),
        ("openai/xai/grok", "xai/grok"),
        ("openai/123", ""),
    ] {
        let (_, body) = sent(Op::Chat, model, &members);
        assert_eq!(body["model"], name, "{model}");
        assert_eq!(body["max_tokens"], 3);
        assert_eq!(body["stream"], false);
    }
}

#[test]
fn codestral_completes_between_two_texts() {
    let members = json!({"prompt": "def f(", "suffix": "return x", "seed": 1});
    let (url, body) = sent(Op::TextCompletion, "codestral-2@001", &members);
    assert!(url.ends_with("/publishers/mistralai/models/codestral-2@001:rawPredict"));
    assert_eq!(
        body,
        json!({"model": "codestral-2", "prompt": "def f(", "suffix": "return x", "random_seed": 1, "stream": false})
    );
}

#[test]
fn members_of_google_are_left_out_of_open_replies() {
    let (call, target) = made(Op::Chat, "meta/llama-4", &json!({"messages": []}));
    let reply = json!({"id": "i", "model": "m", "system_fingerprint": "f", "service_tier": "t",
        "choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}]});
    let head = Head {
        status: http::StatusCode::OK,
        headers: http::HeaderMap::new(),
    };
    let body = Bytes::from(serde_json::to_vec(&reply).unwrap());
    let reply = Partner.reply(&call, &target, &head, body).unwrap();
    let reply: Value = serde_json::from_slice(&reply.body).unwrap();
    assert!(reply.get("system_fingerprint").is_none() && reply.get("service_tier").is_none());
    assert_eq!(reply["choices"][0]["message"]["content"], "x");
}

#[test]
fn embeddings_of_partners_are_refused_by_name() {
    let (call, target) = made(Op::Embeddings, "meta/llama-4", &json!({"input": "x"}));
    let error = target
        .provider
        .adapter
        .request(&call, &target)
        .err()
        .unwrap();
    assert!(error.message.contains("embeddings"));
}
