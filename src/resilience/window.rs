//! Exact counts of the last while: a ring of slots, of which the oldest falls out when time moves on. An average that
//! decays would hide a burst; this does not.
//!
//! A count is forgotten one slot late at most, never early: the sums cover `N - 1` slots and the one in use.

use std::time::{Duration, Instant};

/// Two kinds of counts over `N` slots. Each machine names them for itself.
#[derive(Clone, Debug)]
pub struct Window<const N: usize> {
    slot: Duration,
    begun: Option<Instant>,
    /// Number of the slot in use, counted from `begun`.
    newest: u64,
    counts: [[u64; 2]; N],
    sums: [u64; 2],
}

/// The slot that something was counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u64);

impl<const N: usize> Window<N> {
    /// An empty window of slots this long.
    pub fn new(slot: Duration) -> Self {
        Self {
            slot: slot.max(Duration::from_millis(1)),
            begun: None,
            newest: 0,
            counts: [[0; 2]; N],
            sums: [0; 2],
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.counts = [[0; 2]; N];
        self.sums = [0; 2];
    }

    /// Adds to both counts.
    pub fn add(&mut self, now: Instant, counts: [u64; 2]) -> Slot {
        self.advance(now);
        let at = (self.newest % N as u64) as usize;
        for (kind, more) in counts.into_iter().enumerate() {
            self.counts[at][kind] = self.counts[at][kind].saturating_add(more);
            self.sums[kind] = self.sums[kind].saturating_add(more);
        }
        Slot(self.newest)
    }

    /// Takes something back that was counted; nothing where that is forgotten already.
    pub fn take_back(&mut self, slot: Slot, counts: [u64; 2]) {
        if slot.0 > self.newest || self.newest - slot.0 >= N as u64 {
            return;
        }
        let at = (slot.0 % N as u64) as usize;
        for (kind, less) in counts.into_iter().enumerate() {
            let less = less.min(self.counts[at][kind]);
            self.counts[at][kind] -= less;
            self.sums[kind] -= less;
        }
    }

    /// Both sums.
    pub fn sums(&mut self, now: Instant) -> [u64; 2] {
        self.advance(now);
        self.sums
    }

    /// When so much of a count will have been forgotten.
    pub fn frees(&mut self, now: Instant, kind: usize, much: u64) -> Duration {
        self.advance(now);
        let since = self
            .begun
            .map_or(Duration::ZERO, |begun| now.saturating_duration_since(begun));
        let mut freed = 0;
        for age in (0..N as u64).rev() {
            let Some(number) = self.newest.checked_sub(age) else {
                continue;
            };
            freed += self.counts[(number % N as u64) as usize][kind];
            if freed >= much {
                let leaves = self.slot * u32::try_from(number + N as u64).unwrap_or(u32::MAX);
                return leaves.saturating_sub(since);
            }
        }
        self.slot * N as u32
    }

    fn advance(&mut self, now: Instant) {
        let begun = *self.begun.get_or_insert(now);
        let since = now.saturating_duration_since(begun).as_nanos();
        let number = (since / self.slot.as_nanos().max(1)) as u64;
        // A clock that was read earlier than another's comes a little late: it counts in the slot in use.
        if number <= self.newest {
            return;
        }
        if number - self.newest >= N as u64 {
            self.clear();
        } else {
            for passed in self.newest + 1..=number {
                let slot = &mut self.counts[(passed % N as u64) as usize];
                for (sum, count) in self.sums.iter_mut().zip(std::mem::take(slot)) {
                    *sum -= count;
                }
            }
        }
        self.newest = number;
        // Numbers stay small enough to be multiplied: the beginning moves along.
        if self.newest > u64::from(u32::MAX / 4) {
            let laps = self.newest / N as u64 * N as u64;
            if let Some(moved) = begun.checked_add(self.slot * laps as u32) {
                self.begun = Some(moved);
                self.newest -= laps;
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
#[path = "window_tests.rs"]
mod tests;
