//! What Ollama is sent, and what its replies and streams become.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::adapt::StreamEnd;
use crate::options::Options;
use crate::params::Params;
use bytes::BytesMut;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

fn call(name: &str, op: Op, members: &Value) -> Call {
    let raw = Bytes::from(serde_json::to_vec(members).unwrap());
    Call::new(op, format!("{name}/m"), Params::parse(&raw).unwrap())
}

fn target(name: &str) -> Target {
    Target::resolve(&format!("{name}/m"), &Options::default(), &|_| None).unwrap()
}

fn sent(name: &str, op: Op, members: &Value) -> Value {
    let request = target(name)
        .provider
        .adapter
        .request(&call(name, op, members), &target(name))
        .unwrap();
    serde_json::from_slice(&request.body).unwrap()
}

fn replied(name: &str, members: &Value, reply: &Value) -> Value {
    let head = Head {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
    };
    let body = Bytes::from(serde_json::to_vec(reply).unwrap());
    let call = call(name, Op::Chat, members);
    let target = target(name);
    let reply = target
        .provider
        .adapter
        .reply(&call, &target, &head, body)
        .unwrap();
    serde_json::from_slice(&reply.body).unwrap()
}

#[test]
fn an_address_may_name_its_path() {
    assert_eq!(url("http://a:1", "/api/chat"), "http://a:1/api/chat");
    assert_eq!(
        url("http://a:1/api/chat/", "/api/chat"),
        "http://a:1/api/chat"
    );
}

#[test]
fn runs_of_turns_get_one_heading() {
    let messages = json!([{"role": "developer", "content": "Be terse."}, {"role": "user", "content": "1"},
        {"role": "tool", "content": [{"type": "text", "text": "2"}, {"type": "text", "text": "3"}]},
        {"role": "assistant", "content": "4"}]);
    let body = sent("ollama", Op::Chat, &json!({"messages": messages}));
    let expected = "### System:\nBe terse.\n\n### User:\n1\n2\n3\n\n### Assistant:\n4\n\n";
    assert_eq!(body["prompt"], expected);
}

#[test]
fn tools_are_told_in_the_system_s_words() {
    let members = json!({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "u"}],
        "tools": [{"strict": true}], "tool_choice": "auto"});
    let body = sent("ollama", Op::Chat, &members);
    assert_eq!(body["format"], "json");
    let prompt = body["prompt"].as_str().unwrap();
    assert!(prompt.starts_with("### System:\nS To call a function"));
    assert!(prompt.contains("\n{'strict': True}\n"));
    assert_eq!(body["options"], json!({}));
}

#[test]
fn a_text_completion_is_its_prompt() {
    let body = sent("ollama", Op::TextCompletion, &json!({"prompt": "Once"}));
    assert_eq!(body["prompt"], "Once");
    assert!(body.get("images").is_none());
}

#[test]
fn options_of_the_model_and_members_of_the_request_part() {
    let members = json!({"messages": [], "max_tokens": 5, "frequency_penalty": 1, "keep_alive": "5m", "num_ctx": 9,
        "reasoning_effort": "high", "tool_choice": "none"});
    let body = sent("ollama_chat", Op::Chat, &members);
    let expected = json!({"model": "m", "messages": [], "stream": false, "keep_alive": "5m", "think": true,
        "options": {"num_predict": 5, "repeat_penalty": 1, "num_ctx": 9}});
    assert_eq!(body, expected);
}

#[test]
fn tools_called_in_json_become_calls() {
    let members = json!({"messages": [], "tools": [{}]});
    let reply = json!({"response": "```json\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n```", "eval_count": 2});
    let choice = replied("ollama", &members, &reply)["choices"][0].take();
    assert_eq!(choice["finish_reason"], "tool_calls");
    let function = &choice["message"]["tool_calls"][0]["function"];
    assert_eq!(function, &json!({"name": "f", "arguments": "{\"a\": 1}"}));
    let plain = replied("ollama", &json!({"messages": []}), &reply);
    assert_eq!(plain["choices"][0]["finish_reason"], "stop");
}

