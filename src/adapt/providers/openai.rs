//! OpenAI's protocol, spoken by OpenAI and every compatible provider.
//!
//! API: <https://platform.openai.com/docs/api-reference>. The request side is `openai_request`.

use super::openai_request;
use crate::adapt::{Adapter, Head, Reply, StreamAdapter, StreamEnd, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::request::Call;
use bytes::{Bytes, BytesMut};

/// The adapter.
pub struct OpenAi;

impl Adapter for OpenAi {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        openai_request::request(call, target)
    }

    fn reply(&self, _call: &Call, _target: &Target, _head: &Head, _body: Bytes) -> Result<Reply> {
        Err(Error::bad_request("replies are not built"))
    }

    fn stream(&self, _call: &Call, _target: &Target) -> Box<dyn StreamAdapter> {
        Box::new(Unbuilt)
    }

    fn error(&self, _call: &Call, _target: &Target, _head: &Head, _body: &[u8]) -> Error {
        Error::bad_request("errors are not built")
    }
}

struct Unbuilt;

impl StreamAdapter for Unbuilt {
    fn push(&mut self, _bytes: &[u8], _out: &mut BytesMut) -> Result<()> {
        Err(Error::bad_request("streams are not built"))
    }

    fn finish(&mut self, _out: &mut BytesMut) -> Result<StreamEnd> {
        Err(Error::bad_request("streams are not built"))
    }
}
