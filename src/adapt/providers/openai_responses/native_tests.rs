//! What each provider's own Responses API is sent; addresses and bodies as LiteLLM 1.109.1 sends them.
#![allow(clippy::unwrap_used)]

use crate::adapt::Target;
use crate::error::{ErrorKind, Result};
use crate::options::Options;
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;
use serde_json::{Value, json};

const BASE: &str = "http://up.test";

/// The address and the body of a call.
fn sent(model: &str, base: &str, members: &Value) -> Result<(String, Value)> {
    let settings = json!({"api_key": "sk-x", "api_base": base});
    let given = Params::parse(&Bytes::from(settings.to_string())).unwrap();
    let (options, _) = Options::split(given).unwrap();
    let target = Target::resolve(model, &options, &|_| None)?;
    let members = Params::parse(&Bytes::from(members.to_string())).unwrap();
    let (options, params) = Options::split_for(Op::Responses, members)?;
    let mut call = Call::new(Op::Responses, model, params);
    call.options = options;
    let asked = target.provider.adapter.asks(&call, &target);
    assert_eq!(asked, Op::Responses, "{model}");
    let request = target.provider.adapter.request(&call, &target)?;
    let body = request.body.to_vec();
    Ok((request.url, serde_json::from_slice(&body).unwrap()))
}

#[test]
fn each_is_asked_at_its_own_address() {
    for (model, base, url) in [
        ("openrouter/a/b", BASE, "http://up.test/responses"),
        ("perplexity/sonar", BASE, "http://up.test/v1/responses"),
        (
            "perplexity/sonar",
            "http://up.test/v1",
            "http://up.test/v1/responses",
        ),
        ("hosted_vllm/m", BASE, "http://up.test/v1/responses"),
        (
            "hosted_vllm/m",
            "http://up.test/v1/",
            "http://up.test/v1/responses",
        ),
        ("volcengine/doubao", BASE, "http://up.test/api/v3/responses"),
        ("fireworks_ai/m", BASE, "http://up.test/responses"),
        ("litellm_proxy/m", BASE, "http://up.test/responses"),
        ("edenai/m", BASE, "http://up.test/responses"),
        ("meta/m", BASE, "http://up.test/responses"),
        (
            "databricks/databricks-gpt-5",
            BASE,
            "http://up.test/responses",
        ),
    ] {
        let (to, _) = sent(model, base, &json!({"input": "hello"})).unwrap();
        assert_eq!(to, url, "{model}");
    }
}

#[test]
fn each_is_told_the_model_as_it_names_it() {
    for (model, said) in [
        ("openrouter/auto", json!("openrouter/auto")),
        ("openrouter/openai/gpt-4o", json!("openai/gpt-4o")),
        (
            "fireworks_ai/llama-v3",
            json!("accounts/fireworks/models/llama-v3"),
        ),
        ("perplexity/preset/pro-search", Value::Null),
    ] {
        let (_, body) = sent(model, BASE, &json!({"input": "hello"})).unwrap();
        assert_eq!(body["model"], said, "{model}");
    }
    let (_, body) = sent(
        "perplexity/preset/pro-search",
        BASE,
        &json!({"input": "hello"}),
    )
    .unwrap();
    assert_eq!(body["preset"], "pro-search");
}

#[test]
fn what_a_provider_does_not_take_is_refused_by_name_or_dropped() {
    let asked = json!({"input": "hello", "store": true, "user": "u", "temperature": 0.5});
    let refused = sent("perplexity/sonar", BASE, &asked).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::UnsupportedParams);
    assert!(refused.message.contains("['store', 'user']"), "{refused:?}");
    let mut dropping = asked;
    dropping["drop_params"] = json!(true);
    let (_, body) = sent("perplexity/sonar", BASE, &dropping).unwrap();
    assert_eq!(
        body,
        json!({"model": "sonar", "input": "hello", "temperature": 0.5})
    );
}

#[test]
fn members_that_only_one_provider_wants_are_its_own() {
    let items = json!({"input": [{"role": "user", "content": "a"}], "service_tier": "auto"});
    let (_, body) = sent("sail/m", BASE, &items).unwrap();
    assert_eq!(body.get("service_tier"), None);
    let (_, body) = sent("parasail/m", BASE, &items).unwrap();
    assert_eq!(body["store"], false);
    let plain = json!({"input": items["input"]});
    let (_, body) = sent("perplexity/sonar", BASE, &plain).unwrap();
    assert_eq!(body["input"][0]["type"], "message");
}

#[test]
fn fireworks_has_one_text_of_instructions() {
    let asked = json!({
        "instructions": "say",
        "input": [
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": "a"},
            {"role": "system", "content": "c"},
            {"role": "developer", "content": [{"type": "input_text", "text": "d"}]},
            {"role": "developer", "content": [{"type": "input_image", "image_url": "u"}]},
        ],
    });
    let (_, body) = sent("fireworks_ai/m", BASE, &asked).unwrap();
    assert_eq!(body["instructions"], "say\n\nbe brief\n\nd");
    assert_eq!(
        body["input"],
        json!([
            {"role": "user", "content": "a"},
            {"role": "system", "content": "c"},
            {"role": "system", "content": [{"type": "input_image", "image_url": "u"}], "type": "message"},
        ])
    );
}
