//! The end of the grace: what is still under way is told so in its own dialect, instead of being cut off.
//!
//! Everything looks at one flag whenever it is polled; whoever waits is polled once more when it is set. So a request
//! pays one look at a flag, and nothing is registered for it.

use crate::error::{Error, ErrorKind, Side};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::CancellationToken;

/// Whether the grace is over. Clones are the same end.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    over: Arc<AtomicBool>,
    told: CancellationToken,
}

impl Ending {
    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// It is over: everything under way is polled once more, and sees it.
    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        self.told.cancel();
    }

    /// Runs a task that looks at the flag whenever it is polled. The task is boxed at once: a future that is handed
    /// another by value has room for it twice.
    pub fn carry<F: Future>(self, task: F) -> impl Future<Output = F::Output> {
        let mut task = Box::pin(task);
        async move {
            tokio::select! {
                biased;
                done = &mut task => return done,
                () = self.told.cancelled() => {}
            }
            task.await
        }
    }
}

/// What is told to whoever could not end.
pub fn error() -> Error {
    Error::new(
        ErrorKind::ServiceUnavailable,
        "the server is shutting down and could not wait any longer",
    )
    .side(Side::Gateway)
}
