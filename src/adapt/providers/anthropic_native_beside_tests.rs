//! Anthropic's Messages at providers with a protocol of another kind; addresses and headers as LiteLLM 1.109.1 sends
//! them.
#![allow(clippy::unwrap_used)]

use crate::adapt::{Head, Target, UpstreamRequest};
use crate::options::Options;
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

fn target(model: &str, base: Option<&str>) -> Target {
    let settings = json!({"api_key": "sk-x", "api_base": base});
    let given = Params::parse(&Bytes::from(settings.to_string())).unwrap();
    let (options, _) = Options::split(given).unwrap();
    Target::resolve(model, &options, &|_| None).unwrap()
}

fn call() -> Call {
    let members = json!({
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "hello"}],
        "thinking": {"type": "enabled", "budget_tokens": 2},
    });
    let params = Params::parse(&Bytes::from(members.to_string())).unwrap();
    Call::new(Op::Messages, "group", params)
}

fn asked(model: &str, base: Option<&str>) -> UpstreamRequest {
    let (call, target) = (call(), target(model, base));
    let adapter = target.provider.adapter;
    assert_eq!(adapter.asks(&call, &target), Op::Messages, "{model}");
    adapter.request(&call, &target).unwrap()
}

#[test]
fn each_has_its_address() {
    let up = Some("http://up.test");
    for (model, base, url) in [
        (
            "deepseek/m",
            None,
            "https://api.deepseek.com/anthropic/v1/messages",
        ),
        ("deepseek/m", up, "http://up.test/anthropic/v1/messages"),
        (
            "deepseek/m",
            Some("http://up.test/beta"),
            "http://up.test/anthropic/v1/messages",
        ),
        (
            "deepseek/m",
            Some("http://up.test/anthropic"),
            "http://up.test/anthropic/v1/messages",
        ),
        (
            "minimax/m",
            None,
            "https://api.minimax.io/anthropic/v1/messages",
        ),
        ("minimax/m", up, "http://up.test/v1/messages"),
        (
            "bigmodel/m",
            None,
            "https://open.bigmodel.cn/api/anthropic/v1/messages",
        ),
        (
            "tencent/m",
            None,
            "https://tokenhub-intl.tencentcloudmaas.com/v1/messages",
        ),
        ("meta/m", None, "https://api.meta.ai/v1/messages"),
        ("edenai/m", up, "http://up.test/v1/messages"),
    ] {
        assert_eq!(asked(model, base).url, url, "{model} {base:?}");
    }
}

#[test]
fn what_came_goes_up_with_the_key_where_it_is_looked_for() {
    let request = asked("deepseek/deepseek-chat", None);
    assert_eq!(request.headers["x-api-key"], "sk-x");
    assert!(!request.headers.contains_key("authorization"));
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["model"], "deepseek-chat");
    assert_eq!(body["thinking"]["budget_tokens"], 2);
    let request = asked("meta/m", None);
    assert_eq!(request.headers["authorization"], "Bearer sk-x");
    assert!(!request.headers.contains_key("x-api-key"));
}

#[test]
fn what_it_answers_comes_back_whole_and_as_a_stream() {
    let target = target("deepseek/deepseek-chat", None);
    let head = Head {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
    };
    let body = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "deepseek-chat",
        "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "hi"}],
        "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 2},
    });
    let adapter = target.provider.adapter;
    let reply = adapter
        .reply(&call(), &target, &head, Bytes::from(body.to_string()))
        .unwrap();
    let told: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(told["content"], body["content"]);
    assert_eq!(reply.usage.map(|usage| usage.total_tokens), Some(5));
    let events = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"d\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n\
                  event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let mut streamed = call();
    streamed.stream = true;
    let mut stream = adapter.stream(&streamed, &target);
    let mut out = BytesMut::new();
    stream.push(events.as_bytes(), &mut out).unwrap();
    stream.finish(&mut out).unwrap();
    assert!(String::from_utf8_lossy(&out).contains("event: message_stop"));
}
