//! The events of a response told as the chunks of a chat.

use super::{replay, reply};
use crate::adapt::Target;
use crate::adapt::dialects::responses::ids;
use crate::adapt::dialects::{StreamBridge, chunks};
use crate::adapt::providers::openai_responses::used;
use crate::adapt::sse::SseParser;
use crate::adapt::stream::DONE;
use crate::adapt::usage::Object;
use crate::error::Result;
use crate::request::Call;
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

/// The translation of one stream.
pub(super) struct Chunks {
    parser: SseParser,
    told: Told,
}

struct Told {
    provider: &'static str,
    id: String,
    model: String,
    created: i64,
    usage_asked: bool,
    /// Whether a chunk named the role.
    begun: bool,
    /// The `output_index` of each call, in the chat's order.
    calls: Vec<u64>,
    usage: Option<Object>,
}

impl Chunks {
    pub(super) fn new(call: &Call, target: &Target) -> Self {
        let asked = call.params.get::<Value>("stream_options");
        let shown = !call.caller.route.is_empty();
        Self {
            parser: SseParser::default(),
            told: Told {
                provider: target.provider.name,
                id: String::new(),
                model: if shown {
                    call.shown_model().to_owned()
                } else {
                    target.model.clone()
                },
                created: call.created,
                usage_asked: asked.is_some_and(|asked| asked["include_usage"] == true),
                begun: false,
                calls: Vec::new(),
                usage: None,
            },
        }
    }
}

impl StreamBridge for Chunks {
    fn push(&mut self, events: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self { parser, told } = self;
        chunks::events(parser, events, |event| told.event(event, out))
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<()> {
        if self.told.usage_asked {
            let usage = self.told.usage.take();
            self.told
                .write(&json!({"choices": [], "usage": usage}), out);
        }
        out.put_slice(DONE);
        Ok(())
    }
}

impl Told {
    fn event(&mut self, event: &Value, out: &mut BytesMut) {
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let response = event.get("response");
        if self.id.is_empty()
            && let Some(id) = response.and_then(|response| response.get("id")?.as_str())
        {
            self.id = ids::own(id);
        }
        match text("type") {
            "response.output_text.delta" => self.delta(json!({"content": text("delta")}), out),
            "response.refusal.delta" => self.delta(json!({"refusal": text("delta")}), out),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.delta(json!({"reasoning_content": text("delta")}), out);
            }
            "response.output_item.added" => self.item(event, out),
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                let index = self.index(event);
                let function = json!({"arguments": text("delta")});
                let call = json!({"function": function, "type": "function", "index": index});
                self.delta(json!({"tool_calls": [call]}), out);
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                if let Some(response) = response {
                    self.over(response, out);
                }
            }
            _ => {}
        }
    }

    fn item(&mut self, event: &Value, out: &mut BytesMut) {
        let item = event.get("item").unwrap_or(&Value::Null);
        if !reply::is_call(item) {
            return;
        }
        let mut call = reply::tool_call(item, self.calls.len());
        call["function"]["arguments"] = json!("");
        let at = event.get("output_index").and_then(Value::as_u64);
        self.calls.push(at.unwrap_or(0));
        self.delta(json!({"tool_calls": [call]}), out);
    }

    /// The chat's index of the call that an event goes on with.
    fn index(&self, event: &Value) -> usize {
        let at = event
            .get("output_index")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        let known = self.calls.iter().rposition(|call| *call == at);
        known.unwrap_or(self.calls.len().saturating_sub(1))
    }

    fn delta(&mut self, mut delta: Value, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.begun, true) {
            delta["role"] = json!("assistant");
        }
        self.write(&json!({"choices": [{"index": 0, "delta": delta}]}), out);
    }

    /// The order of the items, and why it ended.
    fn over(&mut self, response: &Value, out: &mut BytesMut) {
        let items = response.get("output").and_then(Value::as_array);
        let items = items.map_or(&[][..], Vec::as_slice);
        let message = reply::message(items);
        let status = response.get("status").and_then(Value::as_str);
        let why = response.get("incomplete_details");
        let finish = reply::finish_reason(status, why, !self.calls.is_empty());
        let mut delta = json!({});
        if let Some(reasoning) = message.get("reasoning_items") {
            delta["reasoning_items"] = reasoning.clone();
        }
        if status == Some("completed")
            && let Some(replay) = replay::of(items, &message, self.provider)
        {
            delta["provider_specific_fields"] = json!({"openai_responses_replay": replay});
        }
        let metadata = response
            .get("metadata")
            .filter(|metadata| !metadata.is_null());
        if delta != json!({}) || metadata.is_some() {
            let mut chunk = json!({"choices": [{"index": 0, "delta": delta}]});
            if let Some(metadata) = metadata {
                chunk["metadata"] = metadata.clone();
                chunk["provider_specific_fields"] = json!({"metadata": metadata});
            }
            self.write(&chunk, out);
        }
        let choice = json!({"index": 0, "delta": {}, "finish_reason": finish});
        self.write(&json!({"choices": [choice]}), out);
        let usage = response.get("usage").filter(|usage| !usage.is_null());
        self.usage = usage.and_then(|usage| used(Some(&Bytes::from(usage.to_string()))));
    }

    fn write(&self, members: &Value, out: &mut BytesMut) {
        let mut chunk = json!({
            "id": self.id, "created": self.created, "model": self.model,
            "object": "chat.completion.chunk",
        });
        for (name, value) in members.as_object().into_iter().flatten() {
            chunk[name] = value.clone();
        }
        out.put_slice(b"data: ");
        out.put_slice(chunk.to_string().as_bytes());
        out.put_slice(b"\n\n");
    }
}
