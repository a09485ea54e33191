//! The recorded cases of these operations: what goes upstream and what comes back, without a socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::adapt::canonical::drop_nulls;
use crate::adapt::{Head, Target};
use crate::options::Options;
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;
use serde_json::{Value, json};
use std::path::Path;

const MOCK: &str = "http://mock.test";

/// The cases of an area: their call and target, what is expected, and what the upstream answers.
fn cases(area: &str) -> Vec<(Value, Call, Target)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/cases");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        if !text.contains(&format!("\"area\":\"{area}\""))
            && !text.contains(&format!("\"area\": \"{area}\""))
        {
            continue;
        }
        let file: Value = serde_json::from_str(&text).unwrap();
        for case in file["cases"].as_array().into_iter().flatten() {
            if case["area"] != area {
                continue;
            }
            let kwargs = case["call"]["kwargs"].to_string().replace("{{MOCK}}", MOCK);
            let (options, members) =
                Options::split(Params::parse(&kwargs.into()).unwrap()).unwrap();
            let model: String = members.get("model").unwrap_or_default();
            let op = Op::of_function(case["call"]["function"].as_str().unwrap()).unwrap();
            let mut options = options;
            if area == "moderation" {
                options.custom_llm_provider = Some("openai".to_owned());
            }
            let Ok(target) = Target::resolve(&model, &options, &|_| None) else {
                continue;
            };
            let mut members = members;
            // The default of the synchronous function's signature.
            if case["call"]["function"] == "rerank" && !members.contains("return_documents") {
                members.set("return_documents", &true);
            }
            let mut call = Call::new(op, model, members);
            call.options = options;
            found.push((case.clone(), call, target));
        }
    }
    found
}

fn settle(expected: &Value, actual: &mut Value) {
    match (expected, actual) {
        (Value::String(mark), actual) if mark.starts_with("<volatile") => {
            assert!(!actual.is_null());
            *actual = expected.clone();
        }
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, expected) in expected {
                if let Some(actual) = actual.get_mut(name) {
                    settle(expected, actual);
                }
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            let pairs = expected.iter().zip(actual);
            pairs.for_each(|(expected, actual)| settle(expected, actual));
        }
        _ => {}
    }
}

/// Replays an area; returns how many requests and replies were compared.
fn replay(area: &str) -> (usize, usize) {
    let (mut requests, mut replies) = (0, 0);
    for (case, call, target) in cases(area) {
        let id = case["id"].as_str().unwrap();
        let adapter = target.adapter(call.op);
        let asked = adapter.request(&call, &target);
        let Some(expected) = case["expected"]["requests"].get(0) else {
            assert!(asked.is_err(), "{id}");
            continue;
        };
        let asked = asked.unwrap_or_else(|error| panic!("{id}: {}", error.message));
        let path = asked.url.strip_prefix(MOCK).expect(id);
        let path = path.split('?').next().unwrap().replace("%3A", ":");
        assert_eq!(json!(path), expected["path"], "{id}");
        if expected["body"].get("$multipart").is_none() {
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            assert_eq!(body, expected["body"], "{id}");
        }
        requests += 1;
        let mut expected = case["expected"]["result"].clone();
        if expected.is_null() {
            continue;
        }
        // The first answer may be one to a request for a token.
        let answers = case["upstream"].as_array().unwrap();
        let said: Bytes = answers.last().unwrap()["json"].to_string().into();
        let head = Head {
            status: http::StatusCode::OK,
            headers: http::HeaderMap::new(),
        };
        let reply = adapter.reply(&call, &target, &head, said);
        let reply = reply.unwrap_or_else(|error| panic!("{id}: {}", error.message));
        let mut actual: Value = serde_json::from_slice(&reply.body).unwrap();
        settle(&expected, &mut actual);
        drop_nulls(&mut actual);
        drop_nulls(&mut expected);
        assert_eq!(actual, expected, "{id}");
        replies += 1;
    }
    (requests, replies)
}

#[test]
fn rerankings_are_as_recorded() {
    let (requests, replies) = replay("rerank");
    assert!(requests > 30 && replies > 30, "{requests} {replies}");
}

#[test]
fn images_are_as_recorded() {
    let (requests, replies) = replay("images");
    assert!(requests > 25 && replies > 20, "{requests} {replies}");
}

#[test]
fn moderations_are_as_recorded() {
    let (requests, replies) = replay("moderation");
    assert!(requests > 3 && replies > 3, "{requests} {replies}");
}

#[test]
fn no_credential_is_in_a_body() {
    for (case, mut call, target) in cases("images") {
        if target.provider.name != "vertex_ai" {
            continue;
        }
        let secret = json!({"private_key": "SECRET", "project_id": "p"});
        call.options.other.set("vertex_credentials", &secret);
        call.params.set("vertex_credentials", &secret);
        let asked = target.adapter(call.op).request(&call, &target);
        let body = String::from_utf8(asked.unwrap().body.to_vec()).unwrap();
        assert!(!body.contains("SECRET"), "{}: {body}", case["id"]);
    }
}
