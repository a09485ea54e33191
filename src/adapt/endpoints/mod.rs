//! The operations that are not chats, text completions or embeddings: each a small [`Adapter`] of its own, and one
//! table that says which provider offers it. [`Target::adapter`] picks; the rest of the road is the same for all.

mod asked;
mod audio;
mod form;
mod images;
mod members;
mod missing;
mod moderation;
pub mod rerank;
mod resources;
mod route;

use super::{Adapter, Target};
use crate::request::Op;
use missing::Missing;

impl Target {
    /// What speaks to the provider about an operation. One that it does not offer is refused by name.
    pub fn adapter(&self, op: Op) -> &'static dyn Adapter {
        let name = self.provider.name;
        let offered = match op {
            Op::Rerank => rerank::offered(name),
            Op::ImageGeneration | Op::ImageEdit | Op::ImageVariation => {
                images::offered(self.provider, op)
            }
            Op::Transcription | Op::Speech => audio::offered(self.provider, op),
            Op::PassThrough => None,
            Op::Moderation => moderation::offered(self.provider),
            Op::Resource(_) => resources::offered(self.provider),
            _ => return self.provider.adapter,
        };
        offered.unwrap_or(&Missing)
    }
}

#[cfg(test)]
mod recorded_tests;
