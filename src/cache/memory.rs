//! Answers in this process's memory, bounded in bytes: the oldest make room.

use super::Kept;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Answers by key.
#[derive(Debug)]
pub struct Memory {
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    answers: HashMap<String, Slot>,
    /// Keys in the order they were put in, each with the number of its putting.
    order: VecDeque<(String, u64)>,
    bytes: usize,
    puttings: u64,
}

#[derive(Debug)]
struct Slot {
    kept: Kept,
    until: Option<Instant>,
    putting: u64,
    bytes: usize,
}

impl Memory {
    /// Keeps `most` bytes.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            state: Mutex::default(),
        }
    }

    /// The answer, if it is not too old.
    pub fn get(&self, key: &str, now: Instant) -> Option<Kept> {
        let state = self.state.lock();
        let slot = state.answers.get(key)?;
        slot.until
            .is_none_or(|until| now < until)
            .then(|| slot.kept.clone())
    }

    /// Keeps an answer for `ttl`.
    pub fn put(&self, key: String, kept: Kept, ttl: Duration, now: Instant) {
        let mut state = self.state.lock();
        state.puttings += 1;
        let putting = state.puttings;
        // Key, places and the target that the answer shares with nobody.
        let bytes = kept.size() + 2 * key.len() + 1024;
        state.order.push_back((key.clone(), putting));
        state.bytes += bytes;
        let slot = Slot {
            kept,
            until: now.checked_add(ttl),
            putting,
            bytes,
        };
        if let Some(before) = state.answers.insert(key, slot) {
            state.bytes -= before.bytes;
        }
        state.make_room(self.most, now);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.state.lock() = State::default();
    }
}

impl State {
    fn make_room(&mut self, most: usize, now: Instant) {
        while let Some((key, putting)) = self.order.front() {
            let current = self
                .answers
                .get(key)
                .filter(|slot| slot.putting == *putting);
            let useless = current.is_none_or(|slot| slot.until.is_some_and(|until| until <= now));
            if self.bytes <= most && !useless {
                return;
            }
            if current.is_some()
                && let Some(slot) = self.answers.remove(key)
            {
                self.bytes -= slot.bytes;
            }
            self.order.pop_front();
        }
    }
}
