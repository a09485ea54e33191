//! Models on Vertex AI that speak OpenAI's protocol: Mistral's and AI21's at addresses of their own, all others behind
//! one endpoint, and what the caller deployed from the Model Garden.
//!
//! API: <https://cloud.google.com/vertex-ai/generative-ai/docs/maas/call-open-model-apis>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/mistral>.

use super::place::{self, Publisher};
use crate::adapt::providers::codestral;
use crate::adapt::providers::gemini::{Gemini, request};
use crate::adapt::providers::mistral::Mistral;
use crate::adapt::providers::openai::{self, OpenAi};
use crate::adapt::providers::openai_request::{self, text};
use crate::adapt::registry::provider;
use crate::adapt::stream_chunks::StreamSettings;
use crate::adapt::usage::Object;
use crate::adapt::{
    Adapter, Auth, Fault, Head, Inline, Reply, StreamAdapter, Target, UpstreamRequest,
};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;
use http::Method;

/// The adapter.
pub struct Partner;

impl Adapter for Partner {
    fn inline(&self, _call: &Call, _target: &Target) -> Inline {
        Inline::None
    }

    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let publisher = Publisher::of(&target.model);
        let mut body = match call.op {
            Op::Embeddings => {
                return Err(Error::bad_request(
                    "this model of a partner on Vertex AI has no embeddings",
                )
                .at(target.provider.name, &target.model));
            }
            _ if completes_between(call, target) => between(call, target)?,
            Op::TextCompletion => openai_request::chat(&text::as_chat(call)?, target)?.0,
            _ => openai_request::chat(call, target)?.0,
        };
        if !call.stream {
            body.set("stream", &false);
        }
        let verb = match publisher {
            Publisher::Mistral | Publisher::Ai21 if call.stream => "streamRawPredict",
            Publisher::Mistral | Publisher::Ai21 => "rawPredict",
            _ => "",
        };
        Ok(UpstreamRequest {
            method: Method::POST,
            url: place::url(target, verb, call.stream)?,
            headers: request::headers(call, target)?,
            body: body.to_json().into(),
        })
    }

    fn auth(&self, _call: &Call, target: &Target) -> Auth {
        Auth::Google {
            credentials: place::credentials(target),
            key_header: false,
        }
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        if completes_between(call, target) {
            return codestral::reply(call, target, &body);
        }
        match Publisher::of(&target.model) {
            Publisher::Mistral => Mistral.reply(call, target, head, body),
            Publisher::Open => OpenAi.reply(call, target, head, bare(body)),
            _ => OpenAi.reply(call, target, head, body),
        }
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        if completes_between(call, target) {
            return codestral::stream(call, target);
        }
        let open = matches!(
            Publisher::of(&target.model),
            Publisher::Open | Publisher::Garden
        );
        openai::streamed(call, target, |settings| StreamSettings {
            fields_first: open,
            ..settings
        })
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        Gemini.error(call, target, head, body)
    }

    fn fault(&self, call: &Call, target: &Target, fault: Fault) -> Error {
        Gemini.fault(call, target, fault)
    }
}

/// A reply of the shared endpoint with the members that LiteLLM hands on.
fn bare(body: Bytes) -> Bytes {
    const KEPT: [&str; 6] = ["id", "object", "created", "model", "choices", "usage"];
    let Ok(mut reply) = serde_json::from_slice::<Object>(&body) else {
        return body;
    };
    if reply.contains_key("choices") {
        reply.retain(|name, _| KEPT.contains(&name.as_str()));
    }
    serde_json::to_vec(&reply).map_or(body, Bytes::from)
}

/// The name of a model in a body: without the version that its address names, and none for an endpoint's.
pub fn body_model(model: &str) -> String {
    match Publisher::of(model) {
        Publisher::Mistral => {
            let name = model.split('@').next().unwrap_or(model);
            name.strip_prefix("mistralai/").unwrap_or(name).to_owned()
        }
        Publisher::Garden => String::new(),
        Publisher::Open => place::garden_model(model).to_owned(),
        _ => model.to_owned(),
    }
}

/// Codestral completes between two texts where it is not asked as a chat.
fn completes_between(call: &Call, target: &Target) -> bool {
    call.op == Op::TextCompletion && target.model.contains("codestral")
}

fn between(call: &Call, target: &Target) -> Result<Params> {
    let row = provider("text-completion-codestral").unwrap_or(target.provider);
    codestral::body(call, target, row, &body_model(&target.model))
}

#[cfg(test)]
#[path = "partners_tests.rs"]
mod tests;
