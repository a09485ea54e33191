//! What routes are made of a configuration, beyond what the served tests see.
#![allow(clippy::unwrap_used)]

use super::Routes;
use crate::adapt::GroupLimits;
use crate::config;
use crate::route::Env;
use std::sync::Arc;

fn limits(model_list: &str) -> GroupLimits {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.yaml");
    std::fs::write(&path, format!("model_list:\n{model_list}")).unwrap();
    let (config, _) = config::load(&path, &|_| None).unwrap();
    let env: Env = Arc::new(|_| None);
    let routes = Routes::build(&config, &env, None);
    let group = routes.group("g").unwrap();
    let target = &group.deployments[0].target;
    target.memo.group_limits().cloned().unwrap()
}

#[test]
fn a_group_tells_what_its_deployments_may_be_asked_together() {
    let own = "  - {model_name: g, litellm_params: {model: gemini/gemini-2.5-flash, api_key: k, tpm: 5, rpm: 2}}\n";
    let mapped =
        "  - {model_name: g, litellm_params: {model: gemini/gemini-2.5-flash, api_key: k}}\n";
    let alone = limits(own);
    assert_eq!(
        (alone.requests.unwrap(), alone.tokens.unwrap()),
        ("2".parse().unwrap(), "5".parse().unwrap())
    );
    let both = limits(&format!("{own}{mapped}"));
    assert_eq!(both.requests.unwrap(), "100002");
    assert_eq!(both.tokens.unwrap(), "8000005");
    let none = limits("  - {model_name: g, litellm_params: {model: openai/made-up, api_key: k}}\n");
    assert!(none.requests.is_none() && none.tokens.is_none());
}
