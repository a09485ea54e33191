#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::adapt::registry::provider;
use crate::options::Options;
use crate::params::Params;
use crate::request::Op;
use bytes::{Bytes, BytesMut};
use serde_json::json;

fn target(name: &str, model: &str) -> Target {
    Target {
        provider: provider(name).unwrap(),
        model: model.into(),
        api_base: "http://localhost".into(),
        api_key: None,
        options: Options::default(),
        defaults: Params::default(),
        deployment_id: String::new(),
        model_group: String::new(),
        litellm_model: String::new(),
        memo: crate::adapt::Memo::default(),
    }
}

fn call(members: &Value) -> Call {
    let members = Params::parse(&Bytes::from(members.to_string())).unwrap();
    Call::new(Op::GenerateContent, "group", members)
}

fn chat(members: &Value, target: &Target) -> Value {
    let chat = OverChat.call(&call(members), target).unwrap();
    serde_json::from_slice(&chat.params.to_json()).unwrap()
}

fn claude() -> Target {
    target("anthropic", "claude-sonnet-4-5")
}

#[test]
fn schemas_thinking_and_choices_reach_the_chat() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    for (camel, snake) in [
        ("parametersJsonSchema", false),
        ("parameters_json_schema", true),
    ] {
        let name = |camel: &'static str, other: &'static str| if snake { other } else { camel };
        let members = json!({
            "contents": "hi",
            name("systemInstruction", "system_instruction"): {"parts": [{"text": "S"}]},
            "tools": [{name("functionDeclarations", "function_declarations"): [
                {"name": "f", "description": "d", camel: schema}, {"name": "g"}]}],
            name("toolConfig", "tool_config"): {name("functionCallingConfig", "function_calling_config"):
                {"mode": "ANY", name("allowedFunctionNames", "allowed_function_names"): ["f"]}},
            name("generationConfig", "generation_config"): {
                name("maxOutputTokens", "max_output_tokens"): 9, name("topP", "top_p"): 0.5,
                name("thinkingConfig", "thinking_config"): {name("thinkingBudget", "thinking_budget"): 2048,
                    name("includeThoughts", "include_thoughts"): true}},
        });
        let got = chat(&members, &claude());
        assert_eq!(
            got["tools"],
            json!([{"type": "function",
            "function": {"name": "f", "description": "d", "parameters": schema}}])
        );
        assert_eq!(
            got["tool_choice"],
            json!({"type": "function", "function": {"name": "f"}})
        );
        assert_eq!(
            got["thinking"],
            json!({"type": "enabled", "budget_tokens": 2048})
        );
        assert_eq!(
            (&got["max_tokens"], &got["top_p"]),
            (&json!(9), &json!(0.5))
        );
        assert_eq!(
            got["messages"],
            json!([{"role": "system", "content": "S"}, {"role": "user", "content": "hi"}])
        );
        let effort = chat(&members, &target("openai", "gpt-5"));
        assert_eq!(effort["reasoning_effort"], "medium");
    }
}

