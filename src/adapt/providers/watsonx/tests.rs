#![allow(clippy::unwrap_used)]
use super::*;
use crate::options::Options;

fn built(model: &str, kwargs: &str, op: Op) -> Result<(UpstreamRequest, Value)> {
    let (options, params) =
        Options::split(Params::parse(&Bytes::copy_from_slice(kwargs.as_bytes())).unwrap())?;
    let env = |name: &str| (name == "WX_SPACE_ID").then(|| "space".to_owned());
    let target = Target::resolve(model, &options, &env)?;
    let call = Call::new(op, model, params);
    let request = target.provider.adapter.request(&call, &target)?;
    let body = serde_json::from_slice(&request.body).unwrap();
    Ok((request, body))
}

#[test]
fn no_credential_enters_a_body() {
    let kwargs = r#"{"api_base":"https://h","token":"secret","zen_api_key":"secret","messages":[{"role":"user","content":"hi"}]}"#;
    let (request, body) = built("watsonx/ibm/m", kwargs, Op::Chat).unwrap();
    assert_eq!(request.url, "https://h/ml/v1/text/chat?version=2024-03-13");
    assert_eq!(request.headers["authorization"], "Bearer secret");
    assert_eq!(body["space_id"], "space");
    assert_eq!(body["model_id"], "ibm/m");
    assert!(!body.to_string().contains("secret"));
}

#[test]
fn deployments_and_streams_have_addresses_of_their_own() {
    let kwargs = r#"{"api_base":"https://h","token":"t","stream":true,"messages":[]}"#;
    let (request, body) = built("watsonx/deployment/d", kwargs, Op::Chat).unwrap();
    assert_eq!(
        request.url,
        "https://h/ml/v1/deployments/d/text/chat_stream?version=2024-03-13"
    );
    assert!(body.get("space_id").is_none());
}

#[test]
fn a_conversation_becomes_a_text_for_models_that_complete() {
    let kwargs = r#"{"api_base":"https://h","token":"t","max_tokens":5,"stop":"x","messages":[{"role":"user","content":"hi"}]}"#;
    let (_, body) = built("watsonx_text/meta-llama/m", kwargs, Op::Chat).unwrap();
    assert!(body["input"].as_str().unwrap().contains("hi"));
    let parameters = json!({"max_new_tokens": 5, "stop_sequences": ["x"]});
    assert_eq!(body["parameters"], parameters);
}

#[test]
fn an_error_in_a_stream_is_the_providers() {
    let options = Options::default();
    let target = Target::resolve("watsonx/m", &options, &|_| None).unwrap();
    let error = chunk(
        &target,
        &json!({"errors": [{"code": "x", "message": "too much"}]}),
    )
    .unwrap_err();
    assert!(error.message.contains("too much"));
}