#[test]
fn what_ollama_does_not_count_is_counted() {
    let members = json!({"messages": [{"role": "user", "content": "hello"}]});
    let reply = json!({"message": {"role": "assistant", "content": "hello world"}});
    let usage = replied("ollama_chat", &members, &reply)["usage"].take();
    assert_eq!(usage["completion_tokens"], 2);
    assert!(usage["prompt_tokens"].as_u64().unwrap() > 1);
}

fn streamed(name: &str, lines: &str, cut: usize) -> (String, Result<StreamEnd>) {
    let mut call = call(name, Op::Chat, &json!({"stream": true}));
    call.created = 1;
    let target = target(name);
    let mut adapter = target.provider.adapter.stream(&call, &target);
    let mut out = BytesMut::new();
    let end = adapter
        .push(&lines.as_bytes()[..cut], &mut out)
        .and_then(|()| adapter.push(&lines.as_bytes()[cut..], &mut out))
        .and_then(|()| adapter.finish(&mut out));
    let text = String::from_utf8(out.to_vec()).unwrap();
    (text.replace(&call.id, "ID"), end)
}

fn same_wherever_cut(name: &str, lines: &str) -> String {
    let (whole, end) = streamed(name, lines, 0);
    assert!(end.unwrap().complete);
    for cut in 1..lines.len() {
        assert_eq!(streamed(name, lines, cut).0, whole, "cut at {cut}");
    }
    whole
}

#[test]
fn a_text_that_begins_as_json_is_held_until_it_is_told() {
    let call = "{\"response\":\"```\"}\n{\"response\":\"json\\n{\\\"name\\\":\\\"f\\\",\"}\n\
        {\"response\":\"\\\"arguments\\\":{}}```\"}\n{\"done\":true,\"prompt_eval_count\":3,\"eval_count\":2}\n";
    let out = same_wherever_cut("ollama", call);
    assert!(out.contains("\"name\":\"f\""));
    assert!(out.contains("\"finish_reason\":\"tool_calls\""));
    let text =
        "{\"response\":\"```\"}\n{\"response\":\"rust\"}\n{\"response\":\"{\"}\n{\"done\":true}\n";
    let out = same_wherever_cut("ollama", text);
    assert!(out.contains("\"content\":\"```rust\""));
    assert!(out.contains("\"content\":\"{\""));
}

#[test]
fn calls_of_a_chat_are_numbered_through() {
    let call = |name: &str| {
        format!(
            "{{\"message\":{{\"tool_calls\":[{{\"function\":{{\"name\":\"{name}\",\"arguments\":{{\"a\":1}}}}}}]}}}}\n"
        )
    };
    let lines =
        call("f") + &call("g") + "{\"message\":{},\"done\":true,\"done_reason\":\"stop\"}\n";
    let out = same_wherever_cut("ollama_chat", &lines);
    assert!(out.contains("\"index\":1,\"id\":\"call_ID_1\"") || out.contains("call_ID_1"));
    assert!(out.contains("\"finish_reason\":\"tool_calls\""));
}

#[test]
fn thoughts_between_tags_are_reasoning() {
    let lines = "{\"message\":{\"content\":\"<think>Hm\"}}\n{\"message\":{\"content\":\"ok</think>\"}}\n\
        {\"message\":{\"content\":\"Hi\"}}\n{\"message\":{},\"done\":true}\n";
    let out = same_wherever_cut("ollama_chat", lines);
    assert!(out.contains("\"reasoning_content\":\"Hm\""));
    assert!(out.contains("\"content\":\"Hi\""));
}

#[test]
fn a_stream_that_fails_or_just_ends_is_an_error() {
    for name in ["ollama", "ollama_chat"] {
        let (_, end) = streamed(name, "{\"error\":\"out of memory\"}\n", 0);
        assert!(end.unwrap_err().message.contains("out of memory"));
        let (_, end) = streamed(
            name,
            "{\"response\":\"x\",\"message\":{\"content\":\"x\"}}\n",
            0,
        );
        assert!(end.is_err());
    }
}
