//! `openai_responses_replay`: the order of a turn's items, which a chat's message cannot show, bound to the message by
//! a checksum. LiteLLM puts it into `provider_specific_fields`, and clients send it back.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;

type Object = Map<String, Value>;

/// The entry for the items of a response that came to its end; `None` where an item has no place in a chat, and for
/// models that are not OpenAI's.
pub(super) fn of(items: &[Value], message: &Object, provider: &str) -> Option<Value> {
    if !matches!(provider, "openai" | "azure") {
        return None;
    }
    let mut entries = Vec::new();
    let (mut reasoning, mut calls) = (0, 0);
    for item in items {
        match item.get("type")?.as_str()? {
            "message" => {
                let parts = item.get("content")?.as_array()?.iter();
                let lengths: Option<Vec<usize>> = parts
                    .map(|part| Some(part.get("text")?.as_str()?.chars().count()))
                    .collect();
                let mut entry = json!({"type": "message", "parts": lengths?});
                if let Some(phase) = item.get("phase").filter(|phase| !phase.is_null()) {
                    entry["phase"] = phase.clone();
                }
                entries.push(entry);
            }
            "reasoning" => {
                entries.push(json!({"type": "reasoning", "index": reasoning}));
                reasoning += 1;
            }
            kind @ ("function_call" | "custom_tool_call") => {
                entries.push(json!({"type": kind, "index": calls}));
                calls += 1;
            }
            _ => return None,
        }
    }
    if entries.is_empty() {
        return None;
    }
    let checksum = checksum(message, &entries);
    Some(json!({"version": 1, "items": entries, "checksum": checksum}))
}

/// SHA-256 over what the entries are bound to, as compact JSON with sorted members.
fn checksum(message: &Object, entries: &[Value]) -> String {
    let list = |name: &str| message.get(name).and_then(Value::as_array);
    let calls: Vec<Value> = list("tool_calls")
        .into_iter()
        .flatten()
        .map(|call| {
            json!([
                call["id"],
                call["function"]["name"],
                call["function"]["arguments"]
            ])
        })
        .collect();
    let reasoning: Vec<Value> = list("reasoning_items")
        .into_iter()
        .flatten()
        .map(|item| {
            let summary = item.get("summary").and_then(Value::as_array);
            let texts: Vec<&Value> = summary
                .into_iter()
                .flatten()
                .filter_map(|part| part.get("text"))
                .collect();
            json!([item.get("id"), item.get("encrypted_content"), texts])
        })
        .collect();
    let mut bound = json!({
        "content": message.get("content").and_then(Value::as_str).unwrap_or_default(),
        "tool_calls": calls,
        "reasoning": reasoning,
        "tool_search_items": [],
        "phase": null,
        "items": entries,
    });
    bound.sort_all_objects();
    let digest = Sha256::digest(bound.to_string().as_bytes());
    digest
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing into a text cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Checksums recorded from LiteLLM.
    #[test]
    fn a_turn_is_bound_as_litellm_binds_it() {
        let said = json!({"type": "message", "content": [{"type": "output_text", "text": "Hello there, friend."}]});
        let message = json!({"content": "Hello there, friend."});
        let replay = of(&[said], message.as_object().unwrap(), "openai").unwrap();
        assert_eq!(replay["items"], json!([{"type": "message", "parts": [20]}]));
        assert_eq!(
            replay["checksum"],
            "f1e4824ff348f22b24b5dba7d80bd04ddc5931bb7f50b8bf83df6c657957470e"
        );
        let called = json!({"type": "function_call"});
        let message = json!({"content": null, "tool_calls": [
            {"id": "call_a1", "function": {"name": "get_weather", "arguments": "{\"city\":\"Paris\"}"}}
        ]});
        assert_eq!(
            of(&[called], message.as_object().unwrap(), "openai").unwrap()["checksum"],
            "18612bf8ef7bda8f394148b62e0c1cbadea4afe18737e99fdf1a757b9f01d8f3"
        );
    }
}
