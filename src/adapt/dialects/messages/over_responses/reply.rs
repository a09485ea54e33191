//! A whole response as a message.

use super::signature;
use crate::adapt::dialects::chat_over_responses::is_call;
use crate::adapt::dialects::messages::reply::{Told, started, usage};
use crate::adapt::dialects::messages::shown_model;
use crate::adapt::providers::openai_responses::used;
use crate::adapt::usage::Object;
use crate::adapt::{Reply, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::params::Params;
use crate::request::Call;
use bytes::Bytes;
use serde_json::{Value, json};

/// The message.
///
/// # Errors
/// A reply without items.
pub fn message(call: &Call, target: &Target, reply: Reply) -> Result<Reply> {
    let response: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let Some(items) = response["output"].as_array() else {
        let what = "the provider's reply has no output";
        let error = Error::new(ErrorKind::ApiResponseValidation, what);
        return Err(error.at(target.provider.name, &target.model));
    };
    let model = response["model"].as_str();
    let message = Told {
        id: &response["id"],
        model: model.unwrap_or_else(|| shown_model(call, target)),
        content: items
            .iter()
            .flat_map(|item| blocks(item, &call.params))
            .collect(),
        stop: stop_reason(&response, items),
        refusal: refusal(items),
        usage: usage(counts(&response).as_ref()),
    };
    Ok(Reply {
        body: message.to_json(),
        ..reply
    })
}

/// The usage of a response in chat's names.
pub fn counts(response: &Value) -> Option<Object> {
    let usage = response.get("usage").filter(|usage| usage.is_object())?;
    used(Some(&Bytes::from(usage.to_string())))
}

/// Why a response ended, in Anthropic's words.
pub fn stop_reason(response: &Value, items: &[Value]) -> &'static str {
    match response["incomplete_details"]["reason"].as_str() {
        Some("content_filter" | "refusal") => "refusal",
        _ if response["status"] == "incomplete" => "max_tokens",
        _ if items.iter().any(is_call) => "tool_use",
        _ if !refusal(items).is_null() => "refusal",
        _ => "end_turn",
    }
}

/// The words of a refusal, or null.
fn refusal(items: &[Value]) -> &Value {
    let contents = items.iter().filter_map(|item| item["content"].as_array());
    let mut refusals = contents.flatten().map(|part| &part["refusal"]);
    refusals
        .find(|words| words.is_string())
        .unwrap_or(&Value::Null)
}

fn blocks(item: &Value, given: &Params) -> Vec<Value> {
    match item["type"].as_str() {
        Some("reasoning") => thought(item).into_iter().collect(),
        Some("message") => {
            let parts = item["content"].as_array().into_iter().flatten();
            let words = parts.filter_map(|part| part["text"].as_str().or(part["refusal"].as_str()));
            words
                .map(|text| json!({"type": "text", "text": text}))
                .collect()
        }
        _ if is_call(item) => {
            let said = item["arguments"].as_str().or(item["input"].as_str());
            let input: Option<Object> = serde_json::from_str(said.unwrap_or_default()).ok();
            let mut block = begun(item, given);
            block["input"] = Value::Object(input.unwrap_or_default());
            vec![block]
        }
        _ => Vec::new(),
    }
}

fn thought(item: &Value) -> Option<Value> {
    let parts = item["summary"].as_array().into_iter().flatten();
    let texts: Vec<&str> = parts.filter_map(|part| part["text"].as_str()).collect();
    let signature = signature::of(item);
    let text = texts.join("\n");
    (signature.is_some() || !text.is_empty())
        .then(|| json!({"type": "thinking", "thinking": text, "signature": signature}))
}

/// A call as it begins, without its arguments.
pub fn begun(item: &Value, given: &Params) -> Value {
    let id = item["call_id"].as_str().or(item["id"].as_str());
    started(
        &json!({"id": id, "function": {"name": item["name"]}}),
        given,
    )
}
