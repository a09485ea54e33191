//! OpenAI-shaped chunks into canonical ones: the slow path, which sees every kind of chunk once.
//!
//! The rules are LiteLLM's: the role stands in the first chunk only; the finish reason stands alone in one last chunk,
//! whatever came beside it before that; a chunk that adds nothing is dropped; usage is taken out and told at the end.
//! Output is pure in the chunk and the few fields of [`Chunks`] that `render` reads, which lets
//! [`super::stream_template`] replay it.

use super::canonical::{drop_nulls, drop_nulls_in, finish_reason, into_object, text_arguments};
use super::errors::Place;
use super::stream_template::Hole;
use super::stream_usage::{self, RawText, StreamText};
use super::usage::{self, Object};
use crate::error::{Error, ErrorKind, Result, Side};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How often a chunk may repeat before the model counts as stuck (LiteLLM's `REPEATED_STREAMING_CHUNK_LIMIT`).
const MAX_REPEATS: u32 = 100;
/// Most choices and tool calls that one stream may have.
const MAX_TOOL_CALLS: usize = 4096;

/// What a stream is made with.
#[derive(Clone, Debug)]
pub struct StreamSettings {
    /// The model's name in every chunk.
    pub model: String,
    /// The model's name in the last chunk and after, where it is another one.
    pub closing_model: Option<String>,
    /// For streams without one.
    pub id: String,
    /// Unix seconds, for streams without one.
    pub created: i64,
    /// Whether the caller asked for usage.
    pub usage_asked: bool,
    /// Whether chunks are those of a text completion.
    pub text: bool,
    /// Whether reasoning goes into the content, between `<think>` tags.
    pub merge_reasoning: bool,
    /// Whether the provider's own top-level members are kept.
    pub keep_extras: bool,
    /// OpenRouter's habits: only `delta.reasoning` counts as reasoning, and no fingerprint is shown.
    pub open_router: bool,
    /// Whether chunks show the upstream's model instead of `model` (which it may choose, as OpenRouter does).
    pub upstream_model: bool,
    /// Whether comments are handed on.
    pub comments: bool,
}

/// One tool call as told so far.
#[derive(Clone, Debug, Default)]
struct ToolCall {
    id: String,
    name: String,
    arguments: RawText,
}

/// The state of one stream.
#[derive(Debug)]
pub(super) struct Chunks {
    pub(super) settings: StreamSettings,
    id: Option<String>,
    created: Option<i64>,
    fingerprint: Option<String>,
    service_tier: Option<String>,
    pub(super) upstream_model: Option<String>,
    pub(super) seen_chunk: bool,
    pub(super) sent_first: bool,
    sent_last: bool,
    /// The upstream's finish reason, unmapped.
    pub(super) finish: Option<String>,
    sent_finish: Option<String>,
    tool_seen: bool,
    thinking: Thinking,
    pub(super) usage: Option<Object>,
    content: RawText,
    reasoning: RawText,
    function_call: Option<(String, RawText)>,
    tools: BTreeMap<(u64, u64), ToolCall>,
    more_than_text: bool,
    truncated: bool,
    last_content: Vec<u8>,
    repeats: u32,
}

/// Where a merged stream stands with its `<think>` block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thinking {
    None,
    Open,
    Closed,
}

impl Chunks {
    pub(super) fn new(settings: StreamSettings) -> Self {
        Self {
            settings,
            id: None,
            created: None,
            fingerprint: None,
            service_tier: None,
            upstream_model: None,
            seen_chunk: false,
            sent_first: false,
            sent_last: false,
            finish: None,
            sent_finish: None,
            tool_seen: false,
            thinking: Thinking::None,
            usage: None,
            content: RawText::default(),
            reasoning: RawText::default(),
            function_call: None,
            tools: BTreeMap::new(),
            more_than_text: false,
            truncated: false,
            last_content: Vec::new(),
            repeats: 1,
        }
    }

