//! The system's blocks, and system messages later in a conversation, for which Converse has no role: they go as the
//! user's, where they stand, so that what comes before them stays as it was cached.

use super::tools::CachePoints;
use crate::adapt::usage::Object;
use serde_json::{Value, json};

/// Said before a system message that goes as the user's (LiteLLM's words).
const NOTE: &str = "Operator note (not from the user): the following was originally a mid-conversation system-role reminder.";

/// The role of a message.
pub fn role(message: &Object) -> &str {
    match message.get("role").and_then(Value::as_str) {
        Some("developer") => "system",
        Some(role) => role,
        None => "user",
    }
}

/// Takes the system's blocks off the beginning of a conversation, and rewrites what is left of it.
pub fn split(messages: Vec<Object>, caches: CachePoints) -> (Vec<Value>, Vec<Object>) {
    let leading = messages
        .iter()
        .take_while(|message| role(message) == "system")
        .count();
    let mut rest = messages;
    let later = rest.split_off(leading);
    let mut blocks = Vec::new();
    for (text, marked) in rest.iter().flat_map(texts) {
        blocks.push(json!({"text": text}));
        blocks.extend(caches.block(&marked));
    }
    let turns = after_results(later)
        .into_iter()
        .filter_map(as_user)
        .collect();
    (blocks, turns)
}

/// The texts of a message, each with what bears its marks.
fn texts(message: &Object) -> Vec<(String, Value)> {
    match message.get("content") {
        Some(Value::String(text)) if !text.is_empty() => {
            let mark = message.get("cache_control").cloned();
            vec![(text.clone(), json!({"cache_control": mark}))]
        }
        Some(Value::Array(parts)) => parts
            .iter()
            .filter(|part| part["type"] == "text")
            .filter_map(|part| {
                let text = part["text"].as_str().filter(|text| !text.is_empty())?;
                Some((text.to_owned(), part.clone()))
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// System messages between a call of tools and its results move behind the results.
fn after_results(messages: Vec<Object>) -> Vec<Object> {
    let mut out: Vec<Object> = Vec::with_capacity(messages.len());
    let mut held: Vec<Object> = Vec::new();
    let mut called = false;
    for message in messages {
        if role(&message) == "system" && called {
            held.push(message);
            continue;
        }
        if !is_result(&message) {
            out.append(&mut held);
            called = message
                .get("tool_calls")
                .and_then(Value::as_array)
                .is_some_and(|calls| !calls.is_empty());
        }
        out.push(message);
    }
    out.append(&mut held);
    out
}

fn is_result(message: &Object) -> bool {
    let first = message.get("content").and_then(|content| content.get(0));
    let kind = first.and_then(|part| part.get("type"));
    match role(message) {
        "tool" => true,
        "user" => kind.is_some_and(|kind| kind == "tool_result"),
        _ => false,
    }
}

fn as_user(message: Object) -> Option<Object> {
    if role(&message) != "system" {
        return Some(message);
    }
    let mut parts: Vec<Value> = texts(&message)
        .into_iter()
        .map(|(text, marked)| {
            let mut part = json!({"type": "text", "text": text});
            if let Some(mark) = marked.get("cache_control").filter(|mark| !mark.is_null()) {
                part["cache_control"] = mark.clone();
            }
            part
        })
        .collect();
    if parts.is_empty() {
        return None;
    }
    parts.insert(0, json!({"type": "text", "text": NOTE}));
    let mut user = Object::new();
    user.insert("role".into(), json!("user"));
    user.insert("content".into(), Value::Array(parts));
    Some(user)
}
