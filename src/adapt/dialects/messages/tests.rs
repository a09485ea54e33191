#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::adapt::dialects::between;
use crate::adapt::registry::provider;
use crate::options::Options;
use crate::params::Params;
use crate::request::Op;
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fmt::Write;

pub fn target(name: &str, model: &str) -> Target {
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
    let (options, params) = Options::split_for(Op::Messages, members).unwrap();
    let mut call = Call::new(Op::Messages, "group", params);
    call.options = options;
    call
}

fn chat(members: &Value, target: &Target) -> Value {
    let chat = OverChat.call(&call(members), target).unwrap();
    assert_eq!(chat.op, Op::Chat);
    serde_json::from_slice(&chat.params.to_json()).unwrap()
}

#[test]
fn a_conversation_becomes_a_chat() {
    let members = json!({
        "model": "m", "max_tokens": 64, "system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}],
        "stop_sequences": ["END"], "top_k": 4, "metadata": {"user_id": "u"},
        "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": true}],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": true},
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"},
                {"type": "redacted_thinking", "data": "r"}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1, "b": [true]}}]},
            {"role": "user", "content": [
                {"type": "text", "text": "after"},
                {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": true, "content": [{"type": "text", "text": "21"}]},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}]},
        ],
    });
    let chat = chat(&members, &target("openai", "gpt-4o"));
    assert_eq!(
        chat,
        json!({
            "model": "m", "max_tokens": 64, "top_k": 4, "stop": ["END"], "user": "u", "parallel_tool_calls": false,
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "description": "d",
                "strict": true}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "messages": [
                {"role": "system", "content": [{"type": "text", "text": "S"}]},
                {"role": "user", "content": "q"},
                {"role": "assistant", "content": "ab", "reasoning_content": "t",
                    "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"},
                        {"type": "redacted_thinking", "data": "r"}],
                    "tool_calls": [{"id": "toolu_1", "type": "function",
                        "function": {"name": "f", "arguments": "{\"a\": 1, \"b\": [true]}"}}]},
                {"role": "tool", "tool_call_id": "toolu_1", "content": "21"},
                {"role": "user", "content": [{"type": "text", "text": "after"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]},
            ],
        })
    );
}

#[test]
fn a_claude_keeps_its_marks_thoughts_and_failures() {
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let members = json!({
        "thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 9,
        "system": [{"type": "text", "text": "S", "cache_control": mark}],
        "tools": [{"name": "f", "input_schema": {}, "cache_control": mark, "defer_loading": true}],
        "messages": [{"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t", "is_error": true, "content": "x", "cache_control": mark}]}],
    });
    let chat = chat(
        &members,
        &target("bedrock", "anthropic.claude-3-7-sonnet-20250219-v1:0"),
    );
    assert_eq!(chat["thinking"], members["thinking"]);
    assert_eq!(chat["messages"][0]["content"][0]["cache_control"], mark);
    assert_eq!(chat["messages"][1]["cache_control"], mark);
    assert_eq!(chat["messages"][1]["is_error"], true);
    assert_eq!(chat["tools"][0]["cache_control"], mark);
    assert_eq!(chat["tools"][0]["defer_loading"], true);
}

#[test]
fn thinking_is_an_effort_elsewhere() {
    let effort = |thinking: Value, name: &str, model: &str| {
        let members = json!({"thinking": thinking, "messages": []});
        chat(&members, &target(name, model))["reasoning_effort"].clone()
    };
    let enabled = |budget: u64| json!({"type": "enabled", "budget_tokens": budget});
    for (budget, want) in [
        (1000, "minimal"),
        (1024, "low"),
        (2048, "medium"),
        (4096, "high"),
    ] {
        assert_eq!(effort(enabled(budget), "openai", "gpt-5"), want);
    }
    assert_eq!(
        effort(json!({"type": "adaptive"}), "openai", "gpt-5"),
        "medium"
    );
    assert_eq!(
        effort(json!({"type": "disabled"}), "openai", "gpt-5"),
        "none"
    );
    assert_eq!(
        effort(json!({"type": "disabled"}), "openai", "gpt-4o"),
        Value::Null
    );
}

#[test]
fn a_wanted_form_becomes_a_strict_one() {
    let schema =
        json!({"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {}}}}});
    for members in [
        json!({"output_format": {"type": "json_schema", "schema": schema}}),
        json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}}),
    ] {
        let chat = chat(&members, &target("openai", "gpt-4o"));
        let made = &chat["response_format"]["json_schema"]["schema"];
        assert_eq!(made["required"], json!(["a"]));
        assert_eq!(made["properties"]["a"]["additionalProperties"], false);
    }
}

