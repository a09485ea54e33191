//! Ollama's own protocol: `/api/generate` under `ollama`, `/api/chat` under `ollama_chat`, `/api/embed` under both.
//!
//! API: <https://docs.ollama.com/api>.

mod chat_stream;
mod embeddings;
mod generate_stream;
mod lines;
mod prompt;
mod reply;
mod request;
#[cfg(test)]
mod tests;

pub use request::{before, chat_params, params};

use super::replies;
use crate::adapt::stream_chunks::StreamSettings;
use crate::adapt::{Adapter, Head, Reply, StreamAdapter, Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::request::{Call, Op};
use bytes::Bytes;
use http::Method;
use http::header::CONTENT_TYPE;

/// The adapter.
pub struct Ollama {
    /// Whether conversations go to `/api/chat` as they are, and not to `/api/generate` as one prompt.
    pub chat: bool,
}

impl Adapter for Ollama {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let mut headers = super::openai_request::wire::headers(call, target)?;
        let (path, body) = if call.op == Op::Embeddings {
            ("/api/embed", embeddings::body(call, target)?)
        } else {
            // LiteLLM sends these without a type or with this one; Ollama does not look at it.
            headers.insert(
                CONTENT_TYPE,
                http::HeaderValue::from_static("application/octet-stream"),
            );
            let (path, body) = if self.chat {
                ("/api/chat", request::chat(call, target)?)
            } else {
                ("/api/generate", request::generate(call, target)?)
            };
            (path, body)
        };
        Ok(UpstreamRequest {
            method: Method::POST,
            url: url(&target.api_base, path),
            headers,
            body: serde_json::to_vec(&body).unwrap_or_default().into(),
        })
    }

    fn reply(&self, call: &Call, target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        let reply = replies::object(target, &body)?;
        if let Some(error) = reply.get("error").filter(|error| !error.is_null()) {
            return Err(failure(target, error));
        }
        match (call.op, self.chat) {
            (Op::Embeddings, _) => Ok(embeddings::reply(call, target, &reply)),
            (_, true) => reply::chat(call, target, reply),
            (_, false) => Ok(reply::generate(call, target, &reply)),
        }
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        let settings = StreamSettings::of(call, target);
        if self.chat {
            let reader = chat_stream::ChatReader::default();
            Box::new(lines::LineStream::new(settings, target, reader))
        } else {
            let reader = generate_stream::GenerateReader::default();
            Box::new(lines::LineStream::new(settings, target, reader))
        }
    }

    fn error(&self, _call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        let status = head.status.as_u16();
        let mut error = replies::place(target).status(status, &head.headers, body);
        let text = String::from_utf8_lossy(body);
        let kind = if text.contains("no such file or directory")
            || text.contains("Invalid response object from API")
        {
            ErrorKind::BadRequest
        } else if text.contains("Failed to establish a new connection") {
            ErrorKind::ServiceUnavailable
        } else {
            return error;
        };
        error.kind = kind;
        error.status = kind.row().status;
        error.retry = kind.row().retry;
        error.openai_type = None;
        error
    }
}

/// The error that a line or a reply carries: a text.
fn failure(target: &Target, error: &serde_json::Value) -> Error {
    let text = error
        .as_str()
        .map_or_else(|| error.to_string(), str::to_owned);
    replies::place(target).event(&serde_json::json!({"message": text}))
}

/// A base may end in the path already.
fn url(base: &str, path: &str) -> String {
    let base = base.trim_end_matches('/');
    if base.ends_with(path) {
        return base.to_owned();
    }
    format!("{base}{path}")
}
