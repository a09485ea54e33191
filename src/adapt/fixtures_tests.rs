//! The fixtures that both languages share: reply and stream of each, every stream cut at every byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::fold::fold;
use super::registry::provider;
use super::sse::{Item, SseParser};
use super::stream_usage::Counter;
use super::usage::Object;
use super::{Head, StreamEnd, Target};
use crate::error::Result;
use crate::options::Options;
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

struct Fixture {
    folder: PathBuf,
    call: Call,
    target: Target,
}

impl Fixture {
    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.folder.join(name)).ok()
    }

    /// The stream as it comes, when the fixture has one.
    fn streamed(&self) -> Option<Vec<u8>> {
        self.bytes("stream.sse")
            .or_else(|| self.bytes("stream.ndjson"))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.bytes(name).expect(name)).unwrap()
    }

    /// Output of the stream fixture, handed over in two pieces.
    fn stream(&self, bytes: &[u8], cut: usize) -> (BytesMut, Result<StreamEnd>) {
        let mut adapter = self
            .target
            .provider
            .adapter
            .stream(&self.call, &self.target);
        let mut out = BytesMut::new();
        let pushed = adapter
            .push(&bytes[..cut], &mut out)
            .and_then(|()| adapter.push(&bytes[cut..], &mut out));
        let end = pushed.and_then(|()| adapter.finish(&mut out));
        (out, end)
    }
}

fn folders(root: &Path, depth: u32) -> Vec<PathBuf> {
    let mut children: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    children.sort();
    if depth == 1 {
        return children;
    }
    children
        .iter()
        .flat_map(|child| folders(child, depth - 1))
        .collect()
}

fn fixtures() -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let read = |folder: PathBuf| {
        let call: Value =
            serde_json::from_slice(&std::fs::read(folder.join("call.json")).unwrap()).unwrap();
        let arguments = Bytes::from(serde_json::to_vec(&call["kwargs"]).unwrap());
        let (options, members) = Options::split(Params::parse(&arguments).unwrap()).unwrap();
        let op = match call["function"].as_str().unwrap().trim_start_matches('a') {
            "completion" => Op::Chat,
            "text_completion" => Op::TextCompletion,
            _ => Op::Embeddings,
        };
        let (name, model) = call["kwargs"]["model"]
            .as_str()
            .unwrap()
            .split_once('/')
            .unwrap();
        let mut call = Call::new(op, format!("{name}/{model}"), members);
        call.options = options;
        let target = Target {
            provider: provider(name).unwrap().serving(model),
            model: model.into(),
            api_base: String::new(),
            api_key: None,
            options: Options::default(),
            defaults: Params::default(),
            deployment_id: String::new(),
            model_group: String::new(),
            litellm_model: String::new(),
            memo: crate::adapt::Memo::default(),
        };
        Fixture {
            folder,
            call,
            target,
        }
    };
    folders(&root, 3).into_iter().map(read).collect()
}

/// Values that differ from run to run are marked in the recording.
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
            expected
                .iter()
                .zip(actual)
                .for_each(|(expected, actual)| settle(expected, actual));
        }
        _ => {}
    }
}

fn assert_same(folder: &Path, expected: &Value, mut actual: Value) {
    super::canonical::drop_nulls(&mut actual);
    settle(expected, &mut actual);
    assert_eq!(&actual, expected, "{}", folder.display());
}

fn chunks_of(events: &[u8]) -> Vec<Object> {
    let mut chunks = Vec::new();
    SseParser::default()
        .push(events, |item| {
            if let Item::Event { data, .. } = item {
                chunks.push(serde_json::from_slice(data).unwrap());
            }
            Ok(())
        })
        .unwrap();
    chunks
}

#[test]
fn whole_replies_become_canonical() {
    let mut seen = 0;
    for fixture in fixtures() {
        let Some(body) = fixture.bytes("reply.json") else {
            continue;
        };
        seen += 1;
        let head = Head {
            status: http::StatusCode::OK,
            headers: http::HeaderMap::new(),
        };
        let adapter = fixture.target.provider.adapter;
        let reply = adapter
            .reply(&fixture.call, &fixture.target, &head, body.into())
            .unwrap();
        let actual: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_same(&fixture.folder, &fixture.json("canonical.json"), actual);
        let receipt = fixture.json("receipt.json");
        let usage = reply.usage.unwrap();
        assert_eq!(receipt["prompt_tokens"], json!(usage.prompt_tokens));
        assert_eq!(receipt["completion_tokens"], json!(usage.completion_tokens));
        assert_eq!(receipt["upstream_model"], json!(reply.upstream_model));
        assert_eq!(receipt["finish_reason"], json!(reply.finish_reason));
    }
    assert!(seen > 10);
}

#[test]
fn streams_become_canonical_wherever_they_are_cut() {
    let mut seen = 0;
    for fixture in fixtures() {
        let Some(bytes) = fixture.streamed() else {
            continue;
        };
        seen += 1;
        let (whole, end) = fixture.stream(&bytes, 0);
        let end = end.unwrap();
        let mut expected = fixture.json("canonical.json");
        let told = expected
            .as_array_mut()
            .unwrap()
            .pop_if(|last| last.get("usage").is_some());
        assert_same(&fixture.folder, &expected, json!(chunks_of(&whole)));
        assert_eq!(end.usage_asked, told.is_some());
        let receipt = fixture.json("receipt.json");
        assert_eq!(
            receipt["completion_tokens"],
            json!(end.usage.map(|usage| usage.completion_tokens))
        );
        assert_eq!(receipt["finish_reason"], json!(end.finish_reason));
        for cut in 1..bytes.len() {
            let (cut_out, cut_end) = fixture.stream(&bytes, cut);
            assert_eq!(cut_out, whole, "{} cut at {cut}", fixture.folder.display());
            assert_eq!(cut_end.unwrap().text, end.text);
        }
    }
    assert!(seen > 8);
}

struct Uncounted;

impl Counter for Uncounted {
    fn prompt(&mut self) -> u64 {
        0
    }
    fn completion(&mut self, _text: &str) -> u64 {
        0
    }
    fn reasoning(&mut self, _text: &str) -> u64 {
        0
    }
}

#[test]
fn folded_streams_are_whole_replies() {
    let mut seen = 0;
    for fixture in fixtures() {
        let (Some(bytes), Some(_)) = (fixture.streamed(), fixture.bytes("folded.json")) else {
            continue;
        };
        seen += 1;
        let (out, end) = fixture.stream(&bytes, 0);
        let folded = fold(chunks_of(&out), 0, &mut Uncounted).unwrap();
        let mut folded = Value::Object(folded);
        let mut expected = fixture.json("folded.json");
        for value in [&mut folded, &mut expected] {
            value.as_object_mut().unwrap().remove("usage");
        }
        let message = &folded["choices"][0]["message"];
        assert_eq!(
            message["content"].as_str().unwrap_or(""),
            end.unwrap().text.content
        );
        assert_same(&fixture.folder, &expected, folded);
    }
    assert!(seen > 6);
}
