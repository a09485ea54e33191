//! Tools of Anthropic's dialect as functions of a chat.

use super::conversation::marked;
use super::request::Kind;
use crate::adapt::Target;
use crate::error::{Error, Result};
use crate::params::Params;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt::Write;

/// Longest name of a function at OpenAI, and what is left of a longer one beside its hash.
const MAX_NAME: usize = 64;
const KEPT: usize = 55;
const HASH_BYTES: usize = 4;

/// Anthropic's own tools, by the beginning of their type: whoever has them takes them as they are.
const HOSTED: [&str; 7] = [
    "bash",
    "code_execution",
    "computer",
    "memory",
    "text_editor",
    "tool_search_tool",
    "web_fetch",
];

/// Members that a Claude knows of a tool beside OpenAI's.
const OWN: [&str; 3] = ["defer_loading", "allowed_callers", "input_examples"];

/// A name that every provider takes.
pub fn short(name: &str) -> Cow<'_, str> {
    if name.chars().count() <= MAX_NAME {
        return Cow::Borrowed(name);
    }
    let mut out: String = name.chars().take(KEPT).collect();
    out.push('_');
    for byte in Sha256::digest(name.as_bytes()).iter().take(HASH_BYTES) {
        // Writing into a text cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    Cow::Owned(out)
}

/// The caller's name for a tool whose name was shortened.
pub fn original(given: &Params, name: &str) -> Option<String> {
    if name.chars().count() != MAX_NAME {
        return None;
    }
    let tools: Vec<Map<String, Value>> = given.get("tools")?;
    let mut names = tools.iter().filter_map(|tool| tool.get("name")?.as_str());
    names.find(|long| short(long) == name).map(str::to_owned)
}

/// Tools and the choice among them.
///
/// # Errors
/// A choice of an unknown type.
pub fn apply(given: &Params, target: &Target, kind: Kind, params: &mut Params) -> Result<()> {
    let tools: Vec<Value> = given.read("tools")?.unwrap_or_default();
    let mut functions = Vec::with_capacity(tools.len());
    for (at, tool) in tools.iter().enumerate() {
        if searches(tool) {
            params.set("web_search_options", &search(tool));
        } else if is_foreign(tool) {
            functions.push(tool.clone());
        } else {
            functions.push(function(tool, at, kind));
        }
    }
    if !functions.is_empty() {
        params.set("tools", &functions);
    }
    let Some(choice) = given.read::<Value>("tool_choice")? else {
        return Ok(());
    };
    let chosen = match choice["type"].as_str() {
        Some("any") => json!("required"),
        Some("auto") => json!("auto"),
        Some("none") => json!("none"),
        Some("tool") => {
            let name = choice["name"].as_str().unwrap_or_default();
            json!({"type": "function", "function": {"name": short(name)}})
        }
        _ => {
            let what = "`tool_choice` must have the type `auto`, `any`, `tool` or `none`";
            return Err(Error::bad_request(what));
        }
    };
    params.set("tool_choice", &chosen);
    let serial = choice["disable_parallel_tool_use"] == true;
    if serial && target.supported().contains(&"parallel_tool_calls") {
        params.set("parallel_tool_calls", &false);
    }
    Ok(())
}

fn searches(tool: &Value) -> bool {
    let kind = tool["type"].as_str().unwrap_or_default();
    kind.starts_with("web_search")
        || (tool["name"] == "web_search" && tool.get("input_schema").is_none())
}

fn search(tool: &Value) -> Value {
    match tool.get("user_location").filter(|place| place.is_object()) {
        Some(place) => {
            let mut place = place.clone();
            if let Some(place) = place.as_object_mut() {
                place.remove("type");
            }
            json!({"user_location": {"type": "approximate", "approximate": place}})
        }
        None => json!({}),
    }
}

/// One of Anthropic's own, or one that is a chat's already.
fn is_foreign(tool: &Value) -> bool {
    let kind = tool["type"].as_str().unwrap_or_default();
    HOSTED.iter().any(|hosted| kind.starts_with(hosted)) || tool.get("function").is_some()
}

fn function(tool: &Value, at: usize, kind: Kind) -> Value {
    let name = tool["name"].as_str().filter(|name| !name.trim().is_empty());
    let name = name.map_or_else(|| Cow::Owned(format!("unnamed_tool_{at}")), short);
    let mut function = json!({"name": name});
    for (own, chats) in [
        ("input_schema", "parameters"),
        ("description", "description"),
        ("strict", "strict"),
    ] {
        if let Some(value) = tool.get(own).filter(|value| !value.is_null()) {
            function[chats] = value.clone();
        }
    }
    let mut made = json!({"type": "function", "function": function});
    for name in OWN.iter().filter(|_| kind.claude) {
        if let Some(value) = tool.get(*name) {
            made[*name] = value.clone();
        }
    }
    marked(tool, made, kind)
}
