//! Groq: OpenAI's protocol, with tiers of service that OpenAI does not know.
//!
//! API: <https://console.groq.com/docs/api-reference>. What requests do their own way is in
//! [`crate::adapt::habits::tools`].

use super::openai::OpenAi;
use crate::adapt::{Adapter, Head, Reply, StreamAdapter, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::request::{Call, Op};
use bytes::Bytes;

/// The adapter.
pub struct Groq;

impl Adapter for Groq {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        OpenAi.request(call, target)
    }

    fn reply(&self, call: &Call, target: &Target, head: &Head, body: Bytes) -> Result<Reply> {
        let mut reply = OpenAi.reply(call, target, head, body)?;
        if call.op == Op::Chat {
            reply.body = with_openai_tier(reply.body);
        }
        Ok(reply)
    }

    fn stream(&self, call: &Call, target: &Target) -> Box<dyn StreamAdapter> {
        OpenAi.stream(call, target)
    }

    fn error(&self, call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        OpenAi.error(call, target, head, body)
    }
}

/// A tier that OpenAI does not have is shown as `auto`, as a missing one is.
fn with_openai_tier(body: Bytes) -> Bytes {
    let Ok(mut members) = Params::parse(&body) else {
        return body;
    };
    let known = members
        .raw("service_tier")
        .is_some_and(|tier| matches!(&tier[..], b"\"auto\"" | b"\"default\"" | b"\"flex\""));
    if known {
        return body;
    }
    members.set("service_tier", &"auto");
    members.to_json()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_of_groqs_own_is_shown_as_auto() {
        for (given, shown) in [
            (&br#"{"id":"1","service_tier":"on_demand"}"#[..], "auto"),
            (br#"{"id":"1"}"#, "auto"),
            (br#"{"id":"1","service_tier":"flex"}"#, "flex"),
        ] {
            let body = with_openai_tier(Bytes::from_static(given));
            let tier = Params::parse(&body)
                .ok()
                .and_then(|members| members.get("service_tier"));
            assert_eq!(tier, Some(shown.to_owned()));
        }
    }
}