#[test]
fn long_names_of_tools_come_back() {
    let name = "n".repeat(70);
    let members = json!({"tools": [{"name": name, "input_schema": {}}], "messages": []});
    let target = target("openai", "gpt-4o");
    let sent = chat(&members, &target)["tools"][0]["function"]["name"].clone();
    assert_eq!(sent.as_str().unwrap().len(), 64);
    let reply = whole(
        &members,
        &json!({"role": "assistant", "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": sent, "arguments": "{}"}}]}),
        &target,
    );
    assert_eq!(reply["content"][0]["name"], json!(name));
}

#[test]
fn a_block_that_no_chat_knows_is_refused_by_name() {
    let members =
        json!({"messages": [{"role": "user", "content": [{"type": "container_upload"}]}]});
    let error = OverChat
        .call(&call(&members), &target("openai", "gpt-4o"))
        .unwrap_err();
    assert!(error.message.contains("container_upload"));
}

fn whole(members: &Value, message: &Value, target: &Target) -> Value {
    let body = json!({"id": "chatcmpl-1", "model": "m", "choices": [{"index": 0, "finish_reason": "stop",
        "message": message}], "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 4}}});
    let reply = Reply {
        body: body.to_string().into(),
        usage: None,
        upstream_model: None,
        finish_reason: None,
    };
    let told = OverChat.reply(&call(members), target, reply).unwrap();
    serde_json::from_slice(&told.body).unwrap()
}

fn events(text: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(text).unwrap();
    let mut out = Vec::new();
    for event in text.split("\n\n").filter(|event| !event.is_empty()) {
        let (name, data) = event.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
        out.push(data);
    }
    out
}

/// What Anthropic's clients make of a stream.
fn folded(events: &[Value]) -> Value {
    let mut message = events[0]["message"].clone();
    let mut inputs: Vec<String> = Vec::new();
    for event in events {
        let at = event["index"].as_u64().unwrap_or(0) as usize;
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                let content = message["content"].as_array_mut().unwrap();
                assert_eq!(at, content.len(), "blocks are numbered through");
                content.push(event["content_block"].clone());
                inputs.push(String::new());
            }
            "content_block_delta" => {
                let delta = &event["delta"];
                let block = &mut message["content"][at];
                let mut add = |name: &str| {
                    let text = format!(
                        "{}{}",
                        block[name].as_str().unwrap(),
                        delta[name].as_str().unwrap()
                    );
                    block[name] = json!(text);
                };
                match delta["type"].as_str().unwrap() {
                    "text_delta" => add("text"),
                    "thinking_delta" => add("thinking"),
                    "signature_delta" => add("signature"),
                    _ => inputs[at].push_str(delta["partial_json"].as_str().unwrap()),
                }
            }
            "message_delta" => {
                message["stop_reason"] = event["delta"]["stop_reason"].clone();
                message["usage"] = event["usage"].clone();
            }
            _ => {}
        }
    }
    for (block, input) in message["content"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .zip(inputs)
    {
        if block["type"] == "tool_use" && !input.is_empty() {
            block["input"] = serde_json::from_str(&input).unwrap();
        }
    }
    message
}

fn told(chunks: &[Value], per_push: usize) -> Vec<Value> {
    let mut call = call(&json!({"stream": true}));
    call.id = "1".into();
    let mut stream = OverChat.stream(&call, &target("gemini", "gemini-2.5-flash"));
    let mut out = BytesMut::new();
    for chunks in chunks.chunks(per_push) {
        let mut text = String::new();
        for chunk in chunks {
            writeln!(
                text,
                "data: {chunk}
"
            )
            .unwrap();
        }
        stream.push(text.as_bytes(), &mut out).unwrap();
    }
    stream.push(b"data: [DONE]\n\n", &mut out).unwrap();
    stream.finish(&mut out).unwrap();
    events(&out)
}

fn delta(delta: &Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta}]})
}

/// A stream with everything in it.
fn everything() -> Vec<Value> {
    let thought = |text: &str, signature: Option<&str>| {
        let mut block = json!({"type": "thinking", "thinking": text});
        if let Some(signature) = signature {
            block["signature"] = json!(signature);
        }
        delta(
            &json!({"role": "assistant", "content": "", "reasoning_content": text, "thinking_blocks": [block]}),
        )
    };
    let tool = |call: Value| delta(&json!({"tool_calls": [call]}));
    vec![
        thought("Fir", None),
        thought("st", None),
        thought("", Some("SIG==")),
        thought("second", Some("SIG2")),
        delta(&json!({"thinking_blocks": [{"type": "redacted_thinking", "data": "R"}]})),
        delta(&json!({"content": "Hel"})),
        delta(&json!({"content": "lo"})),
        tool(json!({"index": 0, "id": "c0", "function": {"name": "f", "arguments": ""}})),
        tool(json!({"index": 0, "function": {"arguments": "{\"a\":"}})),
        tool(
            json!({"index": 1, "id": "c1", "function": {"name": "g", "arguments": "{}"},
            "provider_specific_fields": {"thought_signature": "GEM+"}}),
        ),
        tool(json!({"index": 0, "function": {"arguments": "1}"}})),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 4}}}),
    ]
}

