//! A streamed chat told as the events of a response.
//!
//! States: nothing told yet -> `created` and `in_progress` told with the first chunk -> items open and grow -> over. An
//! item opens with its first delta. Reasoning closes when words or calls follow, words close when a call follows, and
//! calls close at the end, because their deltas may come interleaved; every item that opened closes, in the order in
//! which the items opened. `sequence_number` counts every event from 0.

use super::output;
use super::pieces;
use super::response::{self, Said};
use super::tools::Names;
use super::{ids, usage};
use crate::adapt::Target;
use crate::adapt::dialects::StreamBridge;
use crate::adapt::sse::{Item, SseParser};
use crate::adapt::stream::DONE;
use crate::error::Result;
use crate::request::Call;
use bytes::{BufMut, BytesMut};
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// Longest piece of arguments in one event, in characters, as OpenAI's are.
const PIECE: usize = 10;

/// The translation of one stream.
pub(super) struct Events {
    parser: SseParser,
    told: Told,
}

struct Told {
    call: Call,
    /// What ids of responses are made with.
    target: ids::Of,
    /// The model as asked upstream: what the first events name.
    model: String,
    names: Names,
    sequence: u64,
    begun: bool,
    id: String,
    created: i64,
    /// The model as the chunks name it.
    served: String,
    finish: Option<String>,
    usage: Option<Object>,
    fields: Object,
    items: Vec<Open>,
}

/// An item; its place in the list is its `output_index`.
struct Open {
    id: String,
    kind: Kind,
    closed: bool,
}

enum Kind {
    Reasoning {
        text: String,
        /// Whether the part with the text is open.
        part: bool,
        /// Signed blocks, and the text of one whose signature is still to come.
        blocks: Vec<Value>,
        unsigned: String,
    },
    Message {
        text: String,
        annotations: Vec<Value>,
        refusal: String,
        /// Whether the part with the text is open.
        part: bool,
    },
    Call {
        call_id: String,
        name: String,
        arguments: String,
        /// The chat's index of it.
        index: u64,
        fields: Option<Value>,
    },
}

impl Events {
    pub(super) fn new(call: &Call, target: &Target) -> Self {
        let shown = !call.caller.route.is_empty();
        Self {
            parser: SseParser::default(),
            told: Told {
                target: ids::Of::target(target),
                model: if shown {
                    call.shown_model().to_owned()
                } else {
                    target.model.clone()
                },
                names: Names::of(call.params.raw("tools")),
                call: call.clone(),
                sequence: 0,
                begun: false,
                id: String::new(),
                created: call.created,
                served: String::new(),
                finish: None,
                usage: None,
                fields: Object::new(),
                items: Vec::new(),
            },
        }
    }
}

impl StreamBridge for Events {
    fn push(&mut self, events: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self { parser, told } = self;
        parser.push(events, |item| {
            match item {
                Item::Event { data, .. } => {
                    if let Ok(chunk) = serde_json::from_slice::<Value>(data) {
                        told.chunk(&chunk, out);
                    }
                }
                Item::Comment(comment) => {
                    out.put_u8(b':');
                    out.put_slice(comment);
                    out.put_slice(b"\n\n");
                }
            }
            Ok(())
        })
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<()> {
        self.told.begin(out);
        self.told.end(out);
        out.put_slice(DONE);
        Ok(())
    }
}

impl Told {
    fn chunk(&mut self, chunk: &Value, out: &mut BytesMut) {
        if !self.begun {
            let text = |name: &str| chunk.get(name).and_then(Value::as_str);
            text("id").unwrap_or_default().clone_into(&mut self.id);
            self.created = chunk
                .get("created")
                .and_then(Value::as_i64)
                .unwrap_or(self.created);
            self.begin(out);
        }
        if let Some(model) = chunk.get("model").and_then(Value::as_str) {
            model.clone_into(&mut self.served);
        }
        if let Some(Value::Object(usage)) = chunk.get("usage") {
            self.usage = Some(usage.clone());
        }
        self.note_fields(chunk.get("provider_specific_fields"));
        let choice = chunk.get("choices").and_then(|choices| choices.get(0));
        let Some(choice) = choice else { return };
        if let Some(Value::Object(delta)) = choice.get("delta") {
            self.delta(delta, out);
        }
        if let Some(finish) = choice.get("finish_reason").and_then(Value::as_str) {
            self.finish = Some(finish.to_owned());
            self.close_before_words(out);
            if self.items.is_empty() {
                self.message(true, out);
            }
        }
    }

