//! A [`Bulkhead`] for tasks: a permit is held until the body ends and comes back when it is dropped, however the call
//! ends; a call that waits and leaves takes nothing with it. No clock and no runtime: whoever waits is woken.

use super::bulkhead::{Bulkhead, Entered, Place, Room};
use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The way in. Clones are the same gate.
#[derive(Clone, Default)]
pub struct Gate(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    bulkhead: Bulkhead<Option<Waker>>,
    limit: u32,
    /// Let in, but not awake yet.
    granted: Vec<Place>,
}

/// What becomes of a call that wants in.
pub enum Entry {
    /// It is in.
    In(Permit),
    /// It waits its turn.
    Queue(Waiting),
    /// Nobody may wait any more. Room is expected after so long.
    Full(Duration),
    /// It would wait for longer than it has time.
    TooLate(Duration),
}

impl Gate {
    /// A call wants in.
    pub fn enter(&self, room: Room, priority: i64, left: Option<Duration>) -> Entry {
        let mut state = self.0.lock();
        let raised = state.limit < room.limit;
        state.limit = room.limit;
        let woken = if raised { state.admit() } else { Vec::new() };
        let entered = state.bulkhead.enter(room, priority, left, None);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        match entered {
            Entered::Now => Entry::In(Permit::new(self.clone())),
            Entered::Queued(place) => Entry::Queue(Waiting {
                gate: self.clone(),
                place: Some(place),
            }),
            Entered::Full(wait) => Entry::Full(wait),
            Entered::TooLate(wait) => Entry::TooLate(wait),
        }
    }

    /// Calls in flight, and calls that wait.
    pub fn load(&self) -> (u32, usize) {
        let state = self.0.lock();
        (state.bulkhead.in_flight(), state.bulkhead.queued())
    }

    fn leave(&self, stayed: Option<Duration>) {
        let woken = {
            let mut state = self.0.lock();
            state.bulkhead.leave(stayed);
            state.admit()
        };
        woken.into_iter().for_each(Waker::wake);
    }
}

impl State {
    /// Lets in whoever has room. Their wakers are for after the lock.
    fn admit(&mut self) -> Vec<Waker> {
        let mut woken = Vec::new();
        while let Some((place, waker)) = self.bulkhead.next(self.limit) {
            self.granted.push(place);
            woken.extend(waker);
        }
        woken
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (in_flight, queued) = self.load();
        f.debug_struct("Gate")
            .field("in_flight", &in_flight)
            .field("queued", &queued)
            .finish()
    }
}

/// A call that is in.
#[derive(Debug)]
pub struct Permit {
    gate: Gate,
    stayed: Option<Duration>,
}

impl Permit {
    fn new(gate: Gate) -> Self {
        Self { gate, stayed: None }
    }

    /// Gives it back, and says how long it was held: what those who wait may expect.
    pub fn end(mut self, stayed: Duration) {
        self.stayed = Some(stayed);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.leave(self.stayed);
    }
}

/// A call that waits. Resolves when it is in.
pub struct Waiting {
    gate: Gate,
    /// Empty once it is in.
    place: Option<Place>,
}

impl Future for Waiting {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
        let gate = self.gate.clone();
        let Some(place) = self.place else {
            return Poll::Pending;
        };
        {
            let mut state = gate.0.lock();
            if let Some(at) = state.granted.iter().position(|granted| *granted == place) {
                state.granted.swap_remove(at);
            } else {
                if let Some(waker) = state.bulkhead.waiter(place) {
                    *waker = Some(cx.waker().clone());
                }
                return Poll::Pending;
            }
        }
        self.place = None;
        Poll::Ready(Permit::new(gate))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let granted = {
            let mut state = self.gate.0.lock();
            if state.bulkhead.give_up(place) {
                return;
            }
            let at = state.granted.iter().position(|granted| *granted == place);
            at.map(|at| state.granted.swap_remove(at)).is_some()
        };
        if granted {
            self.gate.leave(None);
        }
    }
}
