//! Messages into `contents`: the system apart, neighbours of one role together, tool results as the user's.

use super::parts;
use crate::adapt::usage::Object;
use crate::error::Result;
use serde_json::{Value, json};

/// Sent with a function call of the history that has no signature of its own, to models that demand one.
const SKIP_VALIDATION: &str = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";

/// A conversation in Gemini's form.
#[derive(Debug, Default)]
pub struct Turns {
    /// Parts of the system instruction.
    pub system: Vec<Value>,
    /// The turns.
    pub contents: Vec<Value>,
}

impl Turns {
    /// Adds a text to what the user said last.
    pub fn say(&mut self, text: &str) {
        self.add("user", vec![json!({"text": text})]);
    }

    fn add(&mut self, role: &str, parts: Vec<Value>) {
        if parts.is_empty() {
            return;
        }
        if let Some(last) = self.contents.last_mut()
            && last["role"] == role
            && let Some(Value::Array(before)) = last.get_mut("parts")
        {
            before.extend(parts);
            return;
        }
        self.contents.push(json!({"role": role, "parts": parts}));
    }
}

/// Whether a model is of the third generation or later.
pub fn is_gemini_3(model: &str) -> bool {
    generation(model).is_some_and(|number| number >= 3)
}

/// The generation of a model by its name: 2 for `gemini-2.5-flash`.
pub fn generation(model: &str) -> Option<u32> {
    let (_, rest) = model.split_once("gemini-")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The turns of a conversation.
///
/// # Errors
/// Content that Gemini cannot be sent.
pub fn contents(messages: &[Object], model: &str) -> Result<Turns> {
    let mut turns = Turns::default();
    let mut names: Vec<(String, String)> = Vec::new();
    let mut after_tool = false;
    for message in messages {
        let role = message
            .get("role")
            .and_then(Value::as_str)
            .unwrap_or("user");
        match role {
            "system" | "developer" => {
                turns.system.extend(parts::texts(message.get("content")));
                continue;
            }
            "assistant" => {
                note_names(message, &mut names);
                let parts = assistant(message, model)?;
                turns.add("model", parts);
            }
            "tool" | "function" => {
                let parts = tool_result(message, &names, model)?;
                if after_tool {
                    turns.add("user", parts);
                } else {
                    turns.contents.push(json!({"role": "user", "parts": parts}));
                }
            }
            _ => {
                let parts = parts::content(message.get("content"), model)?;
                if after_tool {
                    turns.contents.push(json!({"role": "user", "parts": parts}));
                } else {
                    turns.add("user", parts);
                }
            }
        }
        after_tool = matches!(role, "tool" | "function");
    }
    if turns.contents.is_empty() {
        // Gemini refuses a conversation in which nobody speaks.
        turns.say(".");
    }
    Ok(turns)
}

fn calls(message: &Object) -> impl Iterator<Item = &Value> {
    message
        .get("tool_calls")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn note_names(message: &Object, names: &mut Vec<(String, String)>) {
    for call in calls(message) {
        if let (Some(id), Some(name)) = (call["id"].as_str(), call["function"]["name"].as_str()) {
            names.push((id.to_owned(), name.to_owned()));
        }
    }
}

fn assistant(message: &Object, model: &str) -> Result<Vec<Value>> {
    let mut out = Vec::new();
    let reasoning = message.get("reasoning_content").and_then(Value::as_str);
    if let Some(reasoning) = reasoning.filter(|text| !text.is_empty()) {
        out.push(json!({"thought": true, "text": reasoning}));
    }
    let mut said = parts::content(message.get("content"), model)?;
    let kept = message.get("provider_specific_fields");
    let signatures = kept.and_then(|kept| kept["thought_signatures"].as_array());
    if calls(message).next().is_none()
        && let Some(signature) = signatures.and_then(|all| all.first())
        && let Some(last) = said.last_mut()
    {
        last["thoughtSignature"] = signature.clone();
    }
    out.append(&mut said);
    for image in message
        .get("images")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        out.extend(parts::part(image, model)?);
    }
    for (at, call) in calls(message).enumerate() {
        out.push(function_call(call, at == 0 && is_gemini_3(model)));
    }
    if let Some(Value::Object(function)) = message.get("function_call") {
        out.push(json!({"function_call": {"name": function.get("name"), "args": arguments(function.get("arguments"))}}));
    }
    Ok(out)
}

/// A call of the history. Its signature goes back where it came from.
fn function_call(call: &Value, signed: bool) -> Value {
    let function = &call["function"];
    let args = arguments(function.get("arguments"));
    let mut part = json!({"function_call": {"name": function["name"], "args": args}});
    let places = [call, function];
    let kept = places
        .iter()
        .find_map(|at| at["provider_specific_fields"]["thought_signature"].as_str());
    let in_id = call["id"]
        .as_str()
        .and_then(|id| id.split_once("__thought__"));
    let signature = kept
        .or(in_id.map(|(_, signature)| signature))
        .or_else(|| signed.then_some(SKIP_VALIDATION));
    if let Some(signature) = signature {
        part["thoughtSignature"] = json!(signature);
    }
    part
}

/// Arguments as the object they are; LiteLLM fills in empty ones.
fn arguments(text: Option<&Value>) -> Value {
    match text {
        Some(Value::String(text)) if !text.is_empty() => {
            serde_json::from_str(text).unwrap_or_else(|_| json!({}))
        }
        Some(object @ Value::Object(_)) => object.clone(),
        _ => json!({"type": "object"}),
    }
}

fn tool_result(message: &Object, names: &[(String, String)], model: &str) -> Result<Vec<Value>> {
    let id = message
        .get("tool_call_id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let called = names.iter().rev().find(|(known, _)| known == id);
    let name = called.map(|(_, name)| name.as_str());
    let name = name
        .or_else(|| message.get("name").and_then(Value::as_str))
        .unwrap_or_default();
    let mut media = Vec::new();
    let text = match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let mut text = String::new();
            for item in items {
                match item["text"].as_str() {
                    Some(more) => text.push_str(more),
                    None => media.extend(parts::part(item, model)?),
                }
            }
            text
        }
        _ => String::new(),
    };
    let response = match serde_json::from_str::<Value>(&text) {
        Ok(object @ Value::Object(_)) => object,
        _ => json!({"content": text}),
    };
    let mut out = vec![json!({"function_response": {"name": name, "response": response}})];
    out.append(&mut media);
    Ok(out)
}

/// The finest detail that any image asks for: before the third generation it is one setting for all of them.
pub fn media_resolution(messages: &[Object], model: &str) -> Option<&'static str> {
    if is_gemini_3(model) {
        return None;
    }
    let items = messages
        .iter()
        .filter_map(|message| message.get("content")?.as_array())
        .flatten();
    let levels = items.filter_map(parts::detail);
    levels.max_by_key(|level| parts::LEVELS.iter().position(|known| known == level))
}