    fn delta(&mut self, delta: &Object, out: &mut BytesMut) {
        let text = |name: &str| {
            let text = delta.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty())
        };
        self.note_fields(delta.get("provider_specific_fields"));
        let blocks = delta.get("thinking_blocks").and_then(Value::as_array);
        if text("reasoning_content").is_some() || blocks.is_some_and(|blocks| !blocks.is_empty()) {
            self.think(
                text("reasoning_content").unwrap_or_default(),
                blocks.map_or(&[], Vec::as_slice),
                out,
            );
        }
        if let Some(text) = text("content") {
            self.say(text, out);
        }
        if let Some(text) = text("refusal") {
            self.refuse(text, out);
        }
        let annotations = output::annotations(delta.get("annotations"));
        if !annotations.is_empty() {
            self.annotate(annotations, out);
        }
        let calls = delta.get("tool_calls").and_then(Value::as_array);
        for call in calls.into_iter().flatten() {
            self.call(call, out);
        }
    }

    fn note_fields(&mut self, fields: Option<&Value>) {
        for (name, value) in fields.and_then(Value::as_object).into_iter().flatten() {
            self.fields.insert(name.clone(), value.clone());
        }
    }

    fn think(&mut self, thought: &str, told: &[Value], out: &mut BytesMut) {
        let open = matches!(
            self.items.last(),
            Some(Open {
                kind: Kind::Reasoning { .. },
                closed: false,
                ..
            })
        );
        if !open {
            let signed = told.iter().any(super::input::is_signed);
            if thought.is_empty() && !signed {
                return;
            }
            let id = format!("rs_{}", uuid::Uuid::new_v4());
            // The part that takes the text is there from the beginning: clients add deltas to it.
            let summary = match thought {
                "" => json!([]),
                _ => json!([{"type": "summary_text", "text": ""}]),
            };
            let item = json!({
                "id": id, "type": "reasoning", "status": "in_progress", "summary": summary,
            });
            self.open(
                id,
                Kind::Reasoning {
                    text: String::new(),
                    part: !thought.is_empty(),
                    blocks: Vec::new(),
                    unsigned: String::new(),
                },
                item,
                out,
            );
        }
        let at = self.items.len().saturating_sub(1);
        let Some(Open {
            id,
            kind:
                Kind::Reasoning {
                    text,
                    part,
                    blocks,
                    unsigned,
                },
            ..
        }) = self.items.last_mut()
        else {
            return;
        };
        text.push_str(thought);
        for block in told {
            gather(blocks, unsigned, block);
        }
        if !thought.is_empty() {
            let place = json!({"item_id": id, "output_index": at, "summary_index": 0});
            if !std::mem::replace(part, true) {
                let part = json!({"type": "summary_text", "text": ""});
                let event = with(&place, "part", part);
                self.event("response.reasoning_summary_part.added", event, out);
            }
            let event = with(&place, "delta", json!(thought));
            self.event("response.reasoning_summary_text.delta", event, out);
        }
    }

    fn say(&mut self, words: &str, out: &mut BytesMut) {
        let at = self.message(true, out);
        let Some(Open {
            id,
            kind: Kind::Message { text, .. },
            ..
        }) = self.items.get_mut(at)
        else {
            return;
        };
        text.push_str(words);
        let event = json!({
            "item_id": id, "output_index": at, "content_index": 0, "delta": words,
        });
        self.event("response.output_text.delta", event, out);
    }

