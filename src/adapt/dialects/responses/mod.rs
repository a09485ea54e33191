//! OpenAI's Responses API over a chat: for every provider that has no such API of its own.
//!
//! <https://platform.openai.com/docs/api-reference/responses>. [`request`] makes the call a chat ([`input`] its
//! messages, [`tools`] its functions), [`whole`] and [`stream`] tell the answer ([`output`] its items). What chat has
//! no form for is refused by name, or dropped where the caller said `drop_params`; never silently.

mod failed;
pub mod ids;
mod input;
mod output;
mod request;
mod response;
mod stream;
mod tools;
mod usage;
mod whole;

pub use failed::failed;

use super::{Bridge, StreamBridge};
use crate::adapt::{Reply, Target};
use crate::error::{Error, Result};
use crate::request::{Call, Op, Stored};
use bytes::Bytes;

/// The bridge.
pub struct OverChat;

impl Bridge for OverChat {
    fn call(&self, call: &Call, target: &Target) -> Result<Call> {
        request::chat(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, reply: Reply) -> Result<Reply> {
        whole::response(call, target, reply)
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamBridge> {
        Box::new(stream::Events::new(call, target))
    }
}

/// The refusal of a question about a response that nobody stores.
pub struct NotStored;

impl Bridge for NotStored {
    fn call(&self, call: &Call, target: &Target) -> Result<Call> {
        let provider = target.provider.name;
        let what = match call.op {
            Op::Stored(Stored::Get) => "GET responses",
            Op::Stored(Stored::Delete) => "DELETE responses",
            Op::Stored(Stored::Cancel) => "CANCEL responses",
            Op::Stored(Stored::InputItems) => "LIST input items",
            Op::Stored(Stored::InputTokens) => "COUNT input tokens",
            _ => "COMPACT responses",
        };
        Err(Error::bad_request(format!(
            "{what} is not supported for provider `{provider}`: it is asked through chat completions and stores nothing"
        ))
        .at(provider, &target.model))
    }

    fn reply(&self, _call: &Call, _target: &Target, reply: Reply) -> Result<Reply> {
        Ok(reply)
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamBridge> {
        Box::new(stream::Events::new(call, target))
    }
}

/// Tools that only OpenAI runs; those that are neither chat's nor OpenAI's are the provider's own.
const HOSTED: [&str; 6] = [
    "computer_use",
    "computer_use_preview",
    "image_generation",
    "local_shell",
    "shell",
    "tool_search",
];

/// What to do with what chat has no form for.
struct Lost<'a> {
    drop: bool,
    target: &'a Target,
}

impl<'a> Lost<'a> {
    fn of(call: &Call, target: &'a Target) -> Self {
        let said = call.options.drop_params.or(target.options.drop_params);
        Self {
            drop: said.unwrap_or(false),
            target,
        }
    }

    fn refuse(&self, what: &str) -> Result<()> {
        if self.drop {
            return Ok(());
        }
        let provider = self.target.provider.name;
        Err(Error::bad_request(format!(
            "{what} is not supported for provider `{provider}`, which is asked through chat completions"
        ))
        .hint("set `drop_params` to leave it out")
        .at(provider, &self.target.model))
    }

    fn item(&self, kind: &str) -> Result<()> {
        self.refuse(&format!("an input item of type `{kind}`"))
    }

    fn tool(&self, kind: &str) -> Result<()> {
        self.refuse(&format!("a tool of type `{kind}`"))
    }

    fn param(&self, name: &str) -> Result<()> {
        self.refuse(&format!("`{name}`"))
    }
}

/// Raw JSON values as a list.
pub(crate) fn list(values: &[Bytes]) -> Bytes {
    tools::list(values)
}

/// A text in pieces of at most `longest` characters.
pub(crate) fn pieces(text: &str, longest: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest
            .char_indices()
            .nth(longest)
            .map_or(rest.len(), |(at, _)| at);
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

#[cfg(test)]
mod tests;
