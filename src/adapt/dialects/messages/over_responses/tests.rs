#![allow(clippy::unwrap_used)]
use super::*;
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

fn target() -> Target {
    Target::resolve("openai/gpt-5", &crate::options::Options::default(), &|_| {
        None
    })
    .unwrap()
}

fn call(members: &Value) -> Call {
    let params = Params::parse(&Bytes::from(members.to_string())).unwrap();
    Call::new(Op::Messages, "openai/gpt-5".to_owned(), params)
}

fn body(members: &Value) -> Value {
    let asked = OverResponses.call(&call(members), &target()).unwrap();
    assert_eq!(asked.op, Op::Responses);
    serde_json::from_slice(&asked.params.to_json()).unwrap()
}

#[test]
fn thoughts_words_and_calls_keep_their_order() {
    let thought = json!({"id": "rs_1", "encrypted_content": "gAAA", "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Look first."}]});
    let signature = signature::of(&thought).unwrap();
    let asked = body(
        &json!({"max_tokens": 64, "system": [{"type": "text", "text": "Be brief."}], "messages": [
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Look first.", "signature": signature},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "call_1", "name": "look", "input": {"at": 1}},
                {"type": "thinking", "thinking": "Claude's.", "signature": "EqQB"},
            ]},
            {"role": "user", "content": [
                {"type": "text", "text": "Well?"},
                {"type": "tool_result", "tool_use_id": "call_1", "is_error": true, "content": "no sky"},
            ]},
        ]}),
    );
    assert_eq!(asked["instructions"], "Be brief.");
    assert_eq!(asked["max_output_tokens"], 64);
    assert_eq!(
        asked["input"],
        json!([
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
            {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA",
                "summary": [{"type": "summary_text", "text": "Look first."}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
            {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{\"at\": 1}"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Claude's."}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Well?"}]},
            {"type": "function_call_output", "call_id": "call_1",
                "output": "<tool_use_error>no sky</tool_use_error>"},
        ])
    );
}

#[test]
fn a_question_for_a_count_has_the_prompt_and_nothing_else() {
    let members = json!({"max_tokens": 64, "temperature": 1, "messages": [{"role": "user", "content": "Hi"}]});
    let question = count(&call(&members), &target()).unwrap();
    let body: Value = serde_json::from_slice(&question.params.to_json()).unwrap();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["model", "input"]);
    assert_eq!(question.op, Op::Stored(Stored::InputTokens));
}

#[test]
fn what_is_no_signature_of_ours_is_none() {
    for given in [
        "",
        "EqQB",
        "litellm_openai_reasoning_v1_",
        "litellm_openai_reasoning_v1_!!",
        "litellm_openai_reasoning_v1_e30",
    ] {
        assert_eq!(signature::item(given, "x"), None, "{given}");
    }
}

proptest! {
    #[test]
    fn an_item_comes_back_from_its_signature(id in ".{1,40}", content in ".{1,200}", text in ".{0,60}") {
        let item = json!({"type": "reasoning", "id": id, "encrypted_content": content});
        let back = signature::item(&signature::of(&item).unwrap(), &text).unwrap();
        prop_assert_eq!(&back["id"], &item["id"]);
        prop_assert_eq!(&back["encrypted_content"], &item["encrypted_content"]);
        let texts: Vec<&str> = back["summary"].as_array().unwrap().iter().filter_map(|part| part["text"].as_str()).collect();
        prop_assert_eq!(texts.concat(), text);
    }
}

/// A response in events: a thought, a call, words.
fn events() -> Vec<Value> {
    let thought = json!({"id": "rs_1", "type": "reasoning", "encrypted_content": "gAAA",
        "summary": [{"type": "summary_text", "text": "Hm."}]});
    let called = json!({"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"});
    vec![
        json!({"type": "response.created", "response": {"id": "resp_1"}}),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "Hm."}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": thought}),
        json!({"type": "response.output_text.delta", "output_index": 1, "delta": "I look."}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": {"type": "message"}}),
        json!({"type": "response.output_item.added", "output_index": 2, "item": called}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{}"}),
        json!({"type": "response.output_item.done", "output_index": 2, "item": called}),
        json!({"type": "response.completed", "response": {"status": "completed", "output": [thought, called],
            "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 3}}}),
    ]
}

#[test]
fn a_stream_and_a_whole_reply_tell_the_same_blocks() {
    let call = call(&json!({"messages": []}));
    let mut out = BytesMut::new();
    let mut stream = OverResponses.stream(&call, &target());
    for event in events() {
        stream
            .push(format!("data: {event}\n\n").as_bytes(), &mut out)
            .unwrap();
    }
    stream.finish(&mut out).unwrap();
    let told: Vec<Value> = std::str::from_utf8(&out)
        .unwrap()
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .collect();
    let kinds: Vec<&str> = told
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect();
    let block = [
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
    ];
    let mut expected = vec!["message_start"];
    expected.extend([
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
    ]);
    expected.extend(block.iter().chain(&block));
    expected.extend(["message_delta", "message_stop"]);
    assert_eq!(kinds, expected);
    let end = &told[told.len() - 2];
    assert_eq!(
        end["delta"],
        json!({"stop_reason": "tool_use", "stop_sequence": null})
    );
    let usage = json!({"input_tokens": 5, "output_tokens": 3, "cache_read_input_tokens": 4});
    assert_eq!(end["usage"], usage);

    let response = &events()[8]["response"];
    let reply = Reply {
        body: response.to_string().into(),
        usage: None,
        upstream_model: None,
        finish_reason: None,
    };
    let message = OverResponses.reply(&call, &target(), reply).unwrap();
    let message: Value = serde_json::from_slice(&message.body).unwrap();
    assert_eq!(message["stop_reason"], "tool_use");
    assert_eq!(message["usage"], usage);
    assert_eq!(message["content"][0]["thinking"], "Hm.");
    assert_eq!(
        message["content"][0]["signature"],
        told[3]["delta"]["signature"]
    );
    assert_eq!(
        message["content"][1],
        json!({"type": "tool_use", "id": "call_1", "name": "look", "input": {}})
    );
}
