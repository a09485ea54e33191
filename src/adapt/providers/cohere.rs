//! Cohere's second API. Its chats are asked as OpenAI's are, with a few names of its own; everything else differs.
//!
//! API: <https://docs.cohere.com/reference/chat>, <https://docs.cohere.com/reference/chat-stream>,
//! <https://docs.cohere.com/reference/embed>, <https://docs.cohere.com/reference/errors>.

pub(super) mod embeddings;
mod stream;

use super::openai_request::{self, text, wire};
use super::replies;
use crate::adapt::stream_chunks::StreamSettings;
use crate::adapt::usage::{Object, count};
use crate::adapt::{Adapter, Head, Reply, StreamAdapter, Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::request::{Call, Op};
use bytes::Bytes;
use http::{HeaderValue, Method};
use serde_json::{Value, json};

/// The adapter.
pub struct Cohere;

impl Adapter for Cohere {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        if target.model.contains("v1/") {
            let what = "the first version of Cohere's chat API is not supported yet";
            return Err(Error::bad_request(what)
                .hint("name the model without `v1/`")
                .at(target.provider.name, &target.model));
        }
        let mut headers = wire::headers(call, target)?;
        let body = match call.op {
            Op::Embeddings => embeddings::body(call, target)?,
            Op::TextCompletion => openai_request::chat(&text::as_chat(call)?, target)?.0,
            _ => openai_request::chat(call, target)?.0,
        };
        if call.op != Op::Embeddings {
            let source = HeaderValue::from_static("unspecified:litellm");
            headers.insert("request-source", source);
        }
        Ok(UpstreamRequest {
            method: Method::POST,
            url: url(call, target),
            headers,
            body: body.to_json().into(),
        })
    }

    fn reply(&self, call: &Call, target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        let reply = replies::object(target, &body)?;
        if call.op == Op::Embeddings {
            return Ok(embeddings::reply(call, target, &reply));
        }
        let Some(said) = reply.get("message").and_then(Value::as_object) else {
            return Err(replies::place(target).broken("the reply has no `message`"));
        };
        let tokens = reply
            .get("usage")
            .map_or(&Value::Null, |used| &used["tokens"]);
        let model = model(&target.model);
        // LiteLLM tells every whole reply of Cohere as one that stopped.
        Ok(replies::chat(
            call,
            &model,
            "stop",
            message(said),
            used(tokens),
        ))
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        let settings = StreamSettings::of(call, target);
        Box::new(stream::CohereStream::new(settings, target))
    }

    fn error(&self, _call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        let status = head.status.as_u16();
        let mut error = replies::place(target).status(status, &head.headers, body);
        let text = String::from_utf8_lossy(error.body.as_deref().unwrap_or_default()).into_owned();
        if let Some((kind, label)) = named(status, &text) {
            error.kind = kind;
            error.status = kind.row().status;
            error.retry = kind.row().retry;
            error.openai_type = None;
            error.message = format!("{label}CohereException - {text}");
            "cohere".clone_into(&mut error.provider);
        }
        error
    }
}

/// The errors that LiteLLM tells as Cohere's own: by phrases first, by status after.
fn named(status: u16, text: &str) -> Option<(ErrorKind, &'static str)> {
    let has = |phrase: &str| text.contains(phrase);
    if has("invalid api token") || has("No API key provided.") {
        return Some((ErrorKind::Authentication, ""));
    }
    if has("invalid type: parameter") {
        return Some((ErrorKind::BadRequest, ""));
    }
    if has("too many tokens") {
        let label = "litellm.BadRequestError: ";
        return Some((ErrorKind::ContextWindowExceeded, label));
    }
    if text.to_lowercase().contains("internal server error") {
        return Some((ErrorKind::InternalServer, ""));
    }
    match status {
        400 | 498 => Some((ErrorKind::BadRequest, "")),
        408 => Some((ErrorKind::Timeout, "")),
        500 => Some((ErrorKind::InternalServer, "")),
        _ => None,
    }
}

/// The model as Cohere names it: a caller may name the API's version in front.
pub fn model(model: &str) -> String {
    model.replace("v2/", "")
}

/// A base that the caller gives is the whole address, as in LiteLLM. One of the environment is that of the chats.
fn url(call: &Call, target: &Target) -> String {
    let base = target.api_base.as_str();
    let given = base != target.provider.base_url;
    match (call.op, given) {
        (Op::Embeddings, true) => match base.strip_suffix("/v2/chat") {
            Some(host) => format!("{host}/v2/embed"),
            None => base.to_owned(),
        },
        (Op::Embeddings, false) => format!("{base}/v2/embed"),
        (_, true) => base.to_owned(),
        (_, false) => format!("{base}/v2/chat"),
    }
}

/// A message without thoughts and plan, which LiteLLM leaves out; the text goes, too, where tools are called.
fn message(said: &Object) -> Value {
    let calls = said.get("tool_calls").and_then(Value::as_array);
    let calls: Vec<Value> = calls
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(index, call)| {
            let mut call = call.clone();
            call["index"] = json!(index);
            call
        })
        .collect();
    let parts = said.get("content").and_then(Value::as_array);
    let mut message = json!({"role": "assistant", "content": null});
    if !calls.is_empty() {
        message["tool_calls"] = Value::Array(calls);
    } else if let Some(parts) = parts {
        let texts = parts.iter().filter_map(|part| part["text"].as_str());
        message["content"] = json!(texts.collect::<String>());
    }
    let annotations = annotations(said.get("citations"));
    if !annotations.is_empty() {
        message["annotations"] = Value::Array(annotations);
    }
    message
}

/// Citations as OpenAI's annotations: one for each document that a span of the text rests on.
fn annotations(citations: Option<&Value>) -> Vec<Value> {
    let mut out = Vec::new();
    for citation in citations.and_then(Value::as_array).into_iter().flatten() {
        let number = |name: &str| citation[name].as_i64().unwrap_or(0);
        for source in citation["sources"].as_array().into_iter().flatten() {
            if source["type"] != "document" || source.get("document").is_none() {
                continue;
            }
            let id = source["id"].as_str().unwrap_or("unknown");
            let url = source["url"].as_str().filter(|url| !url.is_empty());
            let url = url.map_or_else(|| format!("source:{id}"), str::to_owned);
            let title = source["document"]["title"].as_str().unwrap_or("");
            out.push(json!({"type": "url_citation", "url_citation": {
                "start_index": number("start"), "end_index": number("end"), "title": title, "url": url,
            }}));
        }
    }
    out
}

/// The counts of `usage.tokens`, all of them; `billed_units` leaves out what Cohere adds to prompts.
fn used(tokens: &Value) -> Object {
    let empty = Object::new();
    let tokens = tokens.as_object().unwrap_or(&empty);
    replies::counts(
        count(tokens, "input_tokens"),
        count(tokens, "output_tokens"),
    )
}

#[cfg(test)]
#[path = "cohere/tests.rs"]
mod tests;
