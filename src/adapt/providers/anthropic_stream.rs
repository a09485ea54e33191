//! Anthropic's events into OpenAI-shaped chunks, which [`Chunks`] then treats like any other provider's.
//!
//! Events: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>. Usage comes twice, cumulative: input with
//! `message_start`, output with `message_delta`. The stream is over with `message_stop`.

use super::anthropic::{event_error, place, used};
use super::anthropic_request::{Plan, schema};
use crate::adapt::sse::{Item, SseParser};
use crate::adapt::stream_chunks::{Chunks, StreamSettings};
use crate::adapt::usage::{self, Object};
use crate::adapt::{StreamAdapter, StreamEnd, Target, stream};
use crate::error::Result;
use bytes::BytesMut;
use serde_json::{Value, json};

/// The adapter of one stream.
#[derive(Debug)]
pub struct AnthropicStream {
    parser: SseParser,
    body: Body,
}

#[derive(Debug)]
struct Body {
    chunks: Chunks,
    target: Target,
    /// `usage` of all events so far, Anthropic's names.
    native_usage: Object,
    /// Tool calls begun so far.
    tools: u64,
    stopped: bool,
    plan: Plan,
    /// Whether the block under way is the made-up tool, whose arguments are the content.
    made_up: bool,
    /// Whether a block was.
    answered: bool,
    /// The end of the made-up tool's arguments, kept until more comes or the block ends.
    held: String,
    /// Whether thinking came in the clear.
    thought: bool,
    /// Results of searches, and of other server tools, so far.
    searched: Vec<Value>,
    results: Vec<Value>,
}

impl AnthropicStream {
    /// A stream that has not begun.
    pub fn new(settings: StreamSettings, target: &Target, plan: Plan) -> Self {
        Self {
            parser: SseParser::default(),
            body: Body {
                chunks: Chunks::new(settings),
                target: target.clone(),
                native_usage: Object::new(),
                tools: 0,
                stopped: false,
                plan,
                made_up: false,
                answered: false,
                held: String::new(),
                thought: false,
                searched: Vec::new(),
                results: Vec::new(),
            },
        }
    }
}