    /// Takes one chunk; returns the canonical chunk, if there is one to send.
    pub(super) fn take(&mut self, mut chunk: Object, place: &Place<'_>) -> Result<Option<Object>> {
        self.seen_chunk = true;
        self.note_head(&chunk);
        if let Some(Value::Object(used)) = chunk.get("usage") {
            stream_usage::merge(&mut self.usage, usage::canonical(used.clone()));
        }
        let has_usage = chunk.get("usage").is_some_and(|used| !used.is_null());
        if text_of(&chunk, "finish_reason") == "abort" || aborted(&chunk) {
            return Err(self.abort(place));
        }
        normalize(&mut chunk, &self.settings);
        let Some(first) = first_choice(&chunk) else {
            let empty = self.settings.usage_asked && !has_usage && !self.settings.text;
            return Ok(empty.then(|| {
                let mut head = self.head();
                head.insert("choices".into(), json!([]));
                head
            }));
        };
        if let Some(reason) = first.get("finish_reason").and_then(Value::as_str)
            && !reason.is_empty()
        {
            if reason == "error" {
                return Err(place.broken("the stream ended with finish_reason: error"));
            }
            self.finish = Some(reason.to_owned());
        }
        let delta = first.get("delta").and_then(Value::as_object);
        let delta = delta.cloned().unwrap_or_default();
        self.tool_seen |= is_filled_list(&delta, "tool_calls");
        if self.adds_something(&delta) {
            self.check_repetition(text_of(&delta, "content").as_bytes())?;
            self.account(&chunk);
            let mut rendered = self.render(chunk);
            self.lead_with_role(&mut rendered);
            self.merge_thinking(&mut rendered);
            return Ok(Some(rendered));
        }
        if self.finish.is_some() {
            return Ok((!self.sent_last).then(|| self.last(Some(&chunk))));
        }
        if ["audio", "images"].iter().any(|name| has(&delta, name)) {
            self.account(&chunk);
            let mut rendered = self.render(chunk);
            self.lead_with_role(&mut rendered);
            return Ok(Some(rendered));
        }
        Ok(None)
    }

    /// The last chunk, when none came that was one. `None` when it was sent already.
    pub(super) fn finish_chunk(&mut self) -> Option<Object> {
        (!self.sent_last).then(|| self.last(None))
    }

    fn last(&mut self, chunk: Option<&Object>) -> Object {
        self.sent_last = true;
        let native = self.finish.as_deref().unwrap_or("stop");
        let mapped = match finish_reason(native) {
            "stop" if self.tool_seen => "tool_calls",
            mapped => mapped,
        };
        self.sent_finish = Some(mapped.to_owned());
        let mut out = self.head();
        if let Some(chunk) = chunk
            && self.settings.keep_extras
        {
            out.extend(extras(chunk));
        }
        let mut delta = Object::new();
        if self.thinking == Thinking::Open {
            self.thinking = Thinking::Closed;
            delta.insert("content".into(), json!("</think>"));
        }
        let choice = json!({"index": 0, "finish_reason": mapped, "delta": delta});
        out.insert("choices".into(), json!([choice]));
        out
    }

    /// The members that every chunk of the stream shares.
    pub(super) fn head(&self) -> Object {
        let mut head = Object::new();
        let id = match &self.id {
            Some(id) => id.clone(),
            None => format!("chatcmpl-{}", self.settings.id),
        };
        head.insert("id".into(), json!(id));
        let created = self.created.unwrap_or(self.settings.created);
        head.insert("created".into(), json!(created));
        let model = match (&self.upstream_model, &self.settings.closing_model) {
            (Some(model), _) if self.settings.upstream_model => model,
            (_, Some(model)) if self.sent_last => model,
            _ => &self.settings.model,
        };
        head.insert("model".into(), json!(model));
        head.insert("object".into(), json!("chat.completion.chunk"));
        if let Some(fingerprint) = &self.fingerprint
            && !self.settings.open_router
        {
            head.insert("system_fingerprint".into(), json!(fingerprint));
        }
        if let Some(tier) = &self.service_tier {
            head.insert("service_tier".into(), json!(tier));
        }
        head
    }

