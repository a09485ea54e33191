#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::error::ErrorKind;

fn built(kwargs: &str, op: Op) -> Result<UpstreamRequest> {
    let params = Params::parse(&Bytes::copy_from_slice(kwargs.as_bytes())).unwrap();
    let (options, params) = Options::split(params)?;
    let model: String = params.get("model").unwrap();
    let target = Target::resolve(&model, &options, &|_| None)?;
    let call = Call::new(op, model, params);
    target.provider.adapter.request(&call, &target)
}

fn body(kwargs: &str) -> Value {
    let request = built(kwargs, Op::Chat).unwrap();
    serde_json::from_slice(&request.body).unwrap()
}

/// A chat with `more` members beside model, key and one message.
fn chat(model: &str, more: &str) -> String {
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(",{more}")
    };
    format!(
        r#"{{"model":"{model}","api_key":"k","messages":[{{"role":"user","content":"hi"}}]{more}}}"#
    )
}

#[test]
fn a_plain_chat_keeps_the_bytes_of_its_messages() {
    let kwargs = r#"{"model":"openai/gpt-4o","api_key":"k","messages":[ {"role":"user",  "content":"caf\u00e9"} ],"x_y":1}"#;
    let request = built(kwargs, Op::Chat).unwrap();
    let text = String::from_utf8(request.body.to_vec()).unwrap();
    assert_eq!(
        text,
        r#"{"model":"gpt-4o","messages":[ {"role":"user",  "content":"caf\u00e9"} ],"x_y":1}"#
    );
    assert_eq!(request.url, "https://api.openai.com/v1/chat/completions");
    assert_eq!(request.headers["authorization"], "Bearer k");
    assert!(request.headers["authorization"].is_sensitive());
}

#[test]
fn control_members_and_nulls_are_not_sent() {
    let sent = body(&chat(
        "openai/gpt-4o",
        r#""timeout":3,"metadata":{"a":1},"temperature":null,"stream":false"#,
    ));
    assert_eq!(
        sent.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["model", "messages"]
    );
}

