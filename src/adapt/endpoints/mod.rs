//! The operations that are not chats, text completions or embeddings: each a small [`Adapter`] of its own, and one
//! table that says which provider offers it. [`Target::adapter`] picks; the rest of the road is the same for all.

mod missing;
pub mod rerank;
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
            _ => return self.provider.adapter,
        };
        offered.unwrap_or(&Missing)
    }
}

#[cfg(test)]
mod recorded_tests;
