//! Stands where a provider does not offer an operation, so that a call says so.

use crate::adapt::{Adapter, Head, Reply, Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::request::Call;
use bytes::Bytes;

/// Refuses every call, naming operation and provider.
pub struct Missing;

fn refusal(call: &Call, target: &Target) -> Error {
    let name = target.provider.name;
    let message = format!(
        "provider `{name}` has no `{}` that is supported",
        call.op.function()
    );
    Error::new(ErrorKind::BadRequest, message)
        .side(Side::Client)
        .at(name, &target.model)
}

impl Adapter for Missing {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        Err(refusal(call, target))
    }

    fn reply(&self, call: &Call, target: &Target, _head: &Head, _body: Bytes) -> Result<Reply> {
        Err(refusal(call, target))
    }

    fn error(&self, call: &Call, target: &Target, _head: &Head, _body: &[u8]) -> Error {
        refusal(call, target)
    }
}
