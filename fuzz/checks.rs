//! What must hold for any bytes: the checks of the fuzz targets, which `cargo test` runs over the corpus as well.
//!
//! Each takes bytes as they may come from outside and panics when something is wrong. What is checked is more than that
//! nothing panics: a result does not depend on how its input was cut, and what is written can be read.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "every target uses one check; a check stops at what is wrong"
)]

use bytes::{Bytes, BytesMut};
use gateway::adapt::dialects::between;
use gateway::adapt::ndjson::LineParser;
use gateway::adapt::providers::bedrock::eventstream;
use gateway::adapt::sse::{Item, SseParser};
use gateway::adapt::{Head, Target};
use gateway::config;
use gateway::options::Options;
use gateway::params::Params;
use gateway::request::{Call, Op};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// Providers whose adapters differ; every stream and reply goes through each.
const MODELS: [&str; 21] = [
    "openai/gpt-4o",
    "deepseek/deepseek-chat",
    "anthropic/claude-3-5-sonnet-20240620",
    "perplexity/sonar",
    "groq/llama-3.1-8b-instant",
    "cohere_chat/command-a-03-2025",
    "ollama/llama3",
    "ollama_chat/llama3",
    "gemini/gemini-2.5-flash",
    "vertex_ai/gemini-2.5-flash",
    "vertex_ai/claude-sonnet-4@20250514",
    "vertex_ai/meta/llama-4-maverick-17b-128e-instruct-maas",
    "vertex_ai/mistral-large@2411-001",
    "mistral/magistral-medium-latest",
    "text-completion-codestral/codestral-latest",
    "databricks/databricks-claude-sonnet-4",
    "huggingface/meta-llama/Llama-3.3-70B-Instruct",
    "bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0",
    "bedrock/invoke/anthropic.claude-3-5-sonnet-20240620-v1:0",
    "bedrock/invoke/meta.llama3-8b-instruct-v1:0",
    "bedrock/amazon.titan-text-express-v1",
];

/// A third of them, which the length tells: inputs of every length come by.
fn some(bytes: &[u8]) -> impl Iterator<Item = &'static str> {
    MODELS.into_iter().skip(bytes.len() % 3).step_by(3)
}

/// Those whose streams are binary.
const BINARY: [&str; 4] = [
    "bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0",
    "bedrock/invoke/anthropic.claude-3-5-sonnet-20240620-v1:0",
    "bedrock/invoke/meta.llama3-8b-instruct-v1:0",
    "bedrock/amazon.titan-text-express-v1",
];

/// Where to cut, told by the bytes themselves: the first one is the seed.
fn cut(bytes: &[u8]) -> (&[u8], usize) {
    let Some((seed, rest)) = bytes.split_first() else {
        return (bytes, 0);
    };
    (rest, usize::from(*seed) * rest.len() / 256)
}

/// Server-sent events: the items are those of the standard, however the bytes are cut.
pub fn sse(bytes: &[u8]) {
    sse_of(items, bytes);
}

/// The same of any reader.
pub fn sse_of(items: fn(&[&[u8]]) -> Items, bytes: &[u8]) {
    let (bytes, at) = cut(bytes);
    let whole = items(&[bytes]);
    assert_eq!(items(&[&bytes[..at], &bytes[at..]]), whole, "cut at {at}");
    let each: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(items(&each), whole, "cut everywhere");
    assert_eq!(whole, Ok(by_the_standard(bytes)));
}

/// The standard's words, as plainly as they can be followed: lines first, then fields. The last event needs no empty
/// line.
fn by_the_standard(bytes: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut lines = vec![Vec::new()];
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' if at > 0 && bytes[at - 1] == b'\r' => {}
            b'\n' | b'\r' => lines.push(Vec::new()),
            other => lines.last_mut().unwrap().push(*other),
        }
    }
    lines.push(Vec::new());
    let (mut items, mut name) = (Vec::new(), Vec::new());
    let mut data: Option<Vec<u8>> = None;
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let trimmed = value.strip_prefix(b" ").unwrap_or(value).to_vec();
        match field {
            _ if line.is_empty() => {
                let name = std::mem::take(&mut name);
                items.extend(data.take().map(|data| (name, data)));
            }
            b"" => items.push((b":".to_vec(), value.to_vec())),
            b"event" => name = trimmed,
            b"data" => match &mut data {
                None => data = Some(trimmed),
                Some(data) => {
                    data.push(b'\n');
                    data.extend(trimmed);
                }
            },
            _ => {}
        }
    }
    items
}

