//! Calls that are being answered, so that the same one is not asked twice at the same time: those that come meanwhile
//! wait for the first one's answer. Where it gets none, each goes its own way.

use super::{Cache, Kept, Looked, Place};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;
use tokio::time::timeout_at;

/// By key, where those that wait hear of the answer.
#[derive(Debug, Default)]
pub struct Flights(Mutex<HashMap<String, watch::Receiver<Option<Kept>>>>);

/// The call that the others wait for.
#[derive(Debug)]
pub struct Flight {
    cache: Arc<Cache>,
    key: String,
    answer: watch::Sender<Option<Kept>>,
}

/// A call that waits.
#[derive(Debug)]
pub struct Waiting {
    place: Place,
    answer: watch::Receiver<Option<Kept>>,
}

impl Flights {
    /// The first call of a key takes off; others wait for it.
    pub fn join(mut place: Place) -> Looked {
        let cache = place.cache.clone();
        let mut flights = cache.flights.0.lock();
        if let Some(answer) = flights.get(&place.key).cloned() {
            drop(flights);
            return Looked::Wait(Box::new(Waiting { place, answer }));
        }
        let (answer, told) = watch::channel(None);
        flights.insert(place.key.clone(), told);
        drop(flights);
        place.flight = Some(Box::new(Flight {
            key: place.key.clone(),
            cache,
            answer,
        }));
        Looked::Miss(place)
    }
}

impl Flight {
    /// Hands the answer to those that wait.
    pub fn land(self, kept: Kept) {
        self.answer.send_replace(Some(kept));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        // The sender goes with it, which wakes those that wait.
        self.cache.flights.0.lock().remove(&self.key);
    }
}

impl Waiting {
    /// The answer of the call that was first; without one until `deadline`, this one goes on as if it were alone.
    pub async fn answer(mut self, deadline: Option<Instant>) -> Looked {
        let told = self.answer.changed();
        // An error says that nobody will tell any more, or that there is no time left to be told.
        let _ = match deadline {
            Some(at) => timeout_at(at.into(), told)
                .await
                .is_ok_and(|told| told.is_ok()),
            None => told.await.is_ok(),
        };
        let kept = self.answer.borrow().clone();
        match kept {
            Some(kept) => self.place.hit(kept),
            None => Looked::Miss(self.place),
        }
    }
}
