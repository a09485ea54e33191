//! A chat's reply as a message.

use super::{shown_model, signature, tools};
use crate::adapt::usage::{Object, count};
use crate::adapt::{Reply, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::params::Params;
use crate::request::Call;
use bytes::Bytes;
use serde_json::{Value, json};

/// The message.
///
/// # Errors
/// A reply without a choice.
pub fn message(call: &Call, target: &Target, reply: Reply) -> Result<Reply> {
    let chat: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let choice = &chat["choices"][0];
    let Some(said) = choice["message"].as_object() else {
        let what = "the provider's reply has no message";
        let error = Error::new(ErrorKind::ApiResponseValidation, what);
        return Err(error.at(target.provider.name, &target.model));
    };
    let refused = said.get("refusal").and_then(Value::as_str).is_some();
    let finish = choice["finish_reason"].as_str().unwrap_or("stop");
    let stop = match stop_reason(finish) {
        "max_tokens" => "max_tokens",
        _ if refused => "refusal",
        stop => stop,
    };
    let model = match chat["model"].as_str() {
        Some(model) => model,
        None => shown_model(call, target),
    };
    let message = Told {
        id: &chat["id"],
        model,
        content: content(said, &call.params),
        stop,
        refusal: said.get("refusal").unwrap_or(&Value::Null),
        usage: usage(chat.get("usage").and_then(Value::as_object)),
    };
    Ok(Reply {
        body: message.to_json(),
        ..reply
    })
}

/// What a message tells.
pub struct Told<'a> {
    /// The provider's id.
    pub id: &'a Value,
    /// The name that is shown.
    pub model: &'a str,
    /// The blocks.
    pub content: Vec<Value>,
    /// Why it stopped, in Anthropic's words.
    pub stop: &'a str,
    /// The words of a refusal, or null.
    pub refusal: &'a Value,
    /// Anthropic's usage.
    pub usage: Value,
}

impl Told<'_> {
    /// The message.
    pub fn to_json(&self) -> Bytes {
        let details = (self.stop == "refusal")
            .then(|| json!({"type": "refusal", "category": null, "explanation": self.refusal}));
        let message = json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": self.content,
            "stop_reason": self.stop,
            "stop_sequence": null,
            "stop_details": details,
            "usage": self.usage,
        });
        serde_json::to_vec(&message).unwrap_or_default().into()
    }
}

/// Why it stopped, in Anthropic's words.
pub fn stop_reason(finish: &str) -> &'static str {
    match finish {
        "length" => "max_tokens",
        "tool_calls" | "function_call" => "tool_use",
        "content_filter" | "refusal" => "refusal",
        _ => "end_turn",
    }
}

/// Anthropic counts cached input apart.
pub fn usage(used: Option<&Object>) -> Value {
    let empty = Object::new();
    let used = used.unwrap_or(&empty);
    let details = used.get("prompt_tokens_details").and_then(Value::as_object);
    let details = details.unwrap_or(&empty);
    let first = |own: &str, others: &[&str]| {
        let own = Some(count(used, own)).filter(|own| *own > 0);
        let others = others.iter().map(|name| count(details, name));
        own.or_else(|| others.into_iter().find(|count| *count > 0))
            .unwrap_or(0)
    };
    let read = first("cache_read_input_tokens", &["cached_tokens"]);
    let written = first(
        "cache_creation_input_tokens",
        &["cache_creation_tokens", "cache_write_tokens"],
    );
    let input = count(used, "prompt_tokens").saturating_sub(read + written);
    let mut told =
        json!({"input_tokens": input, "output_tokens": count(used, "completion_tokens")});
    if written > 0 {
        told["cache_creation_input_tokens"] = written.into();
    }
    if read > 0 {
        told["cache_read_input_tokens"] = read.into();
    }
    let tools = used.get("server_tool_use").and_then(Value::as_object);
    let searches = tools.map_or(0, |tools| count(tools, "web_search_requests"));
    let searches = searches.max(count(details, "web_search_requests"));
    if searches > 0 {
        told["server_tool_use"] = json!({"web_search_requests": searches});
    }
    told
}

fn content(said: &Object, given: &Params) -> Vec<Value> {
    let mut blocks = thoughts(said);
    let calls = said.get("tool_calls").and_then(Value::as_array);
    let calls = calls.map_or(&[][..], Vec::as_slice);
    if let Some(text) = said.get("content").and_then(Value::as_str) {
        let mut block = json!({"type": "text", "text": text});
        let signed = calls.iter().filter(|call| call_signature(call).is_some());
        let kept = said.get("provider_specific_fields");
        let kept = kept.and_then(|kept| kept.get("thought_signatures")?.as_array());
        if let Some(kept) = kept.filter(|kept| kept.len() > signed.count()) {
            block["provider_specific_fields"] = json!({"thought_signatures": kept});
        }
        blocks.push(block);
    }
    if let Some(text) = said.get("refusal").and_then(Value::as_str) {
        blocks.push(json!({"type": "text", "text": text}));
    }
    blocks.extend(calls.iter().map(|call| tool_use(call, given)));
    blocks
}

fn thoughts(said: &Object) -> Vec<Value> {
    let blocks = said.get("thinking_blocks").and_then(Value::as_array);
    if let Some(blocks) = blocks.filter(|blocks| !blocks.is_empty()) {
        return blocks.iter().filter_map(thought).collect();
    }
    let text = said.get("reasoning_content").and_then(Value::as_str);
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| json!({"type": "thinking", "thinking": text, "signature": null}))
        .into_iter()
        .collect()
}

fn thought(block: &Value) -> Option<Value> {
    let text = |name: &str| block[name].as_str().unwrap_or_default();
    match block["type"].as_str()? {
        "redacted_thinking" => Some(json!({"type": "redacted_thinking", "data": text("data")})),
        "thinking" if text("thinking").is_empty() && text("signature").is_empty() => None,
        "thinking" => Some(json!({"type": "thinking", "thinking": text("thinking"),
            "signature": text("signature")})),
        _ => None,
    }
}

/// The signature that a provider put on a call.
pub fn call_signature(call: &Value) -> Option<&str> {
    let places = [call, &call["function"]];
    let mut kept = places
        .into_iter()
        .map(|at| &at["provider_specific_fields"]["thought_signature"]);
    kept.find_map(Value::as_str)
        .or_else(|| signature::of(call["id"].as_str()?))
}

fn tool_use(call: &Value, given: &Params) -> Value {
    let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
    let input: Option<Object> = serde_json::from_str(arguments).ok();
    let mut block = started(call, given);
    block["input"] = Value::Object(input.unwrap_or_default());
    block
}

/// A call as it begins, without its arguments.
pub fn started(call: &Value, given: &Params) -> Value {
    let name = call["function"]["name"].as_str().unwrap_or_default();
    let name = tools::original(given, name).unwrap_or_else(|| name.to_owned());
    let kept = call_signature(call);
    let id = call["id"].as_str().unwrap_or_default();
    let mut block = json!({"type": "tool_use", "id": signature::from_chat(id, kept), "name": name,
        "input": {}});
    if let Some(kept) = kept {
        block["provider_specific_fields"] = json!({"signature": kept});
    }
    block
}