    fn refuse(&mut self, words: &str, out: &mut BytesMut) {
        let at = self.message(false, out);
        let Some(Open {
            id,
            kind: Kind::Message { refusal, part, .. },
            ..
        }) = self.items.get_mut(at)
        else {
            return;
        };
        let first = refusal.is_empty();
        refusal.push_str(words);
        let place = usize::from(*part);
        let place = json!({"item_id": id, "output_index": at, "content_index": place});
        if first {
            let part = json!({"type": "refusal", "refusal": ""});
            let event = with(&place, "part", part);
            self.event("response.content_part.added", event, out);
        }
        let event = with(&place, "delta", json!(words));
        self.event("response.refusal.delta", event, out);
    }

    fn annotate(&mut self, told: Vec<Value>, out: &mut BytesMut) {
        let at = self.message(true, out);
        for annotation in told {
            let Some(Open {
                id,
                kind: Kind::Message { annotations, .. },
                ..
            }) = self.items.get_mut(at)
            else {
                return;
            };
            let event = json!({
                "item_id": id, "output_index": at, "content_index": 0,
                "annotation_index": annotations.len(), "annotation": annotation,
            });
            annotations.push(annotation);
            self.event("response.output_text.annotation.added", event, out);
        }
    }

    /// The message that takes words now; opens one where none is open, and its part for text where `text` wants one.
    fn message(&mut self, text: bool, out: &mut BytesMut) -> usize {
        self.close_before_words(out);
        let open = self
            .items
            .iter()
            .rposition(|item| !item.closed && matches!(item.kind, Kind::Message { .. }));
        let at = open.unwrap_or_else(|| {
            let id = format!("msg_{}", uuid::Uuid::new_v4());
            let item = json!({
                "id": id, "type": "message", "role": "assistant", "status": "in_progress",
                "content": [],
            });
            let kind = Kind::Message {
                text: String::new(),
                annotations: Vec::new(),
                refusal: String::new(),
                part: false,
            };
            self.open(id, kind, item, out)
        });
        if let Some(Open {
            id,
            kind: Kind::Message { part, .. },
            ..
        }) = self.items.get_mut(at)
            && text
            && !std::mem::replace(part, true)
        {
            let event = json!({
                "item_id": id, "output_index": at, "content_index": 0,
                "part": output::text_part("", json!([])),
            });
            self.event("response.content_part.added", event, out);
        }
        at
    }

    fn call(&mut self, call: &Value, out: &mut BytesMut) {
        let index = call.get("index").and_then(Value::as_u64).unwrap_or(0);
        let function = call.get("function");
        let of = |name: &str| function.and_then(|function| function.get(name)?.as_str());
        let given = call
            .get("id")
            .and_then(Value::as_str)
            .filter(|id| !id.is_empty());
        let known = self.items.iter().rposition(|item| match &item.kind {
            Kind::Call {
                call_id,
                index: own,
                ..
            } => match given {
                Some(id) => call_id == id,
                None => *own == index,
            },
            _ => false,
        });
        let at = match (known, given) {
            (Some(at), _) => at,
            (None, None) => return,
            (None, Some(call_id)) => {
                self.close_before_words(out);
                self.close_words(out);
                let name = of("name").unwrap_or_default();
                let item = output::called(call_id, name, "", "in_progress", &self.names);
                let id = item["id"].as_str().unwrap_or(call_id).to_owned();
                let kind = Kind::Call {
                    call_id: call_id.to_owned(),
                    name: name.to_owned(),
                    arguments: String::new(),
                    index,
                    fields: None,
                };
                self.open(id, kind, item, out)
            }
        };
        let Some(Open {
            id,
            kind:
                Kind::Call {
                    name,
                    arguments,
                    fields,
                    ..
                },
            ..
        }) = self.items.get_mut(at)
        else {
            return;
        };
        if let Some(given) = call
            .get("provider_specific_fields")
            .filter(|given| given.is_object())
        {
            *fields = Some(given.clone());
        }
        let piece = of("arguments").unwrap_or_default();
        arguments.push_str(piece);
        if self.names.is_custom(name) {
            return;
        }
        let id = id.clone();
        for piece in pieces(piece, PIECE) {
            let event = json!({"item_id": id, "output_index": at, "delta": piece});
            self.event("response.function_call_arguments.delta", event, out);
        }
    }

