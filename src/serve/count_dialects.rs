//! `/v1/messages/count_tokens`, and Gemini's `:countTokens`: the provider is asked where it answers in the caller's
//! dialect, else the tokens of the same prompt as a chat are counted here.

use super::body::ReplyBody;
use super::count::{self, Asked};
use super::refusal::{self, Refusal};
use super::{Gateway, inbound, json, reply};
use crate::account::tokens::Encoding;
use crate::adapt::Target;
use crate::adapt::dialects::between;
use crate::adapt::dialects::messages::over_responses;
use crate::adapt::providers::openai_responses::tells_thoughts;
use crate::error::Error;
use crate::params::Params;
use crate::pipeline::{AnswerBody, Failure};
use crate::request::{Call, Format, Op};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

/// Counts a request of Anthropic's dialect.
pub async fn messages(gateway: &Gateway, body: &Bytes, headers: &HeaderMap) -> Response<ReplyBody> {
    let format = Format::Anthropic;
    let call = match asked(gateway, Op::Messages, body, headers, None) {
        Ok(call) => call,
        Err(refusal) => return refusal.reply_in(format),
    };
    for name in ["model", "messages"] {
        if call
            .params
            .get::<Value>(name)
            .is_none_or(|given| given == "")
        {
            let what = format!("{name} parameter is required");
            return Refusal::new(400, "invalid_request_error", what).reply_in(format);
        }
    }
    match counted(gateway, call).await {
        Ok(Counted::Told(told)) => {
            let told: Value = serde_json::from_slice(&told).unwrap_or_default();
            json(&json!({"input_tokens": told["input_tokens"], "litellm_count_source": "provider"}))
        }
        Ok(Counted::Here(tokens)) => {
            json(&json!({"input_tokens": tokens, "litellm_count_source": "local_estimate"}))
        }
        Err(error) => refused(&error, format),
    }
}

/// Counts a request of Gemini's dialect.
pub async fn contents(
    gateway: &Gateway,
    body: &Bytes,
    headers: &HeaderMap,
    model: &str,
) -> Response<ReplyBody> {
    let format = Format::Gemini;
    let call = match asked(gateway, Op::GenerateContent, body, headers, Some(model)) {
        Ok(call) => call,
        Err(refusal) => return refusal.reply_in(format),
    };
    match counted(gateway, call).await {
        Ok(Counted::Told(told)) => reply::json(StatusCode::OK, told),
        Ok(Counted::Here(tokens)) => json(&json!({ "totalTokens": tokens })),
        Err(error) => refused(&error, format),
    }
}

/// A count, and who counted.
enum Counted {
    /// The provider's answer.
    Told(Bytes),
    Here(i64),
}

fn asked(
    gateway: &Gateway,
    op: Op,
    body: &Bytes,
    headers: &HeaderMap,
    path_model: Option<&str>,
) -> Result<Box<Call>, Refusal> {
    let params = inbound::members(headers, body)?;
    let from = inbound::From {
        method: &http::Method::POST,
        headers,
        path: "",
        query: "",
        path_model,
        peer: Arc::from(""),
    };
    inbound::call(op, params, &from, &gateway.engine.snapshot.load().config)
}

async fn counted(gateway: &Gateway, call: Box<Call>) -> Result<Counted, Error> {
    let target = {
        let snapshot = gateway.engine.snapshot.load();
        let routes = &snapshot.routes;
        routes.target(&call.model, Instant::now(), fastrand::f64())
    };
    if let Some(target) = &target {
        let mut question = call.clone();
        question.op = Op::CountTokens;
        question.stream = false;
        if target.provider.adapter.asks(&question, target) == Op::CountTokens {
            return told(gateway, *question, target.clone()).await;
        }
        if call.op == Op::Messages && tells_thoughts(&call, target) {
            let question = over_responses::count(&call, target)?;
            return told(gateway, question, target.clone()).await;
        }
    }
    here(&call, target.as_deref()).await.map(Counted::Here)
}

async fn told(gateway: &Gateway, call: Call, target: Arc<Target>) -> Result<Counted, Error> {
    match gateway.engine.ask(call, target).await {
        Ok(answer) => match answer.body {
            AnswerBody::Whole(whole) => Ok(Counted::Told(whole.body)),
            AnswerBody::Stream(_) | AnswerBody::Raw(_) => {
                Err(Error::bad_request("a count is not streamed"))
            }
        },
        Err(failure) => {
            let Failure { error, .. } = *failure;
            Err(error)
        }
    }
}

/// Counts the prompt as the chat that it would be, on a thread that may be busy.
async fn here(call: &Call, target: Option<&Target>) -> Result<i64, Error> {
    let nowhere = Target::resolve("openai/gpt-4o", &call.options, &|_| None)?;
    let target = target.unwrap_or(&nowhere);
    let call = &with_request(call);
    let chat = match between(call.op, Op::Chat) {
        Some(bridge) => bridge.call(call, target)?,
        None => call.clone(),
    };
    let base = target.options.base_model.as_deref();
    let encoding = Encoding::of(base.unwrap_or(&target.model));
    let prompt = Asked::Messages {
        messages: chat.params.get("messages").unwrap_or_default(),
        tools: chat.params.get("tools").unwrap_or_default(),
    };
    let counted = tokio::task::spawn_blocking(move || count::count(encoding, &prompt)).await;
    counted.unwrap_or_else(|_| Err(Error::bad_request("the prompt cannot be counted")))
}

/// Gemini's `countTokens` may hold the whole request that it is about.
fn with_request(call: &Call) -> Call {
    let mut call = call.clone();
    let whole: Option<Params> = call
        .params
        .raw("generateContentRequest")
        .and_then(|raw| Params::parse(raw).ok());
    for (name, raw) in whole.iter().flat_map(Params::iter) {
        call.params.set_raw(name, raw.clone());
    }
    call
}

/// The provider's refusal in its own words, under its own status.
fn refused(error: &Error, format: Format) -> Response<ReplyBody> {
    let own = error.body.as_ref();
    let own: Option<Value> = own.and_then(|own| serde_json::from_slice(own).ok());
    let message = own
        .as_ref()
        .and_then(|own| own["error"]["message"].as_str());
    let Some(message) = message else {
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
        return reply::json(status, refusal::body(error, format, None));
    };
    Refusal::new(error.status, "api_error", message).reply_in(format)
}
