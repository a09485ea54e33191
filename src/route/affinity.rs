//! Prompts that begin alike go to the deployment that has their beginning cached.
//!
//! The first answer is rendezvous hashing: every deployment has a rank for a prompt, the highest one that is not
//! overloaded takes it, and a deployment that comes or goes moves only its own share. Where a reply tells that its
//! prompt was read from the provider's cache, that deployment is remembered and goes first.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of the prompt that make its beginning: less than a provider caches (1,024 tokens), so that the turns of one
/// conversation are alike in it.
const BEGINNING: usize = 1024;
/// Prompts remembered for each group.
const REMEMBERED: usize = 1024;
/// Bits that name the deployment.
const NAME: u64 = 0xffff;
/// A deployment may have this many times its fair share of calls in flight.
const BOUND: f64 = 1.25;

/// What is remembered of one group: a table in which a new prompt takes an old one's place.
#[derive(Debug, Default)]
pub struct Affinity(OnceLock<Box<[AtomicU64]>>);

impl Affinity {
    /// The provider had this prompt cached at this deployment.
    pub fn remember(&self, prefix: u64, id: &str) {
        if let Some(slot) = self.slot(prefix) {
            let name = hash(id.as_bytes(), 0) & NAME;
            slot.store(prefix & !NAME | name.max(1), Ordering::Relaxed);
        }
    }

    /// Whether it is this deployment that is remembered for the prompt.
    pub fn is_at(&self, prefix: u64, id: &str) -> bool {
        let told = self
            .slot(prefix)
            .map_or(0, |slot| slot.load(Ordering::Relaxed));
        told != 0
            && told & !NAME == prefix & !NAME
            && told & NAME == (hash(id.as_bytes(), 0) & NAME).max(1)
    }

    fn slot(&self, prefix: u64) -> Option<&AtomicU64> {
        let table = self
            .0
            .get_or_init(|| (0..REMEMBERED).map(|_| AtomicU64::new(0)).collect());
        table.get((prefix >> 48) as usize % REMEMBERED)
    }
}

/// The beginning of a prompt as a number; 0 for none.
pub fn prefix(prompt: &[u8]) -> u64 {
    if prompt.is_empty() {
        return 0;
    }
    hash(prompt.get(..BEGINNING).unwrap_or(prompt), 0).max(1)
}

/// The rank of a deployment for a prompt: the highest is first.
pub fn rank(prefix: u64, id: &str) -> u64 {
    hash(id.as_bytes(), prefix)
}

/// Calls in flight that a deployment may have when `all` are in flight at `deployments`, one that is coming among them.
pub fn bound(all: u32, deployments: usize) -> u32 {
    let fair = f64::from(all.saturating_add(1)) / deployments.max(1) as f64;
    (fair * BOUND).ceil() as u32
}

/// FNV-1a with a finish that spreads its bits. It has to be the same in every process, so that instances agree.
fn hash(bytes: &[u8], seed: u64) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ seed;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn first<'a>(prefix: u64, ids: &[&'a str]) -> &'a str {
        ids.iter()
            .copied()
            .max_by_key(|id| rank(prefix, id))
            .unwrap()
    }

    #[test]
    fn prompts_spread_evenly_and_a_deployment_that_goes_moves_only_its_own() {
        let ids = ["a", "b", "c", "d"];
        let fewer = ["a", "b", "d"];
        let mut counts = [0u32; 4];
        for prompt in 0..4000u32 {
            let prefix = prefix(format!("prompt number {prompt}").as_bytes());
            let chosen = first(prefix, &ids);
            counts[ids.iter().position(|id| *id == chosen).unwrap()] += 1;
            if chosen != "c" {
                assert_eq!(first(prefix, &fewer), chosen);
            }
        }
        assert!(
            counts.iter().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn turns_of_a_conversation_begin_alike() {
        let first = vec![b'x'; 2000];
        let mut second = first.clone();
        second.extend_from_slice(b"and more");
        assert_eq!(prefix(&first), prefix(&second));
        assert_ne!(prefix(b"x"), prefix(b"y"));
    }

    #[test]
    fn what_is_remembered_is_told_of_that_prompt_and_deployment_only() {
        let affinity = Affinity::default();
        let (one, other) = (prefix(b"one"), prefix(b"other"));
        assert!(!affinity.is_at(one, "a"));
        affinity.remember(one, "a");
        assert!(affinity.is_at(one, "a"));
        assert!(!affinity.is_at(one, "b"));
        assert!(!affinity.is_at(other, "a"));
        affinity.remember(one, "b");
        assert!(affinity.is_at(one, "b") && !affinity.is_at(one, "a"));
    }
}
