#![allow(clippy::unwrap_used)]
use super::*;
use crate::adapt::Target;
use crate::error::ErrorKind;
use crate::options::Options;
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;

fn body(model: &str, more: &str) -> Result<Value> {
    let kwargs = format!(
        r#"{{"api_base":"https://h","api_key":"k","messages":[{{"role":"user","content":"hi"}}],{more}}}"#
    );
    let (options, params) = Options::split(Params::parse(&Bytes::from(kwargs)).unwrap())?;
    let target = Target::resolve(model, &options, &|_| None)?;
    let call = Call::new(Op::Chat, model, params);
    let request = target.provider.adapter.request(&call, &target)?;
    Ok(serde_json::from_slice(&request.body).unwrap())
}

#[test]
fn a_deployment_is_what_its_name_or_its_base_model_says() {
    assert_eq!(family("my-o3"), Family::OSeries);
    assert_eq!(family("o_series/mine"), Family::OSeries);
    assert_eq!(family("gpt5_series/mine"), Family::Gpt5);
    assert_eq!(family("gpt-5-chat"), Family::Gpt);
    let sent = body("azure/mine", r#""base_model":"azure/gpt-5","max_tokens":5"#).unwrap();
    assert_eq!(sent["max_completion_tokens"], 5);
    assert_eq!(sent["model"], "mine");
    let sent = body("azure/gpt5_series/mine", r#""reasoning_effort":"low""#).unwrap();
    assert_eq!(sent["model"], "mine");
    assert_eq!(sent["reasoning_effort"], "low");
    let sent = body("azure/gpt-5-chat", r#""max_tokens":5"#).unwrap();
    assert_eq!(sent["max_completion_tokens"], 5);
}

#[test]
fn older_versions_of_the_api_take_less() {
    let tools = r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required""#;
    let with = |version: &str, more: &str| {
        body(
            "azure/d",
            &format!(r#""api_version":"{version}",{tools}{more}"#),
        )
    };
    for version in ["2023-05-15", "2024-05-01-preview"] {
        let refused = with(version, "").unwrap_err();
        assert_eq!(refused.kind, ErrorKind::UnsupportedParams);
        let dropped = with(version, r#","drop_params":true"#).unwrap();
        assert!(dropped.get("tool_choice").is_none());
    }
    assert_eq!(with("2024-10-21", "").unwrap()["tool_choice"], "required");
}

#[test]
fn a_schema_becomes_a_tool_where_no_form_is_taken() {
    let format = r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}"#;
    for (model, version) in [
        ("azure/gpt-35-turbo", "2024-10-21"),
        ("azure/d", "2024-02-01"),
    ] {
        let sent = body(model, &format!(r#""api_version":"{version}",{format}"#)).unwrap();
        assert!(sent.get("response_format").is_none());
        assert_eq!(sent["tools"][0]["function"]["name"], "json_tool_call");
    }
    let sent = body("azure/d", format).unwrap();
    assert_eq!(sent["response_format"]["type"], "json_schema");
}
