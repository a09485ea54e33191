#![allow(clippy::unwrap_used)]
use super::*;
use crate::options::Options;
use crate::params::Params;
use http::header::AUTHORIZATION;
use serde_json::json;

fn target(kwargs: &str, env: &[(&str, &str)]) -> Target {
    let params = Params::parse(&Bytes::copy_from_slice(kwargs.as_bytes())).unwrap();
    let (options, _) = Options::split(params).unwrap();
    let env = |name: &str| {
        let found = env.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Target::resolve("azure/o_series/d", &options, &env).unwrap()
}

fn call() -> Call {
    let params = Params::parse(&Bytes::from_static(br#"{"messages":[]}"#)).unwrap();
    Call::new(Op::Chat, "azure/o_series/d", params)
}

#[test]
fn deployments_are_below_their_resource() {
    let at = |kwargs: &str| address::url(&target(kwargs, &[]), "/chat/completions").unwrap();
    assert_eq!(
        at(r#"{"api_base":"https://h/","api_version":"v0"}"#),
        "https://h/openai/deployments/d/chat/completions?api-version=v0"
    );
    assert_eq!(
        at(r#"{"api_base":"https://h/openai/deployments/e"}"#),
        format!(
            "https://h/openai/deployments/e/chat/completions?api-version={}",
            address::VERSION
        )
    );
    assert_eq!(
        at(
            r#"{"api_base":"https://h/openai/deployments/e/chat/completions?api-version=w","api_version":"v0"}"#
        ),
        "https://h/openai/deployments/e/chat/completions?api-version=w"
    );
    for base in ["https://h", "https://h/openai", "https://h/openai/v1/"] {
        assert_eq!(
            at(&format!(
                r#"{{"api_base":"{base}","api_version":"preview"}}"#
            )),
            "https://h/openai/v1/chat/completions"
        );
    }
    assert_eq!(
        at(
            r#"{"api_base":"https://gateway.ai.cloudflare.com/v1/a/g/azure-openai/r","api_version":"v0"}"#
        ),
        "https://gateway.ai.cloudflare.com/v1/a/g/azure-openai/r/d/chat/completions?api-version=v0"
    );
    let nowhere = address::url(&target("{}", &[]), "/x").unwrap_err();
    assert!(nowhere.hint.as_deref().unwrap().contains("AZURE_API_BASE"));
}

#[test]
fn the_environment_tells_version_and_credentials() {
    let entra = [
        ("AZURE_API_VERSION", "2024-01-01"),
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_CLIENT_ID", "c"),
        ("AZURE_FEDERATED_TOKEN_FILE", "/f"),
    ];
    let found = target(r#"{"api_base":"https://h"}"#, &entra);
    assert_eq!(address::version(&found), "2024-01-01");
    let Auth::Entra { settings } = Azure.auth(&call(), &found) else {
        unreachable!("Entra ID is asked")
    };
    let file = settings.get::<String>("azure_federated_token_file");
    assert_eq!(file.as_deref(), Some("/f"));
    // A key goes before them all, but for a token that is at hand.
    let keyed = target(r#"{"api_base":"https://h","api_key":"k"}"#, &entra);
    assert!(matches!(Azure.auth(&call(), &keyed), Auth::Placed));
    let headers = credentials::headers(&call(), &keyed).unwrap();
    assert_eq!(headers["api-key"], "k");
    let token = target(
        r#"{"api_base":"https://h","api_key":"k","azure_ad_token":"t"}"#,
        &entra,
    );
    let headers = credentials::headers(&call(), &token).unwrap();
    assert_eq!(headers[AUTHORIZATION], "Bearer t");
    assert!(headers[AUTHORIZATION].is_sensitive());
    assert!(!headers.contains_key("api-key"));
    let nothing = target(r#"{"api_base":"https://h"}"#, &[]);
    let error = Azure.request(&call(), &nothing).unwrap_err();
    assert!(error.message.contains("Missing credentials"));
}

#[test]
fn no_setting_of_entra_goes_into_a_body() {
    let kwargs = r#"{"api_base":"https://h","api_key":"k","tenant_id":"t","client_secret":"s","azure_ad_token":"a","messages":[]}"#;
    let params = Params::parse(&Bytes::from_static(kwargs.as_bytes())).unwrap();
    let (options, params) = Options::split(params).unwrap();
    let target = Target::resolve("azure/o_series/d", &options, &|_| None).unwrap();
    let call = Call::new(Op::Chat, "azure/o_series/d", params);
    let request = Azure.request(&call, &target).unwrap();
    assert_eq!(&request.body[..], br#"{"model":"d","messages":[]}"#);
}

#[test]
fn embeddings_in_base64_become_numbers() {
    let body = Bytes::from_static(br#"{"data":[{"index":0,"embedding":"AAAAPwAAgL4="}]}"#);
    let reply: Value = serde_json::from_slice(&as_numbers(body)).unwrap();
    assert_eq!(reply["data"][0]["embedding"], json!([0.5, -0.25]));
    let body = Bytes::from_static(br#"{"data":[{"embedding":[0.5]}]}"#);
    assert_eq!(as_numbers(body.clone()), body);
}
