//! Calls of the Responses API as chats, and chats as responses.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::adapt::dialects::between;
use crate::options::Options;
use crate::params::Params;
use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

fn target(provider: &str) -> Target {
    let model = format!("{provider}/model");
    Target::resolve(&model, &Options::default(), &|_| None).unwrap()
}

fn call(members: &Value) -> Call {
    let members = Params::parse(&Bytes::from(members.to_string())).unwrap();
    let (options, params) = Options::split_for(Op::Responses, members).unwrap();
    let mut call = Call::new(Op::Responses, "group", params);
    call.options = options;
    call
}

fn chat(members: &Value) -> Result<Call> {
    OverChat.call(&call(members), &target("anthropic"))
}

fn messages(input: &Value) -> Value {
    let chat = chat(&json!({"model": "m", "input": input})).unwrap();
    chat.params.get("messages").unwrap()
}

/// Canonical events of a chat, as an adapter writes them.
fn events(chunks: &[Value]) -> Vec<u8> {
    let mut events = String::new();
    for chunk in chunks {
        let mut chunk = chunk.clone();
        chunk["id"] = json!("c1");
        chunk["model"] = json!("served");
        chunk["created"] = json!(7);
        events.push_str("data: ");
        events.push_str(&chunk.to_string());
        events.push_str("\n\n");
    }
    events.push_str("data: [DONE]\n\n");
    events.into_bytes()
}

fn delta(delta: &Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta}]})
}

/// The events that a stream is told as; the input comes in two pieces.
fn told(call: &Call, input: &[u8], cut: usize) -> Vec<Value> {
    let mut stream = OverChat.stream(call, &target("anthropic"));
    let mut out = BytesMut::new();
    let (before, after) = input.split_at(cut);
    stream.push(before, &mut out).unwrap();
    stream.push(after, &mut out).unwrap();
    stream.finish(&mut out).unwrap();
    let text = String::from_utf8(out.to_vec()).unwrap();
    assert!(text.ends_with("data: [DONE]\n\n"));
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

/// Ids that are made here differ from run to run.
fn without_ids(mut value: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for name in ["id", "item_id"] {
                    let made = members.get(name).and_then(Value::as_str);
                    if made.is_some_and(|id| id.starts_with("msg_") || id.starts_with("rs_")) {
                        members.remove(name);
                    }
                }
                members.values_mut().for_each(strip);
            }
            Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut value);
    value
}

fn thinking_stream() -> Vec<u8> {
    events(&[
        delta(
            &json!({"role": "assistant", "reasoning_content": "Let me ", "content": "",
            "thinking_blocks": [{"type": "thinking", "thinking": "Let me "}]}),
        ),
        delta(&json!({"reasoning_content": "see.", "content": "",
            "thinking_blocks": [{"type": "thinking", "thinking": "see."}]})),
        delta(&json!({"content": "",
            "thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "Sig+/=="}]})),
        delta(&json!({"content": "I "})),
        delta(&json!({"content": "look."})),
        delta(
            &json!({"tool_calls": [{"index": 0, "id": "t1", "type": "function",
            "function": {"name": "look", "arguments": ""}}]}),
        ),
        delta(&json!({"tool_calls": [{"index": 0, "type": "function",
            "function": {"arguments": "{\"a\": \"äöü and more\"}"}}]})),
        delta(
            &json!({"tool_calls": [{"index": 1, "id": "t2", "type": "function",
            "function": {"name": "look", "arguments": "{}"}}]}),
        ),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7,
            "cost": 0.5, "completion_tokens_details": {"reasoning_tokens": 1}}}),
    ])
}

#[test]
fn a_turn_of_items_is_one_message_for_each_side() {
    let messages = messages(&json!([
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "rules"}]},
        {"role": "user", "content": "weather?"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "think"}]},
        {"type": "function_call", "call_id": "a", "name": "get", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "get", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {"type": "function_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "2"}]},
    ]));
    assert_eq!(
        messages,
        json!([
            {"role": "developer", "content": [{"type": "text", "text": "rules"}]},
            {"role": "user", "content": "weather?"},
            {"role": "assistant", "content": null, "reasoning_content": "think", "tool_calls": [
                {"id": "a", "type": "function", "index": 0, "function": {"name": "get", "arguments": "{}"}},
                {"id": "b", "type": "function", "index": 0, "function": {"name": "get", "arguments": "{}"}},
            ]},
            {"role": "tool", "content": "1", "tool_call_id": "a"},
            {"role": "tool", "content": "2", "tool_call_id": "b"},
        ])
    );
}

