//! The Responses API where the provider has it.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::adapt::StreamEnd;
use crate::adapt::dialects::responses::ids;
use crate::adapt::registry::provider;
use crate::error::Result;
use crate::options::Options;
use crate::params::Params;
use crate::request::Stored;
use bytes::{Bytes, BytesMut};
use serde_json::json;

fn target(model: &str) -> Target {
    Target::resolve(model, &Options::default(), &|_| None).unwrap()
}

fn call(op: Op, members: &str) -> Call {
    let members = Params::parse(&Bytes::copy_from_slice(members.as_bytes())).unwrap();
    let (options, params) = Options::split_for(op, members).unwrap();
    let mut call = Call::new(op, "group", params);
    call.options = options;
    call
}

fn sent(model: &str, members: &str) -> Result<Bytes> {
    let target = target(model);
    let native = target.provider.responses.unwrap();
    let body = body(&call(Op::Responses, members), &target, native)?;
    Ok(body.to_json())
}

const EVENTS: &str = "event: response.created\n\
data: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"model\":\"gpt-4o-up\",\"status\":\"in_progress\",\"error\":null,\"output\":[]}}\n\n\
: ping\n\n\
event: response.output_text.delta\n\
data: {\"type\":\"response.output_text.delta\",\"sequence_number\":1,\"delta\":\"H\\u00e9 {\",\"new\": [1.50]}\n\n\
event: response.completed\n\
data: {\"type\":\"response.completed\",\"sequence_number\":2,\"response\":{\"id\":\"resp_1\",\"model\":\"gpt-4o\",\"status\":\"completed\",\"output\":[],\"usage\":{\"input_tokens\":10,\"output_tokens\":2,\"total_tokens\":12}}}\n\n";

fn streamed(call: &Call, input: &[u8], cut: usize) -> (String, Result<StreamEnd>) {
    let mut adapter = stream(call, &target("openai/gpt-4o"));
    let mut out = BytesMut::new();
    let (before, after) = input.split_at(cut);
    let end = adapter
        .push(before, &mut out)
        .and_then(|()| adapter.push(after, &mut out))
        .and_then(|()| adapter.finish(&mut out));
    (String::from_utf8(out.to_vec()).unwrap(), end)
}

