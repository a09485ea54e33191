//! Azure OpenAI: OpenAI's protocol at deployments of one's own, with keys or with tokens of Entra ID.
//!
//! API: <https://learn.microsoft.com/azure/ai-foundry/openai/reference>. [`address`] says where a deployment is,
//! [`credentials`] who asks; what requests do their own way is [`crate::adapt::habits::azure`], errors are
//! [`crate::adapt::errors`].

pub mod address;
pub mod credentials;

use super::openai::OpenAi;
use super::openai_request;
use super::openai_responses;
use crate::adapt::{Adapter, Auth, Head, Reply, StreamAdapter, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::request::{Call, Op};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use serde_json::Value;

/// The adapter.
pub struct Azure;

impl Adapter for Azure {
    fn asks(&self, call: &Call, target: &Target) -> Op {
        openai_responses::asks(call, target)
    }

    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        if let (Op::Responses | Op::Stored(_), Some(native)) = (call.op, target.provider.responses)
        {
            let body = openai_responses::body(call, target, native)?;
            let request = UpstreamRequest {
                method: Method::POST,
                url: address::responses(target, &openai_responses::path(call, target))?,
                headers: credentials::headers(call, target)?,
                body: body.to_json().into(),
            };
            return Ok(openai_responses::asked(call, request));
        }
        let (path, body) = openai_request::body(call, target)?;
        Ok(UpstreamRequest {
            method: Method::POST,
            url: address::url(target, path)?,
            headers: credentials::headers(call, target)?,
            body: body.to_json().into(),
        })
    }

    fn auth(&self, call: &Call, target: &Target) -> Auth {
        credentials::auth(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        let body = if call.op == Op::Embeddings && !call.params.contains("encoding_format") {
            as_numbers(body)
        } else {
            body
        };
        OpenAi.reply(call, target, head, body)
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        OpenAi.stream(call, target)
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        OpenAi.error(call, target, head, body)
    }
}

/// Embeddings that were asked for in base64, which is shorter, as the numbers that the caller expects.
fn as_numbers(body: Bytes) -> Bytes {
    const SIGNS: [&[u8]; 2] = [b"\"embedding\":\"", b"\"embedding\": \""];
    if !SIGNS
        .iter()
        .any(|sign| memchr::memmem::find(&body, sign).is_some())
    {
        return body;
    }
    let Ok(mut reply) = serde_json::from_slice::<Value>(&body) else {
        return body;
    };
    let data = reply.get_mut("data").and_then(Value::as_array_mut);
    for item in data.into_iter().flatten() {
        let Some(Value::String(text)) = item.get("embedding") else {
            continue;
        };
        let Ok(bytes) = STANDARD.decode(text) else {
            continue;
        };
        let numbers = bytes
            .chunks_exact(4)
            .filter_map(|four| Some(f32::from_le_bytes(four.try_into().ok()?)));
        item["embedding"] = numbers.map(f64::from).map(Value::from).collect();
    }
    serde_json::to_vec(&reply).map_or(body, Bytes::from)
}

#[cfg(test)]
mod tests;
