#![allow(clippy::unwrap_used)]

use super::*;
use crate::adapt::registry::provider;
use crate::options::{Options, Secret};
use crate::request::Op;

fn target() -> Target {
    Target {
        provider: provider("anthropic").unwrap(),
        model: "claude-sonnet-4-5".into(),
        api_base: "https://api.anthropic.com".into(),
        api_key: Some(Secret::new("key")),
        options: Options::default(),
        defaults: Params::default(),
        deployment_id: String::new(),
        model_group: String::new(),
        litellm_model: String::new(),
        memo: crate::adapt::Memo::default(),
    }
}

fn call(members: &'static str) -> Call {
    let members = Params::parse(&Bytes::from_static(members.as_bytes())).unwrap();
    let (options, params) = Options::split_for(Op::Messages, members).unwrap();
    let mut call = Call::new(Op::Messages, "group", params);
    call.options = options;
    call.caller.route = "/v1/messages".into();
    call
}

#[test]
fn members_go_up_byte_for_byte_with_the_deployments_model() {
    let mut call = call(
        r#"{"model":"group","max_tokens":5,"metadata":{"user_id":"u"},"new_beta":{"a": [1, 2.50]},
        "messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"Sig==","x":1}]}]}"#,
    );
    call.dialect_headers = vec![
        ("anthropic-version".into(), "2099-01-01".into()),
        ("anthropic-beta".into(), "b2,b1".into()),
    ];
    let request = request(&call, &target()).unwrap();
    assert_eq!(
        request.body,
        r#"{"model":"claude-sonnet-4-5","max_tokens":5,"new_beta":{"a": [1, 2.50]},"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"Sig==","x":1}]}],"metadata":{"user_id":"u"},"stream":false}"#
    );
    assert_eq!(request.headers["anthropic-version"], "2099-01-01");
    assert_eq!(request.headers["anthropic-beta"], "b2,b1");
    assert_eq!(request.headers["x-api-key"], "key");
}

#[test]
fn a_call_without_max_tokens_is_refused_by_name() {
    let error = request(&call(r#"{"messages":[]}"#), &target()).unwrap_err();
    assert_eq!(error.status, 400);
    assert!(error.message.contains("max_tokens"));
}

#[test]
fn a_reply_comes_back_byte_for_byte_under_the_clients_name() {
    let body = Bytes::from_static(
        br#"{"id":"msg_1","type":"message","model":"claude-x","content":[{"type":"thinking","thinking":"t","signature":"S"}],"stop_reason":"end_turn","new":{"k":1.0},"usage":{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":3}}"#,
    );
    let reply = reply(&call(r#"{"max_tokens":5}"#), &target(), &body).unwrap();
    let told = String::from_utf8(body.to_vec()).unwrap();
    let told = told.replace("claude-x", "group");
    let told = format!(
        "{},\"stop_sequence\":null}}",
        told.trim_end_matches('}').to_owned() + "}"
    );
    assert_eq!(reply.body, told);
    assert_eq!(reply.upstream_model.as_deref(), Some("claude-x"));
    let usage = reply.usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.cached_tokens), (13, 4));
    assert!(usage.reasoning_tokens > 0);
}

const STREAM: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"claude-x\",\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n\
: keep\n\n\
event: ping\ndata: {\"type\": \"ping\"}\n\n\
event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"S\u{e9}==\"}}\n\n\
event: new_thing\ndata: {\"type\":\"new_thing\",\"n\":1.50}\n\n\
event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":7}}\n\n\
event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

#[test]
fn a_stream_cut_anywhere_is_handed_on_event_by_event() {
    let want = STREAM
        .replace("claude-x", "group")
        .replace(": keep", ":keep");
    for at in 0..STREAM.len() {
        let mut stream = NativeStream::new(&call(r#"{"stream":true}"#), &target());
        let mut out = BytesMut::new();
        stream.push(&STREAM.as_bytes()[..at], &mut out).unwrap();
        stream.push(&STREAM.as_bytes()[at..], &mut out).unwrap();
        let end = stream.finish(&mut out).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&out).replace(": keep", ":keep"),
            want
        );
        assert!(end.complete);
        assert_eq!(end.finish_reason.as_deref(), Some("stop"));
        let usage = end.usage.unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (9, 7));
    }
}