/// Names and data.
pub type Items = Result<Vec<(Vec<u8>, Vec<u8>)>, String>;

fn items(pieces: &[&[u8]]) -> Items {
    let mut seen = Vec::new();
    let mut parser = SseParser::default();
    let mut on = |item: Item<'_>| {
        seen.push(match item {
            Item::Event { name, data } => (name.to_vec(), data.to_vec()),
            Item::Comment(text) => (b":".to_vec(), text.to_vec()),
        });
        Ok(())
    };
    for piece in pieces {
        parser
            .push(piece, &mut on)
            .map_err(|error| error.message.clone())?;
    }
    parser
        .finish(&mut on)
        .map_err(|error| error.message.clone())?;
    Ok(seen)
}

/// Lines of JSON: they are what lies between line feeds, however the bytes are cut.
pub fn ndjson(bytes: &[u8]) {
    ndjson_of(lines, bytes);
}

/// The same of any reader.
pub fn ndjson_of(lines: fn(&[&[u8]]) -> Vec<Vec<u8>>, bytes: &[u8]) {
    let (bytes, at) = cut(bytes);
    let expected: Vec<&[u8]> = bytes
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(lines(&[bytes]), expected);
    assert_eq!(
        lines(&[&bytes[..at], &bytes[at..]]),
        expected,
        "cut at {at}"
    );
    let each: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(lines(&each), expected, "cut everywhere");
}

fn lines(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut seen = Vec::new();
    let mut parser = LineParser::default();
    let mut on = |line: &[u8]| {
        seen.push(line.to_vec());
        Ok(())
    };
    for piece in pieces {
        parser.push(piece, &mut on).unwrap();
    }
    parser.finish(&mut on).unwrap();
    seen
}

fn target(model: &str) -> Target {
    let env = |name: &str| match name {
        "VERTEXAI_PROJECT" => Some("fuzz".to_owned()),
        "DATABRICKS_API_BASE" => Some("http://fuzz.test".to_owned()),
        name => name.ends_with("_API_KEY").then(|| "sk-fuzz".to_owned()),
    };
    Target::resolve(model, &Options::default(), &env).unwrap()
}

/// Amazon's event stream: the messages do not depend on the cut, and a changed one is refused. Every line of the
/// bytes is then the payload of a message to each adapter that reads such streams, under the name before its first
/// space.
pub fn eventstream(bytes: &[u8]) {
    let (bytes, at) = cut(bytes);
    let whole = messages(&[bytes]);
    assert_eq!(
        messages(&[&bytes[..at], &bytes[at..]]),
        whole,
        "cut at {at}"
    );
    let each: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(messages(&each), whole, "cut everywhere");

    let mut framed = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let space = line.iter().position(|byte| *byte == b' ');
        let (name, payload) = line.split_at(space.unwrap_or(0));
        let name = std::str::from_utf8(name)
            .ok()
            .filter(|name| name.len() < 100);
        let kind = if payload.ends_with(b"!") {
            "exception"
        } else {
            "event"
        };
        let named = if kind == "event" {
            ":event-type"
        } else {
            ":exception-type"
        };
        let headers = [(":message-type", kind), (named, name.unwrap_or("chunk"))];
        framed.extend(eventstream::write(&headers, payload));
    }
    let read = messages(&[&framed]).expect("what is written can be read");
    assert_eq!(read.len(), bytes.split(|byte| *byte == b'\n').count());
    let at = at.min(framed.len());
    for model in BINARY {
        let (target, call) = (target(model), call(model, true));
        let (whole, ended) = streamed(&call, &target, &[&framed]);
        let (in_two, ended_in_two) = streamed(&call, &target, &[&framed[..at], &framed[at..]]);
        assert_eq!(ended, ended_in_two, "{model} cut at {at}");
        assert_eq!(
            String::from_utf8_lossy(&settled(&in_two)),
            String::from_utf8_lossy(&settled(&whole)),
            "{model} cut at {at}"
        );
    }
    if let Some(byte) = framed.get_mut(at) {
        *byte ^= 0x10;
        assert!(messages(&[&framed]).is_err() || at >= framed.len());
    }
}

