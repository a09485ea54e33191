#![allow(clippy::unwrap_used)]

use super::*;
use crate::options::Options;
use crate::request::Op;
use serde_json::json;

fn sent(model: &str, members: &Value) -> UpstreamRequest {
    let raw = Bytes::from(serde_json::to_vec(members).unwrap());
    let (mut options, members) = Options::split(Params::parse(&raw).unwrap()).unwrap();
    options.other.set("vertex_project", &"p");
    let model = format!("vertex_ai/{model}");
    let target = Target::resolve(&model, &options, &|_| None).unwrap();
    let call = Call::new(Op::Chat, &model, members);
    target.provider.adapter.request(&call, &target).unwrap()
}

fn body(request: &UpstreamRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

fn ask(more: &Value) -> Value {
    let mut members = json!({"messages": [{"role": "user", "content": "q"}], "max_tokens": 9});
    members
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    members
}

#[test]
fn the_model_is_in_the_address_and_the_version_in_the_body() {
    let request = sent("claude-sonnet-4@20250514", &ask(&json!({})));
    let body = body(&request);
    assert_eq!(body["anthropic_version"], "vertex-2023-10-16");
    assert!(body.get("model").is_none() && body.get("stream").is_none());
    assert_eq!(request.headers["anthropic-version"], "2023-06-01");
    assert!(
        request
            .url
            .contains("/publishers/anthropic/models/claude-sonnet-4@20250514:rawPredict")
    );
}

#[test]
fn only_features_that_vertex_knows_are_named() {
    let request = sent(
        "claude-sonnet-4@20250514",
        &ask(
            &json!({"extra_headers": {"anthropic-beta": "context-1m-2025-08-07,files-api-2025-04-14,inline-tools-2026-09-15"},
            "tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
        ),
    );
    assert_eq!(
        request.headers[BETA],
        "context-1m-2025-08-07,inline-tools-2026-09-15,web-search-2025-03-05"
    );
    assert_eq!(
        body(&request)["anthropic_beta"],
        json!(["context-1m-2025-08-07", "web-search-2025-03-05"])
    );
    let plain = sent("claude-sonnet-4@20250514", &ask(&json!({})));
    assert!(!plain.headers.contains_key(BETA));
    assert!(body(&plain).get("anthropic_beta").is_none());
}

#[test]
fn forms_of_the_answer_are_under_output_config() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let format = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
    let request = sent("claude-opus-4-6", &ask(&json!({"response_format": format})));
    let body = body(&request);
    assert_eq!(body["output_config"]["format"]["type"], "json_schema");
    assert!(body.get("output_format").is_none());
}

#[test]
fn an_effort_goes_only_to_models_that_take_one() {
    let effort = |model: &str| {
        let request = sent(model, &ask(&json!({"output_config": {"effort": "low"}})));
        body(&request)["output_config"]["effort"].clone()
    };
    assert_eq!(effort("claude-opus-4-6"), "low");
    assert_eq!(effort("claude-haiku-4-5@20251001"), Value::Null);
}

#[test]
fn labels_travel_in_a_header() {
    let request = sent(
        "claude-opus-4-6",
        &ask(&json!({"labels": {"team": "a", "n": 1}})),
    );
    assert!(body(&request).get("labels").is_none());
    let header = STANDARD.decode(request.headers[LABELS].as_bytes()).unwrap();
    assert_eq!(header, br#"{"team":"a"}"#);
}

#[test]
fn the_token_goes_where_anthropic_expects_a_key_too() {
    let options = Options::default();
    let target = Target::resolve("vertex_ai/claude-opus-4-6", &options, &|_| None).unwrap();
    let call = Call::new(Op::Chat, "m", Params::default());
    let auth = target.provider.adapter.auth(&call, &target);
    assert!(matches!(
        auth,
        Auth::Google {
            key_header: true,
            ..
        }
    ));
}
