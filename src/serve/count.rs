//! `/utils/token_counter`: how many tokens a prompt or messages are, counted here; no provider is asked.

use super::body::ReplyBody;
use super::fields::Fields;
use super::refusal::{self, Refusal};
use super::{Gateway, json};
use crate::account::tokens::{Encoding, Prompt};
use crate::error::Result;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use std::time::Instant;

/// What is to be counted.
pub(super) enum Asked {
    Text(String),
    Messages {
        messages: Vec<Value>,
        tools: Vec<Value>,
    },
}

/// Counts, on a thread that may be busy.
pub async fn tokens(gateway: &Gateway, body: &Bytes) -> Response<ReplyBody> {
    let (model, asked) = match asked(body) {
        Ok(read) => read,
        Err(reply) => return reply,
    };
    let target = {
        let snapshot = gateway.engine.snapshot.load();
        let routes = &snapshot.routes;
        routes.target(&model, Instant::now(), fastrand::f64())
    };
    let used = match &target {
        Some(target) => {
            let name = target.litellm_model.as_str();
            name.split_once('/').map_or(name, |(_, rest)| rest)
        }
        None => &model,
    };
    let base = target.as_ref().and_then(|t| t.options.base_model.clone());
    let encoding = Encoding::of(base.as_deref().unwrap_or(used));
    let counted = tokio::task::spawn_blocking(move || count(encoding, &asked)).await;
    match counted {
        Ok(Ok(total)) => json(&json!({
            "total_tokens": total,
            "request_model": model,
            "model_used": used,
            "tokenizer_type": "openai_tokenizer",
            "count_source": "local_estimate",
            "original_response": null,
            "error": false,
            "error_message": null,
            "status_code": null,
        })),
        Ok(Err(error)) => Refusal::new(400, "token_counting_error", &*error.message)
            .param("messages")
            .reply(),
        Err(_) => refusal::broken(),
    }
}

#[allow(clippy::result_large_err)]
fn asked(body: &Bytes) -> Result<(String, Asked), Response<ReplyBody>> {
    let mut fields = Fields::read(body)?;
    let model = fields.text("model");
    let prompt = fields.optional_text("prompt");
    let messages = fields.objects("messages");
    let contents = fields.objects("contents");
    let tools = fields.objects("tools").unwrap_or_default();
    let system = fields
        .raw("system")
        .and_then(|raw| serde_json::from_slice::<Value>(raw).ok())
        .filter(|system| match system {
            Value::String(text) => !text.is_empty(),
            Value::Array(blocks) => !blocks.is_empty(),
            _ => false,
        });
    fields.settled()?;
    if prompt.is_none() && messages.is_none() && contents.is_none() {
        return Err(refusal::detail(
            StatusCode::BAD_REQUEST,
            "prompt or messages or contents must be provided",
        ));
    }
    let empty =
        messages.as_ref().is_none_or(Vec::is_empty) && contents.as_ref().is_none_or(Vec::is_empty);
    let prompt = prompt.filter(|prompt| !prompt.is_empty());
    if prompt.is_some() && !empty {
        return Err(Refusal::new(
            400,
            "invalid_request_error",
            "prompt cannot be sent with messages or contents",
        )
        .param("prompt")
        .reply());
    }
    let mut turns = match prompt {
        Some(prompt) if system.is_none() && tools.is_empty() => {
            return Ok((model, Asked::Text(prompt)));
        }
        Some(prompt) => vec![json!({ "role": "user", "content": prompt })],
        None if messages.is_none() => {
            return Err(Refusal::new(
                400,
                "token_counting_error",
                "`contents` are counted by their provider only, which is not asked here",
            )
            .param("contents")
            .reply());
        }
        None => messages.unwrap_or_default(),
    };
    if let Some(system) = system {
        turns.insert(0, json!({ "role": "system", "content": system }));
    }
    Ok((
        model,
        Asked::Messages {
            messages: turns,
            tools,
        },
    ))
}

pub(super) fn count(encoding: Encoding, asked: &Asked) -> Result<i64> {
    match asked {
        Asked::Text(text) => Ok(encoding.count(text)),
        Asked::Messages { messages, tools } => Prompt {
            encoding,
            messages,
            tools: Some(tools),
            tool_choice: None,
            primed: true,
            default_images: false,
            fallback: None,
        }
        .count(),
    }
}