#[test]
fn what_is_not_known_here_goes_up_byte_for_byte() {
    let body = sent(
        "openai/gpt-4o",
        r#"{"model":"group","input":[{"role":"user","content":"h\u00e9","x": [1.50]}],"new_thing":{"b":1,"a":2},
        "metadata":{"k":"v"},"max_output_tokens":3,"stream":false}"#,
    );
    let body = String::from_utf8(body.unwrap().to_vec()).unwrap();
    assert!(
        body.contains(r#""input":[{"role":"user","content":"h\u00e9","x": [1.50]}]"#),
        "{body}"
    );
    assert!(body.contains(r#""new_thing":{"b":1,"a":2}"#), "{body}");
    assert!(body.contains(r#""metadata":{"k":"v"}"#), "{body}");
    // OpenAI takes no fewer.
    assert!(body.contains(r#""max_output_tokens":16"#), "{body}");
    assert!(!body.contains("stream"), "{body}");
}

#[test]
fn an_id_of_ours_goes_up_as_the_providers_own() {
    let ours = ids::Of::target(&target("openai/gpt-4o")).encoded("resp_own");
    let members = json!({"model": "m", "input": "x", "previous_response_id": ours});
    let body = sent("openai/gpt-4o", &members.to_string()).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["previous_response_id"], "resp_own");
}

#[test]
fn items_that_another_provider_made_are_such_as_openai_takes() {
    let minted = format!("rs_{}", uuid::Uuid::new_v4());
    let members = json!({"model": "m", "input": [
        {"type": "reasoning", "id": minted, "summary": []},
        {"type": "reasoning", "id": "rs_x", "summary": [], "encrypted_content": "[{\"type\":\"thinking\"}]"},
        {"type": "reasoning", "id": "rs_y", "summary": [], "encrypted_content": "gAAAA", "status": null},
        {"type": "function_call", "id": "toolu_1", "call_id": "toolu_1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"},
        {"role": "user", "content": [{"type": "input_text", "text": "t", "cache_control": {"type": "ephemeral"}}]},
    ]});
    let body = sent("openai/gpt-4o", &members.to_string()).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        body["input"],
        json!([
            {"type": "reasoning", "id": "rs_y", "summary": [], "encrypted_content": "gAAAA"},
            {"type": "function_call", "call_id": "toolu_1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"},
            {"role": "user", "content": [{"type": "input_text", "text": "t"}]},
        ])
    );
}

#[test]
fn an_effort_asked_of_a_model_that_does_not_reason_is_refused_or_dropped() {
    let members = r#"{"model":"m","input":"x","reasoning":{"effort":"low"}}"#;
    let error = sent("openai/gpt-4o", members).unwrap_err();
    assert!(
        error.message.contains("reasoning.effort"),
        "{}",
        error.message
    );
    let members = r#"{"model":"m","input":"x","reasoning":{"effort":"low"},"drop_params":true}"#;
    let body = sent("openai/gpt-4o", members).unwrap();
    assert!(memchr::memmem::find(&body, b"reasoning").is_none());
    sent(
        "openai/o3",
        r#"{"model":"m","input":"x","reasoning":{"effort":"low"}}"#,
    )
    .unwrap();
}

#[test]
fn xai_gets_no_metadata_and_its_own_search() {
    let body = sent(
        "xai/grok-4",
        r#"{"model":"m","input":"x","metadata":{"k":"v"},
        "tools":[{"type":"web_search","search_context_size":"low","allowed_domains":["a.b"]}]}"#,
    );
    let body: Value = serde_json::from_slice(&body.unwrap()).unwrap();
    assert_eq!(body.get("metadata"), None);
    assert_eq!(
        body["tools"],
        json!([{"type": "web_search", "filters": {"allowed_domains": ["a.b"]}}])
    );
}

#[test]
fn an_id_cannot_leave_its_place_in_the_path() {
    let of = |stored, id: &str| {
        let members = json!({"response_id": id}).to_string();
        path(
            &call(Op::Stored(stored), &members),
            &target("openai/gpt-4o"),
        )
        .into_owned()
    };
    assert_eq!(of(Stored::Get, "resp_1"), "/responses/resp_1");
    assert_eq!(of(Stored::Cancel, "resp_1"), "/responses/resp_1/cancel");
    assert_eq!(
        of(Stored::Delete, "../../admin?x=1#"),
        "/responses/%2E%2E%2F%2E%2E%2Fadmin%3Fx%3D1%23"
    );
}

#[test]
fn events_go_on_as_they_came_but_for_ids_names_and_the_cost() {
    let mut call = call(
        Op::Responses,
        r#"{"model":"group","input":"x","stream":true}"#,
    );
    call.caller.route = "/v1/responses".into();
    let (text, end) = streamed(&call, EVENTS.as_bytes(), 0);
    let end = end.unwrap();
    assert!(end.complete);
    assert_eq!(end.usage.as_ref().unwrap().prompt_tokens, 10);
    assert_eq!(end.upstream_model.as_deref(), Some("gpt-4o"));
    let delta = r#"data: {"type":"response.output_text.delta","sequence_number":1,"delta":"H\u00e9 {","new": [1.50],"model":"group"}"#;
    assert!(text.contains(delta), "{text}");
    assert!(text.contains(": ping\n\n"), "{text}");
    assert!(!text.contains("event:"), "{text}");
    let last = text
        .lines()
        .rfind(|line| line.starts_with("data: "))
        .unwrap();
    let last: Value = serde_json::from_str(last.trim_start_matches("data: ")).unwrap();
    assert_eq!(last["response"]["model"], "group");
    assert_eq!(
        ids::told(last["response"]["id"].as_str().unwrap())
            .unwrap()
            .id,
        "resp_1"
    );
    // 10 at 2.50 and 2 at 10 dollars a million.
    assert_eq!(last["response"]["usage"]["cost"], 0.000_045);
}

#[test]
fn a_stream_cut_anywhere_gives_the_same() {
    let call = call(
        Op::Responses,
        r#"{"model":"group","input":"x","stream":true}"#,
    );
    let (whole, _) = streamed(&call, EVENTS.as_bytes(), 0);
    for cut in 1..=EVENTS.len() {
        let (pieces, end) = streamed(&call, EVENTS.as_bytes(), cut);
        assert_eq!(pieces, whole, "cut at {cut}");
        assert!(end.unwrap().complete);
    }
}

#[test]
fn a_stream_without_its_last_event_is_a_cut_and_an_error_event_an_error() {
    let call = call(
        Op::Responses,
        r#"{"model":"group","input":"x","stream":true}"#,
    );
    let at = EVENTS.find("event: response.completed").unwrap();
    let (_, end) = streamed(&call, &EVENTS.as_bytes()[..at], 0);
    assert!(!end.unwrap().complete);
    let error =
        b"data: {\"type\":\"error\",\"error\":{\"message\":\"busy\",\"code\":\"overloaded\"}}\n\n";
    let (_, end) = streamed(&call, error, 0);
    assert!(end.unwrap_err().message.contains("busy"));
}

#[test]
fn a_model_that_does_not_stream_is_told_in_pieces() {
    let call = call(
        Op::Responses,
        r#"{"model":"group","input":"x","stream":true}"#,
    );
    let target = target("openai/o1-pro");
    assert!(slices(&target));
    let mut adapter = stream(&call, &target);
    let mut out = BytesMut::new();
    let body = json!({"id": "resp_1", "created_at": 1, "status": "completed", "model": "o1-pro",
        "output": [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "Hello there", "annotations": []}]}],
        "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}})
    .to_string();
    let (before, after) = body.split_at(7);
    adapter.push(before.as_bytes(), &mut out).unwrap();
    adapter.push(after.as_bytes(), &mut out).unwrap();
    let end = adapter.finish(&mut out).unwrap();
    assert!(end.complete);
    assert_eq!(end.usage.unwrap().completion_tokens, 2);
    let text = String::from_utf8(out.to_vec()).unwrap();
    let events: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .collect();
    let deltas: Vec<&str> = events
        .iter()
        .filter(|event| event["type"] == "response.output_text.delta")
        .filter_map(|event| event["delta"].as_str())
        .collect();
    assert_eq!(deltas, ["Hello", " ther", "e"]);
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], at);
    }
}