impl StreamAdapter for AnthropicStream {
    fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self { parser, body } = self;
        parser.push(bytes, |item| body.item(item, out))
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let Self { parser, body } = self;
        parser.finish(|item| body.item(item, out))?;
        self.cut(out)
    }

    fn cut(&mut self, out: &mut BytesMut) -> Result<StreamEnd> {
        let body = &mut self.body;
        if !body.stopped && body.chunks.finish.is_none() {
            return Err(place(&body.target).cut());
        }
        let native = Value::Object(body.native_usage.clone());
        body.chunks.usage = Some(used(Some(&native), !body.thought));
        if let Some(last) = body.chunks.finish_chunk() {
            stream::write_event(&body.chunks.settings, last, out);
        }
        Ok(body.chunks.end())
    }

    fn so_far(&self) -> StreamEnd {
        let native = Value::Object(self.body.native_usage.clone());
        let reported = used(Some(&native), false);
        StreamEnd {
            complete: false,
            usage: Some(usage::counts(&reported, None)),
            reported: Some(reported),
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
            Item::Event { data, .. } => self.event(data, out),
        }
    }

    fn event(&mut self, data: &[u8], out: &mut BytesMut) -> Result<()> {
        let Ok(event) = serde_json::from_slice::<Value>(data) else {
            return Err(place(&self.target).broken("an event of the stream is not JSON"));
        };
        let chunk = match event["type"].as_str() {
            Some("message_start") => {
                let message = &event["message"];
                self.note_usage(&message["usage"]);
                self.chunks.upstream_model = message["model"].as_str().map(str::to_owned);
                None
            }
            Some("content_block_start") => self.block(&event["content_block"]),
            Some("content_block_delta") => self.delta(&event["delta"]),
            Some("content_block_stop") => self.block_end(),
            Some("message_delta") => {
                self.note_usage(&event["usage"]);
                let mut reason = &event["delta"]["stop_reason"];
                let stop = json!("stop");
                if self.answered && self.tools == 0 && reason == "tool_use" {
                    reason = &stop;
                }
                Some(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
            }
            Some("message_stop") => {
                self.stopped = true;
                None
            }
            Some("error") => return Err(event_error(&self.target, &event["error"])),
            _ => None,
        };
        if let Some(Value::Object(chunk)) = chunk
            && let Some(rendered) = self.chunks.take(chunk, &place(&self.target))?
        {
            stream::write_event(&self.chunks.settings, rendered, out);
        }
        Ok(())
    }

    /// Later events overwrite what they name: counts are cumulative.
    fn note_usage(&mut self, native: &Value) {
        if let Value::Object(native) = native {
            let named = native.iter().filter(|(_, value)| !value.is_null());
            self.native_usage
                .extend(named.map(|(name, value)| (name.clone(), value.clone())));
        }
    }

    fn block(&mut self, block: &Value) -> Option<Value> {
        match block["type"].as_str()? {
            "tool_use" if self.plan.json_mode && block["name"] == schema::TOOL => {
                self.made_up = true;
                self.answered = true;
                None
            }
            "tool_use" | "server_tool_use" => {
                let index = self.tools;
                self.tools += 1;
                let name = block["name"].as_str().unwrap_or_default();
                let name = self.plan.names.given(name);
                Some(chunk(
                    &json!({"content": "", "tool_calls": [{"index": index, "id": block["id"],
                    "type": "function", "function": {"name": name, "arguments": ""}}]}),
                ))
            }
            "web_search_tool_result" | "web_fetch_tool_result" => {
                self.searched.push(block.clone());
                Some(own("web_search_results", &json!(self.searched)))
            }
            "compaction" => Some(own("compaction_blocks", &json!([block]))),
            kind if kind.ends_with("_tool_result") => {
                self.results.push(block.clone());
                Some(own("tool_results", &json!(self.results)))
            }
            "redacted_thinking" => {
                let block = json!({"type": "redacted_thinking", "data": block["data"], "index": 0});
                Some(chunk(&json!({"content": "", "thinking_blocks": [block],
                    "provider_specific_fields": {"thinking_blocks": [block]}})))
            }
            _ => None,
        }
    }

    /// What was kept of the made-up tool's arguments.
    fn block_end(&mut self) -> Option<Value> {
        self.made_up = false;
        let held = std::mem::take(&mut self.held);
        (!held.is_empty()).then(|| chunk(&json!({"content": held})))
    }

    /// A piece of the made-up tool's arguments. Its last brace waits, as in LiteLLM, for what comes after.
    fn answer(&mut self, piece: &str) -> Option<Value> {
        let mut text = std::mem::take(&mut self.held) + piece;
        if text.ends_with('}') {
            text.pop();
            self.held.push('}');
        }
        (!text.is_empty()).then(|| chunk(&json!({"content": text})))
    }

    fn delta(&mut self, delta: &Value) -> Option<Value> {
        let thought = |block: &Value| {
            chunk(
                &json!({"content": "", "reasoning_content": block["thinking"], "thinking_blocks": [block],
                "provider_specific_fields": {"thinking_blocks": [block]}}),
            )
        };
        match delta["type"].as_str()? {
            "text_delta" => Some(chunk(&json!({"content": delta["text"]}))),
            "citations_delta" => Some(own("citation", &delta["citation"])),
            "input_json_delta" if self.made_up => {
                self.answer(delta["partial_json"].as_str().unwrap_or_default())
            }
            "input_json_delta" => {
                let index = self.tools.saturating_sub(1);
                let function = json!({"arguments": delta["partial_json"]});
                let call = json!({"index": index, "type": "function", "function": function});
                Some(chunk(&json!({"content": "", "tool_calls": [call]})))
            }
            "thinking_delta" => {
                self.thought = true;
                Some(thought(
                    &json!({"type": "thinking", "thinking": delta["thinking"], "index": 0}),
                ))
            }
            "signature_delta" => Some(thought(&json!({"type": "thinking", "thinking": "",
                "signature": delta["signature"], "index": 0}))),
            _ => None,
        }
    }
}

/// A chunk of what OpenAI has no name for.
fn own(name: &str, value: &Value) -> Value {
    chunk(&json!({"content": "", "provider_specific_fields": {name: value}}))
}

fn chunk(delta: &Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta}]})
}
