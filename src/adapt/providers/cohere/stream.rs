//! Cohere's events into OpenAI-shaped chunks.
//!
//! Cohere sends server-sent events, which end with `message-end`: finish reason and usage. LiteLLM cannot read those;
//! what it reads are the same events as lines of JSON, of which it takes texts and calls only. Both are read here,
//! each as far as its readers know it.

use super::used;
use crate::adapt::json_fault;
use crate::adapt::ndjson::LineParser;
use crate::adapt::providers::replies::place;
use crate::adapt::sse::{Item, SseParser};
use crate::adapt::stream_chunks::{Chunks, StreamSettings};
use crate::adapt::{StreamAdapter, StreamEnd, Target, stream};
use crate::error::Result;
use bytes::BytesMut;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Most tool calls whose arguments are watched.
const MAX_CALLS: usize = 1024;

/// The adapter of one stream.
#[derive(Debug)]
pub struct CohereStream {
    framing: Framing,
    body: Body,
}

/// How events are told apart: the first byte that is no white space says it.
#[derive(Debug)]
enum Framing {
    Unknown,
    Events(SseParser),
    Lines(LineParser),
}

#[derive(Debug)]
struct Body {
    chunks: Chunks,
    target: Target,
    /// Whether everything of an event counts, not only what LiteLLM takes.
    full: bool,
    ended: bool,
    /// Calls that got arguments.
    argued: BTreeSet<u64>,
}

impl CohereStream {
    /// A stream that has not begun.
    pub fn new(settings: StreamSettings, target: &Target) -> Self {
        let body = Body {
            chunks: Chunks::new(settings),
            target: target.clone(),
            full: true,
            ended: false,
            argued: BTreeSet::new(),
        };
        Self {
            framing: Framing::Unknown,
            body,
        }
    }
}

impl StreamAdapter for CohereStream {
    fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self { framing, body } = self;
        let mut bytes = bytes;
        if let Framing::Unknown = framing {
            bytes = bytes.trim_ascii_start();
            let Some(first) = bytes.first() else {
                return Ok(());
            };
            *framing = if *first == b'{' {
                body.full = false;
                Framing::Lines(LineParser::default())
            } else {
                Framing::Events(SseParser::default())
            };
        }
        match framing {
            Framing::Events(parser) => parser.push(bytes, |item| body.item(item, out)),
            Framing::Lines(parser) => parser.push(bytes, |line| body.event(line, out)),
            Framing::Unknown => Ok(()),
        }
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let Self { framing, body } = self;
        match framing {
            Framing::Events(parser) => parser.finish(|item| body.item(item, out))?,
            Framing::Lines(parser) => parser.finish(|line| body.event(line, out))?,
            Framing::Unknown => {}
        }
        if body.full && !body.ended {
            let what = "Stream ended before a finish_reason was received";
            return Err(place(&body.target).broken(what));
        }
        Ok(body.end(out))
    }

    fn cut(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        if !self.body.ended {
            return Err(place(&self.body.target).cut());
        }
        Ok(self.body.end(out))
    }

    fn so_far(&self) -> StreamEnd {
        StreamEnd {
            complete: false,
            ..self.body.chunks.end()
        }
    }
}

impl Body {
    fn item(&mut self, item: Item<'_>, out: &mut BytesMut) -> Result<()> {
        match item {
            Item::Comment(comment) => {
                stream::write_comment(&self.chunks.settings, comment, out);
                Ok(())
            }
            Item::Event { data, .. } if data.trim_ascii() == b"[DONE]" => Ok(()),
            Item::Event { data, .. } => self.event(data, out),
        }
    }

    fn event(&mut self, data: &[u8], out: &mut BytesMut) -> Result<()> {
        let Ok(event) = serde_json::from_slice::<Value>(data) else {
            return Err(place(&self.target).broken(&json_fault::describe(data)));
        };
        let Some(delta) = self.delta(&event)? else {
            return Ok(());
        };
        let chunk = json!({"choices": [{"index": 0, "delta": delta}]});
        let chunk = crate::adapt::canonical::into_object(chunk);
        if let Some(rendered) = self.chunks.take(chunk, &place(&self.target))? {
            stream::write_event(&self.chunks.settings, rendered, out);
        }
        Ok(())
    }

    /// What an event adds, if it adds anything.
    fn delta(&mut self, event: &Value) -> Result<Option<Value>> {
        let said = &event["delta"]["message"];
        let index = event["index"].as_u64().unwrap_or(0);
        Ok(match event["type"].as_str().unwrap_or_default() {
            "content-delta" => {
                let content = &said["content"];
                let text = content["text"].as_str().or_else(|| content.as_str());
                match content["thinking"].as_str() {
                    Some(thought) if self.full => Some(json!({"reasoning_content": thought})),
                    _ => Some(json!({"content": text.unwrap_or_default()})),
                }
            }
            "tool-call-start" | "tool-call-delta" => {
                let call = &said["tool_calls"];
                let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
                if !arguments.is_empty() && self.argued.len() < MAX_CALLS {
                    self.argued.insert(index);
                }
                let name = &call["function"]["name"];
                Some(call_delta(index, &call["id"], name, arguments))
            }
            "tool-call-end" if !self.argued.contains(&index) => {
                Some(call_delta(index, &Value::Null, &Value::Null, "{}"))
            }
            "tool-plan-delta" if self.full => {
                let own = json!({"tool_plan": said["tool_plan"]});
                Some(json!({"provider_specific_fields": own}))
            }
            "citation-start" if self.full => {
                let own = json!({"citations": [said["citations"]]});
                Some(json!({"provider_specific_fields": own}))
            }
            "message-end" => {
                self.ended = true;
                if self.full {
                    self.note_end(&event["delta"])?;
                }
                None
            }
            _ => None,
        })
    }

    fn note_end(&mut self, delta: &Value) -> Result<()> {
        let reason = delta["finish_reason"].as_str().unwrap_or("COMPLETE");
        if matches!(reason, "ERROR" | "TIMEOUT") {
            let message = delta["error"].as_str().unwrap_or(reason);
            return Err(place(&self.target).event(&json!({"message": message})));
        }
        self.chunks.finish = Some(reason.to_owned());
        if delta["usage"]["tokens"].is_object() {
            self.chunks.usage = Some(used(&delta["usage"]["tokens"]));
        }
        Ok(())
    }

    fn end(&mut self, out: &mut BytesMut) -> StreamEnd {
        if let Some(last) = self.chunks.finish_chunk() {
            stream::write_event(&self.chunks.settings, last, out);
        }
        self.chunks.end()
    }
}

fn call_delta(index: u64, id: &Value, name: &Value, arguments: &str) -> Value {
    json!({"content": "", "tool_calls": [{"index": index, "id": id, "type": "function",
        "function": {"name": name, "arguments": arguments}}]})
}
