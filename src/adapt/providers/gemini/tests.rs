//! What goes to Gemini, for what the recorded cases do not hold.
#![allow(clippy::unwrap_used)]

use super::contents::contents;
use super::schema::translate;
use serde_json::{Value, json};

fn turns(messages: &Value, model: &str) -> Vec<Value> {
    let list: Vec<_> = serde_json::from_value(messages.clone()).unwrap();
    contents(&list, model).unwrap().contents
}

#[test]
fn a_schema_that_refers_to_itself_ends() {
    let schema = json!({
        "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}},
        "type": "object", "properties": {"first": {"$ref": "#/$defs/Node"}},
    });
    let first = &translate(&schema)["properties"]["first"];
    assert_eq!(first["properties"]["next"], json!({"type": "object"}));
}

#[test]
fn signatures_of_thoughts_go_back_with_their_calls() {
    let call = json!({"id": "c", "function": {"name": "f", "arguments": "{}"},
        "provider_specific_fields": {"thought_signature": "U0lH"}});
    let messages = json!([{"role": "assistant", "content": null, "tool_calls": [call]}]);
    let told = turns(&messages, "gemini-2.5-flash");
    assert_eq!(told[0]["parts"][0]["thoughtSignature"], "U0lH");
}

#[test]
fn results_of_tools_are_one_turn_of_the_user() {
    let messages = json!([
        {"role": "assistant", "tool_calls": [
            {"id": "a", "function": {"name": "f", "arguments": "{}"}},
            {"id": "b", "function": {"name": "g", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {"role": "tool", "tool_call_id": "a", "content": "{\"x\": 1}"},
    ]);
    let told = turns(&messages, "gemini-2.5-flash");
    assert_eq!(told.len(), 2);
    assert_eq!(
        told[1]["parts"][0]["function_response"],
        json!({"name": "g", "response": {"content": "2"}})
    );
    assert_eq!(
        told[1]["parts"][1]["function_response"],
        json!({"name": "f", "response": {"x": 1}})
    );
}
