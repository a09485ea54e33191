//! A whole reply from the chunks of a stream: LiteLLM's `stream_chunk_builder`, on canonical JSON.

use super::canonical::{drop_nulls_in, finish_reason, into_object};
use super::stream_usage::{self, Counter, StreamText};
use super::usage::{self, Object};
use base64::Engine;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Members of a delta that make a message more than text.
pub(super) const MORE_THAN_TEXT: [&str; 10] = [
    "tool_calls",
    "function_call",
    "reasoning_content",
    "reasoning_items",
    "thinking_blocks",
    "annotations",
    "audio",
    "images",
    "provider_specific_fields",
    "refusal",
];

/// Folds chunks, in order, into a `ModelResponse` or a text completion. `None` without chunks.
///
/// `now` is Unix seconds, for an audio answer that does not say when it expires.
pub fn fold(mut chunks: Vec<Object>, now: i64, counter: &mut dyn Counter) -> Option<Object> {
    chunks.iter_mut().for_each(drop_nulls_in);
    let is_text = chunks
        .iter()
        .find_map(first_choice)
        .is_some_and(|choice| choice.contains_key("text") && !choice.contains_key("delta"));
    if is_text {
        return fold_text(&chunks, counter);
    }
    let head = chunks.first()?;
    let mut out = Object::new();
    out.insert("id".into(), json!(first_text(&chunks, "id").unwrap_or("")));
    out.insert("object".into(), json!("chat.completion"));
    out.insert(
        "created".into(),
        head.get("created").cloned().unwrap_or(json!(now)),
    );
    out.insert("model".into(), model(&chunks));
    if let Some(fingerprint) = head.get("system_fingerprint") {
        out.insert("system_fingerprint".into(), fingerprint.clone());
    }
    let tier = chunks
        .iter()
        .rev()
        .find_map(|chunk| text(chunk, "service_tier"));
    if let Some(tier) = tier {
        out.insert("service_tier".into(), json!(tier));
    }
    let streams = choice_streams(&chunks);
    let several = streams.len() > 1;
    let more_than_text = streams.iter().flat_map(|(_, deltas)| deltas).any(|part| {
        MORE_THAN_TEXT
            .iter()
            .any(|name| part.delta.contains_key(*name))
    });
    let mut written = StreamText {
        more_than_text,
        ..StreamText::default()
    };
    let mut choices = Vec::new();
    for (index, parts) in &streams {
        let message = message(parts, more_than_text, now);
        note_text(&mut written, &message);
        choices.push(choice(*index, parts, &message, several));
    }
    out.insert("choices".into(), Value::Array(choices));
    let used = assembled(&chunks, &written, counter);
    out.insert("usage".into(), Value::Object(used));
    Some(out)
}

/// One choice's part of one chunk.
struct Part<'a> {
    delta: Object,
    finish: Option<&'a str>,
}

/// The parts of each choice, by its index; one choice when no chunk has any.
fn choice_streams(chunks: &[Object]) -> Vec<(u64, Vec<Part<'_>>)> {
    let choices = || chunks.iter().flat_map(choices_of);
    let indexes: BTreeSet<u64> = choices()
        .map(|choice| usage::count(choice, "index"))
        .collect();
    let parts = |index: Option<u64>| {
        choices()
            .filter(|choice| index.is_none_or(|index| usage::count(choice, "index") == index))
            .map(|choice| Part {
                delta: into_object(choice.get("delta").cloned().unwrap_or_default()),
                finish: text(choice, "finish_reason"),
            })
            .collect()
    };
    if indexes.len() <= 1 {
        return vec![(0, parts(None))];
    }
    indexes
        .into_iter()
        .map(|index| (index, parts(Some(index))))
        .collect()
}