#[test]
fn what_a_provider_does_not_take_is_refused_dropped_or_allowed() {
    let strict = built(&chat("perplexity/sonar", r#""seed":1"#), Op::Chat).unwrap_err();
    assert_eq!(strict.kind, ErrorKind::UnsupportedParams);
    assert!(strict.message.contains("['seed']"), "{strict}");
    let dropped = body(&chat("perplexity/sonar", r#""seed":1,"drop_params":true"#));
    assert!(dropped.get("seed").is_none());
    let allowed = body(&chat(
        "perplexity/sonar",
        r#""seed":1,"allowed_openai_params":["seed"]"#,
    ));
    assert_eq!(allowed["seed"], 1);
}

#[test]
fn additional_drop_params_reach_into_values() {
    let more = r#""n":2,"x":{"a":1,"b":2},"additional_drop_params":["n","x.a"]"#;
    let sent = body(&chat("openai/gpt-4o", more));
    assert!(sent.get("n").is_none());
    assert_eq!(sent["x"], json!({"b": 2}));
}

#[test]
fn extra_body_wins_over_openai_members_but_never_names_another_model() {
    let sent = body(&chat(
        "openai/gpt-4o",
        r#""temperature":1,"extra_body":{"temperature":2,"model":"other"}"#,
    ));
    assert_eq!(sent["temperature"], 2);
    assert_eq!(sent["model"], "gpt-4o");
}

#[test]
fn messages_are_cleaned_of_what_the_protocol_does_not_take() {
    let kwargs = r#"{"model":"groq/m","api_key":"k","messages":[
        {"role":"developer","content":"d"},
        {"role":"user","content":[{"type":"image_url","image_url":"http://i","cache_control":{"type":"ephemeral"}}]},
        {"role":"assistant","content":null,"reasoning_content":"r","tool_calls":[]}]}"#;
    let sent = body(kwargs);
    assert_eq!(
        sent["messages"],
        json!([
            {"role": "system", "content": "d"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://i"}}]},
            {"role": "assistant", "tool_calls": []},
        ])
    );
}

#[test]
fn media_of_tools_moves_into_a_message_of_the_user() {
    let kwargs = r#"{"model":"openai/gpt-4o","api_key":"k","messages":[
        {"role":"tool","tool_call_id":"1","content":[{"type":"image_url","image_url":{"url":"u"}}]},
        {"role":"user","content":"and now"}]}"#;
    let messages = body(kwargs)["messages"].clone();
    assert_eq!(
        messages[0]["content"],
        "[Tool returned an image - see the following user message]"
    );
    assert_eq!(messages[1]["role"], "user");
    assert_eq!(messages[1]["content"][1]["image_url"]["url"], "u");
    assert_eq!(messages[2]["content"], "and now");
}

#[test]
fn usage_of_a_stream_is_asked_for_only_where_it_is_wanted_or_openai_answers() {
    let elsewhere = body(&chat(
        "openai/m",
        r#""stream":true,"api_base":"http://h/v1""#,
    ));
    assert!(elsewhere.get("stream_options").is_none());
    let openai = body(&chat("openai/m", r#""stream":true"#));
    assert_eq!(openai["stream_options"], json!({"include_usage": true}));
    assert!(!wire::is_openai_host(
        "https://api.openai.com.elsewhere.example/v1"
    ));
    assert!(!wire::is_openai_host(
        "https://api.openai.com@elsewhere.example/v1"
    ));
}

#[test]
fn the_server_adds_its_wish_for_usage_to_the_options_given() {
    let (mut options, params) = Options::split(
        Params::parse(&Bytes::from(chat(
            "groq/m",
            r#""stream":true,"stream_options":{"x":1}"#,
        )))
        .unwrap(),
    )
    .unwrap();
    options.ask_stream_usage = true;
    let target = Target::resolve("groq/m", &options, &|_| None).unwrap();
    let request = request(&Call::new(Op::Chat, "groq/m", params), &target).unwrap();
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        sent["stream_options"],
        json!({"x": 1, "include_usage": true})
    );
}

#[test]
fn a_schema_that_groq_does_not_know_becomes_a_tool_and_the_stream_is_faked() {
    let more = r#""stream":true,"response_format":{"type":"json_schema","json_schema":{"name":"e","schema":{"type":"object"}}}"#;
    let params = Params::parse(&Bytes::from(chat("groq/old", more))).unwrap();
    let (options, params) = Options::split(params).unwrap();
    let target = Target::resolve("groq/old", &options, &|_| None).unwrap();
    let call = Call::new(Op::Chat, "groq/old", params);
    let plan = plan(&call, &target);
    assert!(plan.fake_stream && plan.json_mode);
    let sent: Value = serde_json::from_slice(&request(&call, &target).unwrap().body).unwrap();
    assert_eq!(sent["tools"][0]["function"]["name"], "json_tool_call");
    assert!(sent.get("stream").is_none() && sent.get("response_format").is_none());
}

#[test]
fn a_missing_key_is_told_before_anything_is_sent() {
    let kwargs = r#"{"model":"openai/gpt-4o","messages":[]}"#;
    let error = built(kwargs, Op::Chat).unwrap_err();
    assert!(error.message.contains("`OPENAI_API_KEY`"), "{error}");
    assert!(!error.retry);
    assert!(
        built(
            r#"{"model":"lm_studio/m","api_base":"http://h/v1","messages":[]}"#,
            Op::Chat
        )
        .is_ok()
    );
}

#[test]
fn text_completions_go_to_their_path_or_are_asked_as_a_chat() {
    let own = built(
        r#"{"model":"openai/m","api_key":"k","prompt":["hello"]}"#,
        Op::TextCompletion,
    )
    .unwrap();
    assert!(own.url.ends_with("/v1/completions"));
    assert_eq!(own.body, r#"{"model":"m","prompt":"hello"}"#);
    let asked = built(
        r#"{"model":"groq/m","api_key":"k","prompt":"hello"}"#,
        Op::TextCompletion,
    )
    .unwrap();
    assert!(asked.url.ends_with("/chat/completions"));
    let sent: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(
        sent["messages"],
        json!([{"role": "user", "content": "hello"}])
    );
}

#[test]
fn embeddings_take_the_parameters_of_the_model() {
    let kwargs =
        r#"{"model":"openai/text-embedding-ada-002","api_key":"k","input":"a","dimensions":3}"#;
    assert_eq!(
        built(kwargs, Op::Embeddings).unwrap_err().kind,
        ErrorKind::UnsupportedParams
    );
    let kwargs =
        r#"{"model":"openai/text-embedding-3-small","api_key":"k","input":"a","dimensions":3}"#;
    let sent = built(kwargs, Op::Embeddings).unwrap();
    assert!(sent.url.ends_with("/embeddings"));
    assert_eq!(
        sent.body,
        r#"{"model":"text-embedding-3-small","input":"a","dimensions":3}"#
    );
}

#[test]
fn odd_values_of_the_caller_never_panic() {
    for more in [
        r#""stream":true,"stream_options":"x""#,
        r#""tools":"x","tool_choice":"required""#,
        r#""response_format":7,"thinking":[],"reasoning_effort":{}"#,
        r#""cache_control_injection_points":[{"location":"message","index":"-9"}]"#,
    ] {
        for provider in crate::adapt::registry::providers() {
            let model = format!("{}/m", provider.name);
            let _ = built(
                &chat(
                    &model,
                    &format!(r#"{more},"api_base":"http://h","drop_params":true"#),
                ),
                Op::Chat,
            );
        }
    }
    for messages in [
        "7",
        "[7]",
        r#"[{"role":7,"content":[null,7,{"type":"file"}]}]"#,
        r#"[{"role":"tool","content":[7]}]"#,
    ] {
        for provider in crate::adapt::registry::providers() {
            let name = provider.name;
            let kwargs = format!(
                r#"{{"model":"{name}/m","api_key":"k","api_base":"http://h","messages":{messages}}}"#
            );
            let _ = built(&kwargs, Op::Chat);
        }
    }
}
