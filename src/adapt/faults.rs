//! Whose fault a broken call is, and how that provider's errors are worded: [`Place::of`] a target.

use super::errors::{Family, Place, Wording};
use super::registry::Via;
use super::{Fault, Target};
use crate::error::{Error, ErrorKind, Side};
use crate::request::{Call, Op};

impl<'a> Place<'a> {
    /// The place that a target of a compatible provider is.
    pub fn of(call: &Call, target: &'a Target) -> Self {
        let provider = target.provider;
        let wording = match (provider.via, call.op) {
            (_, Op::Embeddings) if provider.family == Family::Azure => Wording::Body,
            (Via::Sdk, Op::Chat) => Wording::Message,
            (Via::Handler | Via::Native, Op::Chat)
            | (Via::Native, _)
            | (_, Op::Responses | Op::Stored(_)) => Wording::Body,
            (Via::Sdk | Via::Handler, _) => Wording::CodeAndMessage,
        };
        Self {
            provider: provider.name,
            model: &target.model,
            wording,
            family: provider.family,
        }
    }
}

/// LiteLLM's error for a connection that broke or a clock that ran out.
pub fn fault(call: &Call, target: &Target, fault: Fault) -> Error {
    let place = Place::of(call, target);
    match fault {
        Fault::Connection | Fault::Unreachable => place.connection(),
        Fault::Timeout { limit, taken } => place.timeout(&format!(
            " - timeout value={:?}, time taken={:.2} seconds",
            limit.as_secs_f64(),
            taken.as_secs_f64()
        )),
        Fault::Cut => place.cut(),
        Fault::TooLarge(limit) => Error::new(
            ErrorKind::ApiResponseValidation,
            format!("the provider's reply is longer than {limit} bytes"),
        )
        .at(place.provider, place.model)
        .side(Side::Upstream)
        .hint("raise `general_settings.max_response_size_mb`"),
    }
}