fn choice(index: u64, parts: &[Part<'_>], message: &Object, several: bool) -> Value {
    let has_calls = parts.iter().any(|part| {
        part.delta
            .get("tool_calls")
            .and_then(Value::as_array)
            .is_some_and(|calls| !calls.is_empty())
    });
    let unreported = if several && has_calls {
        "tool_calls"
    } else {
        "stop"
    };
    let native = parts
        .iter()
        .rev()
        .find_map(|part| part.finish)
        .unwrap_or(unreported);
    let mapped = finish_reason(native);
    let mut choice = json!({"index": index, "finish_reason": mapped, "message": message});
    if mapped != native {
        choice["provider_specific_fields"] = json!({"native_finish_reason": native});
    }
    choice
}

fn message(parts: &[Part<'_>], assembled: bool, now: i64) -> Object {
    let mut message = Object::new();
    let role = parts.first().and_then(|part| text(&part.delta, "role"));
    message.insert("role".into(), json!(role.unwrap_or("assistant")));
    let joined = |name: &str| -> Option<String> {
        let mut texts = parts
            .iter()
            .filter_map(|part| part.delta.get(name)?.as_str())
            .peekable();
        texts.peek()?;
        Some(texts.collect())
    };
    let calls = assembled.then(|| tool_calls(parts)).flatten();
    let function_call = assembled.then(|| function_call(parts)).flatten();
    match joined("content") {
        Some(content) => message.insert("content".into(), json!(content)),
        None if calls.is_none() && function_call.is_none() => {
            message.insert("content".into(), json!(""))
        }
        None => None,
    };
    if !assembled {
        return message;
    }
    for (name, value) in [
        ("tool_calls", calls),
        ("function_call", function_call),
        (
            "reasoning_content",
            joined("reasoning_content").map(Value::String),
        ),
        (
            "refusal",
            joined("refusal")
                .filter(|text| !text.is_empty())
                .map(Value::String),
        ),
        ("thinking_blocks", thinking_blocks(parts)),
        ("reasoning_items", concatenated(parts, "reasoning_items")),
        ("images", concatenated(parts, "images")),
        ("audio", audio(parts, now)),
    ] {
        if let Some(value) = value {
            message.insert(name.into(), value);
        }
    }
    provider_fields(parts, &mut message);
    message
}

/// Lists of all chunks, one after the other.
fn concatenated(parts: &[Part<'_>], name: &str) -> Option<Value> {
    let items: Vec<Value> = parts
        .iter()
        .filter_map(|part| part.delta.get(name)?.as_array())
        .flatten()
        .cloned()
        .collect();
    (!items.is_empty()).then_some(Value::Array(items))
}

#[derive(Default)]
struct CallParts {
    id: String,
    kind: String,
    name: String,
    arguments: String,
    custom_name: String,
    input: String,
    provider_fields: Object,
}

fn tool_calls(parts: &[Part<'_>]) -> Option<Value> {
    let mut calls: BTreeMap<u64, CallParts> = BTreeMap::new();
    let mut any = false;
    for part in parts {
        let Some(Value::Array(fragments)) = part.delta.get("tool_calls") else {
            continue;
        };
        any = true;
        for fragment in fragments.iter().filter_map(Value::as_object) {
            let function = fragment.get("function").and_then(Value::as_object);
            let custom = fragment.get("custom").and_then(Value::as_object);
            if function.is_none() && custom.is_none() {
                continue;
            }
            let call = calls.entry(usage::count(fragment, "index")).or_default();
            let set = |slot: &mut String, object: Option<&Object>, name: &str| {
                if let Some(value) = object.and_then(|object| text(object, name))
                    && !value.is_empty()
                {
                    value.clone_into(slot);
                }
            };
            set(&mut call.id, Some(fragment), "id");
            set(&mut call.kind, Some(fragment), "type");
            set(&mut call.name, function, "name");
            set(&mut call.custom_name, custom, "name");
            let add = |object: Option<&Object>, name: &str| -> String {
                object
                    .and_then(|object| text(object, name))
                    .unwrap_or("")
                    .to_owned()
            };
            call.arguments += &add(function, "arguments");
            call.input += &add(custom, "input");
            let fields = fragment
                .get("provider_specific_fields")
                .or_else(|| function?.get("provider_specific_fields"));
            if let Some(Value::Object(fields)) = fields {
                call.provider_fields.extend(fields.clone());
            }
        }
    }
    let calls = calls
        .into_values()
        .filter_map(|call| {
            if !call.id.is_empty() && !call.custom_name.is_empty() {
                return Some(json!({"id": call.id, "type": "custom",
                    "custom": {"name": call.custom_name, "input": call.input}}));
            }
            if call.id.is_empty() || call.name.is_empty() {
                return None;
            }
            let arguments = match call.arguments {
                arguments if arguments.is_empty() => "{}".to_owned(),
                arguments => arguments,
            };
            let kind = if call.kind.is_empty() {
                "function"
            } else {
                &call.kind
            };
            let mut whole = json!({"id": call.id, "type": kind,
                "function": {"name": call.name, "arguments": arguments}});
            if !call.provider_fields.is_empty() {
                whole["provider_specific_fields"] = Value::Object(call.provider_fields);
            }
            Some(whole)
        })
        .collect();
    any.then_some(Value::Array(calls))
}

fn function_call(parts: &[Part<'_>]) -> Option<Value> {
    let mut calls = parts
        .iter()
        .filter_map(|part| part.delta.get("function_call")?.as_object())
        .peekable();
    let name = calls.peek()?.get("name").cloned().unwrap_or_default();
    let arguments: String = calls.filter_map(|call| text(call, "arguments")).collect();
    Some(json!({"name": name, "arguments": arguments}))
}

/// Thinking is one block for each signature; redacted blocks stand between.
fn thinking_blocks(parts: &[Part<'_>]) -> Option<Value> {
    let mut blocks = Vec::new();
    let mut thinking = String::new();
    for block in concatenated(parts, "thinking_blocks")?.as_array()? {
        let Some(block) = block.as_object() else {
            continue;
        };
        if text(block, "type") == Some("redacted_thinking") {
            thinking.clear();
            if let Some(data) = text(block, "data").filter(|data| !data.is_empty()) {
                blocks.push(json!({"type": "redacted_thinking", "data": data}));
            }
            continue;
        }
        thinking += text(block, "thinking").unwrap_or("");
        if let Some(signature) = text(block, "signature").filter(|text| !text.is_empty()) {
            let text = std::mem::take(&mut thinking);
            blocks.push(json!({"type": "thinking", "thinking": text, "signature": signature}));
        }
    }
    (!blocks.is_empty()).then_some(Value::Array(blocks))
}

fn audio(parts: &[Part<'_>], now: i64) -> Option<Value> {
    let base64 = base64::engine::general_purpose::STANDARD;
    let mut found = false;
    let (mut data, mut transcript) = (Vec::new(), String::new());
    let (mut id, mut expires_at) = (Value::Null, None);
    for part in parts {
        let Some(Value::Object(audio)) = part.delta.get("audio") else {
            continue;
        };
        found = true;
        // Each piece is padded on its own: decode before joining.
        data.extend(
            base64
                .decode(text(audio, "data").unwrap_or(""))
                .unwrap_or_default(),
        );
        transcript += text(audio, "transcript").unwrap_or("");
        expires_at = audio
            .get("expires_at")
            .and_then(Value::as_i64)
            .or(expires_at);
        if let Some(given) = audio.get("id") {
            id = given.clone();
        }
    }
    found.then(|| {
        json!({"id": id, "data": base64.encode(data), "transcript": transcript,
            "expires_at": expires_at.unwrap_or(now + 3600)})
    })
}

/// Annotations that are OpenAI's, and everything that is the provider's own.
fn provider_fields(parts: &[Part<'_>], message: &mut Object) {
    let mut fields = Object::new();
    let mut citations = Vec::new();
    if let Some(Value::Array(annotations)) = concatenated(parts, "annotations") {
        let (ours, theirs): (Vec<_>, Vec<_>) = annotations.into_iter().partition(|annotation| {
            annotation
                .get("type")
                .is_none_or(|kind| kind == "url_citation")
        });
        if !ours.is_empty() {
            message.insert("annotations".into(), Value::Array(ours));
        }
        if !theirs.is_empty() {
            fields.insert("annotations".into(), Value::Array(theirs));
        }
    }
    for part in parts {
        if let Some(Value::Object(own)) = part.delta.get("provider_specific_fields") {
            for (name, value) in own {
                if name == "citation" {
                    citations.push(value.clone());
                } else {
                    fields.insert(name.clone(), value.clone());
                }
            }
        }
    }
    if !citations.is_empty() {
        let listed = citations.iter().all(Value::is_array);
        let citations = if listed {
            json!(citations)
        } else {
            json!([citations])
        };
        fields.entry("citations").or_insert(citations);
    }
    if !fields.is_empty() {
        message.insert("provider_specific_fields".into(), Value::Object(fields));
    }
}

/// What counting reads of a message, in the form in which LiteLLM counts it.
fn note_text(written: &mut StreamText, message: &Object) {
    written.content += text(message, "content").unwrap_or("");
    written.reasoning += text(message, "reasoning_content").unwrap_or("");
    if let Some(call) = message.get("function_call") {
        written.note_function(&call["arguments"], &call["name"]);
    }
    let Some(Value::Array(calls)) = message.get("tool_calls") else {
        return;
    };
    for call in calls {
        let function = &call["function"];
        written.note_call(
            &function["arguments"],
            &function["name"],
            &call["id"],
            &call["type"],
        );
    }
}

fn assembled(chunks: &[Object], written: &StreamText, counter: &mut dyn Counter) -> Object {
    let mut reported = None;
    for chunk in chunks {
        if let Some(Value::Object(used)) = chunk.get("usage") {
            stream_usage::merge(&mut reported, usage::canonical(used.clone()));
        }
    }
    stream_usage::assembled(reported.as_ref(), written, counter)
}

fn fold_text(chunks: &[Object], counter: &mut dyn Counter) -> Option<Object> {
    let head = chunks.first()?;
    let mut by_index: BTreeMap<u64, Vec<&Object>> = BTreeMap::new();
    for choice in chunks.iter().flat_map(choices_of) {
        by_index
            .entry(usage::count(choice, "index"))
            .or_default()
            .push(choice);
    }
    let mut written = StreamText {
        more_than_text: true,
        ..StreamText::default()
    };
    let mut choices = Vec::new();
    for (index, parts) in by_index {
        let joined: String = parts.iter().filter_map(|part| text(part, "text")).collect();
        written.content += &joined;
        let finish = parts
            .iter()
            .rev()
            .find_map(|part| text(part, "finish_reason"));
        let logprobs = parts.iter().rev().find_map(|part| part.get("logprobs"));
        choices.push(json!({"index": index, "text": joined, "finish_reason": finish.map(finish_reason), "logprobs": logprobs}));
    }
    let mut out = Object::new();
    for name in ["id", "created", "model", "system_fingerprint"] {
        out.insert(name.into(), head.get(name).cloned().unwrap_or_default());
    }
    out.insert("object".into(), json!("text_completion"));
    out.insert("choices".into(), Value::Array(choices));
    let used = assembled(chunks, &written, counter);
    out.insert("usage".into(), Value::Object(usage::with_nulls(used)));
    Some(out)
}

/// The first chunk's model, or the one that a later chunk names instead.
fn model(chunks: &[Object]) -> Value {
    let first = chunks.first().and_then(|chunk| text(chunk, "model"));
    let other = chunks
        .iter()
        .filter_map(|chunk| text(chunk, "model"))
        .find(|name| !name.is_empty() && Some(*name) != first);
    json!(other.or(first))
}

fn choices_of(chunk: &Object) -> impl Iterator<Item = &Object> {
    chunk
        .get("choices")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
}

fn first_choice(chunk: &Object) -> Option<&Object> {
    choices_of(chunk).next()
}

fn first_text<'a>(chunks: &'a [Object], name: &str) -> Option<&'a str> {
    chunks
        .iter()
        .filter_map(|chunk| text(chunk, name))
        .find(|value| !value.is_empty())
}

fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
