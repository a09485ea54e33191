//! Translations: a conversation of 20 KB with calls of tools into other providers' protocols, and their streams back.

use super::measure;
use bytes::{Bytes, BytesMut};
use criterion::Criterion;
use gateway::adapt::Target;
use gateway::adapt::providers::bedrock::eventstream;
use gateway::options::Options;
use gateway::params::Params;
use gateway::request::{Call, Op};
use serde_json::{Value, json};
use std::hint::black_box;

/// Turns of the conversation, each a question, a call of a tool, its result and an answer.
const TURNS: usize = 16;
/// Texts of a streamed answer.
const TEXTS: usize = 200;

/// The providers that are measured.
const MODELS: [(&str, &str); 5] = [
    ("Anthropic", "anthropic/claude-sonnet-4-5"),
    ("Bedrock", "bedrock/anthropic.claude-sonnet-4-20250514-v1:0"),
    ("Vertex Claude", "vertex_ai/claude-sonnet-4@20250514"),
    ("Gemini", "gemini/gemini-2.5-flash"),
    ("Mistral", "mistral/mistral-large-latest"),
];

fn target(model: &str) -> Target {
    let env = |name: &str| match name {
        "VERTEXAI_PROJECT" => Some("bench".to_owned()),
        name => name.ends_with("_API_KEY").then(|| "sk-bench".to_owned()),
    };
    Target::resolve(model, &Options::default(), &env).unwrap()
}

fn conversation() -> Bytes {
    let words = "The quick brown fox jumps over the lazy dog and goes on its way. ";
    let tool = |name: &str| {
        json!({"type": "function", "function": {"name": name, "description": words, "parameters": {
            "type": "object", "properties": {"city": {"type": "string", "description": words},
                "unit": {"type": "string", "enum": ["c", "f"]}, "days": {"type": "array", "items": {"type": "integer"}}},
            "required": ["city"]}}})
    };
    let tools: Vec<Value> = (0..6).map(|i| tool(&format!("tool_{i}"))).collect();
    let mut messages = vec![json!({"role": "system", "content": words.repeat(4)})];
    for turn in 0..TURNS {
        let id = format!("call_{turn}");
        let arguments = json!({"city": "Paris", "unit": "c", "days": [turn]}).to_string();
        messages
            .push(json!({"role": "user", "content": [{"type": "text", "text": words.repeat(5)}]}));
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": [{"id": id, "type": "function",
            "function": {"name": "tool_1", "arguments": arguments}}]}));
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": words.repeat(3)}));
        messages.push(json!({"role": "assistant", "content": words.repeat(4)}));
    }
    messages.push(json!({"role": "user", "content": "Go on."}));
    let body = json!({"model": "m", "messages": messages, "tools": tools, "tool_choice": "auto", "max_tokens": 1024,
        "temperature": 0.2, "stream": true});
    body.to_string().into()
}

fn anthropic_events() -> Vec<Bytes> {
    let event = |data: Value| {
        let name = data["type"].as_str().unwrap().to_owned();
        Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
    };
    let mut events = vec![
        event(
            json!({"type": "message_start", "message": {"id": "msg", "model": "claude", "usage": {"input_tokens": 9}}}),
        ),
        event(
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ),
    ];
    events.extend((0..TEXTS).map(|i| {
        event(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": format!("word{i} ")}}))
    }));
    events.push(event(json!({"type": "content_block_stop", "index": 0})));
    events.push(event(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 200}})));
    events.push(event(json!({"type": "message_stop"})));
    events
}

fn converse_events() -> Vec<Bytes> {
    let event = |name: &str, payload: Value| {
        let headers = [
            (":message-type", "event"),
            (":event-type", name),
            (":content-type", "application/json"),
        ];
        Bytes::from(eventstream::write(&headers, payload.to_string().as_bytes()))
    };
    let mut events = vec![event("messageStart", json!({"role": "assistant"}))];
    events.extend((0..TEXTS).map(|i| {
        let delta = json!({"contentBlockIndex": 0, "delta": {"text": format!("word{i} ")}, "p": "abcdefghijkl"});
        event("contentBlockDelta", delta)
    }));
    events.push(event("contentBlockStop", json!({"contentBlockIndex": 0})));
    events.push(event("messageStop", json!({"stopReason": "end_turn"})));
    let usage = json!({"inputTokens": 9, "outputTokens": 200, "totalTokens": 209});
    events.push(event(
        "metadata",
        json!({"usage": usage, "metrics": {"latencyMs": 1}}),
    ));
    events
}

fn gemini_events() -> Vec<Bytes> {
    let event = |text: String, finish: Option<&str>| {
        let event = json!({"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": text}]},
            "finishReason": finish}], "modelVersion": "gemini-2.5-flash", "responseId": "r",
            "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 200, "totalTokenCount": 209}});
        Bytes::from(format!("data: {event}\n\n"))
    };
    let mut events: Vec<Bytes> = (0..TEXTS)
        .map(|i| event(format!("word{i} "), None))
        .collect();
    events.push(event(String::new(), Some("STOP")));
    events
}

/// Requests and streams of each.
pub fn translation(criterion: &mut Criterion) {
    let body = conversation();
    let params = Params::parse(&body).unwrap();
    let mut call = Call::new(Op::Chat, "m", params);
    call.stream = true;
    for (name, model) in MODELS {
        let target = target(model);
        let size = Some(body.len());
        measure(
            criterion,
            &format!("translate: {} KB to {name}", body.len() / 1000),
            size,
            || {
                target
                    .provider
                    .adapter
                    .request(black_box(&call), &target)
                    .unwrap()
            },
        );
    }
    for (name, model, events) in [
        ("Anthropic", MODELS[0].1, anthropic_events()),
        ("Bedrock", MODELS[1].1, converse_events()),
        ("Gemini", MODELS[3].1, gemini_events()),
    ] {
        let target = target(model);
        let size = events.iter().map(Bytes::len).sum();
        measure(
            criterion,
            &format!("translate: {} events of {name}", events.len()),
            Some(size),
            || {
                let mut adapter = target.provider.adapter.stream(&call, &target);
                let mut out = BytesMut::with_capacity(1024);
                for event in &events {
                    adapter.push(event, &mut out).unwrap();
                    black_box(out.split().freeze());
                }
                adapter.finish(&mut out).unwrap()
            },
        );
    }
}
