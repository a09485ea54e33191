//! The events of a response as Anthropic's.

use super::{reply, signature};
use crate::adapt::Target;
use crate::adapt::dialects::chat_over_responses::is_call;
use crate::adapt::dialects::messages::blocks::Blocks;
use crate::adapt::dialects::messages::reply::usage;
use crate::adapt::dialects::{StreamBridge, chunks};
use crate::adapt::sse::SseParser;
use crate::adapt::usage::Object;
use crate::error::Result;
use crate::params::Params;
use crate::request::Call;
use bytes::BytesMut;
use serde_json::{Value, json};

/// The translation of one stream.
pub struct Events {
    parser: SseParser,
    told: Told,
}

struct Told {
    blocks: Blocks,
    given: Params,
    called: bool,
    refused: bool,
    stop: Option<&'static str>,
    usage: Option<Object>,
}

impl Events {
    /// A translation that has not begun.
    pub fn new(call: &Call, target: &Target) -> Self {
        Self {
            parser: SseParser::default(),
            told: Told {
                blocks: Blocks::new(call, target),
                given: call.params.clone(),
                called: false,
                refused: false,
                stop: None,
                usage: None,
            },
        }
    }
}

impl StreamBridge for Events {
    fn push(&mut self, events: &[u8], out: &mut BytesMut) -> Result<()> {
        let Self { parser, told } = self;
        chunks::events(parser, events, |event| told.event(event, out))
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<()> {
        let told = &mut self.told;
        let stop = match told.stop.unwrap_or("end_turn") {
            "end_turn" if told.called => "tool_use",
            "end_turn" if told.refused => "refusal",
            stop => stop,
        };
        let delta = json!({"stop_reason": stop, "stop_sequence": null});
        told.blocks.finish(&delta, &usage(told.usage.as_ref()), out);
        Ok(())
    }
}

impl Told {
    fn event(&mut self, event: &Value, out: &mut BytesMut) {
        self.blocks.begin(out);
        let piece = event["delta"].as_str().unwrap_or_default();
        let item = &event["item"];
        // The number of the item that an event is about.
        let at = event["output_index"].as_u64().unwrap_or(0);
        match event["type"].as_str().unwrap_or_default() {
            "response.output_text.delta" => self.blocks.say(piece, out),
            "response.refusal.delta" => {
                self.refused = true;
                self.blocks.say(piece, out);
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.blocks.think(piece, out);
            }
            "response.reasoning_summary_part.added" if event["summary_index"] != 0 => {
                self.blocks.think("\n", out);
            }
            "response.output_item.added" if is_call(item) => {
                self.called = true;
                self.blocks
                    .call(at, || reply::begun(item, &self.given), out);
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.blocks.argue(at, piece, out);
            }
            "response.output_item.done" => {
                if item["type"] == "reasoning"
                    && let Some(signature) = signature::of(item)
                {
                    self.blocks.sign(&signature, out);
                }
                self.blocks.close(out);
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                let response = &event["response"];
                let items = response["output"].as_array().map_or(&[][..], Vec::as_slice);
                self.stop = Some(reply::stop_reason(response, items));
                self.usage = reply::counts(response);
            }
            _ => {}
        }
    }
}
