#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::options::{Options, Secret};
use crate::request::Op;

const MODEL: &str = "claude-sonnet-4-5-20250929";

fn target(model: &str) -> Target {
    let options = Options {
        api_key: Some(Secret::new("sk-test")),
        ..Options::default()
    };
    Target::resolve(&format!("anthropic/{model}"), &options, &|_| None).unwrap()
}

fn call(members: &Value) -> Call {
    let members = Bytes::from(serde_json::to_vec(members).unwrap());
    Call::new(Op::Chat, MODEL, Params::parse(&members).unwrap())
}

fn sent(model: &str, members: &Value) -> Value {
    let built = body(&call(members), &target(model)).unwrap();
    serde_json::from_slice(&built.members.to_json()).unwrap()
}

fn turns(messages: &Value) -> Value {
    sent(MODEL, &json!({"messages": messages}))["messages"].clone()
}

#[test]
fn signatures_redacted_thinking_ids_and_cache_marks_survive() {
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let got = turns(&json!([
        {"role": "user", "content": [{"type": "text", "text": "q", "cache_control": mark}]},
        {"role": "assistant", "content": "a", "thinking_blocks": [
            {"type": "thinking", "thinking": "t", "signature": "s+/="},
            {"type": "redacted_thinking", "data": "ENC"}
        ], "tool_calls": [{"id": "toolu_1", "type": "function", "cache_control": mark,
            "function": {"name": "f", "arguments": "{\"n\": 1}"}}]},
        {"role": "tool", "tool_call_id": "toolu_1", "content": "r", "cache_control": mark},
    ]));
    let expected = json!([
        {"role": "user", "content": [{"type": "text", "text": "q", "cache_control": mark}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "t", "signature": "s+/="},
            {"type": "redacted_thinking", "data": "ENC"},
            {"type": "text", "text": "a"},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"n": 1}, "cache_control": mark},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "r", "cache_control": mark}
        ]},
    ]);
    assert_eq!(got, expected);
}

#[test]
fn a_server_tool_goes_back_with_its_result() {
    let result =
        json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []});
    let got = turns(&json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "a", "provider_specific_fields": {"web_search_results": [result]},
         "tool_calls": [{"id": "srvtoolu_1", "type": "function",
            "function": {"name": "web_search", "arguments": "{\"query\": \"x\"}"}}]},
        {"role": "user", "content": "more"},
    ]));
    assert_eq!(got[1]["content"][1]["type"], "server_tool_use");
    assert_eq!(got[1]["content"][2], result);
}

#[test]
fn names_that_anthropic_refuses_are_rewritten_and_come_back() {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
    let members = json!({"messages": [{"role": "user", "content": "q"}],
        "tools": [tool("a/b"), tool("a_b"), tool("a.b")],
        "tool_choice": {"type": "function", "function": {"name": "a/b"}}});
    let got = sent(MODEL, &members);
    let names: Vec<&str> = got["tools"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|t| t["name"].as_str())
        .collect();
    assert_eq!(names, ["a_b_2", "a_b", "a_b_3"]);
    assert_eq!(got["tool_choice"]["name"], "a_b_2");
    let plan = plan(&call(&members), &target(MODEL));
    assert_eq!(plan.names.given("a_b_2"), "a/b");
    assert_eq!(plan.names.given("a_b"), "a_b");
}

#[test]
fn effort_is_a_budget_or_adaptive_thinking_by_model() {
    let asked = |model: &str| {
        sent(
            model,
            &json!({"messages": [{"role": "user", "content": "q"}], "reasoning_effort": "high"}),
        )
    };
    let old = asked(MODEL);
    assert_eq!(
        old["thinking"],
        json!({"type": "enabled", "budget_tokens": 4096})
    );
    assert_eq!(old["max_tokens"], 8192);
    let adaptive = asked("claude-opus-4-6");
    assert_eq!(adaptive["thinking"]["type"], "adaptive");
    assert_eq!(adaptive["output_config"], json!({"effort": "high"}));
}

#[test]
fn a_wanted_schema_is_native_where_the_model_has_it_and_a_tool_elsewhere() {
    let format = |schema: Value| {
        json!({"messages": [{"role": "user", "content": "q"}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}})
    };
    let node = json!({"type": "object", "$defs": {"P": {"type": "integer", "minimum": 2}},
        "properties": {"p": {"$ref": "#/$defs/P"}}});
    let native = sent(MODEL, &format(node.clone()));
    let schema = &native["output_format"]["schema"];
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(
        schema["properties"]["p"],
        json!({"type": "integer", "description": "Note: minimum value: 2."})
    );
    let tool = sent("claude-3-7-sonnet-20250219", &format(node));
    assert_eq!(tool["tools"][0]["name"], schema::TOOL);
    assert_eq!(
        tool["tool_choice"],
        json!({"type": "tool", "name": schema::TOOL})
    );
    let looped = json!({"type": "object", "$defs": {"N": {"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}}},
        "properties": {"n": {"$ref": "#/$defs/N"}}});
    let kept = sent(MODEL, &format(looped));
    assert!(kept["output_format"]["schema"]["$defs"].is_object());
}

#[test]
fn files_and_documents_have_their_blocks() {
    let got = turns(&json!([{"role": "user", "content": [
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAA"}},
        {"type": "file", "file": {"file_id": "file_1", "format": "application/pdf"}},
        {"type": "image_url", "image_url": "https://example.com/a.png"},
    ]}]));
    let sources: Vec<&Value> = got[0]["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| &b["source"])
        .collect();
    assert_eq!(
        sources[0],
        &json!({"type": "base64", "media_type": "application/pdf", "data": "AAA"})
    );
    assert_eq!(sources[1], &json!({"type": "file", "file_id": "file_1"}));
    assert_eq!(
        sources[2],
        &json!({"type": "url", "url": "https://example.com/a.png"})
    );
}

#[test]
fn betas_of_the_caller_and_of_the_request_are_joined_and_the_key_is_hidden() {
    let mut target = target(MODEL);
    target.options.extra_headers = vec![("anthropic-beta".into(), "mine, mine".into())];
    let members = json!({"messages": [{"role": "user", "content": "q"}],
        "tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]});
    let request = request(&call(&members), &target).unwrap();
    assert_eq!(
        request.headers["anthropic-beta"],
        "mine,web-fetch-2025-09-10"
    );
    assert!(request.headers["x-api-key"].is_sensitive());
    target.api_key = Some(Secret::new("sk-ant-oat01-x"));
    let request = super::request(&call(&members), &target).unwrap();
    assert_eq!(request.headers["authorization"], "Bearer sk-ant-oat01-x");
    assert!(!request.headers.contains_key("x-api-key"));
}

#[test]
fn a_role_that_no_conversation_has_is_refused_without_its_words() {
    let members = json!({"messages": [{"role": "martian", "content": "a secret"}]});
    let error = body(&call(&members), &target(MODEL)).err().unwrap();
    assert_eq!(error.kind, ErrorKind::BadRequest);
    assert!(error.message.contains("'martian'"), "{}", error.message);
    assert!(!error.message.contains("secret"), "{}", error.message);
}
