#![allow(clippy::unwrap_used)]

use super::*;
use crate::adapt::Adapter;
use crate::adapt::providers::gemini::Gemini;
use crate::adapt::registry::provider;
use crate::options::{Options, Secret};

fn target() -> Target {
    Target {
        provider: provider("gemini").unwrap(),
        model: "gemini-2.5-flash".into(),
        api_base: "https://g/v1beta".into(),
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
    Call::new(Op::GenerateContent, "group", members)
}

#[test]
fn members_go_up_as_they_are() {
    let call = call(
        r#"{"model":"group","contents":[{"parts":[{"thoughtSignature":"S==","text":"x","new":1.50}]}],"tools":[{"functionDeclarations":[]}],"safetySettings":[]}"#,
    );
    assert_eq!(Gemini.asks(&call, &target()), Op::GenerateContent);
    let request = Gemini.request(&call, &target()).unwrap();
    assert_eq!(
        request.url,
        "https://g/v1beta/models/gemini-2.5-flash:generateContent"
    );
    assert_eq!(
        body(&call, &target()),
        r#"{"model":"gemini-2.5-flash","contents":[{"parts":[{"thoughtSignature":"S==","text":"x","new":1.50}]}],"tools":[{"functionDeclarations":[]}],"generationConfig":{},"safetySettings":[]}"#
    );
}

const STREAM: &str = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"H\u{e9}\",\"new\":1.50}]}}]}\r\n\r\n\
data: {\"candidates\":[{\"finishReason\":\"MAX_TOKENS\"}],\"modelVersion\":\"g\",\"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":3,\"totalTokenCount\":12}}\n\n";

#[test]
fn a_stream_cut_anywhere_is_handed_on() {
    let want = STREAM.replace('\r', "");
    for at in 0..STREAM.len() {
        let mut stream = Gemini.stream(&call(r#"{"stream":true}"#), &target());
        let mut out = BytesMut::new();
        stream.push(&STREAM.as_bytes()[..at], &mut out).unwrap();
        stream.push(&STREAM.as_bytes()[at..], &mut out).unwrap();
        let end = stream.finish(&mut out).unwrap();
        assert_eq!(String::from_utf8_lossy(&out), want);
        assert!(end.complete);
        assert_eq!(end.finish_reason.as_deref(), Some("length"));
        assert_eq!(end.usage.unwrap().completion_tokens, 3);
    }
}

#[test]
fn an_error_event_is_an_error() {
    let mut stream = NativeStream::new(&target());
    let event = b"data: {\"error\":{\"code\":429,\"message\":\"slow\",\"status\":\"RESOURCE_EXHAUSTED\"}}\n\n";
    let error = stream.push(event, &mut BytesMut::new()).unwrap_err();
    assert_eq!(error.status, 429);
}
