//! A circuit breaker for one deployment, for configurations that ask for one (`circuit_breaker`).
//!
//! ```text
//!   closed --- failures in a row, or too low a success rate, or 429 with a time ---> open(until)
//!     ^                                                                                 |
//!     |                                                                            until is past
//!  probe succeeds                                                                       v
//!     +------------------------------- half-open: one call is let through <-------------+
//!                                           | probe fails: open, for twice as long
//! ```
//!
//! Invariants: while open no call passes; while half-open one call is under way at most; what a call reports counts
//! only in the state that it began in, so that stragglers neither close nor prolong anything; the last deployment of
//! a group is not ejected unless the rules say so; a probe that is abandoned gives its place back.

use super::window::Window;
use std::time::{Duration, Instant};

/// The window of the success rate: ten slots and the one in use.
const SLOTS: usize = 11;
/// Ejections double as often as this at most.
const MAX_DOUBLINGS: u32 = 16;

/// `circuit_breaker` of the router's settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerRules {
    /// Failures in a row that open it.
    pub consecutive_failures: u32,
    /// The least part of the window's calls that must succeed.
    pub success_rate: f64,
    /// Calls in the window from which that part means something.
    pub min_calls: u32,
    /// The window of the success rate.
    pub window: Duration,
    /// How long the first ejection takes; each one after it twice as long.
    pub ejection_time: Duration,
    /// How long one takes at most.
    pub max_ejection_time: Duration,
    /// Whether the last deployment of a group may be ejected, too.
    pub eject_last: bool,
}

impl Default for BreakerRules {
    fn default() -> Self {
        Self {
            consecutive_failures: 5,
            success_rate: 0.5,
            min_calls: 20,
            window: Duration::from_secs(10),
            ejection_time: Duration::from_secs(5),
            max_ejection_time: Duration::from_secs(300),
            eject_last: false,
        }
    }
}

/// What a deployment's breaker says to a call that looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Closed.
    Admit,
    /// Half-open, and nobody probes.
    Probe,
    /// Open for so long, or half-open with a probe under way.
    Reject(Duration),
}

/// A call's leave to pass. It reports back with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    generation: u64,
    probe: bool,
}

/// A failure, as far as a breaker cares.
#[derive(Clone, Copy, Debug, Default)]
pub struct Failure {
    /// No other deployment of the group admits calls.
    pub last: bool,
    /// The upstream refused for now and said for how long.
    pub asked: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Closed,
    Open(Instant),
    Probing(Instant),
}

/// The breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    state: State,
    generation: u64,
    in_a_row: u32,
    window: Window<SLOTS>,
    length: Duration,
    /// Ejections one after the other.
    ejections: u32,
    /// How long the last one took, and when it was over.
    last: (Duration, Option<Instant>),
}

impl Default for Breaker {
    fn default() -> Self {
        let length = BreakerRules::default().window;
        Self {
            state: State::Closed,
            generation: 0,
            in_a_row: 0,
            window: Window::new(length / (SLOTS as u32 - 1)),
            length,
            ejections: 0,
            last: (Duration::ZERO, None),
        }
    }
}

const ALL: usize = 0;
const FAILED: usize = 1;

impl Breaker {
    /// Looks, without asking to pass.
    pub fn verdict(&self, now: Instant) -> Verdict {
        match self.state {
            State::Closed => Verdict::Admit,
            State::Open(until) if now < until => Verdict::Reject(until - now),
            State::Open(_) => Verdict::Probe,
            State::Probing(_) => Verdict::Reject(Duration::from_secs(1)),
        }
    }

    /// A call asks to pass.
    pub fn begin(&mut self, now: Instant) -> Option<Pass> {
        match self.verdict(now) {
            Verdict::Reject(_) => None,
            Verdict::Admit => Some(Pass {
                generation: self.generation,
                probe: false,
            }),
            Verdict::Probe => {
                self.enter(State::Probing(now));
                Some(Pass {
                    generation: self.generation,
                    probe: true,
                })
            }
        }
    }

