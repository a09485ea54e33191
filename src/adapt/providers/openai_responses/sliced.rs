//! A whole response told as a stream: for models that do not stream, although their caller asked for one.

use super::reply::{self, shown_model};
use crate::adapt::dialects::responses::pieces;
use crate::adapt::usage::{self, Object};
use crate::adapt::{StreamAdapter, StreamEnd, Target, canonical};
use crate::error::Result;
use crate::params::write_json_string;
use crate::request::Call;
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

/// Longest piece of a text in one event, in characters.
const PIECE: usize = 5;

/// The adapter of one reply.
pub(super) struct Sliced {
    call: Call,
    target: Target,
    body: BytesMut,
    end: StreamEnd,
}

impl Sliced {
    pub(super) fn new(call: &Call, target: &Target) -> Self {
        Self {
            call: call.clone(),
            target: target.clone(),
            body: BytesMut::new(),
            end: StreamEnd::default(),
        }
    }
}

impl StreamAdapter for Sliced {
    fn push(&mut self, bytes: &[u8], _out: &mut BytesMut) -> Result<()> {
        self.body.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let body: Bytes = self.body.split().freeze();
        let own_id = serde_json::from_slice::<Value>(&body)
            .ok()
            .and_then(|body| Some(body.get("id")?.as_str()?.to_owned()));
        let whole = reply::reply(&self.call, &self.target, &body)?;
        let mut response: Value = serde_json::from_slice(&whole.body).unwrap_or_default();
        // In process LiteLLM leaves the provider's id in a stream that is none.
        if let Some(id) = own_id.filter(|_| self.call.caller.route.is_empty()) {
            response["id"] = json!(id);
        }
        canonical::drop_nulls(&mut response);
        let mut events = Events {
            model: shown_model(&self.call).map(str::to_owned),
            sequence: 0,
            out,
        };
        events.all(&response);
        let counts = whole.usage.clone();
        let tier = counts.as_ref().and_then(|c| c.service_tier.clone());
        let reported: Option<Object> = serde_json::from_slice::<Value>(&body)
            .ok()
            .and_then(|body| reply::used(Some(&Bytes::from(body.get("usage")?.to_string()))));
        self.end = StreamEnd {
            usage: reported
                .as_ref()
                .map(|used| usage::counts(used, tier.as_deref())),
            upstream_model: whole.upstream_model,
            finish_reason: whole.finish_reason,
            complete: true,
            reported: Some(reported.unwrap_or_else(super::stream::nothing)),
            ..StreamEnd::default()
        };
        Ok(self.end.clone())
    }

    fn cut(&mut self, _out: &mut BytesMut) -> Result<StreamEnd> {
        Err(super::place(&self.target).cut())
    }

    fn so_far(&self) -> StreamEnd {
        self.end.clone()
    }
}

struct Events<'a> {
    model: Option<String>,
    sequence: u64,
    out: &'a mut BytesMut,
}

impl Events<'_> {
    fn all(&mut self, response: &Value) {
        let mut begun = response.clone();
        begun["output"] = json!([]);
        begun["status"] = json!("in_progress");
        for kind in ["response.created", "response.in_progress"] {
            self.event(kind, json!({"response": begun}));
        }
        let items = response.get("output").and_then(Value::as_array);
        for (at, item) in items.into_iter().flatten().enumerate() {
            self.item(at, item);
        }
        let status = response.get("status").and_then(Value::as_str);
        let kind = format!("response.{}", status.unwrap_or("completed"));
        self.event(&kind, json!({"response": response}));
    }

    fn item(&mut self, at: usize, item: &Value) {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = text("type");
        let mut opened = item.clone();
        let empty = match kind {
            "message" => Some(("content", json!([]))),
            "reasoning" => Some(("summary", json!([]))),
            "function_call" => Some(("arguments", json!(""))),
            "custom_tool_call" => Some(("input", json!(""))),
            _ => None,
        };
        if let Some((name, empty)) = empty {
            opened[name] = empty;
            if item.get("status").is_some() {
                opened["status"] = json!("in_progress");
            }
        }
        self.event(
            "response.output_item.added",
            json!({"output_index": at, "item": opened}),
        );
        let place = json!({"item_id": text("id"), "output_index": at});
        match kind {
            "message" => self.parts(&place, item),
            "reasoning" => self.summaries(&place, item),
            "function_call" => self.text(
                &place,
                "response.function_call_arguments",
                "arguments",
                text("arguments"),
            ),
            "custom_tool_call" => self.text(
                &place,
                "response.custom_tool_call_input",
                "input",
                text("input"),
            ),
            _ => {}
        }
        self.event(
            "response.output_item.done",
            json!({"output_index": at, "item": item}),
        );
    }

    fn parts(&mut self, place: &Value, item: &Value) {
        let parts = item.get("content").and_then(Value::as_array);
        for (index, part) in parts.into_iter().flatten().enumerate() {
            let place = with(place, "content_index", json!(index));
            let (kind, name) = match part.get("type").and_then(Value::as_str) {
                Some("refusal") => ("response.refusal", "refusal"),
                _ => ("response.output_text", "text"),
            };
            let words = part.get(name).and_then(Value::as_str).unwrap_or_default();
            let mut opened = with(part, name, json!(""));
            if opened.get("annotations").is_some() {
                opened["annotations"] = json!([]);
            }
            let event = with(&place, "part", opened);
            self.event("response.content_part.added", event);
            self.text(&place, kind, name, words);
            self.event(
                "response.content_part.done",
                with(&place, "part", part.clone()),
            );
        }
    }

    fn summaries(&mut self, place: &Value, item: &Value) {
        let parts = item.get("summary").and_then(Value::as_array);
        for (index, part) in parts.into_iter().flatten().enumerate() {
            let place = with(place, "summary_index", json!(index));
            let words = part.get("text").and_then(Value::as_str).unwrap_or_default();
            let opened = with(part, "text", json!(""));
            let event = with(&place, "part", opened);
            self.event("response.reasoning_summary_part.added", event);
            self.text(&place, "response.reasoning_summary_text", "text", words);
            let event = with(&place, "part", part.clone());
            self.event("response.reasoning_summary_part.done", event);
        }
    }

    /// A text in pieces, and whole.
    fn text(&mut self, place: &Value, kind: &str, name: &str, words: &str) {
        for piece in pieces(words, PIECE) {
            let event = with(place, "delta", json!(piece));
            self.event(&format!("{kind}.delta"), event);
        }
        let event = with(place, name, json!(words));
        self.event(&format!("{kind}.done"), event);
    }

    fn event(&mut self, kind: &str, mut event: Value) {
        event["type"] = json!(kind);
        event["sequence_number"] = json!(self.sequence);
        self.sequence += 1;
        let text = event.to_string();
        self.out.put_slice(b"data: ");
        self.out
            .put_slice(text.strip_suffix('}').unwrap_or(&text).as_bytes());
        if let Some(model) = &self.model {
            self.out.put_slice(b",\"model\":");
            write_json_string(self.out, model);
        }
        self.out.put_slice(b"}\n\n");
    }
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[name] = value;
    object
}
