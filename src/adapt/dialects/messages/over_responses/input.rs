//! Turns of Anthropic's dialect as items of the Responses API, in their order.

use super::signature;
use crate::adapt::dialects::chat_over_responses::parts;
use crate::adapt::dialects::messages::request::Kind;
use crate::adapt::dialects::messages::{conversation, tools};
use crate::error::Result;
use crate::params::Params;
use serde_json::{Map, Value, json};

/// A model that is no Claude and has no marks for its cache.
const KIND: Kind = Kind {
    claude: false,
    caches: false,
};

/// The instructions and the items of a call.
///
/// # Errors
/// Turns of the wrong shape, and blocks that no item can say.
pub fn of(given: &Params) -> Result<(Option<String>, Vec<Value>)> {
    let system: Value = given.read("system")?.unwrap_or_default();
    let instructions = Some(worded(&system)).filter(|text| !text.is_empty());
    let turns: Vec<Map<String, Value>> = given.read("messages")?.unwrap_or_default();
    let mut items = Vec::with_capacity(turns.len());
    for turn in &turns {
        let content = turn.get("content").unwrap_or(&Value::Null);
        match turn.get("role").and_then(Value::as_str) {
            Some("user") => user(content, &mut items)?,
            Some("assistant") => assistant(content, &mut items),
            Some("system") => say("system", vec![told(worded(content))], &mut items),
            _ => return Err(conversation::no_role()),
        }
    }
    Ok((instructions, items))
}

/// The words of a text or of a list of blocks.
fn worded(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        blocks => conversation::texts(blocks),
    }
}

fn told(text: String) -> Value {
    json!({"type": "input_text", "text": text})
}

fn said(text: &str) -> Value {
    json!({"type": "output_text", "text": text})
}

/// A message of these parts; none of no parts.
fn say(role: &str, parts: Vec<Value>, items: &mut Vec<Value>) {
    if !parts.is_empty() {
        items.push(json!({"type": "message", "role": role, "content": parts}));
    }
}

fn user(content: &Value, items: &mut Vec<Value>) -> Result<()> {
    let blocks = match content {
        Value::String(text) => {
            say("user", vec![told(text.clone())], items);
            return Ok(());
        }
        Value::Array(blocks) => blocks,
        _ => return Err(conversation::no_content()),
    };
    let mut words = Vec::new();
    for block in blocks {
        if block["type"] == "tool_result" {
            say("user", std::mem::take(&mut words), items);
            items.push(result(block));
        } else {
            let part = conversation::part(block, KIND)?;
            words.extend(part.iter().flat_map(of_chat));
        }
    }
    say("user", words, items);
    Ok(())
}

/// A chat's part as the Responses API has it.
fn of_chat(part: &Value) -> Vec<Value> {
    parts(&json!([part]), "user")
}

/// What a tool answered. The API has no place for "it failed": the words say so, as Claude Code marks them.
fn result(block: &Value) -> Value {
    let mut output = match &block["content"] {
        Value::Array(blocks) => {
            let parts = blocks.iter();
            let parts = parts.filter_map(|block| conversation::inner_part(block, KIND));
            let parts: Vec<Value> = parts.flat_map(|part| of_chat(&part)).collect();
            Value::Array(parts)
        }
        Value::String(text) => json!(text),
        _ => json!(""),
    };
    if let Value::Array(parts) = &output
        && parts.is_empty()
    {
        output = json!("");
    }
    if block["is_error"] == true {
        let marked = |text: &str| format!("<tool_use_error>{text}</tool_use_error>");
        match &mut output {
            Value::Array(parts) => match parts.iter_mut().find(|part| part["text"].is_string()) {
                Some(part) => {
                    part["text"] = marked(part["text"].as_str().unwrap_or_default()).into();
                }
                None => parts.insert(0, told(marked(""))),
            },
            text => *text = marked(text.as_str().unwrap_or_default()).into(),
        }
    }
    json!({"type": "function_call_output", "call_id": block["tool_use_id"], "output": output})
}

fn assistant(content: &Value, items: &mut Vec<Value>) {
    let blocks = match content {
        Value::Array(blocks) => blocks,
        Value::String(text) => return say("assistant", vec![said(text)], items),
        _ => return,
    };
    let mut words = Vec::new();
    for block in blocks {
        let text = |name: &str| block[name].as_str().unwrap_or_default();
        match block["type"].as_str() {
            Some("text") | None => words.push(said(text("text"))),
            Some("thinking") => match signature::item(text("signature"), text("thinking")) {
                Some(item) => {
                    say("assistant", std::mem::take(&mut words), items);
                    items.push(item);
                }
                // Another model's thoughts are words to this one.
                None if !text("thinking").is_empty() => words.push(said(text("thinking"))),
                None => {}
            },
            // Nobody but the model that wrote them can read them.
            Some("redacted_thinking") => {}
            Some("tool_use") => {
                say("assistant", std::mem::take(&mut words), items);
                items.push(call(block));
            }
            // What a provider's own tools were asked and answered.
            Some(_) => words.push(said(&block.to_string())),
        }
    }
    say("assistant", words, items);
}

fn call(block: &Value) -> Value {
    let name = block["name"].as_str().unwrap_or_default();
    json!({"type": "function_call", "call_id": block["id"], "name": tools::short(name),
        "arguments": conversation::arguments(&block["input"])})
}
