//! A whole reply of Converse in canonical form.

use super::converse::Plan;
use super::errors;
use super::format::TOOL;
use super::messages::native_redacted;
use crate::account::tokens::Encoding;
use crate::adapt::Target;
use crate::adapt::canonical::{finish_reason, into_object, python_json, split_thinking};
use crate::adapt::usage::{Object, count};
use crate::error::Result;
use crate::request::Call;
use serde_json::{Value, json};

/// The model that a reply shows: the client's name in the server, else the one that was asked.
pub fn shown_model(call: &Call, target: &Target) -> String {
    if !call.caller.route.is_empty() {
        return call.shown_model().to_owned();
    }
    let model = &target.model;
    model
        .replacen("converse/", "", 1)
        .replacen("chat_completions/", "", 1)
}

/// The canonical form.
///
/// # Errors
/// A reply without a message, a reason or a usage.
pub fn canonical(call: &Call, target: &Target, reply: &Object, plan: &Plan) -> Result<Object> {
    let (Some(Value::Object(native)), Some(output)) = (reply.get("usage"), reply.get("output"))
    else {
        return Err(errors::unreadable(target, "'output'"));
    };
    let Some(blocks) = output["message"]["content"].as_array() else {
        return Err(errors::unreadable(target, "'message'"));
    };
    let native_reason = reply.get("stopReason").and_then(Value::as_str);
    let mut finish = finish_reason(native_reason.unwrap_or("stop"));
    let mut said = Said::read(blocks, plan);
    if plan.json_mode && said.unwrap_made_up() && finish == "tool_calls" {
        finish = "stop";
    }
    if said.call_in_text(plan) {
        finish = "tool_calls";
    }
    let reported = thinking_tokens(reply.get("additionalModelResponseFields"));
    let usage = used(native, Some(&said), reported);
    let mut out = into_object(json!({
        "id": format!("chatcmpl-{}", call.id),
        "created": call.created,
        "model": shown_model(call, target),
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": finish, "message": said.message()}],
        "usage": usage,
    }));
    if let Some(trace) = reply.get("trace").filter(|trace| !trace.is_null()) {
        out.insert("trace".into(), trace.clone());
    }
    if let Some(tier) = reply.get("serviceTier").and_then(|tier| tier.get("type")) {
        out.insert("service_tier".into(), tier.clone());
    }
    Ok(out)
}

/// What the model says.
#[derive(Debug, Default)]
pub struct Said {
    text: String,
    calls: Vec<Value>,
    thoughts: Vec<Value>,
    citations: Vec<Value>,
}

impl Said {
    fn read(blocks: &[Value], plan: &Plan) -> Self {
        let mut said = Self::default();
        for (index, block) in blocks.iter().enumerate() {
            if let Some(text) = block["text"].as_str() {
                // Some models write their thoughts into the text.
                if let Some((thought, rest)) = split_thinking(text) {
                    said.thoughts
                        .push(json!({"reasoningText": {"text": thought}}));
                    said.text.push_str(rest);
                } else {
                    said.text.push_str(text);
                }
            }
            if let Value::Object(call) = &block["toolUse"] {
                let name = call.get("name").and_then(Value::as_str).unwrap_or_default();
                let arguments = python_json(call.get("input").unwrap_or(&Value::Null));
                said.calls.push(json!({
                    "index": index, "id": call.get("toolUseId"), "type": "function",
                    "function": {"name": plan.names.given(name), "arguments": arguments},
                }));
            }
            if let thought @ Value::Object(_) = &block["reasoningContent"] {
                said.thoughts.push(thought.clone());
            }
            if let cited @ Value::Object(_) = &block["citationsContent"] {
                said.citations.push(cited.clone());
            }
        }
        said
    }