#[test]
fn the_folded_stream_is_the_plain_reply() {
    let stream = folded(&told(&everything(), 1));
    let plain = whole(
        &json!({}),
        &json!({"content": "Hello", "thinking_blocks": [
            {"type": "thinking", "thinking": "First", "signature": "SIG=="},
            {"type": "thinking", "thinking": "second", "signature": "SIG2"},
            {"type": "redacted_thinking", "data": "R"}],
            "tool_calls": [{"id": "c0", "function": {"name": "f", "arguments": "{\"a\":1}"}},
                {"id": "c1", "function": {"name": "g", "arguments": "{}"},
                    "provider_specific_fields": {"thought_signature": "GEM+"}}]}),
        &target("gemini", "gemini-2.5-flash"),
    );
    assert_eq!(stream["content"], plain["content"]);
    assert_eq!(stream["usage"], plain["usage"]);
    assert_eq!(stream["stop_reason"], "tool_use");
    assert_eq!(plain["content"][5]["id"], "c1__thought__GEM-");
}

#[test]
fn however_chunks_are_handed_over_the_events_are_the_same() {
    let all = everything();
    let want = told(&all, 1);
    for per_push in 2..=all.len() {
        assert_eq!(told(&all, per_push), want);
    }
}

#[test]
fn every_block_is_closed_before_the_next_one_begins() {
    let mut open = None;
    for event in told(&everything(), 3) {
        match event["type"].as_str().unwrap() {
            "content_block_start" => assert_eq!(open.replace(event["index"].clone()), None),
            "content_block_stop" => assert_eq!(open.take(), Some(event["index"].clone())),
            "message_delta" => assert_eq!(open, None),
            _ => {}
        }
    }
}

#[test]
fn a_refusal_is_told_as_one() {
    let plain = whole(
        &json!({}),
        &json!({"refusal": "No."}),
        &target("openai", "gpt-4o"),
    );
    assert_eq!(plain["stop_reason"], "refusal");
    assert_eq!(plain["content"], json!([{"type": "text", "text": "No."}]));
    assert_eq!(plain["stop_details"]["explanation"], "No.");
    let stream = folded(&told(&[delta(&json!({"refusal": "No."}))], 1));
    assert_eq!(stream["content"], plain["content"]);
    assert_eq!(stream["stop_reason"], "refusal");
}

#[test]
fn there_is_a_bridge_from_messages_to_chat() {
    assert!(between(Op::Messages, Op::Chat).is_some());
}

proptest! {
    /// What a client gives back of an answer reaches the provider as it left it.
    #[test]
    fn nothing_is_lost_on_the_round_trip(
        texts in ("\\PC{1,20}", "\\PC{1,20}"),
        signature in "[A-Za-z0-9+/]{4}{1,8}",
        ids in ("[a-zA-Z0-9_.:-]{1,12}", "[a-zA-Z0-9_-]{1,12}"),
        data in "\\PC{0,20}",
        number in any::<i32>(),
    ) {
        let fields = json!({"thought_signature": signature});
        let arguments = json!({"n": number, "s": data}).to_string();
        let said = json!({"role": "assistant", "content": texts.0,
            "thinking_blocks": [{"type": "thinking", "thinking": texts.1, "signature": signature},
                {"type": "redacted_thinking", "data": data}],
            "tool_calls": [{"id": ids.0, "type": "function", "function": {"name": "f", "arguments": arguments}},
                {"id": ids.1, "type": "function", "function": {"name": "g", "arguments": "{}"},
                    "provider_specific_fields": fields}]});
        let target = target("gemini", "gemini-2.5-pro");
        let reply = whole(&json!({}), &said, &target);
        // A client that keeps everything, and one that keeps what Anthropic's own API has.
        let mut bare = reply["content"].clone();
        for block in bare.as_array_mut().unwrap() {
            block.as_object_mut().unwrap().remove("provider_specific_fields");
        }
        for content in [reply["content"].clone(), bare] {
            let result = json!({"type": "tool_result", "tool_use_id": content[4]["id"], "content": "r"});
            let next = json!({"messages": [{"role": "assistant", "content": content},
                {"role": "user", "content": [result]}]});
            let chat = chat(&next, &target);
            let again = &chat["messages"][0];
            prop_assert_eq!(&again["content"], &said["content"]);
            prop_assert_eq!(&again["thinking_blocks"], &said["thinking_blocks"]);
            let calls = &again["tool_calls"];
            prop_assert_eq!(&calls[0]["id"], &said["tool_calls"][0]["id"]);
            let sent: Value = serde_json::from_str(calls[0]["function"]["arguments"].as_str().unwrap()).unwrap();
            prop_assert_eq!(sent, json!({"n": number, "s": data}));
            prop_assert_eq!(reply::call_signature(&calls[1]), Some(signature.as_str()));
            prop_assert_eq!(&calls[1]["id"], &chat["messages"][1]["tool_call_id"]);
        }
    }
}