#[test]
fn signed_thinking_survives_the_round_trip_byte_for_byte() {
    let call = call(&json!({"model": "m", "input": "x", "stream": true}));
    let events = told(&call, &thinking_stream(), 0);
    let done = events
        .iter()
        .find(|event| event["type"] == "response.output_item.done")
        .unwrap();
    let item = done["item"].clone();
    assert_eq!(item["summary"][0]["text"], "Let me see.");
    let messages = messages(&json!([
        item,
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]},
    ]));
    assert_eq!(
        messages[0]["thinking_blocks"],
        json!([{"type": "thinking", "thinking": "Let me see.", "signature": "Sig+/=="}])
    );
    assert_eq!(messages[0]["content"][0]["text"], "hi");
}

#[test]
fn schemas_stay_the_bytes_that_they_were() {
    let members = br#"{"model":"m","input":"x",
        "tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{"z": 1.0,"a":2}}}],
        "text":{"format":{"type":"json_schema","name":"e","schema":{"z":1,"a": [2]},"strict":true}}}"#;
    let params = Params::parse(&Bytes::from_static(members)).unwrap();
    let call = Call::new(Op::Responses, "m", params);
    let chat = OverChat.call(&call, &target("anthropic")).unwrap();
    let raw = |name: &str| String::from_utf8(chat.params.raw(name).unwrap().to_vec()).unwrap();
    let schema = r#"{"type":"object","properties":{"z": 1.0,"a":2}}"#;
    assert!(raw("tools").contains(schema), "{}", raw("tools"));
    assert!(raw("response_format").contains(r#"{"z":1,"a": [2]}"#));
}

#[test]
fn what_chat_has_no_form_for_is_refused_by_name_or_dropped_when_told_so() {
    for (what, members) in [
        (
            "`item_reference`",
            json!({"model": "m", "input": [{"type": "item_reference", "id": "x"}]}),
        ),
        (
            "`local_shell`",
            json!({"model": "m", "input": "x", "tools": [{"type": "local_shell"}]}),
        ),
        (
            "`background`",
            json!({"model": "m", "input": "x", "background": true}),
        ),
        (
            "`conversation`",
            json!({"model": "m", "input": "x", "conversation": "c"}),
        ),
    ] {
        let error = chat(&members).unwrap_err();
        assert!(error.message.contains(what), "{}", error.message);
        assert_eq!(error.status, 400);
        let mut members = members;
        members["drop_params"] = json!(true);
        chat(&members).unwrap();
    }
}

#[test]
fn a_custom_tool_is_a_function_in_the_chat_and_itself_in_the_response() {
    let patch = json!({"type": "custom", "name": "apply_patch", "description": "Edits.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"}});
    let members = json!({"model": "m", "input": "x", "stream": true, "tools": [patch]});
    let asked = chat(&members).unwrap();
    let tools: Value = asked.params.get("tools").unwrap();
    let function = &tools[0]["function"];
    assert_eq!(function["name"], "apply_patch");
    assert!(
        function["description"]
            .as_str()
            .unwrap()
            .contains("start: x")
    );
    assert_eq!(function["parameters"]["required"], json!(["content"]));
    let input = events(&[
        delta(
            &json!({"tool_calls": [{"index": 0, "id": "t1", "type": "function",
            "function": {"name": "apply_patch", "arguments": "{\"content\": \"*** Begin"}}]}),
        ),
        delta(&json!({"tool_calls": [{"index": 0, "function": {"arguments": " Patch\"}"}}]})),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
    ]);
    let events = told(&call(&members), &input, 0);
    let kinds: Vec<&str> = events.iter().filter_map(|e| e["type"].as_str()).collect();
    assert!(kinds.contains(&"response.custom_tool_call_input.done"));
    let last = &events.last().unwrap()["response"]["output"][0];
    assert_eq!(last["type"], "custom_tool_call");
    assert_eq!(last["input"], "*** Begin Patch");
    assert_eq!(last["id"], "ctc_t1");
}

