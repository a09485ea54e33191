//! Databricks: OpenAI's protocol in front of many makers' models, Claude among them with Anthropic's own parameters.
//!
//! API: <https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/api-reference>.

use super::{Habits, Mapping};
use crate::adapt::providers::anthropic_request::{Built, thinking};
use crate::error::Result;
use serde_json::{Map, Value, json};

/// The habits.
pub static DATABRICKS: Habits = Habits {
    older_max_tokens: true,
    keeps_cache_control: true,
    hides_fingerprint: true,
    params: Some(params),
    messages: Some(|messages, mapping| {
        clean(messages, is_claude(mapping.model));
        Ok(())
    }),
    ..Habits::NONE
};

fn is_claude(model: &str) -> bool {
    model.contains("claude")
}

fn params(mapping: &mut Mapping<'_>) -> Result<()> {
    let claude = is_claude(mapping.model);
    // An answer in a wanted form does not come piece by piece.
    mapping.fake_stream = !claude && mapping.params.contains("response_format");
    if claude {
        claude_tools(mapping);
        claude_thinking(mapping)?;
    } else if !mapping.params.contains("max_tokens")
        && let Some(thinking) = mapping.value("thinking")
        && thinking["type"] == "enabled"
        && let Some(budget) = thinking["budget_tokens"].as_u64()
    {
        let most = budget + thinking::ROOM;
        mapping.params.set("max_tokens", &most);
    }
    Ok(())
}

/// Tools with the members that Anthropic knows, and a made-up one for a wanted form of the answer.
fn claude_tools(mapping: &mut Mapping<'_>) {
    let mut tools: Vec<Value> = match mapping.value("tools") {
        Some(Value::Array(tools)) => tools.iter().map(claude_tool).collect(),
        _ => Vec::new(),
    };
    let format = mapping.value("response_format").unwrap_or_default();
    mapping.params.remove("response_format");
    let schema = format
        .get("response_schema")
        .or_else(|| format.get("json_schema")?.get("schema"));
    if let Some(schema) = schema {
        tools.push(json!({"type": "function", "function": {"name": "json_tool_call", "parameters": schema}}));
        mapping.json_mode = true;
        if !thinking::is_asked(mapping) {
            let choice = json!({"type": "function", "function": {"name": "json_tool_call"}});
            mapping.params.set("tool_choice", &choice);
        }
    }
    if !tools.is_empty() {
        mapping.params.set("tools", &tools);
    }
}

fn claude_tool(tool: &Value) -> Value {
    let function = &tool["function"];
    if !function.is_object() {
        return tool.clone();
    }
    let parameters = function.get("parameters").cloned();
    let mut out =
        json!({"name": function["name"], "parameters": parameters.unwrap_or_else(|| json!({}))});
    if let Some(description) = function.get("description") {
        out["description"] = description.clone();
    }
    json!({"type": "function", "function": out})
}

fn claude_thinking(mapping: &mut Mapping<'_>) -> Result<()> {
    let mut built = Built::default();
    if let Some(most) = mapping.value("max_tokens") {
        built.members.set("max_tokens", &most);
    }
    thinking::apply(mapping, &mut built)?;
    for name in ["reasoning_effort", "thinking"] {
        mapping.params.remove(name);
    }
    for (name, raw) in built.members.iter() {
        mapping.params.set_raw(name, raw.clone());
    }
    Ok(())
}

/// Takes out of messages what Databricks refuses, and shapes the rest as it wants it.
fn clean(messages: &mut Vec<Value>, claude: bool) {
    messages.retain_mut(|message| message.as_object_mut().is_some_and(|m| keep(m, claude)));
    if !claude {
        *messages = split_calls(merge_system(std::mem::take(messages)));
    }
}

/// Cleans one message; false when nothing of it is left.
fn keep(message: &mut Map<String, Value>, claude: bool) -> bool {
    const INTERNAL: [&str; 5] = [
        "thinking_blocks",
        "reasoning_items",
        "provider_specific_fields",
        "reasoning_content",
        "prefix",
    ];
    let role = message.get("role").and_then(Value::as_str).unwrap_or("");
    let (user, assistant) = (role == "user", role == "assistant");
    message.retain(|name, _| !INTERNAL.contains(&name.as_str()) && (user || name != "name"));
    if let Some(Value::String(text)) = message.get("content")
        && let Some(mark) = message.get("cache_control")
    {
        let block = json!([{"type": "text", "text": text, "cache_control": mark}]);
        message.insert("content".into(), block);
        message.remove("cache_control");
    }
    let is_blank = |text: &str| text.trim().is_empty();
    let blank = match message.get_mut("content") {
        Some(Value::String(text)) => is_blank(text),
        Some(Value::Array(parts)) => {
            let blank = |part: &Value| is_blank(part["text"].as_str().unwrap_or(""));
            parts.retain(|part| part["type"] != "text" || !blank(part));
            parts.is_empty()
        }
        _ => false,
    };
    if blank {
        message.remove("content");
    }
    if !claude
        && let Some(Value::Array(parts)) = message.get("content")
        && let [Value::Object(part)] = parts.as_slice()
        && let (2, Some("text"), Some(text)) = (
            part.len(),
            part.get("type").and_then(Value::as_str),
            part.get("text").cloned(),
        )
    {
        message.insert("content".into(), text);
    }
    let says = |name: &str| match message.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    };
    !assistant
        || ["content", "tool_calls", "function_call"]
            .iter()
            .any(|name| says(name))
}

