//! What Cohere is sent, and what its replies, streams and errors become.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::adapt::registry::provider;
use crate::adapt::{Memo, StreamEnd};
use crate::options::Options;
use crate::params::Params;
use bytes::BytesMut;
use http::{HeaderMap, StatusCode};

fn call(op: Op, members: &Value) -> Call {
    let raw = Bytes::from(serde_json::to_vec(members).unwrap());
    Call::new(op, "cohere_chat/command-a", Params::parse(&raw).unwrap())
}

fn target(api_base: &str) -> Target {
    Target {
        provider: provider("cohere_chat").unwrap(),
        model: "command-a".into(),
        api_base: api_base.into(),
        api_key: None,
        options: Options::default(),
        defaults: Params::default(),
        deployment_id: String::new(),
        model_group: String::new(),
        litellm_model: String::new(),
        memo: Memo::default(),
    }
}

fn sent(request: &UpstreamRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn names_that_cohere_words_otherwise_are_translated() {
    let members = json!({"messages": [{"role": "user", "content": "x"}], "top_p": 0.5, "stop": "END",
        "n": 2, "tool_choice": "auto", "tools": [], "user": "u"});
    let call = call(Op::Chat, &members);
    let request = Cohere
        .request(&call, &target("https://api.cohere.com"))
        .unwrap();
    assert_eq!(request.url, "https://api.cohere.com/v2/chat");
    assert_eq!(request.headers["request-source"], "unspecified:litellm");
    let expected = json!({"model": "command-a", "messages": [{"role": "user", "content": "x"}], "p": 0.5,
        "stop_sequences": ["END"], "num_generations": 2, "tools": []});
    assert_eq!(sent(&request), expected);
}

#[test]
fn a_given_base_is_the_whole_address() {
    let chat = call(Op::Chat, &json!({"messages": []}));
    let embed = call(Op::Embeddings, &json!({"input": "x"}));
    let url = |call: &Call, base: &str| Cohere.request(call, &target(base)).unwrap().url;
    assert_eq!(url(&chat, "https://one.test/chat"), "https://one.test/chat");
    assert_eq!(url(&embed, "https://one.test/e"), "https://one.test/e");
    let of_chats = "https://one.test/v2/chat";
    assert_eq!(url(&embed, of_chats), "https://one.test/v2/embed");
}

#[test]
fn images_are_embedded_as_images() {
    let uri = "data:image/png;base64,AAAA";
    let call = call(Op::Embeddings, &json!({"input": [uri], "dimensions": 2}));
    let request = Cohere.request(&call, &target("https://a.test")).unwrap();
    let expected = json!({"model": "command-a", "images": [uri], "input_type": "image", "output_dimension": 2});
    assert_eq!(sent(&request), expected);
}

#[test]
fn citations_become_annotations() {
    let said = json!({"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hi"}],
        "citations": [{"start": 0, "end": 2, "sources": [
            {"type": "document", "id": "d1", "document": {"title": "T"}}, {"type": "tool", "id": "t"}]}]});
    let message = message(said.as_object().unwrap());
    assert_eq!(message["content"], "Hi");
    assert_eq!(
        message["annotations"],
        json!([{"type": "url_citation", "url_citation":
            {"start_index": 0, "end_index": 2, "title": "T", "url": "source:d1"}}])
    );
}

#[test]
fn errors_that_cohere_words_are_cohere_s_own() {
    let error = |status: u16, text: &str| {
        let head = Head {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
        };
        let call = call(Op::Chat, &json!({}));
        let error = Cohere.error(&call, &target(""), &head, text.as_bytes());
        (error.kind, error.provider.clone(), error.status)
    };
    let own = || "cohere".to_owned();
    assert_eq!(
        error(400, "too many tokens"),
        (ErrorKind::ContextWindowExceeded, own(), 400)
    );
    assert_eq!(error(498, "blocked"), (ErrorKind::BadRequest, own(), 400));
    assert_eq!(
        error(429, "slow down"),
        (ErrorKind::RateLimit, "cohere_chat".to_owned(), 429)
    );
}

fn stream(bytes: &[u8], cut: usize) -> (Vec<u8>, Result<StreamEnd>) {
    let mut call = call(Op::Chat, &json!({"stream": true}));
    call.created = 1;
    let mut adapter = Cohere.stream(&call, &target(""));
    let mut out = BytesMut::new();
    let end = adapter
        .push(&bytes[..cut], &mut out)
        .and_then(|()| adapter.push(&bytes[cut..], &mut out))
        .and_then(|()| adapter.finish(&mut out));
    let text = String::from_utf8(out.to_vec()).unwrap();
    (text.replace(&call.id, "ID").into_bytes(), end)
}

const EVENTS: &str = "event: message-start\ndata: {\"type\":\"message-start\",\"id\":\"x\"}\n\n\
    event: content-delta\ndata: {\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":\
    {\"thinking\":\"Hm\"}}}}\n\n\
    event: content-delta\ndata: {\"type\":\"content-delta\",\"index\":1,\"delta\":{\"message\":{\"content\":\
    {\"text\":\"Hi\"}}}}\n\n\
    event: tool-call-start\ndata: {\"type\":\"tool-call-start\",\"index\":0,\"delta\":{\"message\":{\"tool_calls\":\
    {\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}}}}\n\n\
    event: tool-call-end\ndata: {\"type\":\"tool-call-end\",\"index\":0}\n\n\
    event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"TOOL_CALL\",\"usage\":\
    {\"tokens\":{\"input_tokens\":5,\"output_tokens\":2}}}}\n\n";

#[test]
fn server_sent_events_are_read_in_full_wherever_they_are_cut() {
    let (whole, end) = stream(EVENTS.as_bytes(), 0);
    let end = end.unwrap();
    let usage = end.usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (5, 2));
    assert_eq!(end.finish_reason.as_deref(), Some("tool_calls"));
    let text = String::from_utf8(whole.clone()).unwrap();
    for part in [
        "\"reasoning_content\":\"Hm\"",
        "\"content\":\"Hi\"",
        "\"arguments\":\"{}\"",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    for cut in 1..EVENTS.len() {
        assert_eq!(stream(EVENTS.as_bytes(), cut).0, whole, "cut at {cut}");
    }
}

#[test]
fn server_sent_events_without_an_end_are_an_error() {
    let cut = EVENTS.find("event: message-end").unwrap();
    assert!(stream(&EVENTS.as_bytes()[..cut], 0).1.is_err());
    let failed = "data: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\",\"error\":\"oops\"}}\n\n";
    let error = stream(failed.as_bytes(), 0).1.unwrap_err();
    assert!(error.message.contains("oops"));
}

#[test]
fn lines_of_json_are_read_as_litellm_reads_them() {
    let lines = "{\"type\":\"content-delta\",\"delta\":{\"message\":{\"content\":{\"text\":\"Hi\"}}}}\n\
        {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"MAX_TOKENS\",\"usage\":{\"tokens\":{}}}}\n";
    let (whole, end) = stream(lines.as_bytes(), 0);
    let end = end.unwrap();
    assert_eq!(end.finish_reason.as_deref(), Some("stop"));
    assert!(end.usage.is_none());
    for cut in 1..lines.len() {
        assert_eq!(stream(lines.as_bytes(), cut).0, whole, "cut at {cut}");
    }
}
