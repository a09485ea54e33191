#![allow(clippy::unwrap_used)]

use super::*;
use crate::adapt::registry::provider;
use crate::options::Options;
use bytes::BytesMut;
use serde_json::json;

fn made(op: Op, members: &Value) -> (Call, Target) {
    let raw = Bytes::from(serde_json::to_vec(members).unwrap());
    let (options, members) = Options::split(Params::parse(&raw).unwrap()).unwrap();
    let target = Target::resolve("text-completion-codestral/c", &options, &|_| None).unwrap();
    (Call::new(op, "c", members), target)
}

fn sent(op: Op, members: &Value) -> Result<Value> {
    let (call, target) = made(op, members);
    let row = provider("text-completion-codestral").unwrap();
    let body = body(&call, &target, row, "c")?;
    Ok(serde_json::from_slice(&body.to_json()).unwrap())
}

#[test]
fn a_prompt_and_a_suffix_go_at_the_address_of_completions() {
    let (call, target) = made(Op::TextCompletion, &json!({"prompt": "x"}));
    let request = Codestral.request(&call, &target).unwrap();
    assert_eq!(
        request.url,
        "https://codestral.mistral.ai/v1/fim/completions"
    );
    let members = json!({"prompt": "a", "suffix": "b", "seed": 3, "max_completion_tokens": 4, "min_tokens": 1, "user": "u"});
    let expected = json!({"model": "c", "prompt": "a", "suffix": "b", "random_seed": 3, "max_tokens": 4, "min_tokens": 1});
    assert_eq!(sent(Op::TextCompletion, &members).unwrap(), expected);
}

#[test]
fn prompts_and_messages_become_one_text() {
    let prompts = sent(Op::TextCompletion, &json!({"prompt": ["a", "b"]})).unwrap();
    assert_eq!(prompts["prompt"], "ab");
    let messages = json!([{"role": "user", "content": "a"}, {"role": "user", "content": [{"type": "text", "text": "b"}]}]);
    let chat = sent(Op::Chat, &json!({"messages": messages})).unwrap();
    assert_eq!(chat["prompt"], "ab");
    assert!(sent(Op::TextCompletion, &json!({"prompt": [[1, 2]]})).is_err());
    assert!(sent(Op::TextCompletion, &json!({})).is_err());
}

#[test]
fn a_stream_is_told_under_the_calls_own_id() {
    let (mut call, target) = made(Op::TextCompletion, &json!({"prompt": "a", "stream": true}));
    call.id = "own".into();
    let mut stream = stream(&call, &target);
    let mut out = BytesMut::new();
    let chunk = br#"data: {"id":"up","system_fingerprint":"f","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}"#;
    stream.push(chunk, &mut out).unwrap();
    stream.push(b"\n\ndata: [DONE]\n\n", &mut out).unwrap();
    stream.finish(&mut out).unwrap();
    let out = String::from_utf8(out.to_vec()).unwrap();
    assert!(out.contains("chatcmpl-own") && !out.contains("\"up\"") && !out.contains("\"f\""));
}
