//! Blocking calls run on the thread that makes them: connection, adapter and all. Handing a request to another thread
//! and its reply back costs two wake-ups, about a third of what a local call takes.
//!
//! A [`Lane`] is a single-threaded runtime with a connection pool of its own. A call borrows one, alone, and leaves it
//! for the next call; what is on a lane moves only while its call waits, so that a lane whose call was given up is
//! dropped with its connections instead of being kept.

use crate::runtime::sliced;
use gateway::forward::Client;
use gateway::forward::per_thread::InUse;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::{Builder, Runtime};

/// Unused lanes kept. Each holds a few file descriptors and 20 KB; more threads than this that call at the same
/// moment open connections anew.
const KEPT: usize = 64;

/// A single-threaded runtime with its connections.
pub struct Lane {
    /// Taken only by `drop`.
    runtime: Option<Runtime>,
    client: Client,
    pid: u32,
}

impl Lane {
    fn new(client: Client) -> PyResult<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| PyRuntimeError::new_err(format!("cannot start a runtime: {e}")))?;
        Ok(Self {
            runtime: Some(runtime),
            client,
            pid: std::process::id(),
        })
    }

    /// Lets the connections hear what has happened while no call was here: one that its upstream has closed must not
    /// be given the next request. Blocks for nothing.
    fn catch_up(&self) {
        if let Some(runtime) = &self.runtime {
            runtime.block_on(async {
                // The first turn hears, the second acts.
                for _ in 0..2 {
                    tokio::task::yield_now().await;
                }
            });
        }
    }

    /// Waits for a future on this thread, without the GIL. `Err`: a signal's handler raised; the future is dropped.
    pub fn wait<F>(&self, py: Python<'_>, future: F) -> PyResult<F::Output>
    where
        F: Future + Send + Unpin,
        F::Output: Send,
    {
        sliced(py, future, |slice| {
            let runtime = self.runtime.as_ref()?;
            let _client = InUse::start(&self.client);
            runtime.block_on(async {
                let output = slice.await;
                // What the reply left to do, such as putting its connection back into the pool.
                for _ in 0..SETTLE {
                    tokio::task::yield_now().await;
                }
                output
            })
        })
    }
}

/// Turns in which the tasks of a connection come to rest after its reply was read: hyper's own, then the pool's.
const SETTLE: usize = 3;

impl Drop for Lane {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        if self.pid == std::process::id() {
            // Connections close now; name look-ups on other threads are not waited for.
            runtime.shutdown_background();
        } else {
            // A child's copy: the parent's sockets are still registered with the parent's poll set.
            std::mem::forget(runtime);
        }
    }
}

/// The unused lanes of a process.
pub struct Lanes {
    idle: Mutex<Vec<Lane>>,
    pattern: Client,
}

impl Lanes {
    /// Lanes whose clients connect as `pattern` does.
    pub fn new(pattern: Client) -> Self {
        Self {
            idle: Mutex::new(Vec::new()),
            pattern,
        }
    }

    /// The lane used last, whose connections are the freshest, or a new one.
    pub fn take(&self) -> PyResult<Lane> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        match idle {
            Some(lane) => {
                lane.catch_up();
                Ok(lane)
            }
            None => Lane::new(self.pattern.with_own_pool()),
        }
    }

    /// Keeps a lane whose call came to its end.
    pub fn keep(&self, lane: Lane) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(lane);
        }
    }
}
