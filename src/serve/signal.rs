//! A flag that is set once, for tasks that look at it whenever they are polled: whoever waits is polled once more when
//! it is set. A look costs a load; what a cancellation token costs, a lock that all connections share, is paid once
//! for each task.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio_util::sync::CancellationToken;

/// The flag. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Signal {
    set: Arc<AtomicBool>,
    told: CancellationToken,
}

impl Signal {
    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.set.load(Ordering::Relaxed)
    }

    /// Sets it: everything that it wakes is polled once more, and sees it.
    pub fn set(&self) {
        self.set.store(true, Ordering::SeqCst);
        self.told.cancel();
    }

    /// Ready once it is set.
    pub async fn wait(&self) {
        self.told.cancelled().await;
    }

    /// Runs a task that looks at the flag whenever it is polled. The task is boxed at once: a future that is handed
    /// another by value has room for it twice.
    pub fn carry<F: Future>(self, task: F) -> impl Future<Output = F::Output> {
        let mut task = Box::pin(task);
        async move { self.wakes(|cx| task.as_mut().poll(cx)).await }
    }

    /// Runs what is polled by `task`, within one task of the runtime, and polls it once more when the flag is set.
    pub async fn wakes<T>(&self, mut task: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        let mut told = pin!(self.told.cancelled());
        let mut waits = false;
        poll_fn(|cx| {
            // Once is enough: it is the same task that is woken. Before the look at the flag, so that none is missed.
            if !std::mem::replace(&mut waits, true) {
                let _ = told.as_mut().poll(cx);
            }
            task(cx)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_polled_once_more_and_sees_it() {
        let signal = Signal::default();
        let mut polls = 0;
        let waits = signal.wakes(|_| {
            polls += 1;
            if signal.is_set() {
                Poll::Ready(polls)
            } else {
                Poll::Pending
            }
        });
        let sets = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            signal.set();
        };
        let ended = tokio::time::timeout(Duration::from_secs(2), async {
            tokio::join!(waits, sets).0
        });
        assert!(ended.await.is_ok_and(|polls| polls >= 2));
    }

    #[tokio::test]
    async fn one_that_is_set_already_is_seen_at_once() {
        let signal = Signal::default();
        signal.set();
        let seen = signal.wakes(|_| Poll::Ready(signal.is_set())).await;
        assert!(seen);
    }
}