/// Runs of system messages become one.
fn merge_system(messages: Vec<Value>) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::with_capacity(messages.len());
    for mut message in messages {
        match out.last_mut() {
            Some(last) if last["role"] == "system" && message["role"] == "system" => {
                let content = message["content"].take();
                last["content"] = joined(last["content"].take(), content);
            }
            _ => out.push(message),
        }
    }
    out
}

fn joined(one: Value, other: Value) -> Value {
    match (one, other) {
        (one, Value::Null) => one,
        (Value::Null, other) => other,
        (Value::String(one), Value::String(other)) => json!(format!("{one}\n\n{other}")),
        (one, other) => {
            let parts = |content: Value| match content {
                Value::Array(parts) => parts,
                text => vec![json!({"type": "text", "text": text})],
            };
            let mut all = parts(one);
            all.extend(parts(other));
            Value::Array(all)
        }
    }
}

/// Gives each answer of a tool the call right in front of it: Databricks refuses answers in a row. Conversations that
/// do not answer every call once stay as they are.
fn split_calls(messages: Vec<Value>) -> Vec<Value> {
    let mut out = Vec::with_capacity(messages.len());
    let mut rest = messages.as_slice();
    while let Some((message, after)) = rest.split_first() {
        let answers = after
            .iter()
            .take_while(|message| message["role"] == "tool")
            .count();
        let answers = &after[..answers];
        let pairs = message["tool_calls"]
            .as_array()
            .filter(|calls| message["role"] == "assistant" && calls.len() > 1)
            .and_then(|calls| pairs(calls, answers));
        let Some(pairs) = pairs else {
            out.push(message.clone());
            rest = after;
            continue;
        };
        for (at, (call, answer)) in pairs.into_iter().enumerate() {
            let mut caller = json!({"role": "assistant"});
            if at == 0 {
                caller = message.clone();
            }
            caller["tool_calls"] = json!([call]);
            out.push(caller);
            out.push(answer.clone());
        }
        rest = &after[answers.len()..];
    }
    out
}

/// Each answer with its call; `None` unless every call has exactly one.
fn pairs<'a>(calls: &'a [Value], answers: &'a [Value]) -> Option<Vec<(&'a Value, &'a Value)>> {
    let found: Option<Vec<_>> = answers
        .iter()
        .map(|answer| {
            let call = calls
                .iter()
                .find(|call| call["id"] == answer["tool_call_id"])?;
            Some((call, answer))
        })
        .collect();
    let answered = |call: &Value| {
        let id = &call["id"];
        answers.iter().any(|answer| answer["tool_call_id"] == *id)
    };
    found.filter(|pairs| pairs.len() == calls.len() && calls.iter().all(answered))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cleaned(messages: Value, claude: bool) -> Value {
        let mut messages: Vec<Value> = serde_json::from_value(messages).unwrap();
        clean(&mut messages, claude);
        Value::Array(messages)
    }

    #[test]
    fn calls_and_answers_alternate() {
        let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f"}});
        let answer = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": id});
        let both = json!([{"role": "assistant", "content": "x", "tool_calls": [call("a"), call("b")]},
            answer("b"), answer("a")]);
        let split = json!([{"role": "assistant", "content": "x", "tool_calls": [call("b")]}, answer("b"),
            {"role": "assistant", "tool_calls": [call("a")]}, answer("a")]);
        assert_eq!(cleaned(both.clone(), false), split);
        assert_eq!(
            cleaned(both, true)[0]["tool_calls"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        let unanswered =
            json!([{"role": "assistant", "tool_calls": [call("a"), call("b")]}, answer("a")]);
        assert_eq!(cleaned(unanswered.clone(), false), unanswered);
    }

    #[test]
    fn messages_lose_what_is_refused() {
        let messages = json!([{"role": "system", "content": "a"}, {"role": "system", "content": "b"},
            {"role": "user", "name": "n", "content": [{"type": "text", "text": "u"}]},
            {"role": "assistant", "content": " ", "reasoning_content": "hm"},
            {"role": "tool", "name": "t", "tool_call_id": "1", "content": "x"}]);
        let expected = json!([{"role": "system", "content": "a\n\nb"}, {"role": "user", "name": "n", "content": "u"},
            {"role": "tool", "tool_call_id": "1", "content": "x"}]);
        assert_eq!(cleaned(messages, false), expected);
    }

    #[test]
    fn marks_of_caching_move_into_the_content() {
        let mark = json!({"type": "ephemeral"});
        let message = json!([{"role": "user", "content": "x", "cache_control": mark}]);
        let expected = json!([{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": mark}]}]);
        assert_eq!(cleaned(message, true), expected);
    }
}