#[test]
fn tools_of_a_namespace_are_told_apart_and_back() {
    let members = json!({"model": "m", "input": "x", "tools": [{"type": "namespace", "name": "web",
        "description": "Pages.", "tools": [{"type": "function", "name": "open", "description": "Opens."}]}]});
    let asked = chat(&members).unwrap();
    let tools: Value = asked.params.get("tools").unwrap();
    assert_eq!(tools[0]["function"]["name"], "web__open");
    let reply = Reply {
        body: json!({"id": "c", "created": 1, "model": "m", "choices": [{"index": 0,
            "finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [
                {"id": "t", "type": "function", "function": {"name": "web__open", "arguments": "{}"}}]}}]})
        .to_string()
        .into(),
        usage: None,
        upstream_model: None,
        finish_reason: None,
    };
    let told = OverChat
        .reply(&call(&members), &target("anthropic"), reply)
        .unwrap();
    let told: Value = serde_json::from_slice(&told.body).unwrap();
    assert_eq!(told["output"][0]["name"], "open");
    assert_eq!(told["output"][0]["namespace"], "web");
}

#[test]
fn every_event_is_numbered_and_items_close_in_the_order_in_which_they_open() {
    let call = call(&json!({"model": "m", "input": "x", "stream": true}));
    let events = told(&call, &thinking_stream(), 0);
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], at);
    }
    let items = |kind: &str| -> Vec<u64> {
        let of_kind = events.iter().filter(|event| event["type"] == kind);
        of_kind
            .filter_map(|event| event["output_index"].as_u64())
            .collect()
    };
    assert_eq!(items("response.output_item.added"), [0, 1, 2, 3]);
    assert_eq!(items("response.output_item.done"), [0, 1, 2, 3]);
    let place = |kind: &str, at: u64| {
        let found = events
            .iter()
            .position(|event| event["type"] == kind && event["output_index"] == at);
        found.unwrap()
    };
    // Words are whole before the call that follows them.
    assert!(place("response.output_item.done", 1) < place("response.output_item.added", 2));
    assert_eq!(events.first().unwrap()["type"], "response.created");
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"]["usage"]["output_tokens"], 4);
    assert_eq!(last["response"]["usage"]["cost"], 0.5);
    let longest = events
        .iter()
        .filter(|event| event["type"] == "response.function_call_arguments.delta")
        .filter_map(|event| event["delta"].as_str())
        .map(|delta| delta.chars().count())
        .max();
    assert_eq!(longest, Some(10));
}

#[test]
fn a_stream_cut_anywhere_is_told_the_same() {
    let call = call(&json!({"model": "m", "input": "x", "stream": true}));
    let input = thinking_stream();
    let whole: Vec<Value> = told(&call, &input, 0)
        .into_iter()
        .map(without_ids)
        .collect();
    for cut in 1..=input.len() {
        let pieces: Vec<Value> = told(&call, &input, cut)
            .into_iter()
            .map(without_ids)
            .collect();
        assert_eq!(pieces, whole, "cut at {cut}");
    }
}

#[test]
fn the_response_at_the_end_of_a_stream_is_the_plain_one() {
    let call = call(&json!({"model": "m", "input": "x", "stream": true, "user": "u"}));
    let events = told(&call, &thinking_stream(), 0);
    let mut streamed = without_ids(events.last().unwrap()["response"].clone());
    let reply = Reply {
        body: json!({"id": "c1", "created": 7, "model": "served", "choices": [{"index": 0,
            "finish_reason": "tool_calls", "message": {"role": "assistant", "content": "I look.",
                "reasoning_content": "Let me see.",
                "thinking_blocks": [{"type": "thinking", "thinking": "Let me see.", "signature": "Sig+/=="}],
                "tool_calls": [
                    {"id": "t1", "type": "function", "function": {"name": "look", "arguments": "{\"a\": \"äöü and more\"}"}},
                    {"id": "t2", "type": "function", "function": {"name": "look", "arguments": "{}"}}]}}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "cost": 0.5,
                "completion_tokens_details": {"reasoning_tokens": 1}}})
        .to_string()
        .into(),
        usage: None,
        upstream_model: None,
        finish_reason: None,
    };
    let plain = OverChat.reply(&call, &target("anthropic"), reply).unwrap();
    let mut plain = without_ids(serde_json::from_slice(&plain.body).unwrap());
    crate::adapt::canonical::drop_nulls(&mut plain);
    crate::adapt::canonical::drop_nulls(&mut streamed);
    assert_eq!(streamed, plain);
}

#[test]
fn a_question_about_a_stored_response_is_refused_where_nothing_is_stored() {
    let bridge = between(Op::Stored(Stored::Get), Op::Chat).unwrap();
    let error = bridge
        .call(
            &Call::new(Op::Stored(Stored::Get), "m", Params::default()),
            &target("anthropic"),
        )
        .unwrap_err();
    assert!(error.message.contains("GET responses"), "{}", error.message);
    assert!(error.message.contains("`anthropic`"), "{}", error.message);
}
