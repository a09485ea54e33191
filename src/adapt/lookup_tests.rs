#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::adapt::Target;
use crate::options::{Options, Secret};

fn no_env(_: &str) -> Option<String> {
    None
}

fn look(
    model: &str,
    custom: Option<&str>,
    base: Option<&str>,
) -> (String, Option<String>, Option<String>) {
    let found = get_llm_provider(model, custom, base, None, &no_env).unwrap();
    (found.model, found.provider, found.api_base)
}

fn found(
    model: &str,
    provider: &str,
    base: Option<&str>,
) -> (String, Option<String>, Option<String>) {
    (
        model.to_owned(),
        Some(provider.to_owned()),
        base.map(str::to_owned),
    )
}

#[test]
fn a_prefix_names_the_provider_and_is_taken_off() {
    assert_eq!(
        look("groq/a/b", None, None),
        found("a/b", "groq", Some("https://api.groq.com/openai/v1"))
    );
    assert_eq!(look("openai/x", None, None), found("x", "openai", None));
}

#[test]
fn a_named_provider_wins_over_a_prefix_of_another() {
    assert_eq!(
        look("groq/x", Some("openai"), None),
        found("groq/x", "openai", None)
    );
    assert_eq!(
        look("openai/x", Some("openai"), None),
        found("x", "openai", None)
    );
    assert_eq!(
        look("x", Some("nobody"), None),
        found("nobody/x", "nobody", None)
    );
}

#[test]
fn openrouter_keeps_its_own_models_whole() {
    assert_eq!(
        look("openrouter/auto", Some("openrouter"), None).0,
        "openrouter/auto"
    );
    assert_eq!(look("openrouter/a/b", Some("openrouter"), None).0, "a/b");
}

#[test]
fn a_known_address_tells_whose_model_it_is() {
    let base = "https://api.together.xyz/v1";
    assert_eq!(
        look("x", None, Some(base)),
        found("x", "together_ai", Some(base))
    );
    assert_eq!(look("x", None, Some("https://api.x.ai/v1")).1, None);
}

#[test]
fn an_unknown_name_is_refused_with_the_name_in_the_message() {
    let error = get_llm_provider("no-such-model", None, None, None, &no_env).unwrap_err();
    assert!(error.message.contains("model=no-such-model"), "{error}");
    assert!(get_llm_provider("mistral", None, None, None, &no_env).is_err());
}

#[test]
fn claude_names_that_no_catalogue_has_yet_are_told_by_their_shape() {
    assert_eq!(
        look("claude-newfamily-9-1", None, None).1.as_deref(),
        Some("anthropic")
    );
    assert_eq!(
        look("eu.anthropic.claude-newfamily-9", None, None)
            .1
            .as_deref(),
        Some("bedrock")
    );
    assert!(get_llm_provider("claude-newfamily-x", None, None, None, &no_env).is_err());
}

#[test]
fn what_the_caller_says_wins_over_the_environment_and_that_over_the_row() {
    let env = |name: &str| match name {
        "GROQ_API_BASE" => Some("http://env/v1".to_owned()),
        "GROQ_API_KEY" => Some("env-key".to_owned()),
        _ => None,
    };
    let target = Target::resolve("groq/x", &Options::default(), &env).unwrap();
    assert_eq!(target.api_base, "http://env/v1");
    assert_eq!(target.api_key.unwrap().expose(), "env-key");
    let options = Options {
        api_base: Some("http://call/v1/".to_owned()),
        api_key: Some(Secret::new("call-key")),
        ..Options::default()
    };
    let target = Target::resolve("groq/x", &options, &env).unwrap();
    assert_eq!(target.api_base, "http://call/v1");
    assert_eq!(target.api_key.unwrap().expose(), "call-key");
}

#[test]
fn a_provider_without_an_address_asks_for_one() {
    let error = Target::resolve("hosted_vllm/x", &Options::default(), &no_env).unwrap_err();
    assert_eq!(
        error.hint.as_deref(),
        Some("pass `api_base` or set `HOSTED_VLLM_API_BASE`")
    );
}

#[test]
fn another_proxy_serves_every_model_where_the_environment_says_so() {
    let env = |name: &str| match name {
        "USE_LITELLM_PROXY" => Some("True".to_owned()),
        "LITELLM_PROXY_API_BASE" => Some("http://proxy.test".to_owned()),
        _ => None,
    };
    for (model, asked) in [
        ("gemini/gemini-2.5-pro", "gemini/gemini-2.5-pro"),
        ("litellm_proxy/gpt-4o", "gpt-4o"),
    ] {
        let found = get_llm_provider(model, Some("gemini"), None, None, &env).unwrap();
        assert_eq!(found.provider.as_deref(), Some("litellm_proxy"));
        assert_eq!(found.model, asked);
        assert_eq!(found.api_base.as_deref(), Some("http://proxy.test"));
    }
}