    /// The arguments of the made-up tool become the text. Whether nothing but it was called.
    fn unwrap_made_up(&mut self) -> bool {
        let is_made_up = |call: &Value| call["function"]["name"] == TOOL;
        let Some(first) = self.calls.iter().find(|call| is_made_up(call)) else {
            return false;
        };
        let arguments = first["function"]["arguments"].as_str().unwrap_or_default();
        let answer = unwrapped(arguments);
        self.calls.retain(|call| !is_made_up(call));
        if self.calls.is_empty() {
            self.text = answer;
        } else {
            self.text.push_str(&answer);
        }
        self.calls.is_empty()
    }

    /// A call that the model wrote as its text becomes one.
    fn call_in_text(&mut self, plan: &Plan) -> bool {
        let Ok(Value::Object(call)) = serde_json::from_str::<Value>(&self.text) else {
            return false;
        };
        let name = call.get("name").and_then(Value::as_str).unwrap_or_default();
        let known = plan.tools.iter().any(|tool| tool == name);
        if !known || call.get("type").is_none_or(|kind| kind != "function") {
            return false;
        }
        let arguments = call
            .get("parameters")
            .or_else(|| call.get("arguments"))
            .map_or_else(String::new, |given| {
                given
                    .as_str()
                    .map_or_else(|| python_json(given), str::to_owned)
            });
        self.calls = vec![json!({
            "id": "call_0", "type": "function",
            "function": {"name": name, "arguments": arguments},
        })];
        self.text.clear();
        true
    }

    fn reasoning(&self) -> String {
        let texts = self
            .thoughts
            .iter()
            .filter_map(|thought| thought["reasoningText"]["text"].as_str());
        texts.collect()
    }

    fn message(mut self) -> Object {
        let mut own = Object::new();
        let mut message = Object::new();
        if !self.thoughts.is_empty() {
            let blocks: Vec<Value> = self.thoughts.iter().filter_map(block).collect();
            message.insert("reasoning_content".into(), json!(self.reasoning()));
            message.insert("thinking_blocks".into(), Value::Array(blocks));
            let thoughts = std::mem::take(&mut self.thoughts);
            own.insert("reasoningContentBlocks".into(), Value::Array(thoughts));
        }
        if !self.citations.is_empty() {
            let (text, annotations) = cited(&self.citations);
            let plain = !self.text.chars().any(char::is_alphanumeric);
            if plain && !text.is_empty() {
                let blank = self.text.trim().is_empty();
                let rest = if blank { "" } else { &self.text };
                self.text = format!("{text}{rest}");
                if !annotations.is_empty() {
                    message.insert("annotations".into(), Value::Array(annotations));
                }
            }
            own.insert("citationsContent".into(), Value::Array(self.citations));
        }
        let in_text = self
            .calls
            .first()
            .is_some_and(|call| call["id"] == "call_0" && call.get("index").is_none());
        let content = if in_text {
            Value::Null
        } else {
            json!(self.text)
        };
        message.insert("content".into(), content);
        message.insert("role".into(), json!("assistant"));
        if !self.calls.is_empty() {
            message.insert("tool_calls".into(), Value::Array(self.calls));
        }
        if !own.is_empty() {
            message.insert("provider_specific_fields".into(), Value::Object(own));
        }
        message
    }
}

/// A thought as Anthropic's block.
fn block(thought: &Value) -> Option<Value> {
    if let Some(data) = thought["redactedContent"].as_str() {
        return Some(json!({"type": "redacted_thinking", "data": native_redacted(data)}));
    }
    let text = thought.get("reasoningText")?;
    let mut block = json!({"type": "thinking"});
    for (name, native) in [("thinking", "text"), ("signature", "signature")] {
        if let Some(value) = text.get(native).filter(|value| !value.is_null()) {
            block[name] = value.clone();
        }
    }
    Some(block)
}

/// Some models wrap the answer once more.
fn unwrapped(arguments: &str) -> String {
    match serde_json::from_str::<Value>(arguments) {
        Ok(Value::Object(answer)) if answer.len() == 1 && answer.contains_key("properties") => {
            python_json(&answer["properties"])
        }
        _ => arguments.to_owned(),
    }
}

