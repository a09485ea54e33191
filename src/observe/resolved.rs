//! What is resolved once for all calls that are alike: found by a hash of their texts, which are not copied for it.

use foldhash::fast::RandomState;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::ops::Deref;
use std::sync::Arc;

/// Threads that look at once seldom meet.
const SHARDS: usize = 16;

/// Values by the `N` texts that they are resolved of.
pub struct Resolved<T, const N: usize> {
    hasher: RandomState,
    shards: [RwLock<HashMap<u64, Arc<Kept<T, N>>>>; SHARDS],
    per_shard: usize,
}

/// A value, and the texts that tell it from another with the same hash.
pub struct Kept<T, const N: usize> {
    texts: Box<[Box<str>; N]>,
    value: T,
}

impl<T, const N: usize> Deref for Kept<T, N> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T, const N: usize> Resolved<T, N> {
    /// Keeps at most so many values, `SHARDS` parts of them apart. A full part is emptied: only finding what was in it
    /// costs again.
    pub fn holding(most: usize) -> Self {
        Self {
            hasher: RandomState::default(),
            shards: std::array::from_fn(|_| RwLock::new(HashMap::new())),
            per_shard: most / SHARDS,
        }
    }

    /// The value of these texts, made where nobody has asked for it yet.
    pub fn find(&self, texts: [&str; N], make: impl FnOnce() -> T) -> Arc<Kept<T, N>> {
        let hash = self.hasher.hash_one(texts);
        let shard = &self.shards[hash as usize % SHARDS];
        if let Some(found) = shard.read().get(&hash)
            && (found.texts.iter().zip(texts)).all(|(mine, theirs)| **mine == *theirs)
        {
            return found.clone();
        }
        let made = Arc::new(Kept {
            texts: Box::new(texts.map(Box::from)),
            value: make(),
        });
        let mut shard = shard.write();
        if shard.len() >= self.per_shard {
            shard.clear();
        }
        shard.insert(hash, made.clone());
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_resolved_is_found_and_what_is_kept_is_bounded() {
        let resolved: Resolved<usize, 2> = Resolved::holding(64);
        let first = resolved.find(["a", "b"], || 1);
        assert!(Arc::ptr_eq(&first, &resolved.find(["a", "b"], || 2)));
        assert_eq!(**resolved.find(["ab", ""], || 3), 3);
        for nth in 0..10_000 {
            assert_eq!(**resolved.find(["n", &nth.to_string()], || nth), nth);
        }
        let kept: usize = resolved.shards.iter().map(|shard| shard.read().len()).sum();
        assert!(kept <= 64, "{kept}");
    }
}
