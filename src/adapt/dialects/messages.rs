//! Anthropic's Messages over chat: for providers that are not Anthropic's. OpenAI's own models are asked over its
//! Responses API ([`over_responses`]).
//!
//! [`request`] makes the call a chat ([`conversation`] its turns, [`tools`] its tools), [`reply`] and [`stream`] make
//! the answer a message again ([`blocks`] its events). <https://docs.anthropic.com/en/api/messages>

mod blocks;
mod conversation;
pub mod over_responses;
mod reply;
mod request;
mod signature;
mod stream;
mod tools;

pub(super) use request::effort_of;

use super::{Bridge, StreamBridge};
use crate::adapt::{Reply, Target};
use crate::error::Result;
use crate::request::Call;

/// The bridge.
pub struct OverChat;

impl Bridge for OverChat {
    fn call(&self, call: &Call, target: &Target) -> Result<Call> {
        request::chat(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, reply: Reply) -> Result<Reply> {
        reply::message(call, target, reply)
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamBridge> {
        Box::new(stream::Messages::new(call, target))
    }
}

/// The model's name that answers show: the client's in the server, the target's own in process.
fn shown_model<'a>(call: &'a Call, target: &'a Target) -> &'a str {
    if call.caller.route.is_empty() {
        &target.model
    } else {
        call.shown_model()
    }
}

#[cfg(test)]
#[path = "messages/tests.rs"]
mod tests;
