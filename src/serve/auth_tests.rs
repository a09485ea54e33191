#![allow(clippy::unwrap_used)]

use super::*;
use crate::options::Secret;

fn settings(key: &str) -> GeneralSettings {
    GeneralSettings {
        master_key: Some(Secret::new(key)),
        ..GeneralSettings::default()
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            (
                http::HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        })
        .collect()
}

fn code(pairs: &[(&'static str, &str)]) -> String {
    match admit(&headers(pairs), &settings("sk-right")) {
        Ok(()) => "200".to_owned(),
        Err(refusal) => refusal.code.into(),
    }
}

#[test]
fn the_key_is_found_in_every_header_that_clients_use() {
    for name in [
        "api-key",
        "x-api-key",
        "x-goog-api-key",
        "ocp-apim-subscription-key",
    ] {
        assert_eq!(code(&[(name, "sk-right")]), "200", "{name}");
    }
    assert_eq!(code(&[("x-litellm-api-key", "Bearer sk-right")]), "200");
    assert_eq!(code(&[("authorization", "bearer sk-right")]), "200");
}

#[test]
fn only_two_spellings_of_bearer_count() {
    assert_eq!(code(&[("authorization", "BEARER sk-right")]), "401");
    assert_eq!(code(&[("authorization", "sk-right")]), "401");
    assert_eq!(code(&[("authorization", "Basic c2stcmlnaHQ=")]), "400");
}

#[test]
fn precedence_is_litellms() {
    let wrong_first = [
        ("authorization", "Bearer sk-wrong"),
        ("x-api-key", "sk-right"),
    ];
    assert_eq!(code(&wrong_first), "400");
    let own_first = [
        ("authorization", "Bearer sk-wrong"),
        ("x-litellm-api-key", "sk-right"),
    ];
    assert_eq!(code(&own_first), "200");
}

#[test]
fn a_missing_key_and_a_wrong_key_differ() {
    assert_eq!(code(&[]), "401");
    assert_eq!(code(&[("authorization", "Bearer sk-wrong")]), "400");
}

#[test]
fn a_house_header_needs_the_prefix_and_leaves_authorization_valid() {
    let mut house = settings("sk-right");
    house.litellm_key_header_name = Some("X-House".to_owned());
    assert!(admit(&headers(&[("x-house", "Bearer sk-right")]), &house).is_ok());
    assert!(admit(&headers(&[("x-house", "sk-right")]), &house).is_err());
    assert!(admit(&headers(&[("authorization", "Bearer sk-right")]), &house).is_ok());
}

#[test]
fn weak_keys_are_told() {
    assert!(weakness(&GeneralSettings::default()).is_some());
    assert!(weakness(&settings("sk-1234")).is_some());
    assert!(weakness(&settings("sk-some-long-random-text")).is_none());
}
