//! OpenAI-shaped chunks into canonical ones: the slow path, which sees every kind of chunk once.
//!
//! The rules are LiteLLM's: the role stands in the first chunk only; the finish reason stands alone in one last chunk,
//! whatever came beside it before that; a chunk that adds nothing is dropped; usage is taken out and told at the end.
//! Output is pure in the chunk and the few fields of [`Chunks`] that `render` reads, which lets
//! [`super::stream_template`] replay it.

use super::canonical::{drop_nulls_in, finish_reason, into_object};
use super::errors::Place;
use super::stream_deltas::{
    aborted, extras, first_choice, first_delta, has, is_filled_list, normalize, text_of,
};
use super::stream_usage;
use super::stream_written::Written;
use super::usage::{self, Object};
use super::{StreamEnd, Target};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::request::{Call, Op};
use serde_json::{Value, json};

/// How often a chunk may repeat before the model counts as stuck (LiteLLM's `REPEATED_STREAMING_CHUNK_LIMIT`).
const MAX_REPEATS: u32 = 100;

/// What a stream is made with.
#[derive(Clone, Debug)]
pub struct StreamSettings {
    /// The model's name in every chunk.
    pub model: String,
    /// The model's name in chunks that no chunk of the upstream made, where it is another one.
    pub closing_model: Option<String>,
    /// Whether the stream may end without a finish reason: nobody cuts a mocked one.
    pub open_end: bool,
    /// For streams without one.
    pub id: String,
    /// Unix seconds, for streams without one.
    pub created: i64,
    /// Whether usage is told at the end: the caller asked, or the server always tells.
    pub usage_asked: bool,
    /// Whether the usage chunk has an empty choice, as it has when the caller did not ask.
    pub usage_with_choice: bool,
    /// Whether chunks are those of a text completion.
    pub text: bool,
    /// Whether reasoning goes into the content, between `<think>` tags.
    pub merge_reasoning: bool,
    /// Whether the provider's own top-level members are kept.
    pub keep_extras: bool,
    /// OpenRouter's habits: only `delta.reasoning` counts as reasoning, and no fingerprint is shown.
    pub open_router: bool,
    /// Whether the upstream's fingerprint is not shown.
    pub hides_fingerprint: bool,
    /// Whether chunks show the upstream's model instead of `model` (which it may choose, as OpenRouter does).
    pub upstream_model: bool,
    /// Whether comments are handed on.
    pub comments: bool,
    /// Whether the stream is told under `id`, whatever the upstream calls it.
    pub own_id: bool,
    /// Whether a first chunk without content says that it has no fields of the provider's own.
    pub fields_first: bool,
}

impl StreamSettings {
    /// The settings of a call, as most providers have them.
    pub fn of(call: &Call, target: &Target) -> Self {
        let served = !call.caller.route.is_empty();
        let wish = call.params.get::<Object>("stream_options");
        let asked = wish
            .as_ref()
            .is_some_and(|wish| wish.get("include_usage") == Some(&Value::Bool(true)));
        let always = call.options.ask_stream_usage && wish.is_none();
        Self {
            // The server shows the client's name of the model.
            model: if served {
                call.shown_model()
            } else {
                &target.model
            }
            .to_owned(),
            closing_model: None,
            open_end: call.op == Op::TextCompletion,
            id: call.id.clone(),
            created: call.created,
            usage_asked: asked || always,
            usage_with_choice: always,
            text: call.op == Op::TextCompletion,
            merge_reasoning: call.options.merge_reasoning_content_in_choices
                || target.options.merge_reasoning_content_in_choices,
            keep_extras: false,
            open_router: false,
            hides_fingerprint: target.provider.habits.hides_fingerprint,
            upstream_model: false,
            comments: served,
            own_id: false,
            fields_first: false,
        }
    }
}