/// A chat with functions at a target with options.
fn functions_asked(model: &str, options: &Value, members: &Value) -> Op {
    let given = Params::parse(&Bytes::from(options.to_string())).unwrap();
    let (options, _) = Options::split(given).unwrap();
    let target = Target::resolve(model, &options, &|_| None).unwrap();
    let mut asked = json!({
        "messages": [],
        "tools": [{"type": "function", "function": {"name": "f"}}],
    });
    for (name, value) in members.as_object().unwrap() {
        asked[name] = value.clone();
    }
    asks(&call(Op::Chat, &asked.to_string()), &target)
}

#[test]
fn what_openai_tells_in_responses_only_is_asked_there() {
    let at_azure = json!({"api_base": "https://x.openai.azure.com"});
    let at_mine = json!({"api_base": "http://up.test/v1"});
    let low = json!({"reasoning_effort": "low"});
    let quiet = json!({"reasoning_effort": "none"});
    let of = functions_asked;
    assert_eq!(of("azure/gpt-35-turbo", &at_azure, &low), Op::Chat);
    assert_eq!(of("azure/gpt-5.4", &at_azure, &json!({})), Op::Responses);
    assert_eq!(of("openai/gpt-5.4", &at_mine, &json!({})), Op::Chat);
    assert_eq!(of("openai/gpt-5.4", &at_mine, &low), Op::Responses);
    // A model that cannot rest, told to.
    assert_eq!(of("openai/gpt-5.4", &json!({}), &quiet), Op::Chat);
    assert_eq!(of("openai/gpt-6-astra", &json!({}), &quiet), Op::Responses);
    // A summary, and a search of tools.
    let summary = json!({"tools": [], "reasoning_effort": "low", "reasoningSummary": "auto"});
    assert_eq!(of("openai/gpt-5", &json!({}), &summary), Op::Responses);
    let search = json!({"tools": [{"type": "tool_search"}]});
    assert_eq!(of("openai/gpt-5", &json!({}), &search), Op::Responses);
    assert_eq!(of("openai/gpt-5", &at_mine, &search), Op::Chat);
    assert_eq!(of("openai/gpt-4o", &json!({}), &search), Op::Chat);
    // What a deployment says of itself.
    let pinned = |mode: &str| json!({"model_info": {"mode": mode}});
    assert_eq!(
        of("openai/gpt-4o", &pinned("responses"), &low),
        Op::Responses
    );
    assert_eq!(of("openai/o3-pro", &pinned("chat"), &low), Op::Responses);
}

