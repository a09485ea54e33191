//! What callers and upstreams are not trusted with: where a call goes, with whose key, and whose cookie.

use super::bed::{Bed, MASTER_KEY, upstream};
use super::client::{Client, PATIENCE, post};
use mock_upstream::Answer;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

fn chat(more: &Value) -> String {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Hello"}]});
    let members = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(members);
    post("/v1/chat/completions", &body.to_string())
}

#[tokio::test]
async fn where_a_call_goes_and_with_which_key_is_not_the_callers_to_say() {
    let (elsewhere, other) = upstream();
    let asked = json!({
        "api_base": format!("http://127.0.0.1:{other}/v1"),
        "base_url": format!("http://127.0.0.1:{other}/v1"),
        "api_key": "sk-of-the-caller",
        "organization": "of-the-caller",
        "user_config": {"model_list": []},
        "fallbacks": [{"model": "m", "api_base": format!("http://127.0.0.1:{other}/v1")}],
    });
    let bed = Bed::start("");
    let mut client = Client::open(bed.address).await;
    client.call(chat(&asked)).await;
    assert_eq!(elsewhere.reached(), 0);
    for sent in bed.mocks[0].captured() {
        assert_eq!(sent["headers"]["authorization"], "Bearer sk-upstream");
        let sent = sent.to_string();
        assert!(!sent.contains("of-the-caller"), "{sent}");
    }

    // A deployment may leave it to them, in part.
    for (left, goes) in [
        ("api_base, api_key".to_owned(), true),
        (
            format!("{{api_base: 'http://127.*:{other}/v1$'}}, api_key"),
            true,
        ),
        ("{api_base: 'https://127.*'}, api_key".to_owned(), false),
    ] {
        let left = format!("      configurable_clientside_auth_params: [{left}]\n");
        let before = elsewhere.captured().len();
        let bed = Bed::start(&left);
        let mut client = Client::open(bed.address).await;
        let asked = json!({"api_base": asked["api_base"], "api_key": "sk-of-the-caller"});
        assert_eq!(client.call(chat(&asked)).await.status, 200);
        let there = elsewhere.captured().split_off(before);
        let here = bed.mocks[0].captured();
        assert_eq!(
            (there.len(), here.len()),
            (goes.into(), (!goes).into()),
            "{left}"
        );
        for sent in there.iter().chain(&here) {
            let key = &sent["headers"]["authorization"];
            assert_eq!(*key, "Bearer sk-of-the-caller");
        }
    }
}

#[tokio::test]
async fn a_call_goes_nowhere_else_because_an_upstream_says_so() {
    let (elsewhere, other) = upstream();
    let bed = Bed::start("");
    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://127.0.0.1:{other}/v1/chat/completions");
        bed.mocks[0].script(vec![Answer {
            status,
            headers: BTreeMap::from([("location".to_owned(), location)]),
            json: Some(json!({})),
            ..Answer::default()
        }]);
        let mut client = Client::open(bed.address).await;
        let reply = client.call(chat(&json!({}))).await;
        assert!(reply.status >= 300, "{status} became {}", reply.status);
        // Nor does the client follow it.
        assert!(!reply.head.contains("\r\nlocation:"), "{}", reply.head);
    }
    assert_eq!(elsewhere.reached(), 0);
}

#[tokio::test]
async fn an_upstreams_cookie_reaches_no_later_call() {
    let bed = Bed::start("");
    let mut client = Client::open(bed.address).await;
    let reply = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}]});
    bed.mocks[0].script(vec![Answer {
        headers: BTreeMap::from([("set-cookie".to_owned(), "session=of-one".to_owned())]),
        json: Some(reply),
        ..Answer::default()
    }]);
    for _ in 0..2 {
        let reply = client.call(chat(&json!({}))).await;
        assert_eq!(reply.status, 200);
        assert!(!reply.head.contains("\r\nset-cookie:"), "{}", reply.head);
    }
    let sent = bed.mocks[0].captured();
    assert!(sent[1]["headers"].get("cookie").is_none(), "{}", sent[1]);
}

/// Where a server with this configuration listens, or what it says instead.
fn listens(settings: &str, host: &[&str]) -> Result<String, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.yaml");
    std::fs::write(&path, settings).unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_gateway"))
        .env_remove("LITELLM_MASTER_KEY")
        .args(["serve", "--port", "0", "--config"])
        .arg(&path)
        .args(host)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let lines = BufReader::new(server.stderr.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        if let Some(address) = line.strip_prefix("listening on http://") {
            server.kill().unwrap();
            server.wait().unwrap();
            return Ok(address.to_owned());
        }
        said.push_str(&line);
    }
    assert!(!server.wait().unwrap().success(), "{said}");
    Err(said)
}

#[tokio::test]
async fn a_server_that_anybody_may_use_listens_on_this_machine_only() {
    let keyed = |key: &str| format!("general_settings: {{master_key: {key}}}\n");
    let waited = tokio::task::spawn_blocking(move || {
        for weak in [String::new(), keyed("sk-1234")] {
            let address = listens(&weak, &[]).unwrap();
            assert!(address.starts_with("127.0.0.1:"), "{address}");
            let said = listens(&weak, &["--host", "0.0.0.0"]).unwrap_err();
            assert!(said.contains("does not listen on 0.0.0.0"), "{said}");
            assert!(said.contains("master_key"), "{said}");
        }
        let address = listens(&keyed(MASTER_KEY), &[]).unwrap();
        assert!(address.starts_with("0.0.0.0:"), "{address}");
    });
    tokio::time::timeout(PATIENCE, waited)
        .await
        .unwrap()
        .unwrap();
}
