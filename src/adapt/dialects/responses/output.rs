//! The items of a response: what the model thought, said and called.
//!
//! Thinking that its provider signed goes into `encrypted_content`, as the JSON list of its blocks: clients send that
//! back untouched, and [`super::input`] makes it blocks again, byte for byte.

use super::input::is_signed;
use super::tools::{Names, free_text};
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// The items of a message that is whole. `status` is how it ended.
pub(super) fn items(message: &Object, status: &str, names: &Names) -> Vec<Value> {
    let mut items = Vec::new();
    let thought = message.get("reasoning_content").and_then(Value::as_str);
    let signed = encrypted(message.get("thinking_blocks"));
    if thought.is_some_and(|text| !text.is_empty()) || signed.is_some() {
        let id = format!("rs_{}", uuid::Uuid::new_v4());
        items.push(reasoning(&id, status, thought.unwrap_or_default(), signed));
    }
    let images = message.get("images").and_then(Value::as_array);
    match images {
        Some(images) if !images.is_empty() => items.extend(images.iter().filter_map(picture)),
        _ => items.extend(said(message, status)),
    }
    let calls = message.get("tool_calls").and_then(Value::as_array);
    for call in calls.into_iter().flatten() {
        items.push(tool_call(call, names));
    }
    items
}

/// A reasoning item as LiteLLM tells it: its text is in `content`.
pub(super) fn reasoning(id: &str, status: &str, text: &str, encrypted: Option<String>) -> Value {
    let content = if text.is_empty() {
        json!([])
    } else {
        json!([text_part(text, json!([]))])
    };
    let mut item = json!({
        "type": "reasoning", "id": id, "status": status, "role": "assistant", "content": content,
        "phase": null,
    });
    if let Some(encrypted) = encrypted {
        item["encrypted_content"] = json!(encrypted);
    }
    item
}

/// A message item.
pub(super) fn message(id: &str, status: &str, content: &[Value]) -> Value {
    json!({
        "type": "message", "id": id, "status": status, "role": "assistant", "content": content,
        "phase": null,
    })
}

/// A part of a message's content.
pub(super) fn text_part(text: &str, annotations: Value) -> Value {
    json!({"type": "output_text", "text": text, "annotations": annotations})
}

/// The signed blocks as one text; `None` where nothing is signed.
pub(super) fn encrypted(blocks: Option<&Value>) -> Option<String> {
    let signed: Vec<String> = blocks?
        .as_array()?
        .iter()
        .filter(|block| is_signed(block))
        .map(ordered)
        .collect();
    (!signed.is_empty()).then(|| format!("[{}]", signed.join(",")))
}

/// A block with its members in the order in which providers write them.
fn ordered(block: &Value) -> String {
    let order = ["type", "thinking", "signature", "data"];
    let rest = block.as_object().into_iter().flatten();
    let rest = rest.filter(|(name, _)| !order.contains(&name.as_str()));
    let members: Vec<String> = order
        .iter()
        .filter_map(|name| Some((*name, block.get(name)?)))
        .chain(rest.map(|(name, value)| (name.as_str(), value)))
        .map(|(name, value)| format!("{}:{value}", json!(name)))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn said(message: &Object, status: &str) -> Option<Value> {
    let refusal = message.get("refusal").and_then(Value::as_str);
    let text = message.get("content").and_then(Value::as_str);
    let annotations = annotations(message.get("annotations"));
    let mut content = Vec::new();
    let written = text.is_some_and(|text| !text.is_empty() || refusal.is_none());
    if written || !annotations.is_empty() {
        content.push(text_part(
            text.unwrap_or_default(),
            Value::Array(annotations),
        ));
    }
    if let Some(refusal) = refusal {
        content.push(json!({"type": "refusal", "refusal": refusal}));
    }
    let id = format!("msg_{}", uuid::Uuid::new_v4());
    (!content.is_empty()).then(|| self::message(&id, status, &content))
}

/// Chat's annotations of a text in the form of the Responses API.
pub(super) fn annotations(given: Option<&Value>) -> Vec<Value> {
    let given = given.and_then(Value::as_array).into_iter().flatten();
    given
        .filter_map(|annotation| {
            let cited = annotation.get("url_citation")?;
            let mut told = json!({"type": "url_citation"});
            for name in ["start_index", "end_index", "url", "title"] {
                if let Some(value) = cited.get(name).filter(|value| !value.is_null()) {
                    told[name] = value.clone();
                }
            }
            Some(told)
        })
        .collect()
}

fn picture(image: &Value) -> Option<Value> {
    let url = image.get("image_url")?.get("url")?.as_str()?;
    let data = url.split_once(";base64,").map_or(url, |(_, data)| data);
    let id = format!("ig_{}", uuid::Uuid::new_v4());
    Some(json!({
        "type": "image_generation_call", "id": id, "status": "completed", "result": data,
    }))
}

fn tool_call(call: &Value, names: &Names) -> Value {
    let id = call.get("id").and_then(Value::as_str).unwrap_or_default();
    let function = call.get("function");
    let of = |name: &str| {
        function
            .and_then(|f| f.get(name)?.as_str())
            .unwrap_or_default()
    };
    let mut item = called(id, of("name"), of("arguments"), "completed", names);
    let fields = call
        .get("provider_specific_fields")
        .or_else(|| function.and_then(|f| f.get("provider_specific_fields")))
        .filter(|fields| fields.as_object().is_some_and(|fields| !fields.is_empty()));
    if let Some(fields) = fields {
        item["provider_specific_fields"] = fields.clone();
    }
    for name in ["async", "caller", "namespace"] {
        if item["type"] == "function_call" && item.get(name).is_none() {
            item[name] = Value::Null;
        }
    }
    item
}

/// The item of a call. `status` is `in_progress` for one whose arguments are still to come.
pub(super) fn called(id: &str, name: &str, arguments: &str, status: &str, names: &Names) -> Value {
    if names.is_custom(name) {
        let input = if status == "completed" {
            free_text(arguments)
        } else {
            String::new()
        };
        return json!({
            "type": "custom_tool_call", "id": item_id("ctc", id), "call_id": id, "name": name,
            "status": status, "input": input,
        });
    }
    let (name, space) = names.restored(name);
    let mut item = json!({
        "type": "function_call", "id": item_id("fc", id), "call_id": id, "name": name,
        "status": status, "arguments": arguments,
    });
    if let Some(space) = space {
        item["namespace"] = json!(space);
    }
    item
}

/// OpenAI refuses ids of items that do not begin with their kind.
fn item_id(prefix: &str, call: &str) -> String {
    if call.is_empty() || call.starts_with(prefix) {
        return call.to_owned();
    }
    format!("{prefix}_{call}")
}

/// Status of a response, and why it is incomplete.
pub(super) fn ended(finish: Option<&str>) -> (&'static str, Option<&'static str>) {
    match finish {
        Some("length") => ("incomplete", Some("max_output_tokens")),
        Some("content_filter" | "refusal") => ("incomplete", Some("content_filter")),
        None => ("incomplete", None),
        Some(_) => ("completed", None),
    }
}