/// The state of one stream.
#[derive(Debug)]
pub(super) struct Chunks {
    pub(super) settings: StreamSettings,
    id: Option<String>,
    created: Option<i64>,
    /// Of the last chunk.
    fingerprint: Option<String>,
    /// Of the last chunk.
    chunk_tier: Option<String>,
    /// The last that a chunk named.
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
    pub(super) written: Written,
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
            chunk_tier: None,
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
            written: Written::default(),
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
            return Err(abort(place));
        }
        normalize(&mut chunk, &self.settings);
        let Some(first) = first_choice(&chunk) else {
            let empty = self.settings.usage_asked && !has_usage && !self.settings.text;
            return Ok(empty.then(|| {
                let mut head = self.head(false);
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
            let mut rendered = self.render(chunk);
            self.lead_with_role(&mut rendered);
            self.merge_thinking(&mut rendered);
            self.written.note(&rendered);
            return Ok(Some(rendered));
        }
        if self.finish.is_some() {
            return Ok((!self.sent_last).then(|| self.last(Some(&chunk))));
        }
        if ["audio", "images"].iter().any(|name| has(&delta, name)) {
            let mut rendered = self.render(chunk);
            self.lead_with_role(&mut rendered);
            self.written.note(&rendered);
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
        let mut out = self.head(chunk.is_none());
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
        self.written.note(&out);
        out
    }

    /// The members that every chunk of the stream shares.
    /// `closing` chunks are those that no chunk of the upstream made.
    fn head(&self, closing: bool) -> Object {
        let mut head = Object::new();
        let id = match &self.id {
            Some(id) => id.clone(),
            None => format!("chatcmpl-{}", self.settings.id),
        };
        head.insert("id".into(), json!(id));
        let created = self.created.unwrap_or(self.settings.created);
        head.insert("created".into(), json!(created));
        let model = match (&self.upstream_model, &self.settings.closing_model) {
            (_, Some(model)) if closing => model,
            (Some(model), _) if self.settings.upstream_model => model,
            _ => &self.settings.model,
        };
        head.insert("model".into(), json!(model));
        head.insert("object".into(), json!("chat.completion.chunk"));
        if let Some(fingerprint) = &self.fingerprint
            && !(self.settings.open_router || self.settings.hides_fingerprint)
        {
            head.insert("system_fingerprint".into(), json!(fingerprint));
        }
        let tier = if closing {
            &self.service_tier
        } else {
            &self.chunk_tier
        };
        if let Some(tier) = tier {
            head.insert("service_tier".into(), json!(tier));
        }
        head
    }

    fn note_head(&mut self, chunk: &Object) {
        let id = text_of(chunk, "id");
        if !id.is_empty() && !self.settings.own_id && self.id.as_deref() != Some(id) {
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
        let own = |name: &str| {
            let given = text_of(chunk, name);
            (!given.is_empty()).then(|| given.to_owned())
        };
        self.fingerprint = own("system_fingerprint");
        self.chunk_tier = own("service_tier");
        if self.chunk_tier.is_some() {
            self.service_tier.clone_from(&self.chunk_tier);
        }
    }

    fn adds_something(&self, delta: &Object) -> bool {
        !text_of(delta, "content").is_empty()
            || is_filled_list(delta, "tool_calls")
            || [
                "function_call",
                "refusal",
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
        let mut out = self.head(false);
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
            if self.settings.fields_first && text_of(delta, "content").is_empty() {
                delta
                    .entry("provider_specific_fields")
                    .or_insert_with(|| json!({}));
            }
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

    /// How the stream ended, for whoever accounts it.
    pub(super) fn end(&self) -> StreamEnd {
        let tier = self.service_tier.as_deref();
        StreamEnd {
            usage: self.usage.as_ref().map(|used| usage::counts(used, tier)),
            upstream_model: self.upstream_model.clone(),
            finish_reason: self.sent_finish.clone(),
            complete: true,
            usage_asked: self.settings.usage_asked,
            reported: self.usage.clone(),
            text: self.written.text(),
            head: self.usage_head(),
        }
    }

    fn usage_head(&self) -> Object {
        let mut head = self.head(true);
        if self.settings.usage_with_choice {
            let choice = json!({"index": 0, "delta": {}});
            head.insert("choices".into(), json!([choice]));
        }
        head
    }
}

fn abort(place: &Place<'_>) -> Error {
    let detail = json!({"message": "Upstream generation aborted (finish_reason=abort)"});
    let mut error = place.event(&detail);
    error.kind = ErrorKind::InternalServer;
    error
}