#[test]
fn how_a_model_is_asked_depends_on_what_it_has() {
    let chat = |model: &str, members: &str| asks(&call(Op::Chat, members), &target(model));
    let plain = r#"{"messages":[]}"#;
    let with_tools = r#"{"messages":[],"tools":[{"type":"function","function":{"name":"f"}}]}"#;
    assert_eq!(chat("openai/gpt-4o", plain), Op::Chat);
    assert_eq!(chat("openai/responses/gpt-4o", plain), Op::Responses);
    assert_eq!(chat("openai/o1-pro", plain), Op::Responses);
    assert_eq!(chat("openai/gpt-5.4", plain), Op::Chat);
    assert_eq!(chat("openai/gpt-5.4", with_tools), Op::Responses);
    assert_eq!(chat("openai/gpt-5.1", with_tools), Op::Chat);
    let resting = with_tools.replacen('{', "{\"reasoning_effort\":\"none\",", 1);
    assert_eq!(chat("openai/gpt-5.4", &resting), Op::Chat);
    let named = r#"{"messages":[],"tools":[{"type":"custom","custom":{"name":"function"}}]}"#;
    assert_eq!(chat("openai/gpt-5.4", named), Op::Chat);
    let messages = |model: &str, members: &str| asks(&call(Op::Messages, members), &target(model));
    assert_eq!(messages("openai/gpt-4o", plain), Op::Responses);
    for only_chat in [
        r#""top_k":4"#,
        r#""stop_sequences":["END"]"#,
        r#""use_chat_completions_api":true"#,
    ] {
        let members = format!("{{\"messages\":[],{only_chat}}}");
        assert_eq!(messages("openai/gpt-4o", &members), Op::Chat, "{only_chat}");
    }
    let none = r#"{"messages":[],"stop_sequences":[],"top_k":null}"#;
    assert_eq!(messages("openai/gpt-4o", none), Op::Responses);
    assert_eq!(messages("groq/llama-3.3-70b-versatile", plain), Op::Chat);
    assert_eq!(
        chat("xai/grok-4", r#"{"messages":[],"web_search_options":{}}"#),
        Op::Responses
    );
    let responses =
        |model: &str, members: &str| asks(&call(Op::Responses, members), &target(model));
    assert_eq!(responses("openai/gpt-4o", plain), Op::Responses);
    assert_eq!(responses("groq/llama-3.3-70b-versatile", plain), Op::Chat);
    let through_chat = r#"{"input":"x","use_chat_completions_api":true}"#;
    assert_eq!(responses("openai/gpt-4o", through_chat), Op::Chat);
    assert!(provider("anthropic").unwrap().responses.is_none());
}