    fn note_head(&mut self, chunk: &Object) {
        let id = text_of(chunk, "id");
        if !id.is_empty() && self.id.as_deref() != Some(id) {
            self.id = Some(id.to_owned());
        }
        if self.created.is_none() {
            self.created = chunk.get("created").and_then(|seconds| {
                seconds
                    .as_i64()
                    .or_else(|| seconds.as_f64().map(|seconds| seconds as i64))
            });
        }
        let model = text_of(chunk, "model");
        if !model.is_empty() && self.upstream_model.as_deref() != Some(model) {
            self.upstream_model = Some(model.to_owned());
        }
        for (name, kept) in [
            ("system_fingerprint", &mut self.fingerprint),
            ("service_tier", &mut self.service_tier),
        ] {
            let given = text_of(chunk, name);
            if !given.is_empty() && kept.as_deref() != Some(given) {
                *kept = Some(given.to_owned());
            }
        }
    }

    fn adds_something(&self, delta: &Object) -> bool {
        !text_of(delta, "content").is_empty()
            || is_filled_list(delta, "tool_calls")
            || [
                "function_call",
                "reasoning_content",
                "provider_specific_fields",
                "annotations",
                "reasoning_items",
            ]
            .iter()
            .any(|name| has(delta, name))
            || (!self.sent_first && has(delta, "role"))
    }

    /// Gives a chunk LiteLLM's names; what [`Self::render`] expects.
    pub(super) fn normalize(&self, chunk: &mut Object) {
        normalize(chunk, &self.settings);
    }

    /// The chunk as it is sent, but for the role. Reads nothing that a chunk of the same head could change.
    pub(super) fn render(&self, mut chunk: Object) -> Object {
        let mut out = self.head();
        if let Some(Value::Array(choices)) = chunk.get_mut("choices") {
            let choices = choices
                .iter_mut()
                .enumerate()
                .map(|(at, choice)| {
                    let mut choice = into_object(choice.take());
                    choice.remove("finish_reason");
                    choice.remove("message");
                    choice.entry("index").or_insert_with(|| json!(0));
                    if let Some(Value::Object(delta)) = choice.get_mut("delta") {
                        if at == 0 {
                            delta.remove("role");
                        }
                        drop_nulls_in(delta);
                    } else {
                        choice.insert("delta".into(), json!({}));
                    }
                    drop_nulls_in(&mut choice);
                    Value::Object(choice)
                })
                .collect();
            out.insert("choices".into(), Value::Array(choices));
        }
        if self.settings.keep_extras {
            out.extend(extras(&chunk));
        }
        out
    }

    fn lead_with_role(&mut self, rendered: &mut Object) {
        if !self.sent_first
            && let Some(delta) = first_delta(rendered)
        {
            delta.insert("role".into(), json!("assistant"));
        }
        self.sent_first = true;
    }

    fn merge_thinking(&mut self, rendered: &mut Object) {
        if !self.settings.merge_reasoning {
            return;
        }
        let inside = self.thinking == Thinking::Open;
        let Some(delta) = first_delta(rendered) else {
            return;
        };
        let reasoning = match delta.remove("reasoning_content") {
            Some(Value::String(reasoning)) => reasoning,
            _ => String::new(),
        };
        let content = text_of(delta, "content").to_owned();
        let ends = !content.is_empty() || has(delta, "tool_calls") || has(delta, "function_call");
        let closes = ends && (inside || !reasoning.is_empty());
        if reasoning.is_empty() && !closes {
            return;
        }
        let open = if reasoning.is_empty() || inside {
            ""
        } else {
            "<think>"
        };
        let close = if closes { "</think>" } else { "" };
        let merged = format!("{open}{reasoning}{close}{content}");
        delta.insert("content".into(), json!(merged));
        self.thinking = if closes {
            Thinking::Closed
        } else {
            Thinking::Open
        };
    }

