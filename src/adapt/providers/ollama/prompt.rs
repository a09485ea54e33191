//! A conversation as one prompt, for `/api/generate`: runs of turns under headings, tools told of in words.

use crate::adapt::Target;
use crate::adapt::usage::Object;
use crate::error::{Error, Result};
use crate::repr::{Style, written};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// What comes of a conversation.
#[derive(Debug, Default)]
pub struct Prompt {
    /// The text.
    pub text: String,
    /// Images in base64.
    pub images: Vec<String>,
}

/// The role of a message as Ollama knows it.
pub fn role(message: &Object) -> &str {
    match message.get("role").and_then(Value::as_str) {
        None => "user",
        Some("developer") => "system",
        Some(role) => role,
    }
}

/// The texts of a message, one after the other.
pub fn text(message: &Object) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            texts.collect()
        }
        _ => String::new(),
    }
}

/// The images of a content: base64 out of data URIs; an address stays one.
pub fn images(content: Option<&Value>) -> Vec<String> {
    let parts = content.and_then(Value::as_array);
    let urls = parts.into_iter().flatten().filter_map(|part| {
        let image = &part["image_url"];
        image.as_str().or_else(|| image["url"].as_str())
    });
    let inline = |url: &str| match url.split_once(";base64,") {
        Some((head, data)) if head.starts_with("data:") => data.to_owned(),
        _ => url.to_owned(),
    };
    urls.map(inline).collect()
}

/// The arguments of a call as an object.
///
/// # Errors
/// [`Error::bad_request`] when they are no JSON.
pub fn arguments(function: &Value) -> Result<Value> {
    match &function["arguments"] {
        Value::String(text) => serde_json::from_str(text).map_err(|_| not_json()),
        Value::Null => Ok(json!({})),
        given => Ok(given.clone()),
    }
}

fn not_json() -> Error {
    Error::bad_request("the arguments of a tool call are not JSON")
}

/// Which run a message belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    User,
    System,
    Assistant,
}

fn turn(message: &Object) -> Option<Turn> {
    match role(message) {
        "user" | "tool" | "function" => Some(Turn::User),
        "system" => Some(Turn::System),
        "assistant" => Some(Turn::Assistant),
        _ => None,
    }
}

/// The prompt of a conversation.
///
/// # Errors
/// [`Error::bad_request`] for a role that no heading stands for, and calls whose arguments are no JSON.
pub fn prompt(messages: &[Object], target: &Target) -> Result<Prompt> {
    let mut out = Prompt::default();
    let mut turns = Vec::with_capacity(messages.len());
    for message in messages {
        let unknown = || {
            Error::bad_request("a message has a role that Ollama does not know")
                .at(target.provider.name, &target.model)
        };
        turns.push((turn(message).ok_or_else(unknown)?, message));
    }
    for run in turns.chunk_by(|one, other| one.0 == other.0) {
        let messages = run.iter().map(|(_, message)| *message);
        let (heading, text) = match run[0].0 {
            Turn::User => {
                let texts = messages.map(|message| {
                    out.images.extend(images(message.get("content")));
                    user_text(message)
                });
                let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
                ("User", texts.join("\n"))
            }
            Turn::System => ("System", messages.map(text).collect()),
            Turn::Assistant => {
                let mut said = String::new();
                for message in messages {
                    assistant(message, &mut said)?;
                }
                ("Assistant", said)
            }
        };
        if !text.is_empty() {
            out.text.push_str(&format!("### {heading}:\n{text}\n\n"));
        }
    }
    Ok(out)
}

/// The texts of a user's turn, a line each.
fn user_text(message: &Object) -> String {
    let Some(Value::Array(parts)) = message.get("content") else {
        return text(message);
    };
    let texts = parts.iter().filter_map(|part| part["text"].as_str());
    let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
    texts.join("\n")
}

fn assistant(message: &Object, said: &mut String) -> Result<()> {
    said.push_str(&text(message));
    let calls = message.get("tool_calls").and_then(Value::as_array);
    let Some(calls) = calls.filter(|calls| !calls.is_empty()) else {
        return Ok(());
    };
    if !said.is_empty() {
        said.push('\n');
    }
    for (index, call) in calls.iter().enumerate() {
        let function = &call["function"];
        // The arguments keep the order in which the model wrote them.
        let arguments = match &function["arguments"] {
            Value::String(text) => text.clone(),
            Value::Null => "{}".to_owned(),
            given => given.to_string(),
        };
        let name = &function["name"];
        let call = format!("{{\"name\":{name},\"arguments\":{arguments}}}");
        said.push_str(if index > 0 { "\n" } else { "" });
        said.push_str(&written(call.as_bytes(), Style::Json).ok_or_else(not_json)?);
    }
    Ok(())
}

/// Tells of tools in the system's messages, or in one of its own at the end.
pub fn tell_of(tools: &[Box<RawValue>], messages: &mut Vec<Object>) {
    let mut told = "To call a function, reply with JSON ONLY in this format {\"name\": \"function_name\", \
        \"arguments\":{\"argument_name\": \"argument_value\"}}. Once a function result answers the request, reply to the \
        user in plain text instead of calling a function again. The following functions are available to you:"
        .to_owned();
    for tool in tools {
        told.push('\n');
        told.push_str(&written(tool.get().as_bytes(), Style::Repr).unwrap_or_default());
        told.push('\n');
    }
    let mut somewhere = false;
    for message in messages
        .iter_mut()
        .filter(|message| role(message) == "system")
    {
        somewhere = true;
        match message.get_mut("content") {
            Some(Value::String(text)) => *text = format!("{text} {told}"),
            Some(Value::Array(parts)) => {
                parts.push(json!({"type": "text", "text": format!(" {told}")}));
            }
            _ => drop(message.insert("content".into(), json!(told))),
        }
    }
    if !somewhere {
        let mut message = Object::new();
        message.insert("role".into(), json!("system"));
        message.insert("content".into(), json!(told));
        messages.push(message);
    }
}
