//! Tokens of Microsoft Entra ID, from a token server on the loopback.

use super::bed::upstream;
use gateway::adapt::Target;
use gateway::error::{Error, ErrorKind};
use gateway::forward::entra::Tokens;
use gateway::forward::{Client, ClientSettings, Clocks};
use gateway::options::Options;
use gateway::params::Params;
use gateway::{Call, Op};
use mock_upstream::{Answer, Mock};
use serde_json::{Value, json};

fn params(members: &Value) -> Params {
    Params::parse(&members.to_string().into()).unwrap()
}

fn answer(status: u16, body: &Value) -> Answer {
    Answer {
        status,
        json: Some(body.clone()),
        ..Answer::default()
    }
}

/// Whoever asks for tokens, and the server that gives them.
struct Asker {
    mock: Mock,
    authority: String,
    client: Client,
    tokens: Tokens,
}

impl Asker {
    fn new() -> Self {
        let (mock, port) = upstream();
        Self {
            mock,
            authority: format!("http://127.0.0.1:{port}"),
            client: Client::new(&ClientSettings::default()).unwrap(),
            tokens: Tokens::default(),
        }
    }

    async fn token(&self, settings: &Value) -> Result<String, Error> {
        let mut settings = params(settings);
        settings.set("azure_authority_host", &self.authority);
        let clocks = Clocks::default();
        let env = |name: &str| (name == "WORD").then(|| "word-of-env".to_owned());
        let token = self.tokens.token(&self.client, &settings, &env, clocks);
        Ok(token.await?.expose().to_owned())
    }

    fn gives(&self, tokens: &[(&str, u64)]) {
        let answers = tokens.iter().map(|(token, lasts)| {
            let body = json!({"token_type": "Bearer", "access_token": token, "expires_in": lasts});
            answer(200, &body)
        });
        self.mock.script(answers.collect());
    }
}

fn application() -> Value {
    json!({"tenant_id": "t", "client_id": "c", "client_secret": "s&"})
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_again_ahead_of_its_end() {
    let asker = Asker::new();
    asker.gives(&[("one", 3600), ("two", 0), ("three", 3600)]);
    for _ in 0..3 {
        assert_eq!(asker.token(&application()).await.unwrap(), "one");
    }
    let asked = asker.mock.captured();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["path"], "/t/oauth2/v2.0/token");
    let form = asked[0]["body"].as_str().unwrap();
    assert!(form.contains("grant_type=client_credentials"), "{form}");
    assert!(form.contains("client_secret=s%26"), "{form}");
    assert!(form.contains("scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default"));
    // Other settings have a token of their own; one that is over is not given again.
    let other = json!({"tenant_id": "t", "client_id": "c", "client_secret": "other"});
    assert_eq!(asker.token(&other).await.unwrap(), "two");
    assert_eq!(asker.token(&other).await.unwrap(), "three");
}

#[tokio::test]
async fn a_workload_is_vouched_for_by_its_platform() {
    let asker = Asker::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "word-of-file\n").unwrap();
    asker.gives(&[("one", 3600), ("two", 3600)]);
    let workload =
        json!({"tenant_id": "t", "client_id": "c", "azure_federated_token_file": file.path()});
    assert_eq!(asker.token(&workload).await.unwrap(), "one");
    let workload = json!({"tenant_id": "t", "client_id": "c", "azure_ad_token": "oidc/env/WORD"});
    assert_eq!(asker.token(&workload).await.unwrap(), "two");
    let asked = asker.mock.captured();
    for (asked, word) in asked.iter().zip(["word-of-file", "word-of-env"]) {
        let form = asked["body"].as_str().unwrap();
        assert!(
            form.ends_with(&format!("client_assertion={word}")),
            "{form}"
        );
        assert!(
            form.contains("client-assertion-type%3Ajwt-bearer"),
            "{form}"
        );
    }
    let gone = json!({"tenant_id": "t", "client_id": "c", "azure_ad_token": "oidc/file/nowhere"});
    let error = asker.token(&gone).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Authentication);
}

#[tokio::test]
async fn a_refusal_says_why_and_holds_no_secret() {
    let asker = Asker::new();
    let body = json!({"error": "invalid_client", "error_description": "AADSTS7000215"});
    asker.mock.script(vec![answer(401, &body)]);
    let error = asker.token(&application()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Authentication);
    assert!(error.message.contains("invalid_client: AADSTS7000215"));
    assert!(!error.to_string().contains("s&"));
    let error = asker
        .token(&json!({"client_id": "c", "client_secret": "s"}))
        .await;
    assert!(error.unwrap_err().message.contains("`tenant_id`"));
}

#[tokio::test]
async fn a_call_without_a_key_goes_out_with_the_token() {
    let (mock, port) = upstream();
    let base = format!("http://127.0.0.1:{port}");
    let reply = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]});
    mock.script(vec![
        answer(200, &json!({"access_token": "entra", "expires_in": 3600})),
        answer(200, &reply),
        answer(200, &reply),
    ]);
    let mut settings = application();
    settings["api_base"] = json!(base);
    settings["azure_authority_host"] = json!(base);
    settings["messages"] = json!([{"role": "user", "content": "hi"}]);
    let (options, members) = Options::split(params(&settings)).unwrap();
    let target = std::sync::Arc::new(Target::resolve("azure/d", &options, &|_| None).unwrap());
    let (gateway, _) = super::bed::gateway(&super::bed::config(port, ""));
    for _ in 0..2 {
        let mut call = Call::new(Op::Chat, "azure/d", members.clone());
        call.options = options.clone();
        let answered = gateway.engine.call_target(call, target.clone()).await;
        assert!(answered.is_ok());
    }
    let asked = mock.captured();
    assert_eq!(asked.len(), 3);
    for chat in &asked[1..] {
        assert_eq!(chat["headers"]["authorization"], "Bearer entra");
        assert!(
            chat["path"]
                .as_str()
                .unwrap()
                .starts_with("/openai/deployments/d/chat/completions?")
        );
        assert!(!chat["body"].to_string().contains("client_secret"));
    }
}