#[test]
fn an_error_event_is_an_error_that_keeps_its_own_words() {
    let mut stream = NativeStream::new(&call(r#"{"stream":true}"#), &target());
    let event = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let mut out = BytesMut::new();
    let error = stream
        .push(&[b"data: ", &event[..], b"\n\n"].concat(), &mut out)
        .unwrap_err();
    assert!(out.is_empty());
    assert_eq!(error.body.as_deref(), Some(&event[..]));
    assert!(error.retry);
}

#[test]
fn a_stream_that_is_cut_is_an_error() {
    let mut stream = NativeStream::new(&call(r#"{"stream":true}"#), &target());
    let mut out = BytesMut::new();
    let half = STREAM.find("event: message_delta").unwrap();
    stream.push(&STREAM.as_bytes()[..half], &mut out).unwrap();
    assert!(stream.cut(&mut out).is_err());
}

fn cloud(name: &str, model: &str) -> Target {
    let mut target = target();
    target.provider = provider(name).unwrap();
    target.model = model.into();
    target.api_key = None;
    for (name, value) in [
        ("aws_region_name", "us-east-1"),
        ("vertex_project", "p"),
        ("vertex_location", "us-east5"),
    ] {
        target.options.other.set(name, value);
    }
    target
}

const CLOUD: &str = r#"{"model":"group","max_tokens":5,"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"Sig==","x": 1}]}]}"#;

#[test]
fn clouds_get_the_same_members_in_their_own_envelope() {
    let mut call = call(CLOUD);
    call.dialect_headers = vec![(
        "anthropic-beta".into(),
        "context-1m-2025-08-07,claude-code-20250219".into(),
    )];
    let bedrock = cloud("bedrock", "anthropic.claude-3-5-sonnet-20240620-v1:0");
    let adapter = bedrock.provider.adapter;
    assert_eq!(adapter.asks(&call, &bedrock), Op::Messages);
    let sent = adapter.request(&call, &bedrock).unwrap();
    assert!(sent.url.ends_with("/invoke"), "{}", sent.url);
    assert_eq!(
        sent.body,
        r#"{"max_tokens":5,"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"Sig==","x": 1}]}],"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["context-1m-2025-08-07"]}"#
    );
    let converse = cloud(
        "bedrock",
        "converse/anthropic.claude-3-5-sonnet-20240620-v1:0",
    );
    assert_eq!(adapter.asks(&call, &converse), Op::Chat);

    let row = crate::adapt::providers::vertex::row("claude-sonnet-4-5").unwrap();
    let mut vertex = cloud("vertex_ai", "claude-sonnet-4-5");
    vertex.provider = row;
    assert_eq!(row.adapter.asks(&call, &vertex), Op::Messages);
    let sent = row.adapter.request(&call, &vertex).unwrap();
    assert!(sent.url.contains(":rawPredict"), "{}", sent.url);
    assert_eq!(
        sent.body,
        r#"{"max_tokens":5,"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"Sig==","x": 1}]}],"anthropic_version":"vertex-2023-10-16","anthropic_beta":["context-1m-2025-08-07"]}"#
    );
}

#[test]
fn a_stream_of_bedrocks_comes_out_as_anthropics_events() {
    use crate::adapt::providers::bedrock::eventstream;
    use base64::Engine as _;
    let target = cloud("bedrock", "anthropic.claude-3-5-sonnet-20240620-v1:0");
    let mut frames = Vec::new();
    let mut want = String::new();
    for event in STREAM
        .split("\n\n")
        .filter(|event| event.starts_with("event"))
    {
        let (_, data) = event.split_once("data: ").unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.encode(data);
        let headers = [(":message-type", "event"), (":event-type", "chunk")];
        let payload = json!({"bytes": bytes}).to_string();
        frames.extend(eventstream::write(&headers, payload.as_bytes()));
        want.push_str(&event.replace("claude-x", "group"));
        want.push_str("\n\n");
    }
    for at in 0..frames.len() {
        let mut stream = target
            .provider
            .adapter
            .stream(&call(r#"{"stream":true,"max_tokens":1}"#), &target);
        let mut out = BytesMut::new();
        stream.push(&frames[..at], &mut out).unwrap();
        stream.push(&frames[at..], &mut out).unwrap();
        let end = stream.finish(&mut out).unwrap();
        assert_eq!(String::from_utf8_lossy(&out), want);
        assert_eq!(end.usage.unwrap().completion_tokens, 7);
    }
}
