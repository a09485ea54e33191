//! What a mocked call answers.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::adapt::registry::provider;
use crate::options::Options;
use crate::params::Params;

fn target(name: &str, model: &str) -> Target {
    Target {
        provider: provider(name).unwrap(),
        model: model.into(),
        api_base: String::new(),
        api_key: None,
        options: Options::default(),
        defaults: Params::default(),
        deployment_id: String::new(),
        model_group: String::new(),
        litellm_model: String::new(),
        memo: crate::adapt::Memo::default(),
    }
}

fn call(body: &Value) -> Call {
    let body = Bytes::from(serde_json::to_vec(body).unwrap());
    let (options, params) = Options::split(Params::parse(&body).unwrap()).unwrap();
    let mut call = Call::new(Op::Chat, "gpt-4o", params);
    call.options = options;
    call
}

#[test]
fn a_call_without_a_mock_goes_upstream() {
    let call = call(&json!({"messages": []}));
    assert!(answer(&call, &target("openai", "gpt-4o")).is_none());
}

#[test]
fn a_text_is_the_reply_of_every_choice() {
    let call = call(&json!({"mock_response": "x", "n": 2}));
    let Some(Ok(Mocked::Whole(reply))) = answer(&call, &target("openai", "gpt-4o")) else {
        panic!("no whole reply");
    };
    let reply: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(reply["choices"].as_array().unwrap().len(), 2);
    assert_eq!(
        reply["choices"][1]["message"],
        json!({"role": "assistant", "content": "x"})
    );
    assert_eq!(reply["usage"]["total_tokens"], 30);
}

#[test]
fn a_streamed_text_comes_three_letters_at_a_time() {
    let call = call(&json!({"mock_response": "It is ö.", "stream": true}));
    let Some(Ok(Mocked::Stream(events, end))) = answer(&call, &target("openai", "gpt-4o")) else {
        panic!("no stream");
    };
    let contents: Vec<String> = std::str::from_utf8(&events)
        .unwrap()
        .split_terminator("\n\n")
        .map(|event| serde_json::from_str::<Value>(&event["data: ".len()..]).unwrap())
        .filter_map(|chunk| {
            chunk["choices"][0]["delta"]["content"]
                .as_str()
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(contents, ["It ", "is ", "ö."]);
    assert_eq!(end.text.content, "It is ö.");
    assert_eq!(end.finish_reason.as_deref(), Some("stop"));
}

#[test]
fn an_error_is_named_by_its_class() {
    let call = call(&json!({"mock_response": "litellm.RateLimitError"}));
    let error = answer(&call, &target("openai", "gpt-4o"))
        .unwrap()
        .unwrap_err();
    assert_eq!(
        (error.status, error.litellm_message().as_str()),
        (
            429,
            "litellm.RateLimitError: this is a mock rate limit error"
        )
    );
}

#[test]
fn echo_says_the_last_user_message() {
    let call = call(&json!({"messages": [{"role": "user", "content": "a"},
        {"role": "user", "content": [{"type": "text", "text": "b"}]}, {"role": "assistant", "content": "c"}]}));
    let Some(Ok(Mocked::Whole(reply))) = answer(&call, &target(PROVIDER, "echo")) else {
        panic!("no whole reply");
    };
    let reply: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(reply["choices"][0]["message"]["content"], "b");
}
