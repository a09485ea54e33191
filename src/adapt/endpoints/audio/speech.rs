//! Texts to speech, as OpenAI and the compatible providers speak them. The sound is passed on as it comes.

use super::super::asked::{asked, auth};
use super::super::members::given;
use crate::account::Usage;
use crate::adapt::{Adapter, Auth, Head, Reply, Target, UpstreamRequest};
use crate::error::{Error, Result};
use crate::request::Call;
use bytes::Bytes;

/// The adapter.
pub struct OpenAi;

impl Adapter for OpenAi {
    fn request(&self, call: &Call, target: &Target) -> Result<UpstreamRequest> {
        let mut members = given(call, target);
        if members.get::<String>("voice").is_none() {
            let what = "'voice' is required to be passed as a string for OpenAI TTS";
            return Err(Error::bad_request(what).at(target.provider.name, &target.model));
        }
        members.set("model", &target.model);
        asked(call, target, "/audio/speech", &members)
    }

    fn auth(&self, call: &Call, target: &Target) -> Auth {
        auth(call, target)
    }

    fn is_raw(&self, _call: &Call) -> bool {
        true
    }

    fn reply(&self, call: &Call, _target: &Target, _head: &Head, body: Bytes) -> Result<Reply> {
        Ok(sound(call, body))
    }

    fn error(&self, _call: &Call, target: &Target, head: &Head, body: &[u8]) -> Error {
        super::error(target, head, body)
    }
}

/// The sound, and what it is billed by.
pub fn sound(call: &Call, body: Bytes) -> Reply {
    let text: String = call.params.get("input").unwrap_or_default();
    Reply {
        body,
        usage: Some(Usage {
            characters: Some(text.chars().count() as u64),
            ..Usage::default()
        }),
        upstream_model: None,
        finish_reason: None,
    }
}