    /// Leave for a call that has told of its success already and may still tell of a failure.
    pub fn standing(&self) -> Option<Pass> {
        (self.state == State::Closed).then_some(Pass {
            generation: self.generation,
            probe: false,
        })
    }

    /// A call that passed succeeded.
    pub fn succeeded(&mut self, now: Instant, pass: Pass, rules: &BreakerRules) {
        if pass.generation != self.generation {
            return;
        }
        if pass.probe {
            self.last.1 = Some(now);
            self.window.clear();
            self.enter(State::Closed);
        }
        self.in_a_row = 0;
        self.measure(rules).add(now, [1, 0]);
    }

    /// A call that passed failed by the deployment's fault. True when the deployment is ejected from now on.
    pub fn failed(
        &mut self,
        now: Instant,
        pass: Pass,
        rules: &BreakerRules,
        failure: Failure,
    ) -> bool {
        if pass.generation != self.generation {
            return false;
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.measure(rules).add(now, [1, 1]);
        let trips = pass.probe || failure.asked.is_some() || self.trips(now, rules);
        // The probe of one that stands alone fails: others came and went, it stays out no longer than it must.
        if !trips || failure.last && !rules.eject_last {
            if pass.probe {
                self.last.1 = Some(now);
                self.window.clear();
                self.enter(State::Closed);
            }
            return false;
        }
        self.eject(now, rules, failure.asked);
        true
    }

    /// A call that passed ended without telling anything: its caller left, or the fault was the caller's.
    pub fn abandoned(&mut self, now: Instant, pass: Pass) {
        if pass.probe && pass.generation == self.generation {
            self.enter(State::Open(now));
        }
    }

    /// 0 closed, 1 half-open, 2 open: as the metric shows it.
    pub fn level(&self, now: Instant) -> u8 {
        match self.verdict(now) {
            Verdict::Admit => 0,
            Verdict::Probe => 1,
            Verdict::Reject(_) if matches!(self.state, State::Probing(_)) => 1,
            Verdict::Reject(_) => 2,
        }
    }

    fn trips(&mut self, now: Instant, rules: &BreakerRules) -> bool {
        if rules.consecutive_failures > 0 && self.in_a_row >= rules.consecutive_failures {
            return true;
        }
        let sums = self.window.sums(now);
        let succeeded = sums[ALL] - sums[FAILED];
        sums[ALL] >= u64::from(rules.min_calls.max(1))
            && (succeeded as f64) < rules.success_rate * sums[ALL] as f64
    }

    fn eject(&mut self, now: Instant, rules: &BreakerRules, asked: Option<Duration>) {
        // Having been well for as long as it was out forgives one ejection.
        if let (length, Some(since)) = self.last {
            let well = now.saturating_duration_since(since);
            let forgiven = well.as_nanos() / length.max(rules.ejection_time).as_nanos().max(1);
            self.ejections = self
                .ejections
                .saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX));
        }
        let doubled = 1u32 << self.ejections.min(MAX_DOUBLINGS);
        let usual = rules.ejection_time.saturating_mul(doubled);
        let time = asked.unwrap_or(usual).min(rules.max_ejection_time);
        self.ejections = self.ejections.saturating_add(1);
        self.last = (time, None);
        self.in_a_row = 0;
        self.window.clear();
        self.enter(State::Open(now.checked_add(time).unwrap_or(now)));
    }

    fn measure(&mut self, rules: &BreakerRules) -> &mut Window<SLOTS> {
        if rules.window != self.length {
            self.length = rules.window;
            self.window = Window::new(rules.window / (SLOTS as u32 - 1));
        }
        &mut self.window
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.generation = self.generation.wrapping_add(1);
    }
}

#[cfg(all(test, not(loom)))]
#[path = "breaker_tests.rs"]
mod tests;