    /// Refuses a stream that says the same thing again and again: LiteLLM's guard against a model in a loop.
    pub(super) fn check_repetition(&mut self, content: &[u8]) -> Result<()> {
        if self.repeats >= MAX_REPEATS {
            let error = Error::new(
                ErrorKind::InternalServer,
                "The model is repeating the same chunk",
            );
            return Err(error.side(Side::Upstream));
        }
        if content.len() > 2 && content == self.last_content {
            self.repeats += 1;
        } else {
            self.repeats = 1;
            self.last_content.clear();
            self.last_content.extend_from_slice(content);
        }
        Ok(())
    }

    fn abort(&self, place: &Place<'_>) -> Error {
        let detail = json!({"message": "Upstream generation aborted (finish_reason=abort)"});
        let mut error = place.event(&detail);
        error.kind = ErrorKind::InternalServer;
        error
    }

    /// Keeps what a rendered chunk adds, for counting.
    fn account(&mut self, chunk: &Object) {
        let Some(Value::Array(choices)) = chunk.get("choices") else {
            return;
        };
        for choice in choices {
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
            let Some(delta) = choice.get("delta").and_then(Value::as_object) else {
                continue;
            };
            let mut kept = self.content.push_text(text_of(delta, "content"));
            let reasoning = text_of(delta, "reasoning_content");
            kept &= self.settings.merge_reasoning || self.reasoning.push_text(reasoning);
            if self.settings.merge_reasoning {
                kept &= self.content.push_text(reasoning);
            }
            if let Some(Value::Object(call)) = delta.get("function_call") {
                let (name, arguments) = self.function_call.get_or_insert_default();
                if name.is_empty() {
                    text_of(call, "name").clone_into(name);
                }
                kept &= arguments.push_text(text_of(call, "arguments"));
            }
            if let Some(Value::Array(calls)) = delta.get("tool_calls") {
                for call in calls {
                    kept &= self.account_call(index, call);
                }
            }
            self.truncated |= !kept;
            self.more_than_text |= delta.iter().any(|(name, value)| {
                !value.is_null()
                    && !matches!(name.as_str(), "content" | "role")
                    && !(self.settings.merge_reasoning && name == "reasoning_content")
            });
        }
    }

    fn account_call(&mut self, choice: u64, call: &Value) -> bool {
        let index = call.get("index").and_then(Value::as_u64).unwrap_or(0);
        let full = self.tools.len() >= MAX_TOOL_CALLS;
        let known = self.tools.contains_key(&(choice, index));
        if full && !known {
            return false;
        }
        let Value::Object(call) = call else {
            return true;
        };
        let kept = self.tools.entry((choice, index)).or_default();
        let id = text_of(call, "id");
        if !id.is_empty() {
            id.clone_into(&mut kept.id);
        }
        let Some(Value::Object(function)) = call.get("function") else {
            return true;
        };
        let name = text_of(function, "name");
        if !name.is_empty() {
            name.clone_into(&mut kept.name);
        }
        kept.arguments.push_text(text_of(function, "arguments"))
    }

    /// Keeps the raw text of a chunk that a template wrote.
    pub(super) fn account_raw(&mut self, hole: Hole, raw: &[u8]) {
        let kept = match hole {
            Hole::Content => self.content.push(raw),
            Hole::Reasoning => self.reasoning.push(raw),
            Hole::Arguments(choice, index) => match self.tools.get_mut(&(choice, index)) {
                Some(call) => call.arguments.push(raw),
                None => false,
            },
        };
        self.truncated |= !kept;
    }

    /// Whether a tool call has begun, so that a template may add to it.
    pub(super) fn knows_call(&self, choice: u64, index: u64) -> bool {
        self.tools.contains_key(&(choice, index))
    }