    fn open(&mut self, id: String, kind: Kind, item: Value, out: &mut BytesMut) -> usize {
        let at = self.items.len();
        self.items.push(Open {
            id,
            kind,
            closed: false,
        });
        let event = json!({"output_index": at, "item": item});
        self.event("response.output_item.added", event, out);
        at
    }

    /// What the model thought is complete when something else follows.
    fn close_before_words(&mut self, out: &mut BytesMut) {
        self.close_where(|kind| matches!(kind, Kind::Reasoning { .. }), out);
    }

    fn close_words(&mut self, out: &mut BytesMut) {
        self.close_where(|kind| matches!(kind, Kind::Message { .. }), out);
    }

    fn close_where(&mut self, which: impl Fn(&Kind) -> bool, out: &mut BytesMut) {
        for at in 0..self.items.len() {
            let item = self
                .items
                .get_mut(at)
                .filter(|item| !item.closed && which(&item.kind));
            if let Some(item) = item {
                item.closed = true;
                let events = closing(item, at, &self.names);
                for (kind, event) in events {
                    self.event(kind, event, out);
                }
            }
        }
    }

    fn begin(&mut self, out: &mut BytesMut) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let id = self.target.encoded(&self.id);
        let begun = response::begun(
            &self.call,
            &Said {
                id: &id,
                created: self.created,
                model: &self.model,
                status: "in_progress",
                incomplete: None,
                output: &[],
                usage: None,
                fields: None,
            },
        );
        for kind in ["response.created", "response.in_progress"] {
            self.response(kind, &begun, out);
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.close_where(|_| true, out);
        let (status, incomplete) = output::ended(self.finish.as_deref());
        let items: Vec<Value> = self
            .items
            .iter()
            .map(|item| {
                let mut told = told_at_end(item, status, &self.names);
                crate::adapt::canonical::drop_nulls(&mut told);
                told
            })
            .collect();
        let id = self.target.encoded(&self.id);
        let model = if self.served.is_empty() {
            &self.model
        } else {
            &self.served
        };
        let over = response::over(
            &self.call,
            &Said {
                id: &id,
                created: self.created,
                model,
                status,
                incomplete,
                output: &items,
                usage: Some(usage::told(self.usage.as_ref(), false)),
                fields: (!self.fields.is_empty()).then(|| json!(self.fields)),
            },
            false,
        );
        let kind = format!("response.{status}");
        self.response(&kind, &over, out);
    }

    /// An event that carries the response.
    fn response(&mut self, kind: &str, response: &[u8], out: &mut BytesMut) {
        let sequence = self.sequence;
        self.sequence += 1;
        let head =
            format!("data: {{\"type\":\"{kind}\",\"sequence_number\":{sequence},\"response\":");
        out.put_slice(head.as_bytes());
        out.put_slice(response);
        self.model_member(out);
        out.put_slice(b"}\n\n");
    }

    fn event(&mut self, kind: &str, mut event: Value, out: &mut BytesMut) {
        event["type"] = json!(kind);
        event["sequence_number"] = json!(self.sequence);
        self.sequence += 1;
        out.put_slice(b"data: ");
        let text = event.to_string();
        out.put_slice(text.strip_suffix('}').unwrap_or(&text).as_bytes());
        self.model_member(out);
        out.put_slice(b"}\n\n");
    }

    /// LiteLLM's server names the client's model in every event.
    fn model_member(&self, out: &mut BytesMut) {
        if !self.call.caller.route.is_empty() {
            out.put_slice(b",\"model\":");
            crate::params::write_json_string(out, &self.model);
        }
    }
}

