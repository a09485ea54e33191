//! Answers without an upstream: LiteLLM's `mock_response`, and `mock/echo`, which says what it was told.

use super::canonical::{self, Context, Form};
use super::errors::{Family, Wording};
use super::stream::{OpenAiStream, StreamPlace};
use super::stream_chunks::StreamSettings;
use super::usage::{self, Object};
use super::{Reply, StreamAdapter, StreamEnd, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::request::{Call, Op};
use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

/// Name of the provider that needs no upstream.
pub const PROVIDER: &str = "mock";
/// Characters in a chunk of a mocked stream.
const CHUNK_CHARS: usize = 3;
/// LiteLLM's counts for a mocked reply.
const PROMPT_TOKENS: u64 = 10;
const COMPLETION_TOKENS: u64 = 20;
/// Most choices that a mocked reply has.
const MAX_CHOICES: u64 = 128;

/// A mocked answer.
#[derive(Debug)]
pub enum Mocked {
    /// A whole reply.
    Whole(Reply),
    /// Canonical events, all at once, and how the stream ends. The usage chunk and `[DONE]` are the caller's.
    Stream(Bytes, Box<StreamEnd>),
}

/// The answer to a call that needs no upstream; `None` for a call that does.
///
/// # Errors
/// The error that the mock names, such as `litellm.RateLimitError`.
pub fn answer(call: &Call, target: &Target) -> Option<Result<Mocked>> {
    if call.op.is_endpoint() {
        return None;
    }
    let given = call
        .options
        .mock_response
        .as_ref()
        .or(target.options.mock_response.as_ref());
    let said: Option<Value> = given.and_then(|raw| serde_json::from_slice(raw).ok());
    let calls = mock_tool_calls(call).or_else(|| target.options.other.get("mock_tool_calls"));
    let said = match said {
        Some(said) if !said.is_null() => said,
        _ if target.provider.name == PROVIDER => json!(echo(call)),
        _ if calls.is_some() => json!("This is a mock request"),
        _ => return None,
    };
    Some(mocked(call, target, said, calls.as_ref()))
}

/// Whether a call is answered here.
pub fn is_meant(call: &Call, target: &Target) -> bool {
    let given = |raw: &Option<Bytes>| raw.as_ref().is_some_and(|raw| &raw[..] != b"null");
    target.provider.name == PROVIDER
        || given(&call.options.mock_response)
        || given(&target.options.mock_response)
        || call.options.other.contains("mock_tool_calls")
        || target.options.other.contains("mock_tool_calls")
}

fn mock_tool_calls(call: &Call) -> Option<Value> {
    call.options.other.get("mock_tool_calls")
}

fn mocked(call: &Call, target: &Target, said: Value, calls: Option<&Value>) -> Result<Mocked> {
    let said = match said {
        Value::Object(reply) if call.op == Op::Chat && !call.stream => {
            return Ok(whole(call, target, reply));
        }
        Value::Array(vector) if call.op == Op::Embeddings => {
            return Ok(whole(call, target, embedding(&vector)));
        }
        Value::Object(reply) => reply
            .get("choices")
            .and_then(|choices| choices.get(0)?.get("message")?.get("content")?.as_str())
            .unwrap_or("")
            .to_owned(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    if call.op == Op::Embeddings {
        return Ok(whole(call, target, embedding(&[])));
    }
    if let Some(error) = named_error(&said, target) {
        return Err(error);
    }
    if call.stream {
        return stream(call, target, &said);
    }
    Ok(whole(call, target, reply(call, &said, calls, target)))
}

/// What the last user message says.
fn echo(call: &Call) -> String {
    let messages: Vec<Value> = serde_json::from_slice(&call.messages()).unwrap_or_default();
    let last = messages
        .iter()
        .rev()
        .find(|message| message["role"] == "user")
        .map(|message| &message["content"]);
    match last {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts: Vec<&str> = parts
                .iter()
                .filter_map(|part| part["text"].as_str())
                .collect();
            texts.join("\n")
        }
        _ => call.params.get("prompt").unwrap_or_default(),
    }
}

fn named_error(said: &str, target: &Target) -> Option<Error> {
    let (kind, message) = match said {
        "litellm.RateLimitError" => (ErrorKind::RateLimit, "this is a mock rate limit error"),
        "litellm.ContextWindowExceededError" => (
            ErrorKind::ContextWindowExceeded,
            "litellm.BadRequestError: this is a mock context window exceeded error",
        ),
        "litellm.InternalServerError" => (
            ErrorKind::InternalServer,
            "this is a mock internal server error",
        ),
        _ if said.starts_with("Exception: content_filter_policy") => {
            (ErrorKind::ContentPolicyViolation, said)
        }
        _ if said.starts_with("Exception: mock_streaming_error") => {
            (ErrorKind::Api, "This is a mock error raised mid-stream")
        }
        _ => return None,
    };
    Some(Error::new(kind, message).at(target.provider.name, &target.model))
}

fn choice_count(call: &Call) -> u64 {
    call.params
        .get::<u64>("n")
        .unwrap_or(1)
        .clamp(1, MAX_CHOICES)
}

fn reply(call: &Call, said: &str, calls: Option<&Value>, target: &Target) -> Object {
    let choices: Vec<Value> = (0..choice_count(call))
        .map(|index| {
            let mut message = json!({"role": "assistant", "content": said});
            if let (0, Some(calls)) = (index, calls) {
                message["tool_calls"] = calls.clone();
            }
            json!({"index": index, "finish_reason": "stop", "message": message})
        })
        .collect();
    let used = json!({"prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS,
        "total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS});
    canonical::into_object(json!({"model": target.model, "choices": choices, "usage": used}))
}

fn embedding(vector: &[Value]) -> Object {
    canonical::into_object(json!({
        "data": [{"object": "embedding", "index": 0, "embedding": vector}],
        "usage": {"prompt_tokens": PROMPT_TOKENS, "total_tokens": PROMPT_TOKENS},
    }))
}

fn whole(call: &Call, target: &Target, mut reply: Object) -> Mocked {
    reply.entry("model").or_insert_with(|| json!(target.model));
    let context = Context {
        form: Form::Direct,
        model_prefix: "",
        restamp: shown_model(call).filter(|_| !call.keep_upstream_model),
        id: &call.id,
        created: call.created,
    };
    let reply = match call.op {
        Op::TextCompletion => canonical::text_completion(reply, &context),
        Op::Embeddings => canonical::embeddings(reply, &context),
        _ => canonical::chat(reply, &context),
    };
    let used = reply.get("usage").and_then(Value::as_object);
    Mocked::Whole(Reply {
        usage: used.map(|used| usage::counts(used, None)),
        upstream_model: Some(target.model.clone()),
        finish_reason: Some("stop".into()),
        body: serde_json::to_vec(&Value::Object(reply))
            .unwrap_or_default()
            .into(),
    })
}

/// The server shows the client's name of the model.
fn shown_model(call: &Call) -> Option<&str> {
    (!call.caller.route.is_empty()).then(|| call.shown_model())
}

/// A mocked stream is one of the OpenAI kind whose upstream is made here.
fn stream(call: &Call, target: &Target, said: &str) -> Result<Mocked> {
    let settings = StreamSettings {
        closing_model: shown_model(call).is_none().then(|| call.model.clone()),
        open_end: true,
        merge_reasoning: false,
        ..StreamSettings::of(call, target)
    };
    let place = StreamPlace {
        provider: target.provider.name.to_owned(),
        model: target.model.clone(),
        wording: Wording::Message,
        family: Family::OpenAi,
    };
    let mut adapter = OpenAiStream::new(place, settings);
    let mut out = BytesMut::new();
    let letters: Vec<char> = said.chars().collect();
    for piece in letters.chunks(CHUNK_CHARS) {
        let piece: String = piece.iter().collect();
        let choices: Vec<Value> = (0..choice_count(call))
            .map(|index| json!({"index": index, "delta": {"role": "assistant", "content": piece}}))
            .collect();
        push(&mut adapter, &json!({"choices": choices}), &mut out)?;
    }
    let end = adapter.finish(&mut out)?;
    Ok(Mocked::Stream(out.freeze(), Box::new(end)))
}

fn push(adapter: &mut OpenAiStream, chunk: &Value, out: &mut BytesMut) -> Result<()> {
    adapter.push(format!("data: {chunk}\n\n").as_bytes(), out)
}

#[cfg(test)]
#[path = "mock_tests.rs"]
mod tests;
