//! The message of a whole Anthropic reply in canonical form: text, calls, thinking, and what only Anthropic has.

use super::anthropic_request::names::Names;
use super::anthropic_request::schema;
use crate::adapt::canonical::{into_object, python_json};
use crate::adapt::usage::Object;
use serde_json::{Value, json};

/// The message of a reply. Members that OpenAI has no name for go to `provider_specific_fields`.
pub fn message(reply: &Object, blocks: &[Value], names: &Names) -> Object {
    let mut text = String::new();
    let (mut calls, mut thinking, mut citations) = (Vec::new(), Vec::new(), Vec::new());
    let (mut searched, mut results, mut compactions) = (Vec::new(), Vec::new(), Vec::new());
    for (index, block) in blocks.iter().enumerate() {
        match block["type"].as_str().unwrap_or_default() {
            "text" => text.push_str(block["text"].as_str().unwrap_or("")),
            "tool_use" | "server_tool_use" => calls.push(call(block, index, names)),
            "web_search_tool_result" | "web_fetch_tool_result" => searched.push(block.clone()),
            "thinking" | "redacted_thinking" => thinking.push(block.clone()),
            "compaction" => compactions.push(block.clone()),
            kind if kind.ends_with("_tool_result") => results.push(block.clone()),
            _ => {}
        }
        if let Some(cited) = block.get("citations").and_then(Value::as_array) {
            citations.push(Value::Array(
                cited.iter().map(|c| supported(c, block)).collect(),
            ));
        }
    }
    let mut own = Object::new();
    let mut list = |name: &str, values: Vec<Value>| {
        if !values.is_empty() {
            own.insert(name.into(), Value::Array(values));
        }
    };
    list("citations", citations);
    list("thinking_blocks", thinking.clone());
    list("web_search_calls", searches(blocks));
    list("web_search_results", searched);
    list("tool_results", results);
    list("compaction_blocks", compactions);
    // These two are told even where there are none.
    for name in ["citations", "thinking_blocks"] {
        own.entry(name).or_insert(Value::Null);
    }
    for name in ["context_management", "container"] {
        if let Some(value) = reply.get(name).filter(|value| !value.is_null()) {
            own.insert(name.into(), value.clone());
        }
    }
    own.extend(stop_fields(reply));
    let mut message = into_object(json!({"role": "assistant", "provider_specific_fields": own}));
    let content = (!text.is_empty()).then_some(text);
    message.insert("content".into(), json!(content));
    if !calls.is_empty() {
        message.insert("tool_calls".into(), Value::Array(calls));
    }
    if !thinking.is_empty() {
        let thoughts: String = thinking
            .iter()
            .filter_map(|block| block["thinking"].as_str())
            .collect();
        message.insert("reasoning_content".into(), json!(thoughts));
        message.insert("thinking_blocks".into(), Value::Array(thinking));
    }
    message
}

/// Why the model stopped, where OpenAI's reasons do not tell it.
fn stop_fields(reply: &Object) -> Object {
    let mut fields = Object::new();
    let reason = reply.get("stop_reason").cloned().unwrap_or_default();
    let details = reply
        .get("stop_details")
        .filter(|details| !details.is_null());
    if details.is_some() || reason == "refusal" || reason == "pause_turn" {
        fields.insert("stop_reason".into(), reason);
    }
    if let Some(details) = details {
        fields.insert("stop_details".into(), details.clone());
    }
    fields
}

fn call(block: &Value, index: usize, names: &Names) -> Value {
    let name = block["name"].as_str().unwrap_or_default();
    let mut call = json!({
        "index": index,
        "id": block["id"],
        "type": "function",
        "function": {"name": names.given(name), "arguments": python_json(&block["input"])},
    });
    if let Some(caller) = block.get("caller") {
        call["caller"] = caller.clone();
    }
    call
}

fn supported(citation: &Value, block: &Value) -> Value {
    let mut citation = citation.clone();
    if let Value::Object(members) = &mut citation {
        let text = block.get("text").cloned().unwrap_or_else(|| json!(""));
        members.insert("supported_text".into(), text);
    }
    citation
}

/// Web searches as OpenAI's Responses API tells them.
fn searches(blocks: &[Value]) -> Vec<Value> {
    let made = blocks
        .iter()
        .filter(|block| block["type"] == "server_tool_use" && block["name"] == "web_search");
    made.filter_map(|block| {
        let id = block["id"].as_str()?;
        let result = blocks
            .iter()
            .find(|result| result["type"] == "web_search_tool_result" && result["tool_use_id"] == id);
        let status = if result.is_some() { "completed" } else { "in_progress" };
        let query = block["input"]["query"].as_str().unwrap_or_default();
        let found = result.and_then(|result| result["content"].as_array());
        let sources: Vec<Value> = found
            .into_iter()
            .flatten()
            .filter_map(|page| Some(json!({"type": "url", "url": page.get("url")?})))
            .collect();
        let action = json!({"type": "search", "query": query, "queries": [query], "sources": sources});
        Some(json!({"id": format!("ws_{id}"), "type": "web_search_call", "status": status, "action": action}))
    })
    .collect()
}

/// The arguments of the made-up tool become the content. Whether nothing but those was called.
pub fn unwrap_json_tool(message: &mut Object, stop_reason: Option<&str>) -> bool {
    let Some(Value::Array(calls)) = message.remove("tool_calls") else {
        return false;
    };
    let (made_up, others): (Vec<Value>, Vec<Value>) = calls
        .into_iter()
        .partition(|call| call["function"]["name"] == schema::TOOL);
    let answer = made_up.first().map(|call| &call["function"]["arguments"]);
    let answer = answer.and_then(Value::as_str).map(content);
    if !others.is_empty() {
        if let Some(answer) = answer {
            let text = message
                .get("content")
                .and_then(Value::as_str)
                .unwrap_or_default();
            message.insert("content".into(), json!(format!("{text}{answer}")));
        }
        message.insert("tool_calls".into(), Value::Array(others));
        return false;
    }
    let Some(answer) = answer else { return false };
    message.insert("content".into(), json!(answer));
    if !matches!(stop_reason, Some("refusal" | "pause_turn")) {
        message.remove("provider_specific_fields");
    }
    true
}

/// Models often wrap the answer in a member `values`.
fn content(arguments: &str) -> String {
    match serde_json::from_str::<Value>(arguments) {
        Ok(value) => match value.get("values").filter(|values| !values.is_null()) {
            Some(values) => python_json(values),
            None => python_json(&value),
        },
        Err(_) => arguments.to_owned(),
    }
}