type Messages = Result<Vec<(String, String, Vec<u8>)>, String>;

fn messages(pieces: &[&[u8]]) -> Messages {
    let mut parser = eventstream::Parser::default();
    let mut seen = Vec::new();
    for piece in pieces {
        let pushed = parser.push(piece, |message| {
            let (kind, name) = (message.kind.to_owned(), message.name.to_owned());
            seen.push((kind, name, message.payload.to_vec()));
            Ok::<(), eventstream::Broken>(())
        });
        pushed.map_err(|broken| broken.to_string())?;
    }
    Ok(seen)
}

fn call(model: &str, stream: bool) -> Call {
    let body = format!(
        "{{\"model\":\"m\",\"stream\":{stream},\"stream_options\":{{\"include_usage\":true}},\
         \"messages\":[{{\"role\":\"user\",\"content\":\"x\"}}]}}"
    );
    let mut call = Call::new(Op::Chat, model, Params::parse(&body.into()).unwrap());
    "call".clone_into(&mut call.id);
    call.created = 1;
    call
}

/// A streamed reply through the adapters: every event is JSON, and the output does not depend on the cut.
pub fn stream(bytes: &[u8]) {
    let (bytes, at) = cut(bytes);
    for model in some(bytes) {
        let (target, call) = (target(model), call(model, true));
        let (whole, ended) = streamed(&call, &target, &[bytes]);
        let (in_two, ended_in_two) = streamed(&call, &target, &[&bytes[..at], &bytes[at..]]);
        assert_eq!(ended, ended_in_two, "{model} cut at {at}");
        assert_eq!(
            String::from_utf8_lossy(&settled(&in_two)),
            String::from_utf8_lossy(&settled(&whole)),
            "{model} cut at {at}"
        );
        let mut parser = SseParser::default();
        let read = parser.push(&whole, |item| {
            if let Item::Event { data, .. } = item
                && data != b"[DONE]"
            {
                let chunk = serde_json::from_slice::<Value>(data);
                assert!(
                    chunk.is_ok_and(|chunk| chunk.is_object()),
                    "{model}: {}",
                    String::from_utf8_lossy(data)
                );
            }
            Ok(())
        });
        assert!(read.is_ok());
    }
}

/// The output, and how it ended.
fn streamed(call: &Call, target: &Target, pieces: &[&[u8]]) -> (Vec<u8>, Result<bool, String>) {
    let mut adapter = target.provider.adapter.stream(call, target);
    let mut out = BytesMut::new();
    let pushed = pieces
        .iter()
        .try_for_each(|piece| adapter.push(piece, &mut out));
    let ended = pushed.and_then(|()| adapter.finish(&mut out));
    let ended = ended
        .map(|end| end.complete)
        .map_err(|error| error.message.clone());
    (out.to_vec(), ended)
}

/// With one identifier for all that are made up, which differ from run to run: hexadecimal runs as long as a UUID's.
fn settled(text: &[u8]) -> Vec<u8> {
    let hexadecimal = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let run = rest.iter().take_while(|byte| hexadecimal(byte)).count();
        if run >= 22 {
            out.extend_from_slice(b"<id>");
        } else {
            out.extend_from_slice(&rest[..run]);
        }
        let plain = rest[run..]
            .iter()
            .take_while(|byte| !hexadecimal(byte))
            .count();
        out.extend_from_slice(&rest[run..run + plain]);
        rest = &rest[run + plain..];
    }
    out
}

