//! Chats as calls of the Responses API, and responses as chats.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::adapt::fold::fold;
use crate::adapt::stream_usage::Counter;
use crate::options::Options;
use crate::params::Params;
use crate::request::Op;
use bytes::{Bytes, BytesMut};
use serde_json::{Map, Value, json};

struct Nothing;

impl Counter for Nothing {
    fn prompt(&mut self) -> u64 {
        0
    }
    fn completion(&mut self, _: &str) -> u64 {
        0
    }
    fn reasoning(&mut self, _: &str) -> u64 {
        0
    }
}

fn target() -> Target {
    Target::resolve("openai/o1-pro", &Options::default(), &|_| None).unwrap()
}

fn call(members: &Value) -> Call {
    let params = Params::parse(&Bytes::from(members.to_string())).unwrap();
    Call::new(Op::Chat, "m", params)
}

fn response() -> Value {
    json!({
        "id": "resp_1", "object": "response", "created_at": 5, "status": "completed", "model": "o1-pro",
        "output": [
            {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "think"}],
                "encrypted_content": "Enc=="},
            {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "Hällo", "annotations": []}]},
            {"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}"},
        ],
        "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
    })
}

fn events() -> Vec<u8> {
    let response = response();
    let mut begun = response.clone();
    begun["output"] = json!([]);
    let events = [
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.reasoning_summary_text.delta", "delta": "think"}),
        json!({"type": "response.output_text.delta", "delta": "Häl"}),
        json!({"type": "response.output_text.delta", "delta": "lo"}),
        json!({"type": "response.output_item.added", "output_index": 2, "item": response["output"][2]}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{\"a\""}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": ":1}"}),
        json!({"type": "response.completed", "response": response}),
    ];
    let mut bytes = Vec::new();
    for event in events {
        bytes.extend_from_slice(format!("data: {event}\n\n").as_bytes());
    }
    bytes
}

fn chunks(call: &Call, cut: usize) -> Vec<Map<String, Value>> {
    let mut stream = OverResponses.stream(call, &target());
    let mut out = BytesMut::new();
    let events = events();
    let (before, after) = events.split_at(cut);
    stream.push(before, &mut out).unwrap();
    stream.push(after, &mut out).unwrap();
    stream.finish(&mut out).unwrap();
    let text = String::from_utf8(out.to_vec()).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

#[test]
fn a_stream_cut_anywhere_folds_to_the_plain_reply() {
    let call = call(&json!({"model": "m", "messages": [], "stream": true,
        "stream_options": {"include_usage": true}}));
    let reply = Reply {
        body: response().to_string().into(),
        usage: None,
        upstream_model: None,
        finish_reason: None,
    };
    let plain = OverResponses.reply(&call, &target(), reply).unwrap();
    let plain: Value = serde_json::from_slice(&plain.body).unwrap();
    assert_eq!(plain["choices"][0]["finish_reason"], "tool_calls");
    let whole = chunks(&call, 0);
    for cut in 1..=events().len() {
        assert_eq!(chunks(&call, cut), whole, "cut at {cut}");
    }
    let folded = Value::Object(fold(whole, 0, &mut Nothing).unwrap());
    for name in [
        "content",
        "reasoning_content",
        "reasoning_items",
        "provider_specific_fields",
    ] {
        assert_eq!(
            folded["choices"][0]["message"][name], plain["choices"][0]["message"][name],
            "{name}"
        );
    }
    let call = |reply: &Value| reply["choices"][0]["message"]["tool_calls"][0]["function"].clone();
    assert_eq!(call(&folded), call(&plain));
    assert_eq!(folded["usage"]["total_tokens"], 7);
    assert_eq!(folded["id"], "resp_1");
}

#[test]
fn reasoning_that_is_sent_back_goes_up_as_it_came() {
    let call = call(&json!({"model": "m", "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "hi"},
            {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "https://x/z.png"}}]},
        {"role": "assistant", "content": null, "reasoning_items": [
            {"type": "reasoning", "id": "rs_1", "encrypted_content": "Enc==", "summary": []}],
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "ok"},
    ]}));
    let asked = OverResponses.call(&call, &target()).unwrap();
    assert_eq!(asked.op, Op::Responses);
    assert_eq!(
        asked.params.get::<String>("instructions").as_deref(),
        Some("Be brief.")
    );
    let input: Value = asked.params.get("input").unwrap();
    assert_eq!(
        input,
        json!([
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"},
                {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"},
                {"type": "input_image", "image_url": "https://x/z.png", "detail": "auto"}]},
            {"type": "reasoning", "id": "rs_1", "encrypted_content": "Enc==", "summary": []},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "ok"}]},
        ])
    );
}

#[test]
fn an_incomplete_response_ended_by_its_length() {
    let mut response = response();
    response["status"] = json!("incomplete");
    response["incomplete_details"] = json!({"reason": "max_output_tokens"});
    let reply = Reply {
        body: response.to_string().into(),
        usage: None,
        upstream_model: None,
        finish_reason: None,
    };
    let plain = OverResponses
        .reply(&call(&json!({"messages": []})), &target(), reply)
        .unwrap();
    assert_eq!(plain.finish_reason.as_deref(), Some("length"));
}

#[test]
fn a_search_is_a_tool_and_its_place_flat() {
    let place = json!({"type": "approximate", "approximate": {"city": "Paris"}});
    let call = call(&json!({
        "messages": [],
        "web_search_options": {"search_context_size": "low", "user_location": place},
    }));
    let asked = OverResponses.call(&call, &target()).unwrap();
    assert_eq!(
        asked.params.get::<Value>("tools"),
        Some(json!([{"search_context_size": "low", "type": "web_search",
            "user_location": {"type": "approximate", "city": "Paris"}}]))
    );
}
