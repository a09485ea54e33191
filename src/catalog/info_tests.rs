#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn every_member_is_there_and_what_is_unknown_is_null() {
    let info = model_info("gpt-4o", None).unwrap();
    assert_eq!(info["key"], "gpt-4o");
    assert_eq!(info["max_tokens"], json!(16384));
    assert!(info["ocr_cost_per_page"].is_null());
    assert!(MEMBERS.iter().all(|name| info.contains_key(*name)));
}

#[test]
fn a_model_that_nobody_knows_has_no_information() {
    assert!(model_info("no-such-model", Some("openai")).is_none());
}

#[test]
fn a_new_model_of_a_known_family_is_described_by_it() {
    let info = model_info("claude-newfamily-7", Some("anthropic")).unwrap();
    assert_eq!(info["litellm_provider"], "anthropic");
    assert_eq!(info["supports_adaptive_thinking"], true);
    assert_eq!(info["input_cost_per_token"], json!(0));
}

#[test]
fn a_provider_may_have_a_capability_for_all_its_models() {
    assert!(supports(
        "no-such-model",
        Some("xai"),
        "supports_web_search"
    ));
    assert!(!supports("no-such-model", Some("xai"), "supports_vision"));
}

#[test]
fn thresholds_are_recognised() {
    assert!(is_above_threshold("input_cost_per_token_above_256k_tokens"));
    assert!(is_above_threshold("x_above_32k_tokens_batches"));
    assert!(!is_above_threshold("input_cost_per_token_above_1hr"));
}
