//! Reranking at providers of every form.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::options::Options;
use crate::request::Op;
use serde_json::json;

fn asked(model: &str, base: &str, more: Value) -> (Call, Target) {
    let mut members = into_members(&json!({"query": "q", "documents": ["a", {"text": "b"}]}));
    for (name, raw) in into_members(&more).iter() {
        members.set_raw(name, raw.clone());
    }
    let options = Options {
        api_base: Some(base.to_owned()),
        api_key: Some(crate::options::Secret::new("k")),
        ..Options::default()
    };
    let target = Target::resolve(model, &options, &|_| None).unwrap();
    (Call::new(Op::Rerank, model, members), target)
}

fn into_members(value: &Value) -> Params {
    Params::parse(&serde_json::to_vec(value).unwrap().into()).unwrap()
}

fn sent(model: &str, base: &str, more: Value) -> (String, Value) {
    let (call, target) = asked(model, base, more);
    let request = target.adapter(Op::Rerank).request(&call, &target).unwrap();
    (request.url, serde_json::from_slice(&request.body).unwrap())
}

#[test]
fn a_base_may_be_given_with_or_without_its_route() {
    for base in [
        "http://h",
        "http://h/v2",
        "http://h/v2/rerank",
        "http://h/v2/chat",
    ] {
        assert_eq!(sent("cohere/m", base, json!({})).0, "http://h/v2/rerank");
    }
    let url = |model, base| sent(model, base, json!({})).0;
    assert_eq!(url("jina_ai/m", "http://h/x"), "http://h/v1/rerank");
    assert_eq!(
        url("hosted_vllm/m", "http://h/v1/rerank"),
        "http://h/rerank"
    );
    assert_eq!(url("scaleway/m", "http://h/v1"), "http://h/v1/rerank");
    assert_eq!(url("dashscope/m", "http://h"), "http://h/reranks");
    assert_eq!(
        url("qwencloud/m", "http://h/compatible-mode/v1"),
        "http://h/compatible-api/v1/reranks"
    );
    assert_eq!(
        url("deepinfra/a/m", "http://h/v1/openai"),
        "http://h/v1/inference/a/m"
    );
}

#[test]
fn members_that_an_api_lacks_are_left_out_and_unknown_ones_are_sent() {
    let more = json!({"max_chunks_per_doc": 3, "rank_fields": ["x"], "priority": 1});
    let (_, body) = sent("cohere/m", "http://h", more);
    assert_eq!(
        body,
        json!({"model": "m", "query": "q", "documents": ["a", {"text": "b"}], "rank_fields": ["x"], "priority": 1})
    );
}

#[test]
fn a_member_that_would_change_the_meaning_is_refused() {
    let (call, target) = asked(
        "together_ai/m",
        "http://h",
        json!({"max_chunks_per_doc": 3}),
    );
    let error = target
        .adapter(Op::Rerank)
        .request(&call, &target)
        .unwrap_err();
    assert!(
        error.message.contains("`max_chunks_per_doc`"),
        "{}",
        error.message
    );
    assert!(!error.retry);
}

#[test]
fn nvidia_is_asked_in_passages_and_its_ranking_is_cut_here() {
    let (url, body) = sent(
        "nvidia_nim/ranking/a/m_1",
        "http://h/v1",
        json!({"top_n": 1}),
    );
    assert_eq!(url, "http://h/v1/ranking");
    let passages = json!([{"text": "a"}, {"text": "b"}]);
    assert_eq!(
        body,
        json!({"model": "a/m.1", "query": {"text": "q"}, "passages": passages})
    );
    let (call, target) = asked(
        "nvidia_nim/ranking/a/m_1",
        "http://h/v1",
        json!({"top_n": 1}),
    );
    let said = json!({"rankings": [{"index": 0, "logit": -1.0}, {"index": 1, "logit": 2.5}]});
    let head = Head {
        status: http::StatusCode::OK,
        headers: http::HeaderMap::new(),
    };
    let body = said.to_string().into();
    let reply = target
        .adapter(Op::Rerank)
        .reply(&call, &target, &head, body)
        .unwrap();
    let reply: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(
        reply["results"],
        json!([{"index": 1, "relevance_score": 2.5, "document": {"text": "b"}}])
    );
}

#[test]
fn a_reranking_is_billed_by_the_query_or_by_the_token() {
    let cost = |model: &str, rerank| {
        let (_, target) = asked(model, "http://h", json!({}));
        let usage = Usage {
            rerank: Some(rerank),
            ..Usage::default()
        };
        target
            .cost(&usage, None, std::time::Duration::default)
            .unwrap()
            .total
    };
    let [queries, none] = [3, 0].map(RerankUnits::Queries);
    assert!((cost("cohere/rerank-v3.5", queries) - 0.006).abs() < 1e-12);
    assert!(cost("cohere/rerank-v3.5", none).abs() < 1e-12);
    assert!((cost("voyage/rerank-2", RerankUnits::Tokens(7)) - 3.5e-7).abs() < 1e-15);
}

#[test]
fn a_provider_without_the_operation_says_so() {
    let (call, target) = asked("groq/m", "http://h", json!({}));
    let error = target
        .adapter(Op::Rerank)
        .request(&call, &target)
        .unwrap_err();
    assert!(error.message.contains("`groq`") && error.message.contains("`rerank`"));
}
