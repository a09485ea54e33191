//! Audio: recordings to texts ([`transcription`]) and texts to speech ([`speech`]), in OpenAI's form, which callers
//! speak.
//!
//! API: <https://platform.openai.com/docs/api-reference/audio>.

mod deepgram;
mod elevenlabs;
mod speech;
mod transcription;

use super::asked::speaks;
use crate::adapt::errors::Wording;
use crate::adapt::providers::replies;
use crate::adapt::{Adapter, Head, Provider, Target};
use crate::error::Error;
use crate::request::Op;

/// Who does what.
pub fn offered(provider: &Provider, op: Op) -> Option<&'static dyn Adapter> {
    match (provider.name, op) {
        ("deepgram", Op::Transcription) => Some(&deepgram::Deepgram),
        ("elevenlabs", Op::Speech) => Some(&elevenlabs::ElevenLabs),
        (_, Op::Transcription) if speaks(provider) => Some(&transcription::OpenAi),
        (_, Op::Speech) if speaks(provider) => Some(&speech::OpenAi),
        _ => None,
    }
}

/// The error of a provider that is asked through OpenAI's client, or in its own form.
fn error(target: &Target, head: &Head, body: &[u8]) -> Error {
    let mut place = replies::place(target);
    if speaks(target.provider) {
        place.wording = Wording::CodeAndMessage;
        place.family = target.provider.family;
    }
    place.status(head.status.as_u16(), &head.headers, body)
}
