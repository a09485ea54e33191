//! Requests and tokens of the last minute, of one deployment: `rpm` and `tpm`.
//!
//! A call reserves what it will probably use, settles with what it used, or takes all of it back. In no minute is
//! more admitted than the limit; what is refused counts for nothing. The window is a ring of 120 half seconds and
//! the one in use, so that a limit is not refused before 99 % of it are used.

use super::window::{Slot, Window};
use std::time::{Duration, Instant};

const SLOTS: usize = 121;
const SLOT: Duration = Duration::from_millis(500);

const REQUESTS: usize = 0;
const TOKENS: usize = 1;

/// What a minute may hold; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// `rpm`.
    pub requests: Option<u64>,
    /// `tpm`.
    pub tokens: Option<u64>,
}

impl Limits {
    /// Whether there is any limit.
    pub fn any(&self) -> bool {
        self.requests.is_some() || self.tokens.is_some()
    }
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `rpm`.
    Requests,
    /// `tpm`.
    Tokens,
}

/// Why a call was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The limit.
    pub kind: Kind,
    /// It allows this much.
    pub limit: u64,
    /// So much of it is in use.
    pub used: u64,
    /// When there will be room.
    pub wait: Duration,
}

/// What a call reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    slot: Slot,
    tokens: u64,
}

/// The use of one minute.
#[derive(Clone, Debug)]
pub struct Quota(Window<SLOTS>);

impl Default for Quota {
    fn default() -> Self {
        Self(Window::new(SLOT))
    }
}

impl Quota {
    /// Reserves one request and so many tokens. A call that is larger than the limit by itself is taken for as large
    /// as the limit, or it could never be made.
    ///
    /// # Errors
    /// The limit that has no room.
    pub fn reserve(
        &mut self,
        now: Instant,
        limits: Limits,
        tokens: u64,
    ) -> Result<Reservation, Refused> {
        let tokens = limits.tokens.map_or(tokens, |most| tokens.min(most));
        self.room(now, limits, tokens)?;
        let slot = self.0.add(now, [1, tokens]);
        Ok(Reservation { slot, tokens })
    }

    /// Whether there is room, without taking it.
    ///
    /// # Errors
    /// The limit that has none.
    pub fn room(&mut self, now: Instant, limits: Limits, tokens: u64) -> Result<(), Refused> {
        let used = self.0.sums(now);
        let wanted = [
            (Kind::Requests, REQUESTS, limits.requests, 1),
            (
                Kind::Tokens,
                TOKENS,
                limits.tokens,
                limits.tokens.map_or(tokens, |most| tokens.min(most)).max(1),
            ),
        ];
        for (kind, index, limit, more) in wanted {
            let Some(limit) = limit else { continue };
            let over = (used[index] + more).saturating_sub(limit);
            if over > 0 {
                return Err(Refused {
                    kind,
                    limit,
                    used: used[index],
                    wait: self.0.frees(now, index, over),
                });
            }
        }
        Ok(())
    }

    /// The call used so many tokens.
    pub fn settle(&mut self, now: Instant, reservation: Reservation, tokens: u64) {
        let Reservation { slot, tokens: held } = reservation;
        if tokens < held {
            self.0.take_back(slot, [0, held - tokens]);
        } else if tokens > held {
            self.0.add(now, [0, tokens - held]);
        }
    }

    /// The call was not made.
    pub fn cancel(&mut self, reservation: Reservation) {
        self.0.take_back(reservation.slot, [1, reservation.tokens]);
    }

    /// Requests and tokens in use.
    pub fn used(&mut self, now: Instant) -> (u64, u64) {
        let [requests, tokens] = self.0.sums(now);
        (requests, tokens)
    }
}

#[cfg(all(test, not(loom)))]
#[path = "quota_tests.rs"]
mod tests;
