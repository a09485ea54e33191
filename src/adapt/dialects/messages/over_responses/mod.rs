//! Anthropic's Messages over OpenAI's Responses API: for OpenAI's models, whose thoughts no chat carries.
//!
//! Parameters go the way of a chat ([`super::request`], then [`chat_over_responses`]). The turns do not, because a
//! chat's message loses the order of thoughts, words and calls: [`input`] makes them items, [`reply`] and [`stream`]
//! make the items of the answer blocks. An item of reasoning travels as a `thinking` block whose signature is the item
//! ([`signature`]), and comes back as that item.

mod input;
mod reply;
mod signature;
mod stream;

use super::request;
use crate::adapt::dialects::{Bridge, StreamBridge, chat_over_responses};
use crate::adapt::{Reply, Target};
use crate::error::Result;
use crate::params::Params;
use crate::request::{Call, Op, Stored};
use serde_json::{Value, json};

/// The bridge.
pub struct OverResponses;

impl Bridge for OverResponses {
    fn call(&self, call: &Call, target: &Target) -> Result<Call> {
        let mut asked = asked(call, target)?;
        let include = ["reasoning.encrypted_content"];
        asked.params.set("include", &include);
        Ok(asked)
    }

    fn reply(&self, call: &Call, target: &Target, reply: Reply) -> Result<Reply> {
        reply::message(call, target, reply)
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamBridge> {
        Box::new(stream::Events::new(call, target))
    }
}

/// The question how many tokens a call's prompt has.
///
/// # Errors
/// As for the call itself.
pub fn count(call: &Call, target: &Target) -> Result<Call> {
    let mut question = asked(call, target)?;
    let whole = std::mem::take(&mut question.params);
    for name in ["model", "input", "instructions", "tools", "tool_choice"] {
        if let Some(raw) = whole.raw(name) {
            question.params.set_raw(name, raw.clone());
        }
    }
    question.op = Op::Stored(Stored::InputTokens);
    question.stream = false;
    Ok(question)
}

fn asked(call: &Call, target: &Target) -> Result<Call> {
    let mut bare = call.clone();
    bare.params.remove("system");
    bare.params.set("messages", &json!([]));
    let mut chat = request::chat(&bare, target)?;
    loosely(&mut chat.params);
    let mut asked = chat_over_responses::responses(&chat, target)?;
    let (instructions, items) = input::of(&call.params)?;
    asked.params.set("input", &items);
    if let Some(instructions) = instructions {
        asked.params.set("instructions", &instructions);
    }
    Ok(asked)
}

/// Anthropic holds no tool to its schema unless that is asked; the Responses API does unless it is not.
fn loosely(params: &mut Params) {
    let Some(mut tools) = params.get::<Vec<Value>>("tools") else {
        return;
    };
    for tool in &mut tools {
        let function = tool.get_mut("function").and_then(Value::as_object_mut);
        if let Some(function) = function {
            function
                .entry("strict")
                .or_insert_with(|| Value::from(false));
        }
    }
    params.set("tools", &tools);
}

#[cfg(test)]
mod tests;
