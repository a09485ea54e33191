//! Dialects that a caller speaks and the provider does not: the call is asked in another, and the answer told back.
//!
//! A provider that speaks the caller's dialect itself ([`Adapter::asks`](super::Adapter::asks)) is asked in it, and its
//! answer is passed on as it came. For all others there is a [`Bridge`]: it makes the call one of the provider's, and
//! its answer, canonical by then, one of the caller's. A bridge is pure, and nothing is lost on it that the other
//! dialect can carry.

pub mod chat_over_responses;
pub mod chunks;
pub mod gemini;
pub mod messages;
pub mod responses;

use super::{Reply, Target};
use crate::error::Result;
use crate::request::{Call, Op};
use bytes::BytesMut;

/// The way from one operation to another and back.
pub trait Bridge: Send + Sync {
    /// The call as the target is asked it.
    ///
    /// # Errors
    /// What the other dialect cannot say.
    fn call(&self, call: &Call, target: &Target) -> Result<Call>;
    /// The answer in the caller's dialect. `reply` is what the target's adapter made of the call that was asked.
    ///
    /// # Errors
    /// An answer that the dialect cannot say.
    fn reply(&self, call: &Call, target: &Target, reply: Reply) -> Result<Reply>;
    /// A fresh translation of one streamed answer.
    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamBridge>;
}

/// A streamed answer on its way into the caller's dialect. Any split of the input gives the same output.
pub trait StreamBridge: Send {
    /// Takes events as the adapter of the operation that was asked writes them: whole ones, `[DONE]` among them.
    ///
    /// # Errors
    /// An answer that the dialect cannot say.
    fn push(&mut self, events: &[u8], out: &mut BytesMut) -> Result<()>;
    /// The answer is over, and well: appends what the dialect ends with.
    ///
    /// # Errors
    /// An answer that the dialect cannot say.
    fn finish(&mut self, out: &mut BytesMut) -> Result<()>;
}

/// The bridge by which `from` is asked as `to`.
pub fn between(from: Op, to: Op) -> Option<&'static dyn Bridge> {
    match (from, to) {
        (Op::Messages, Op::Chat) => Some(&messages::OverChat),
        (Op::Messages, Op::Responses) => Some(&messages::over_responses::OverResponses),
        (Op::GenerateContent, Op::Chat) => Some(&gemini::OverChat),
        (Op::Responses, Op::Chat) => Some(&responses::OverChat),
        (Op::Stored(_), Op::Chat) => Some(&responses::NotStored),
        (Op::Chat, Op::Responses) => Some(&chat_over_responses::OverResponses),
        _ => None,
    }
}