/// A whole reply, and an error, through the adapters: what comes out is JSON.
pub fn reply(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let head = |status| Head {
        status,
        headers: HeaderMap::new(),
    };
    for model in some(bytes) {
        let (target, call) = (target(model), call(model, false));
        let adapter = target.provider.adapter;
        if let Ok(reply) = adapter.reply(&call, &target, &head(StatusCode::OK), body.clone()) {
            let reply = serde_json::from_slice::<Value>(&reply.body);
            assert!(reply.is_ok_and(|reply| reply.is_object()), "{model}");
        }
        for status in [
            StatusCode::BAD_REQUEST,
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::BAD_GATEWAY,
        ] {
            let error = adapter.error(&call, &target, &head(status), bytes);
            assert!(error.status >= 400, "{model}: {}", error.status);
        }
    }
}

/// What may be asked of a provider; the length of the bytes picks one.
const OPS: [Op; 11] = [
    Op::Chat,
    Op::Messages,
    Op::Responses,
    Op::GenerateContent,
    Op::TextCompletion,
    Op::Embeddings,
    Op::CountTokens,
    Op::Rerank,
    Op::ImageGeneration,
    Op::Moderation,
    Op::Speech,
];

fn op(bytes: &[u8]) -> Op {
    OPS[bytes.len() / 3 % OPS.len()]
}

/// The call as the target is asked it, in its own dialect or in the caller's.
fn asked(call: &Call, target: &Target) -> Option<Call> {
    match target.provider.adapter.asks(call, target) {
        to if to == call.op => Some(call.clone()),
        to => between(call.op, to)?.call(call, target).ok(),
    }
}

/// A whole answer of any operation, back through the bridge that the call went over: it is JSON.
pub fn answer(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let head = Head {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
    };
    for model in some(bytes) {
        let (target, mut call) = (target(model), call(model, false));
        call.op = op(bytes);
        call.format = call.op.format();
        let Some(asked) = asked(&call, &target) else {
            continue;
        };
        let adapter = target.adapter(asked.op);
        let told = adapter.reply(&asked, &target, &head, body.clone());
        let Ok(mut told) = told else { continue };
        if asked.op != call.op
            && let Some(bridge) = between(call.op, asked.op)
        {
            let Ok(bridged) = bridge.reply(&call, &target, told) else {
                continue;
            };
            told = bridged;
        }
        if !adapter.is_raw(&asked) {
            let told = serde_json::from_slice::<Value>(&told.body);
            assert!(told.is_ok(), "{model} {:?}", call.op);
        }
    }
}

/// The members of a request: what is written again says the same, and options and requests are made of anything.
pub fn params(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let Ok(params) = Params::parse(&body) else {
        return;
    };
    let written = params.to_json();
    let again = Params::parse(&written).expect("what is written can be read");
    assert_eq!(again, params);
    // What a tree cannot hold (nesting too deep, a number too large) is copied as it is.
    if let Ok(before) = serde_json::from_slice::<Value>(&body) {
        assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), before);
    }
    let Ok((options, rest)) = Options::split(params) else {
        return;
    };
    let ops = [Op::Chat, op(bytes)];
    for (model, op) in MODELS.iter().flat_map(|model| ops.map(|op| (*model, op))) {
        let mut call = Call::new(op, model, rest.clone());
        call.options = options.clone();
        let target = target(model);
        let Some(call) = asked(&call, &target) else {
            continue;
        };
        if let Ok(request) = target.adapter(call.op).request(&call, &target) {
            assert!(
                Params::parse(&request.body.to_vec().into()).is_ok(),
                "{model}"
            );
        }
    }
}

/// A configuration file: it is understood or refused with reasons that have places, the same each time.
pub fn config(bytes: &[u8]) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.yaml");
    std::fs::write(&path, bytes).unwrap();
    let env = |name: &str| (name == "KNOWN").then(|| "value".to_owned());
    let first = config::check(&path, &env);
    assert_eq!(first.to_string(), config::check(&path, &env).to_string());
    assert_eq!(config::load(&path, &env).is_err(), first.has_errors());
    if let Ok((config, _)) = config::load(&path, &env) {
        let none: gateway::route::Env = std::sync::Arc::new(|_| None);
        drop(gateway::route::Routes::build(&config, &none, None));
    }
}
