//! IBM watsonx.ai: chats under OpenAI's names at addresses of its own, texts, and embeddings.
//!
//! API: <https://cloud.ibm.com/apidocs/watsonx-ai#text-chat>, <https://cloud.ibm.com/apidocs/watsonx-ai#text-generation>,
//! <https://cloud.ibm.com/apidocs/watsonx-ai#text-embeddings>. LiteLLM repeats the caller's token in bodies; here no
//! credential enters one.

mod place;
mod text;

use super::openai::OpenAi;
use super::openai_request::{self, embeddings, with_defaults};
use super::replies;
use super::retold::Retold;
use crate::adapt::canonical::into_object;
use crate::adapt::stream_chunks::StreamSettings;
use crate::adapt::usage::{Object, count};
use crate::adapt::{Adapter, Auth, Head, Reply, StreamAdapter, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

pub use place::settle;

/// The adapter: of chats, or of models that complete texts (`watsonx_text`).
pub struct Watsonx {
    /// Whether models are asked to chat.
    pub chat: bool,
}

impl Adapter for Watsonx {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let given = with_defaults(&call.params, &target.defaults);
        let place = place::Place::of(&given, target)?;
        let mut body = match call.op {
            Op::Embeddings => embed(call, target)?,
            _ if self.chat => {
                let asked;
                let call = match call.op {
                    Op::TextCompletion => {
                        asked = openai_request::text::as_chat(call)?;
                        &asked
                    }
                    _ => call,
                };
                let mut body = openai_request::chat(call, target)?.0;
                body.set("stream", &call.stream);
                body
            }
            _ => text::body(call, target, &given)?,
        };
        place.enter(&mut body, &target.model);
        let verb = match call.op {
            Op::Embeddings => "embeddings",
            _ if self.chat => "chat",
            _ => "generation",
        };
        Ok(UpstreamRequest {
            method: Method::POST,
            url: place.url(target, verb, call.stream)?,
            headers: place::headers(call, &given, target)?,
            body: body.to_json().into(),
        })
    }

    fn auth(&self, call: &Call, target: &Target) -> Auth {
        place::auth(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        if call.op == Op::Embeddings {
            return embedded(call, target, &body);
        }
        if self.chat {
            return OpenAi.reply(call, target, head, body);
        }
        text::reply(call, target, &body)
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        let settings = StreamSettings::of(call, target);
        let retell = if self.chat { chunk } else { text::chunk };
        Box::new(Retold::new(settings, target, retell))
    }

    fn error(&self, _call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        replies::place(target).status(head.status.as_u16(), &head.headers, body)
    }
}

/// A chunk without the members that LiteLLM does not take over: its id, its fingerprint.
fn chunk(target: &Target, event: &Value) -> Result<Option<Object>> {
    if let Some(errors) = event.get("errors").and_then(Value::as_array) {
        let detail = errors.first().cloned().unwrap_or_default();
        return Err(replies::place(target).event(&detail));
    }
    let mut out = Object::new();
    if let Some(used) = event.get("usage").filter(|used| used.is_object()) {
        out.insert("usage".into(), used.clone());
    }
    let first = &event["choices"][0];
    let content = first["delta"]["content"].as_str().unwrap_or_default();
    let mut delta = into_object(json!({"content": content}));
    if let Some(calls) = first["delta"]["tool_calls"]
        .as_array()
        .filter(|calls| !calls.is_empty())
    {
        let calls: Vec<Value> = calls
            .iter()
            .map(|call| {
                let function = &call["function"];
                json!({"id": call["id"], "type": "function", "index": call["index"],
                    "function": {"name": function["name"], "arguments": function["arguments"].as_str().unwrap_or_default()}})
            })
            .collect();
        delta.insert("tool_calls".into(), calls.into());
    }
    let choice = json!({"index": 0, "delta": delta, "finish_reason": first["finish_reason"]});
    out.insert("choices".into(), json!([choice]));
    Ok(Some(out))
}

fn embed(call: &Call, target: &Target) -> Result<Params> {
    let mut given = embeddings::members(call, target)?;
    let inputs = match given.get::<Value>("input") {
        Some(Value::Array(texts)) => Value::Array(texts),
        Some(text) => json!([text]),
        None => json!([]),
    };
    given.retain(|name, _| name != "input" && !place::is_setting(name));
    let mut body = Params::default();
    body.set("inputs", &inputs);
    body.set_raw("parameters", given.to_json());
    Ok(body)
}

fn embedded(call: &Call, target: &Target, body: &[u8]) -> Result<Reply> {
    let reply = replies::object(target, body)?;
    let results = reply.get("results").and_then(Value::as_array);
    let data: Vec<Value> = results
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(index, result)| replies::embedding(index, &result["embedding"]))
        .collect();
    let used = replies::counts(count(&reply, "input_token_count"), 0);
    // LiteLLM names no model.
    Ok(replies::embeddings(call, "", &data, used))
}

#[cfg(test)]
mod tests;
