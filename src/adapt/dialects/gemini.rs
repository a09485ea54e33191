//! Gemini's dialect over chat: for providers that are not Google's.
//!
//! [`request`] makes the call a chat ([`contents`] its turns), [`reply`] and [`stream`] make the answer one of Gemini's
//! again. Names of members are taken in both of Google's spellings. <https://ai.google.dev/api/generate-content>

mod contents;
mod reply;
mod request;
mod signature;
mod stream;

use super::{Bridge, StreamBridge};
use crate::adapt::{Reply, Target};
use crate::error::Result;
use crate::request::Call;
use serde_json::Value;

/// The bridge.
pub struct OverChat;

impl Bridge for OverChat {
    fn call(&self, call: &Call, target: &Target) -> Result<Call> {
        request::chat(call, target)
    }

    fn reply(&self, _call: &Call, target: &Target, reply: Reply) -> Result<Reply> {
        reply::generated(target, reply)
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamBridge> {
        Box::new(stream::Generated::new(call, target))
    }
}

/// A member by either of its spellings: `inlineData` or `inline_data`.
fn member<'a>(object: &'a Value, camel: &str, snake: &str) -> Option<&'a Value> {
    let found = object.get(camel).or_else(|| object.get(snake));
    found.filter(|value| !value.is_null())
}

#[cfg(test)]
#[path = "gemini/tests.rs"]
mod tests;
