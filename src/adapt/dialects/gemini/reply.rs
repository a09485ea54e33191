//! A chat's reply as one of Gemini's.

use super::signature::Kept;
use crate::adapt::usage::{Object, count};
use crate::adapt::{Reply, Target};
use crate::error::{Error, ErrorKind, Result};
use serde_json::{Value, json};

/// The reply.
///
/// # Errors
/// A reply without a choice.
pub fn generated(target: &Target, reply: Reply) -> Result<Reply> {
    let chat: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let choices = chat["choices"].as_array().filter(|all| !all.is_empty());
    let Some(choices) = choices else {
        let what = "the provider's reply has no choice";
        let error = Error::new(ErrorKind::ApiResponseValidation, what);
        return Err(error.at(target.provider.name, &target.model));
    };
    let candidates: Vec<Value> = choices
        .iter()
        .enumerate()
        .map(|(at, choice)| {
            let parts = parts(&choice["message"]);
            let finish = choice["finish_reason"].as_str().unwrap_or("stop");
            candidate(at as u64, parts, Some(finish))
        })
        .collect();
    let told = json!({
        "candidates": candidates,
        "usageMetadata": usage(chat.get("usage").and_then(Value::as_object)),
        "modelVersion": chat["model"],
        "responseId": chat["id"],
    });
    Ok(Reply {
        body: serde_json::to_vec(&told).unwrap_or_default().into(),
        ..reply
    })
}

/// One candidate, whole or the next piece of it.
pub fn candidate(index: u64, parts: Vec<Value>, finish: Option<&str>) -> Value {
    let mut told = json!({"content": {"role": "model", "parts": parts}, "index": index});
    if let Some(finish) = finish {
        told["finishReason"] = json!(match finish {
            "length" => "MAX_TOKENS",
            "content_filter" => "SAFETY",
            _ => "STOP",
        });
    }
    told
}

/// What a message, or a piece of one without calls, says.
pub fn parts(message: &Value) -> Vec<Value> {
    let mut parts = thoughts(message);
    for name in ["content", "refusal"] {
        if let Some(text) = message[name].as_str().filter(|text| !text.is_empty()) {
            parts.push(json!({"text": text}));
        }
    }
    let kept = message["provider_specific_fields"]["thought_signatures"].as_array();
    let calls = message["tool_calls"].as_array();
    let calls = calls.map_or(&[][..], Vec::as_slice);
    if let Some(kept) = kept
        .and_then(|kept| kept.first())
        .filter(|_| calls.is_empty())
        && let Some(last) = parts
            .last_mut()
            .filter(|part| part.get("thought").is_none())
    {
        last["thoughtSignature"] = kept.clone();
    }
    parts.extend(calls.iter().map(function_call));
    parts
}

fn thoughts(message: &Value) -> Vec<Value> {
    let blocks = message["thinking_blocks"].as_array();
    if let Some(blocks) = blocks.filter(|blocks| !blocks.is_empty()) {
        return blocks.iter().filter_map(thought).collect();
    }
    let text = message["reasoning_content"].as_str();
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| json!({"text": text, "thought": true}))
        .into_iter()
        .collect()
}

fn thought(block: &Value) -> Option<Value> {
    let text = |name: &str| block[name].as_str().unwrap_or_default();
    let (said, kept) = match block["type"].as_str()? {
        "redacted_thinking" => ("", Some(Kept::Redacted(text("data").to_owned()))),
        "thinking" => {
            let signature = text("signature");
            let kept = (!signature.is_empty()).then(|| Kept::Signature(signature.to_owned()));
            (text("thinking"), kept)
        }
        _ => return None,
    };
    let mut part = json!({"text": said, "thought": true});
    if let Some(kept) = kept {
        part["thoughtSignature"] = json!(kept.encode());
    } else if said.is_empty() {
        return None;
    }
    Some(part)
}

/// A call, its arguments whole.
pub fn function_call(call: &Value) -> Value {
    let function = &call["function"];
    let arguments = function["arguments"].as_str().unwrap_or_default();
    let args: Object = serde_json::from_str(arguments).unwrap_or_default();
    let mut part =
        json!({"functionCall": {"id": call["id"], "name": function["name"], "args": args}});
    let places = [call, function];
    let kept = places
        .into_iter()
        .find_map(|at| at["provider_specific_fields"]["thought_signature"].as_str());
    if let Some(kept) = kept {
        part["thoughtSignature"] = json!(kept);
    }
    part
}

/// Gemini counts thoughts apart from what is said.
pub fn usage(used: Option<&Object>) -> Value {
    let empty = Object::new();
    let used = used.unwrap_or(&empty);
    let details = |name: &str, of: &str| {
        let details = used.get(name).and_then(Value::as_object);
        details.map_or(0, |details| count(details, of))
    };
    let thought = details("completion_tokens_details", "reasoning_tokens");
    let answered = count(used, "completion_tokens").saturating_sub(thought);
    let mut told = json!({
        "promptTokenCount": count(used, "prompt_tokens"),
        "candidatesTokenCount": answered,
        "totalTokenCount": count(used, "total_tokens"),
    });
    if thought > 0 {
        told["thoughtsTokenCount"] = thought.into();
    }
    let cached = details("prompt_tokens_details", "cached_tokens");
    if cached > 0 {
        told["cachedContentTokenCount"] = cached.into();
    }
    told
}
