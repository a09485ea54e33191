#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

fn params(text: &str) -> Params {
    Params::parse(&Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

fn split(text: &str) -> (Options, Params) {
    Options::split(params(text)).unwrap()
}

#[test]
fn control_members_never_stay_among_those_for_the_model() {
    let (options, rest) = split(
        r#"{"model":"m","api_key":"k","base_url":"http://b","timeout":"2.5","metadata":{"a":1},
            "mock_delay":1,"input_cost_per_token":1e-6,"temperature":0.1,"top_k":3,"_litellm_x":1}"#,
    );
    assert_eq!(
        rest.to_json(),
        r#"{"model":"m","temperature":0.1,"top_k":3}"#
    );
    assert_eq!(options.api_key.unwrap().expose(), "k");
    assert_eq!(options.api_base.as_deref(), Some("http://b"));
    assert_eq!(options.timeout, Some(Duration::from_millis(2500)));
    assert_eq!(options.price.unwrap().prices["input_cost_per_token"], 1e-6);
    assert!(options.other.contains("metadata"));
}

#[test]
fn what_is_not_obeyed_is_named() {
    let (options, _) = split(r#"{"guardrails":["a"],"ssl_verify":false,"prompt_id":null}"#);
    assert_eq!(options.unsupported, ["guardrails"]);
}

#[test]
fn the_call_wins_over_the_deployment_and_lists_are_joined() {
    let (call, _) = split(r#"{"api_base":"c","extra_headers":{"b":"2"},"extra_body":{"x":2}}"#);
    let (deployment, _) = split(
        r#"{"api_base":"d","api_key":"k","drop_params":true,"extra_headers":{"a":"1"},"extra_body":{"x":1,"y":1}}"#,
    );
    let merged = Options::merge(&call, &deployment);
    assert_eq!(merged.api_base.as_deref(), Some("c"));
    assert_eq!(merged.api_key.unwrap().expose(), "k");
    assert_eq!(merged.drop_params, Some(true));
    assert_eq!(merged.extra_headers.len(), 2);
    assert_eq!(merged.extra_body.to_json(), r#"{"x":2,"y":1}"#);
}

#[test]
fn a_control_member_of_the_wrong_type_is_the_callers_mistake() {
    assert!(Options::split(params(r#"{"timeout":"soon"}"#)).is_err());
    assert!(Options::split(params(r#"{"api_key":1}"#)).is_err());
}

#[test]
fn the_tables_are_sorted_for_binary_search() {
    assert!(reserved::RESERVED.is_sorted());
    assert!(reserved::PRICES.is_sorted());
    assert!(reserved::NOT_OBEYED.is_sorted());
}

#[test]
fn usual_members_are_no_settings() {
    for name in USUAL {
        assert!(!is_reserved(name) && !is_price(name), "{name}");
        let null = Bytes::from_static(b"null");
        assert!(!Options::default().take(name, &null).unwrap(), "{name}");
    }
}
