//! Stands where a protocol is not built yet, so that its name, keys and parameters are known and a call says so.

use crate::adapt::{Adapter, Head, Reply, StreamAdapter, StreamEnd, Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::request::Call;
use bytes::{Bytes, BytesMut};

/// Refuses every call, naming the provider.
pub struct Unbuilt;

fn refusal(target: &Target) -> Error {
    let name = target.provider.name;
    Error::new(
        ErrorKind::BadRequest,
        format!("provider `{name}` is not supported yet"),
    )
    .hint("use an OpenAI-compatible address of this provider with `custom_openai/` and `api_base`")
    .side(Side::Gateway)
    .at(name, &target.model)
}

impl Adapter for Unbuilt {
    fn built(&self) -> bool {
        false
    }

    fn request(&self, _call: &Call, target: &Target) -> Result<UpstreamRequest> {
        Err(refusal(target))
    }

    fn reply(&self, _call: &Call, target: &Target, _head: &Head, _body: Bytes) -> Result<Reply> {
        Err(refusal(target))
    }

    fn stream(&self, _call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        Box::new(Refused(refusal(target)))
    }

    fn error(&self, _call: &Call, target: &Target, _head: &Head, _body: &[u8]) -> Error {
        refusal(target)
    }
}

/// A stream that is refused.
pub struct Refused(pub Error);

impl StreamAdapter for Refused {
    fn push(&mut self, _bytes: &[u8], _out: &mut BytesMut) -> Result<()> {
        Err(self.0.clone())
    }

    fn finish(&mut self, _out: &mut BytesMut) -> Result<StreamEnd> {
        Err(self.0.clone())
    }

    fn cut(&mut self, _out: &mut BytesMut) -> Result<StreamEnd> {
        Err(self.0.clone())
    }
}