#[test]
fn googles_own_schemas_become_json_schema() {
    let members = json!({"contents": [], "generationConfig": {"responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"type": {"type": "STRING", "nullable": true}}}}});
    let got = chat(&members, &claude());
    assert_eq!(
        got["response_format"]["json_schema"]["schema"],
        json!({"type": "object", "properties": {"type": {"type": ["string", "null"]}}})
    );
}

#[test]
fn what_no_chat_can_say_is_refused_by_name() {
    for (members, name) in [
        (
            json!({"contents": [], "tools": [{"codeExecution": {}}]}),
            "codeExecution",
        ),
        (
            json!({"contents": [], "cachedContent": "x"}),
            "cachedContent",
        ),
        (
            json!({"contents": [{"parts": [{"videoMetadata": {}}]}]}),
            "videoMetadata",
        ),
    ] {
        let error = OverChat.call(&call(&members), &claude()).unwrap_err();
        assert!(error.message.contains(name), "{}", error.message);
    }
}

fn whole(message: &Value) -> Value {
    let body = json!({"id": "chatcmpl-1", "model": "m", "choices": [{"index": 0, "finish_reason": "tool_calls",
        "message": message}], "usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14,
        "completion_tokens_details": {"reasoning_tokens": 2}}});
    let reply = Reply {
        body: body.to_string().into(),
        usage: None,
        upstream_model: None,
        finish_reason: None,
    };
    let told = OverChat.reply(&call(&json!({})), &claude(), reply).unwrap();
    serde_json::from_slice(&told.body).unwrap()
}

#[test]
fn nothing_is_lost_on_the_round_trip() {
    let said = json!({"role": "assistant", "content": "Hello",
        "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "EqQBCkYIBBgC"},
            {"type": "thinking", "thinking": "", "signature": "odd signature"},
            {"type": "redacted_thinking", "data": "R=="}],
        "tool_calls": [{"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]});
    let told = whole(&said);
    let content = &told["candidates"][0]["content"];
    let next = json!({"contents": [content, {"role": "user", "parts": [
        {"functionResponse": {"id": "toolu_1", "name": "f", "response": {"r": 1}}}, {"text": "and"}]}]});
    let again = chat(&next, &claude());
    let message = &again["messages"][0];
    for name in ["content", "thinking_blocks", "tool_calls"] {
        assert_eq!(message[name], said[name], "{name}");
    }
    assert_eq!(
        again["messages"][1],
        json!({"role": "tool", "tool_call_id": "toolu_1", "name": "f", "content": "{\"r\":1}"})
    );
    assert_eq!(
        told["usageMetadata"],
        json!({"promptTokenCount": 9, "candidatesTokenCount": 3,
        "totalTokenCount": 14, "thoughtsTokenCount": 2})
    );
}

#[test]
fn calls_without_ids_find_their_answers_by_name() {
    let contents = json!({"contents": [
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}, {"functionCall": {"name": "g", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "g", "response": {}}},
            {"functionResponse": {"name": "f", "response": {}}}]}]});
    let got = chat(&contents, &claude());
    let ids: Vec<&str> = (1..3)
        .map(|at| got["messages"][at]["tool_call_id"].as_str().unwrap())
        .collect();
    let calls = &got["messages"][0]["tool_calls"];
    assert_eq!(
        ids,
        [
            calls[1]["id"].as_str().unwrap(),
            calls[0]["id"].as_str().unwrap()
        ]
    );
}

fn told(per_push: usize) -> Vec<Value> {
    let delta =
        |delta: Value| json!({"id": "1", "model": "m", "choices": [{"index": 0, "delta": delta}]});
    let chunks = [
        delta(
            json!({"thinking_blocks": [{"type": "thinking", "thinking": "t"}], "reasoning_content": "t"}),
        ),
        delta(
            json!({"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "EqQBCkYIBBgC"}]}),
        ),
        delta(json!({"content": "Hel"})),
        delta(json!({"content": "lo"})),
        delta(
            json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{\"a\""}}]}),
        ),
        delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]})),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14,
            "completion_tokens_details": {"reasoning_tokens": 2}}}),
    ];
    let mut stream = OverChat.stream(&call(&json!({})), &claude());
    let mut out = BytesMut::new();
    for chunks in chunks.chunks(per_push) {
        let text: Vec<String> = chunks
            .iter()
            .map(|chunk| format!("data: {chunk}\n\n"))
            .collect();
        stream.push(text.concat().as_bytes(), &mut out).unwrap();
    }
    stream.finish(&mut out).unwrap();
    let text = std::str::from_utf8(&out).unwrap();
    let events = text.split("\n\n").filter(|event| !event.is_empty());
    events
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect()
}

#[test]
fn the_folded_stream_is_the_plain_reply() {
    let events = told(1);
    let mut parts: Vec<Value> = Vec::new();
    for event in &events {
        for part in event["candidates"][0]["content"]["parts"]
            .as_array()
            .unwrap()
        {
            let joins =
                |last: &Value| last.get("text").is_some() && last["thought"] == part["thought"];
            match parts.last_mut().filter(|last| joins(last)) {
                Some(last) if part.get("text").is_some() => {
                    last["text"] = json!(format!(
                        "{}{}",
                        last["text"].as_str().unwrap(),
                        part["text"].as_str().unwrap()
                    ));
                    if let Some(kept) = part.get("thoughtSignature") {
                        last["thoughtSignature"] = kept.clone();
                    }
                }
                _ => parts.push(part.clone()),
            }
        }
    }
    let plain = whole(&json!({"content": "Hello",
        "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "EqQBCkYIBBgC"}],
        "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{\"a\":1}"}}]}));
    assert_eq!(json!(parts), plain["candidates"][0]["content"]["parts"]);
    let last = events.last().unwrap();
    assert_eq!(last["usageMetadata"], plain["usageMetadata"]);
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
}

#[test]
fn however_chunks_are_handed_over_the_events_are_the_same() {
    for per_push in 2..9 {
        assert_eq!(told(per_push), told(1));
    }
}
