#![allow(clippy::unwrap_used)]

use super::*;
use crate::adapt::Target;
use crate::options::Options;
use crate::request::{Call, Op};
use bytes::Bytes;

fn asked(model: &str, members: &Value) -> Result<Value> {
    let raw = Bytes::from(serde_json::to_vec(members).unwrap());
    let (options, members) = Options::split(Params::parse(&raw).unwrap()).unwrap();
    let target = Target::resolve(&format!("mistral/{model}"), &options, &|_| None)?;
    let call = Call::new(Op::Chat, model, members);
    let request = target.provider.adapter.request(&call, &target)?;
    Ok(serde_json::from_slice(&request.body).unwrap())
}

fn turns(model: &str, messages: &Value) -> Value {
    asked(model, &json!({"messages": messages})).unwrap()["messages"].take()
}

#[test]
fn a_choice_of_tools_is_one_that_mistral_knows() {
    let choice = |choice: Value| {
        let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {}}}]);
        asked(
            "m",
            &json!({"messages": [], "tools": tools, "tool_choice": choice}),
        )
        .unwrap()["tool_choice"]
            .take()
    };
    assert_eq!(choice(json!("required")), "any");
    assert_eq!(choice(json!("none")), "none");
    assert_eq!(
        choice(json!({"type": "function", "function": {"name": "f"}})),
        Value::Null
    );
}

#[test]
fn an_effort_is_the_nearest_that_the_model_knows() {
    let effort = |model: &str, effort: Value| {
        asked(model, &json!({"messages": [], "reasoning_effort": effort}))
            .map(|mut body| body["reasoning_effort"].take())
    };
    assert_eq!(
        effort("mistral-medium-latest", json!("low")).unwrap(),
        "high"
    );
    assert_eq!(
        effort("mistral-medium-latest", json!("none")).unwrap(),
        "none"
    );
    assert_eq!(effort("zai-glm-5-3", json!("xhigh")).unwrap(), "max");
    assert_eq!(
        effort("deepseek-v4-1-flash-1017", json!("low")).unwrap(),
        "low"
    );
    assert!(
        effort(
            "mistral-medium-latest",
            json!({"effort": "high", "summary": "auto"})
        )
        .is_err()
    );
    assert!(effort("mistral-large-latest", json!("high")).is_err());
}

#[test]
fn magistral_is_asked_to_reason_in_words() {
    let members = json!({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "q"}],
        "thinking": {"type": "enabled"}});
    let body = asked("magistral-small-latest", &members).unwrap();
    let system = body["messages"][0]["content"].as_str().unwrap();
    assert!(system.contains("inner monologue") && system.ends_with("\n\nBe brief."));
    assert!(body.get("thinking").is_none() && body.get(REASONING_PROMPT).is_none());
    let plain = turns(
        "magistral-small-latest",
        &json!([{"role": "user", "content": "q"}]),
    );
    assert_eq!(plain.as_array().unwrap().len(), 1);
}

#[test]
fn thoughts_go_back_to_models_that_think_and_to_no_others() {
    let told = json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "reasoning_content": "t"},
        {"role": "user", "content": "q"}]);
    let thinking = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "t"}], "closed": true},
        {"type": "text", "text": "a"}]);
    assert_eq!(
        turns("mistral-medium-latest", &told)[1]["content"],
        thinking
    );
    let other = turns("mistral-large-latest", &told);
    assert_eq!(other[1], json!({"role": "assistant", "content": "a"}));
    let own = json!([{"role": "assistant", "content": thinking, "prefix": true}]);
    assert_eq!(turns("mistral-medium-latest", &own)[0]["content"], thinking);
    assert_eq!(turns("mistral-large-latest", &own)[0]["content"], "a");
}

#[test]
fn messages_hold_only_what_mistral_takes() {
    let told = turns(
        "m",
        &json!([
            {"role": "user", "name": "n", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": ""},
            {"role": "assistant", "tool_calls": [{"id": "1", "index": 0, "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "1", "name": "f"},
        ]),
    );
    assert_eq!(
        told,
        json!([
            {"role": "user", "content": "ab"},
            {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "1", "name": "f", "content": ""},
        ])
    );
}

#[test]
fn a_file_of_mistrals_is_named_in_its_part() {
    let told = turns(
        "m",
        &json!([{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]),
    );
    assert_eq!(
        told[0]["content"][0],
        json!({"type": "file", "file_id": "f"})
    );
}

#[test]
fn names_of_schemas_are_left_out() {
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {"$schema": "s", "$id": "i", "type": "object"}}}]);
    let body = asked("m", &json!({"messages": [], "tools": tools})).unwrap();
    assert_eq!(
        body["tools"][0]["function"]["parameters"],
        json!({"type": "object"})
    );
}

#[test]
fn a_cache_key_goes_to_mistrals_hosts_only() {
    let key = |more: Value| {
        let mut members = json!({"messages": [], "prompt_cache_key": "k"});
        members
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        asked("m", &members).map(|mut body| body["prompt_cache_key"].take())
    };
    assert_eq!(key(json!({})).unwrap(), "k");
    assert!(key(json!({"api_base": "https://evilmistral.ai/v1"})).is_err());
    assert_eq!(
        key(json!({"api_base": "http://a/v1", "drop_params": true})).unwrap(),
        Value::Null
    );
    let insists = json!({"api_base": "http://a/v1", "allowed_openai_params": ["prompt_cache_key"]});
    assert_eq!(key(insists).unwrap(), "k");
}

#[test]
fn the_version_is_added_to_an_address_without_one() {
    let address = MISTRAL.address.unwrap();
    assert_eq!(
        address("http://a", "/chat/completions"),
        "http://a/v1/chat/completions"
    );
    assert_eq!(
        address("http://a/v1", "/embeddings"),
        "http://a/v1/embeddings"
    );
}
