//! What is passed through to Amazon's and Google's clouds: signed, or with a token, and never with the client's key.

use super::bed::{Bed, MASTER_KEY};
use super::client::{Client, post, post_with};
use super::faults::header;
use mock_upstream::Answer;
use serde_json::{Value, json};

const CONVERSE: &str = "/bedrock/model/amazon.nova-lite-v1%3A0/converse";
const GENERATE: &str = "/vertex_ai/v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash:generateContent";

fn bed() -> Bed {
    bed_with("")
}

/// With more `variables` of the environment, lines indented by two.
fn bed_with(variables: &str) -> Bed {
    Bed::with(1, |ports| {
        let base = format!("http://127.0.0.1:{}", ports[0]);
        format!(
            "environment_variables:\n  AWS_BEDROCK_RUNTIME_ENDPOINT: \"{base}\"\n  AWS_REGION_NAME: eu-west-1\n  \
             AWS_ACCESS_KEY_ID: AKIAEXAMPLE\n  AWS_SECRET_ACCESS_KEY: of-the-house\n  VERTEXAI_API_BASE: \"{base}\"\n{variables}\
             model_list:\n  - model_name: nova\n    litellm_params: {{model: bedrock/us.amazon.nova-pro-v1:0, \
             aws_region_name: us-east-1, aws_bedrock_runtime_endpoint: \"{base}\", api_key: bearer-of-the-house}}\n\
             general_settings: {{master_key: {MASTER_KEY}}}\n"
        )
    })
}

fn answers(body: Value) -> Vec<Answer> {
    vec![Answer {
        json: Some(body),
        ..Answer::default()
    }]
}

fn sent<'a>(captured: &'a [Value], name: &str) -> Option<&'a str> {
    let headers = captured.last()?["headers"].as_object()?;
    headers.get(name)?.as_str()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_bedrock_is_signed_here_and_priced() {
    let bed = bed();
    let usage = json!({"inputTokens": 1000, "outputTokens": 1000, "totalTokens": 2000});
    bed.mock
        .script(answers(json!({"output": {}, "usage": usage})));
    let mut client = Client::open(bed.address).await;
    let reply = client.call(post(CONVERSE, r#"{"messages":[]}"#)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let asked = bed.mock.captured();
    assert_eq!(asked[0]["path"], "/model/amazon.nova-lite-v1%3A0/converse");
    let signature = sent(&asked, "authorization").unwrap();
    assert!(
        signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/"),
        "{signature}"
    );
    assert!(
        signature.contains("/eu-west-1/bedrock/aws4_request"),
        "{signature}"
    );
    assert!(!asked[0].to_string().contains(MASTER_KEY));
    // 1,000 tokens each way at the price map's 6e-8 and 2.4e-7 dollars.
    let told = header(&reply, "x-litellm-response-cost").unwrap();
    let cost: f64 = told.parse().unwrap();
    assert!((cost - 0.0003).abs() < 1e-9, "{cost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_passed_through_to_its_deployment() {
    let bed = bed();
    bed.mock.script(answers(json!({"output": {}})));
    let mut client = Client::open(bed.address).await;
    let reply = client
        .call(post("/bedrock/model/nova/converse", "{}"))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let asked = bed.mock.captured();
    assert_eq!(
        asked[0]["path"],
        "/model/us.amazon.nova-pro-v1%3A0/converse"
    );
    assert_eq!(
        sent(&asked, "authorization"),
        Some("Bearer bearer-of-the-house")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_own_token_for_google_goes_along_and_its_key_does_not() {
    let bed = bed();
    bed.mock.script(answers(json!({"candidates": []})));
    let mut client = Client::open(bed.address).await;
    let headers =
        format!("authorization: Bearer ya29.own\r\nx-litellm-api-key: Bearer {MASTER_KEY}\r\n");
    let reply = client.call(post_with(GENERATE, "{}", &headers)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let asked = bed.mock.captured();
    assert_eq!(
        asked[0]["path"],
        GENERATE.strip_prefix("/vertex_ai").unwrap()
    );
    assert_eq!(sent(&asked, "authorization"), Some("Bearer ya29.own"));
    assert!(!asked[0].to_string().contains(MASTER_KEY));
    // Without a key of this server's, nothing is sent.
    let own = "authorization: Bearer ya29.own\r\n";
    let refused = client.call(post_with(GENERATE, "{}", own)).await;
    assert_ne!(refused.status, 200);
    assert_eq!(bed.mock.reached(), 1);
}

/// A file of credentials that is not there: whoever goes on to the provider's own is told so, and so are the metrics.
const NO_FILE: &str = "  DEFAULT_GOOGLE_APPLICATION_CREDENTIALS: /nowhere/at/all.json\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_cannot_be_got_is_a_failure_that_is_counted() {
    let bed = bed_with(NO_FILE);
    let mut client = Client::open(bed.address).await;
    let reply = client.call(post(GENERATE, "{}")).await;
    assert!(reply.status >= 400, "{}", reply.text());
    assert!(reply.json()["error"]["message"].is_string());
    assert_eq!((bed.mock.reached(), bed.tally.all()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_this_server_is_nobodys_token_however_often_it_is_sent() {
    // Nor does the machine have one.
    let bed = bed_with("  GOOGLE_APPLICATION_CREDENTIALS: /nowhere/at/all.json\n");
    bed.mock.script(answers(json!({"candidates": []})));
    let mut client = Client::open(bed.address).await;
    let headers =
        format!("authorization: Bearer {MASTER_KEY}\r\nx-litellm-api-key: {MASTER_KEY}\r\n");
    let reply = client.call(post_with(GENERATE, "{}", &headers)).await;
    assert!(reply.status >= 400, "{}", reply.text());
    let asked = Value::from(bed.mock.captured()).to_string();
    assert!(!asked.contains(MASTER_KEY), "{asked}");
}
