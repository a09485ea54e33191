//! A whole response told as a chat completion.

use super::replay;
use crate::adapt::dialects::responses::ids;
use crate::adapt::providers::openai_responses::{finish, used};
use crate::adapt::usage::Object;
use crate::adapt::{Reply, Target, canonical};
use crate::error::{Error, ErrorKind, Result};
use crate::request::Call;
use bytes::Bytes;
use serde_json::{Value, json};

/// The chat completion of a response.
///
/// # Errors
/// A reply that is no response.
pub(super) fn chat(call: &Call, target: &Target, reply: Reply) -> Result<Reply> {
    let mut response: Object = serde_json::from_slice(&reply.body)
        .map_err(|_| Error::new(ErrorKind::InternalServer, "the response is no JSON object"))?;
    let usage = response.remove("usage").filter(|usage| !usage.is_null());
    let usage = usage.and_then(|usage| used(Some(&Bytes::from(usage.to_string()))));
    let mut items = match response.remove("output") {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    items.iter_mut().for_each(canonical::drop_nulls);
    let text = |name: &str| response.get(name).and_then(Value::as_str);
    let mut message = message(&items);
    let status = text("status");
    let called = message.contains_key("tool_calls");
    let finish = finish_reason(status, response.get("incomplete_details"), called);
    if status == Some("completed")
        && let Some(replay) = replay::of(&items, &message, target.provider.name)
    {
        message.insert(
            "provider_specific_fields".into(),
            json!({"openai_responses_replay": replay}),
        );
    }
    let mut told = json!({
        "id": ids::own(text("id").unwrap_or_default()),
        "created": call.created,
        "model": text("model"),
        "object": "chat.completion",
        "choices": [{"finish_reason": finish, "index": 0, "message": message}],
        "usage": usage,
    });
    if let Some(tier) = text("service_tier") {
        told["service_tier"] = json!(tier);
    }
    canonical::drop_nulls(&mut told);
    Ok(Reply {
        body: serde_json::to_vec(&told).unwrap_or_default().into(),
        finish_reason: Some(finish),
        ..reply
    })
}

/// Why a chat ended.
pub(super) fn finish_reason(status: Option<&str>, why: Option<&Value>, called: bool) -> String {
    match finish(status, why).as_deref() {
        Some(reason @ ("length" | "content_filter")) => reason.to_owned(),
        _ if called => "tool_calls".to_owned(),
        _ => "stop".to_owned(),
    }
}

/// The assistant's message that a response's items are.
pub(super) fn message(items: &[Value]) -> Object {
    let mut content: Option<String> = None;
    let mut refusal: Option<String> = None;
    let mut annotations = Vec::new();
    let (mut thoughts, mut reasoning, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        match text("type") {
            Some("message") => {
                let parts = item.get("content").and_then(Value::as_array);
                for part in parts.into_iter().flatten() {
                    if let Some(said) = part.get("refusal").and_then(Value::as_str) {
                        refusal.get_or_insert_default().push_str(said);
                    }
                    let words = part.get("text").and_then(Value::as_str);
                    let offset = content.as_ref().map_or(0, |said| said.chars().count());
                    annotations.extend(cited(part, offset));
                    content
                        .get_or_insert_default()
                        .push_str(words.unwrap_or_default());
                }
            }
            Some("reasoning") => {
                let item = reasoning_item(item);
                let summary = item.get("summary").and_then(Value::as_array);
                let texts = summary.into_iter().flatten();
                thoughts
                    .extend(texts.filter_map(|part| part.get("text")?.as_str().map(str::to_owned)));
                reasoning.push(item);
            }
            _ if is_call(item) => calls.push(tool_call(item, calls.len())),
            _ => {}
        }
    }
    let mut message = Object::new();
    message.insert("role".into(), json!("assistant"));
    if content.is_some() {
        message.insert("content".into(), json!(content));
    }
    if refusal.is_some() {
        message.insert("refusal".into(), json!(refusal));
    }
    for (name, list) in [("annotations", annotations), ("tool_calls", calls)] {
        if !list.is_empty() {
            message.insert(name.into(), Value::Array(list));
        }
    }
    let thoughts: Vec<String> = thoughts
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    if !thoughts.is_empty() {
        message.insert("reasoning_content".into(), json!(thoughts.join(" ")));
    }
    if !reasoning.is_empty() {
        message.insert("reasoning_items".into(), Value::Array(reasoning));
    }
    message
}

fn reasoning_item(item: &Value) -> Value {
    let mut told = json!({"type": "reasoning"});
    for name in ["id", "encrypted_content"] {
        if let Some(value) = item.get(name) {
            told[name] = value.clone();
        }
    }
    told["summary"] = item.get("summary").cloned().unwrap_or_else(|| json!([]));
    told
}

/// Whether an item is a call that the client answers.
pub fn is_call(item: &Value) -> bool {
    matches!(
        item["type"].as_str(),
        Some("function_call" | "custom_tool_call")
    )
}

/// A call in chat's form.
pub(super) fn tool_call(item: &Value, index: usize) -> Value {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let id = text("call_id").or(text("id")).unwrap_or_default();
    let arguments = text("arguments").or(text("input")).unwrap_or_default();
    json!({
        "index": index, "id": id, "type": "function",
        "function": {"name": text("name").unwrap_or_default(), "arguments": arguments},
    })
}

/// The citations of a text in chat's form, `offset` characters further on.
fn cited(part: &Value, offset: usize) -> Vec<Value> {
    let given = part.get("annotations").and_then(Value::as_array);
    given
        .into_iter()
        .flatten()
        .filter(|annotation| annotation.get("type") == Some(&json!("url_citation")))
        .map(|annotation| {
            let mut cited = json!({});
            for name in ["url", "title"] {
                if let Some(value) = annotation.get(name) {
                    cited[name] = value.clone();
                }
            }
            for name in ["start_index", "end_index"] {
                if let Some(at) = annotation.get(name).and_then(Value::as_u64) {
                    cited[name] = json!(at + offset as u64);
                }
            }
            json!({"type": "url_citation", "url_citation": cited})
        })
        .collect()
}