    /// What was written, for counting.
    pub(super) fn text(&self) -> StreamText {
        let mut calls = String::new();
        if let Some((name, arguments)) = &self.function_call {
            let (name, arguments) = (json!(name), json!(arguments.decode()));
            calls.push_str(&format!("{{\"arguments\":{arguments},\"name\":{name}}}"));
        }
        for call in self.tools.values() {
            let (id, name) = (json!(call.id), json!(call.name));
            let mut arguments = call.arguments.decode();
            if arguments.is_empty() {
                arguments.push_str("{}");
            }
            let arguments = json!(arguments);
            calls.push_str(&format!(
                "{{\"function\":{{\"arguments\":{arguments},\"name\":{name}}},\"id\":{id},\"type\":\"function\"}}"
            ));
        }
        StreamText {
            content: self.content.decode(),
            reasoning: self.reasoning.decode(),
            calls,
            more_than_text: self.more_than_text,
            truncated: self.truncated,
        }
    }

    /// The finish reason that was sent.
    pub(super) fn sent_finish(&self) -> Option<String> {
        self.sent_finish.clone()
    }

    pub(super) fn service_tier(&self) -> Option<&str> {
        self.service_tier.as_deref()
    }
}

/// Top-level members that are the provider's own.
fn extras(chunk: &Object) -> Object {
    const OURS: [&str; 8] = [
        "id",
        "created",
        "model",
        "object",
        "system_fingerprint",
        "choices",
        "usage",
        "service_tier",
    ];
    chunk
        .iter()
        .filter(|(name, value)| !OURS.contains(&name.as_str()) && !value.is_null())
        .map(|(name, value)| {
            let mut value = value.clone();
            drop_nulls(&mut value);
            (name.clone(), value)
        })
        .collect()
}

/// Gives every choice a `delta` with LiteLLM's names: one for reasoning, every member of tool calls.
fn normalize(chunk: &mut Object, settings: &StreamSettings) {
    let Some(Value::Array(choices)) = chunk.get_mut("choices") else {
        return;
    };
    for choice in choices {
        let Value::Object(choice) = choice else {
            continue;
        };
        if let Some(text) = choice.remove("text")
            && !choice.contains_key("delta")
        {
            choice.insert("delta".into(), json!({"content": text}));
        }
        let Some(Value::Object(delta)) = choice.get_mut("delta") else {
            continue;
        };
        let reasoning = delta.remove("reasoning");
        if settings.open_router {
            delta.insert("reasoning_content".into(), reasoning.unwrap_or_default());
        } else if let Some(reasoning) = reasoning
            && !has(delta, "reasoning_content")
        {
            delta.insert("reasoning_content".into(), reasoning);
        }
        if let Some(Value::Object(call)) = delta.get_mut("function_call") {
            text_arguments(call);
        }
        if let Some(Value::Array(calls)) = delta.get_mut("tool_calls") {
            let mut unnumbered = 0;
            for call in calls {
                let Value::Object(call) = call else { continue };
                if call.get("index").is_none_or(Value::is_null) {
                    call.insert("index".into(), json!(unnumbered));
                    unnumbered += 1;
                }
                if call.get("type").is_none_or(Value::is_null) {
                    let custom = call.get("custom").is_some_and(Value::is_object);
                    let kind = if custom { "custom" } else { "function" };
                    call.insert("type".into(), json!(kind));
                }
                if let Some(Value::Object(function)) = call.get_mut("function") {
                    text_arguments(function);
                }
            }
        }
    }
}

fn aborted(chunk: &Object) -> bool {
    let Some(Value::Array(choices)) = chunk.get("choices") else {
        return false;
    };
    choices
        .iter()
        .any(|choice| choice.get("finish_reason").and_then(Value::as_str) == Some("abort"))
}

fn first_choice(chunk: &Object) -> Option<&Object> {
    chunk.get("choices")?.as_array()?.first()?.as_object()
}

fn first_delta(chunk: &mut Object) -> Option<&mut Object> {
    let choices = chunk.get_mut("choices")?.as_array_mut()?;
    choices.first_mut()?.get_mut("delta")?.as_object_mut()
}

fn has(object: &Object, name: &str) -> bool {
    object.get(name).is_some_and(|value| !value.is_null())
}

fn is_filled_list(object: &Object, name: &str) -> bool {
    object
        .get(name)
        .and_then(Value::as_array)
        .is_some_and(|items| !items.is_empty())
}

fn text_of<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or("")
}
