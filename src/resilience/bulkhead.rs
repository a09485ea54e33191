//! Calls in flight at one place, and those that wait for room: a bounded queue by priority, first come first served
//! within one. Pure; [`super::gate`] is its use by tasks.
//!
//! Invariants: never more in flight than the limit allowed when they entered; a call waits only while there is no
//! room; nobody waits in a queue that is full, nor for longer than it has time; every place that is left is given to
//! the first in line.

use std::collections::BTreeMap;
use std::time::Duration;

/// How many, and how many may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Calls in flight.
    pub limit: u32,
    /// Calls that may wait.
    pub queue: u32,
}

/// A place in the line: priority (lower first), then the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(i64, u64);

/// What becomes of a call that wants in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// It is in.
    Now,
    /// It waits.
    Queued(Place),
    /// Nobody may wait any more. Room is expected after so long.
    Full(Duration),
    /// It would wait for longer than it has time.
    TooLate(Duration),
}

/// The state of one place; `W` is what wakes a call that waits.
#[derive(Debug)]
pub struct Bulkhead<W> {
    in_flight: u32,
    waiting: BTreeMap<Place, W>,
    arrivals: u64,
    /// How long calls stay, as they did lately.
    stay: Duration,
}

impl<W> Default for Bulkhead<W> {
    fn default() -> Self {
        Self {
            in_flight: 0,
            waiting: BTreeMap::new(),
            arrivals: 0,
            stay: Duration::ZERO,
        }
    }
}

impl<W> Bulkhead<W> {
    /// A call wants in. `left` is the time it has.
    pub fn enter(
        &mut self,
        room: Room,
        priority: i64,
        left: Option<Duration>,
        waiter: W,
    ) -> Entered {
        if self.in_flight < room.limit && self.waiting.is_empty() {
            self.in_flight += 1;
            return Entered::Now;
        }
        self.arrivals += 1;
        let place = Place(priority, self.arrivals);
        let ahead = self.waiting.range(..place).count() as u32;
        let expected = self.expected(room, ahead);
        if left.is_some_and(|left| left <= expected) {
            return Entered::TooLate(expected);
        }
        if self.waiting.len() >= room.queue as usize {
            return Entered::Full(expected);
        }
        self.waiting.insert(place, waiter);
        Entered::Queued(place)
    }

    /// A call that was in leaves, having stayed so long where that is known.
    pub fn leave(&mut self, stayed: Option<Duration>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(stayed) = stayed {
            self.stay = if self.stay.is_zero() {
                stayed
            } else {
                (self.stay * 7 + stayed) / 8
            };
        }
    }

    /// Lets the first in line in, while there is room.
    pub fn next(&mut self, limit: u32) -> Option<(Place, W)> {
        if self.in_flight >= limit {
            return None;
        }
        let first = self.waiting.pop_first()?;
        self.in_flight += 1;
        Some(first)
    }

    /// The waiter at a place, where it still waits.
    pub fn waiter(&mut self, place: Place) -> Option<&mut W> {
        self.waiting.get_mut(&place)
    }

    /// A call no longer waits; false when it did not.
    pub fn give_up(&mut self, place: Place) -> bool {
        self.waiting.remove(&place).is_some()
    }

    /// Calls in flight.
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Calls that wait.
    pub fn queued(&self) -> usize {
        self.waiting.len()
    }

    /// How long a call waits with so many ahead of it: their turns, shared among all places.
    fn expected(&self, room: Room, ahead: u32) -> Duration {
        self.stay
            .saturating_mul(ahead.saturating_add(1))
            .checked_div(room.limit.max(1))
            .unwrap_or_default()
    }
}

#[cfg(all(test, not(loom)))]
#[path = "bulkhead_tests.rs"]
mod tests;