/// The events that close an item.
fn closing(item: &Open, at: usize, names: &Names) -> Vec<(&'static str, Value)> {
    let id = &item.id;
    let done = |item: Value| {
        (
            "response.output_item.done",
            json!({"output_index": at, "item": item}),
        )
    };
    match &item.kind {
        Kind::Reasoning { text, blocks, .. } => {
            let place = json!({"item_id": id, "output_index": at, "summary_index": 0});
            let part = json!({"type": "summary_text", "text": text});
            let mut events = Vec::new();
            let mut item = json!({"id": id, "type": "reasoning", "summary": []});
            if !text.is_empty() {
                let told = with(&place, "text", json!(text));
                events.push(("response.reasoning_summary_text.done", told));
                let told = with(&place, "part", part.clone());
                events.push(("response.reasoning_summary_part.done", told));
                item["summary"] = json!([part]);
            }
            if let Some(encrypted) = output::encrypted(Some(&json!(blocks))) {
                item["encrypted_content"] = json!(encrypted);
            }
            events.push(done(item));
            events
        }
        Kind::Message {
            text,
            annotations,
            refusal,
            part,
        } => {
            let mut events = Vec::new();
            let mut content = Vec::new();
            let place = json!({"item_id": id, "output_index": at, "content_index": 0});
            if *part {
                let told = with(&place, "text", json!(text));
                events.push(("response.output_text.done", told));
                let part = output::text_part(text, json!(annotations));
                events.push((
                    "response.content_part.done",
                    with(&place, "part", part.clone()),
                ));
                content.push(part);
            }
            if !refusal.is_empty() {
                let place = with(&place, "content_index", json!(usize::from(*part)));
                let told = with(&place, "refusal", json!(refusal));
                events.push(("response.refusal.done", told));
                let part = json!({"type": "refusal", "refusal": refusal});
                events.push((
                    "response.content_part.done",
                    with(&place, "part", part.clone()),
                ));
                content.push(part);
            }
            events.push(done(json!({
                "id": id, "status": "completed", "type": "message", "role": "assistant",
                "content": content,
            })));
            events
        }
        Kind::Call {
            call_id,
            name,
            arguments,
            fields,
            ..
        } => {
            let mut told = output::called(call_id, name, arguments, "completed", names);
            if let Some(fields) = fields {
                told["provider_specific_fields"] = fields.clone();
            }
            let place = json!({"item_id": id, "output_index": at});
            if names.is_custom(name) {
                let input = told["input"].clone();
                return vec![
                    (
                        "response.custom_tool_call_input.delta",
                        with(&place, "delta", input.clone()),
                    ),
                    (
                        "response.custom_tool_call_input.done",
                        with(&place, "input", input),
                    ),
                    done(told),
                ];
            }
            let arguments = with(&place, "arguments", json!(arguments));
            vec![
                ("response.function_call_arguments.done", arguments),
                done(told),
            ]
        }
    }
}

/// An item in the response that is over.
fn told_at_end(item: &Open, status: &str, names: &Names) -> Value {
    match &item.kind {
        Kind::Reasoning { text, blocks, .. } => {
            let encrypted = output::encrypted(Some(&json!(blocks)));
            output::reasoning(&item.id, status, text, encrypted)
        }
        Kind::Message {
            text,
            annotations,
            refusal,
            part,
        } => {
            let mut content = Vec::new();
            if *part {
                content.push(output::text_part(text, json!(annotations)));
            }
            if !refusal.is_empty() {
                content.push(json!({"type": "refusal", "refusal": refusal}));
            }
            output::message(&item.id, status, &content)
        }
        Kind::Call {
            call_id,
            name,
            arguments,
            fields,
            ..
        } => {
            let mut told = output::called(call_id, name, arguments, "completed", names);
            if let Some(fields) = fields {
                told["provider_specific_fields"] = fields.clone();
            }
            told
        }
    }
}

/// Adds a delta of thinking to the blocks: a signature ends one.
fn gather(blocks: &mut Vec<Value>, unsigned: &mut String, block: &Value) {
    let text = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("type") == "redacted_thinking" {
        unsigned.clear();
        blocks.push(json!({"type": "redacted_thinking", "data": text("data")}));
        return;
    }
    unsigned.push_str(text("thinking"));
    if !text("signature").is_empty() {
        let thinking = std::mem::take(unsigned);
        blocks.push(json!({
            "type": "thinking", "thinking": thinking, "signature": text("signature"),
        }));
    }
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[name] = value;
    object
}
