//! A chat over OpenAI's Responses API: for models that are served there only (`o1-pro`, the Codex models), for those
//! named `openai/responses/...`, and for functions of models that reason.

mod replay;
mod reply;
mod request;
mod stream;

pub(super) use reply::is_call;
pub(super) use request::{parts, responses};

use super::{Bridge, StreamBridge};
use crate::adapt::{Reply, Target};
use crate::error::Result;
use crate::request::Call;

/// The bridge.
pub struct OverResponses;

impl Bridge for OverResponses {
    fn call(&self, call: &Call, target: &Target) -> Result<Call> {
        request::responses(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, reply: Reply) -> Result<Reply> {
        reply::chat(call, target, reply)
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamBridge> {
        Box::new(stream::Chunks::new(call, target))
    }
}

#[cfg(test)]
mod tests;