/// The text of citations, and which page each piece rests on.
fn cited(citations: &[Value]) -> (String, Vec<Value>) {
    let mut text = String::new();
    let mut annotations = Vec::new();
    for block in citations {
        let offset = text.chars().count() as u64;
        for part in block["content"].as_array().into_iter().flatten() {
            text.push_str(part["text"].as_str().unwrap_or_default());
        }
        for citation in block["citations"].as_array().into_iter().flatten() {
            let place = &citation["location"]["searchResultLocation"];
            let (Some(start), Some(end)) = (place["start"].as_u64(), place["end"].as_u64()) else {
                continue;
            };
            let told = |name: &str| citation[name].as_str().unwrap_or_default();
            annotations.push(json!({"type": "url_citation", "url_citation": {
                "start_index": offset + start, "end_index": offset + end,
                "title": told("title"), "url": told("source"),
            }}));
        }
    }
    (text, annotations)
}

/// Tokens that the model says it thought with.
pub fn thinking_tokens(fields: Option<&Value>) -> Option<u64> {
    fields?
        .get("usage")?
        .get("output_tokens_details")?
        .get("thinking_tokens")?
        .as_u64()
}

/// Canonical usage. Bedrock counts cached input apart; OpenAI's prompt tokens are all of it. `said` is what a whole
/// reply says; of a stream, the thoughts are counted where it ends.
pub fn used(native: &Object, said: Option<&Said>, reported: Option<u64>) -> Object {
    let either = |one: &str, other: &str| {
        if native.contains_key(one) {
            count(native, one)
        } else {
            count(native, other)
        }
    };
    let input = count(native, "inputTokens");
    let output = count(native, "outputTokens");
    let read = either("cacheReadInputTokens", "cacheReadInputTokenCount");
    let written = either("cacheWriteInputTokens", "cacheWriteInputTokenCount");
    let prompt = input + read + written;
    let total = if native.contains_key("totalTokens") {
        count(native, "totalTokens")
    } else {
        prompt + output
    };
    let mut details = into_object(json!({"cached_tokens": read, "text_tokens": input,
        "cache_write_tokens": written, "cache_creation_tokens": written}));
    if let Some(lifetimes) = lifetimes(native, written) {
        details.insert("cache_creation_token_details".into(), lifetimes);
    }
    let mut used = into_object(json!({
        "prompt_tokens": prompt, "completion_tokens": output, "total_tokens": total,
        "prompt_tokens_details": details,
        "cache_creation_input_tokens": written, "cache_read_input_tokens": read,
    }));
    let thought = said.is_none_or(|said| !said.thoughts.is_empty());
    let counted = || said.map(|said| Encoding::of("").count(&said.reasoning()).max(0) as u64);
    let reasoning = reported.map(|tokens| tokens.min(output)).or_else(counted);
    let completion = match reasoning {
        Some(tokens) if tokens > 0 => {
            Some(json!({"reasoning_tokens": tokens, "text_tokens": output.saturating_sub(tokens)}))
        }
        _ if !thought => Some(json!({"reasoning_tokens": 0, "text_tokens": output})),
        Some(_) => Some(json!({})),
        None => None,
    };
    if let Some(completion) = completion {
        used.insert("completion_tokens_details".into(), completion);
    }
    used
}

/// How long what was written to the cache lasts, where that is told of all of it.
fn lifetimes(native: &Object, written: u64) -> Option<Value> {
    let details = native.get("cacheDetails")?.as_array()?;
    let of = |lifetime: &str| -> u64 {
        let told = details.iter().filter(|detail| detail["ttl"] == lifetime);
        told.filter_map(|detail| detail["inputTokens"].as_u64())
            .sum()
    };
    let (short, long) = (of("5m"), of("1h"));
    (!details.is_empty() && short + long == written)
        .then(|| json!({"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long}))
}

impl Said {
    /// What a stream without thoughts says, for [`used`].
    pub fn nothing() -> Self {
        Self::default()
    }
}
