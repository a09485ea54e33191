//! Vertex AI: Gemini's protocol at Google Cloud's addresses, with its credentials, and `predict` for embeddings.
//!
//! API: <https://cloud.google.com/vertex-ai/docs/reference/rest>. Models of partners speak other protocols: [`claude`],
//! [`partners`]; each kind has a row of its own, which [`row`] picks.

pub mod claude;
pub mod partners;
pub mod place;
mod predict;

use super::gemini::{Gemini, native, request};
use crate::adapt::registry::{self, Provider};
use crate::adapt::usage::Object;
use crate::adapt::{
    Adapter, Auth, Fault, Head, Inline, Reply, StreamAdapter, Target, UpstreamRequest,
};
use crate::error::{Error, Result};
use crate::request::{Call, Op};
use bytes::Bytes;
use http::Method;
use place::Publisher;

/// The adapter of Vertex AI.
pub struct Vertex;

/// The row for a model that a partner publishes; `None` for Google's own.
pub fn row(model: &str) -> Option<&'static Provider> {
    match Publisher::of(model) {
        Publisher::Google => None,
        Publisher::Anthropic => Some(&registry::native::VERTEX_CLAUDE),
        Publisher::Mistral => Some(&registry::native::VERTEX_MISTRAL),
        Publisher::Ai21 => Some(&registry::native::VERTEX_AI21),
        Publisher::Open if model.contains("gpt-oss") => Some(&registry::native::VERTEX_GPT_OSS),
        Publisher::Open => Some(&registry::native::VERTEX_OPEN),
        Publisher::Garden => Some(&registry::native::VERTEX_GARDEN),
    }
}

impl Adapter for Vertex {
    fn inline(&self, _call: &Call, _target: &Target) -> Inline {
        Inline::InTheClear
    }

    fn asks(&self, call: &Call, target: &Target) -> Op {
        Gemini.asks(call, target)
    }

    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let (verb, body) = match native::verb(call) {
            Some(verb) => (verb, native::body(call, target)),
            None if call.op == Op::Embeddings => {
                ("predict", request::encode(predict::body(call, target)?))
            }
            None => (
                request::verb(call),
                request::encode(request::body(call, target)?),
            ),
        };
        Ok(UpstreamRequest {
            method: Method::POST,
            url: place::url(target, verb, call.stream)?,
            headers: request::headers(call, target)?,
            body: body.into(),
        })
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        if call.op != Op::Embeddings {
            return Gemini.reply(call, target, head, body);
        }
        let reply: Object =
            serde_json::from_slice(&body).map_err(|_| super::gemini::errors::not_json(target))?;
        Ok(predict::reply(call, target, &reply))
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        Gemini.stream(call, target)
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        Gemini.error(call, target, head, body)
    }

    fn fault(&self, call: &Call, target: &Target, fault: Fault) -> Error {
        Gemini.fault(call, target, fault)
    }

    fn auth(&self, _call: &Call, target: &Target) -> Auth {
        Auth::Google {
            credentials: place::credentials(target),
            key_header: false,
        }
    }
}
