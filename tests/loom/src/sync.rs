//! tokio's semaphore, as far as permits need it, on loom's mutex. Tokio models its own; what is modelled here is the
//! use that is made of it.

use crate::Mutex;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

/// Permits, and who waits for one.
pub struct Semaphore(Mutex<(usize, VecDeque<Waker>)>);

/// Gives its permit back when it is dropped.
pub struct OwnedSemaphorePermit(Arc<Semaphore>);

impl Semaphore {
    pub fn new(permits: usize) -> Self {
        Self(Mutex::new((permits, VecDeque::new())))
    }

    /// # Errors
    /// None: it is never closed.
    pub async fn acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, ()> {
        poll_fn(|cx| {
            let mut state = self.0.lock();
            if state.0 == 0 {
                state.1.push_back(cx.waker().clone());
                return Poll::Pending;
            }
            state.0 -= 1;
            Poll::Ready(())
        })
        .await;
        Ok(OwnedSemaphorePermit(self))
    }
}

impl Drop for OwnedSemaphorePermit {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.0.0.lock();
            state.0 += 1;
            state.1.pop_front()
        };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}
