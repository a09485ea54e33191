#![allow(clippy::unwrap_used)]

use super::*;
use crate::options::Options;
use crate::params::Params;

fn target(model: &str, members: &Value) -> Target {
    let raw = Bytes::from(serde_json::to_vec(members).unwrap());
    let (options, _) = Options::split(Params::parse(&raw).unwrap()).unwrap();
    Target::resolve(&format!("vertex_ai/{model}"), &options, &|_| None).unwrap()
}

fn at(model: &str, members: &Value, verb: &str, stream: bool) -> String {
    url(&target(model, members), verb, stream).unwrap()
}

#[test]
fn every_publisher_has_its_path() {
    let members = serde_json::json!({"vertex_project": "p", "vertex_location": "europe-west1"});
    let root = "https://europe-west1-aiplatform.googleapis.com";
    let place = "projects/p/locations/europe-west1";
    for (model, verb, path) in [
        (
            "gemini-2.5-pro",
            "generateContent",
            format!("v1/{place}/publishers/google/models/gemini-2.5-pro:generateContent"),
        ),
        (
            "4965075652664360960",
            "generateContent",
            format!("v1/{place}/endpoints/4965075652664360960:generateContent"),
        ),
        (
            "claude-sonnet-4@1",
            "rawPredict",
            format!("v1/{place}/publishers/anthropic/models/claude-sonnet-4@1:rawPredict"),
        ),
        (
            "mistral-large@1",
            "rawPredict",
            format!("v1/{place}/publishers/mistralai/models/mistral-large@1:rawPredict"),
        ),
        (
            "mistralai/mistral-medium-3",
            "rawPredict",
            format!("v1/{place}/publishers/mistralai/models/mistral-medium-3:rawPredict"),
        ),
        (
            "jamba-1.5-mini",
            "rawPredict",
            format!("v1beta1/{place}/publishers/ai21/models/jamba-1.5-mini:rawPredict"),
        ),
        (
            "meta/llama-4",
            "",
            format!("v1/{place}/endpoints/openapi/chat/completions"),
        ),
        (
            "openai/gpt-oss-20b-maas",
            "",
            format!("v1/{place}/endpoints/openapi/chat/completions"),
        ),
        (
            "openai/xai/grok",
            "",
            format!("v1/{place}/endpoints/openapi/chat/completions"),
        ),
        (
            "openai/5464397967697903616",
            "",
            format!("v1beta1/{place}/endpoints/5464397967697903616/chat/completions"),
        ),
    ] {
        assert_eq!(at(model, &members, verb, false), format!("{root}/{path}"));
    }
}

#[test]
fn hosts_are_those_of_the_location() {
    for (location, host) in [
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("us-east5", "us-east5-aiplatform.googleapis.com"),
    ] {
        let members = serde_json::json!({"vertex_project": "p", "vertex_location": location});
        let url = at("claude-x", &members, "rawPredict", false);
        assert!(url.starts_with(&format!("https://{host}/v1/")), "{url}");
    }
}

#[test]
fn a_model_goes_where_the_map_knows_it_to_be() {
    let model = "qwen/qwen3-coder-480b-a35b-instruct-maas";
    let members = serde_json::json!({"vertex_project": "p", "vertex_location": "us-east1"});
    let url = at(model, &members, "", false);
    assert!(
        url.contains("aiplatform.googleapis.com/v1/projects/p/locations/global/"),
        "{url}"
    );
}

#[test]
fn a_base_mirrors_google_or_is_the_models_own() {
    let under = |base: &str, stream: bool| {
        let members = serde_json::json!({"vertex_project": "p", "api_base": base});
        let verb = if stream {
            "streamRawPredict"
        } else {
            "rawPredict"
        };
        at("claude-x", &members, verb, stream)
    };
    let path = "projects/p/locations/us-central1/publishers/anthropic/models/claude-x";
    assert_eq!(
        under("http://m", false),
        format!("http://m/v1/{path}:rawPredict")
    );
    assert_eq!(
        under("http://m/v1/", false),
        format!("http://m/v1/{path}:rawPredict")
    );
    assert_eq!(under("http://m/own", false), "http://m/own:rawPredict");
    let streamed = format!("http://m/v1/{path}:streamRawPredict?alt=sse");
    assert_eq!(under("http://m", true), streamed);
}

#[test]
fn names_cannot_move_the_token_to_another_host() {
    for members in [
        serde_json::json!({"vertex_project": "p", "vertex_location": "evil.test/"}),
        serde_json::json!({"vertex_project": "p", "vertex_location": "evil.test#"}),
        serde_json::json!({"vertex_project": "../p"}),
    ] {
        assert!(url(&target("claude-x", &members), "rawPredict", false).is_err());
    }
    let garden = target("openai/..%2f", &serde_json::json!({"vertex_project": "p"}));
    assert!(url(&garden, "", false).is_err());
}

#[test]
fn the_project_is_that_of_the_account() {
    let account = serde_json::json!({"project_id": "of-account"});
    for credentials in [account.clone(), Value::String(account.to_string())] {
        let members = serde_json::json!({"vertex_credentials": credentials});
        let url = at("claude-x", &members, "rawPredict", false);
        assert!(url.contains("/projects/of-account/"), "{url}");
    }
    let later = at("claude-x", &serde_json::json!({}), "rawPredict", false);
    assert!(later.contains("/projects/{project}/"), "{later}");
}
