//! A streamed reply in Python's hands. Chunks cross the border in batches: all that has come since the last time.

use crate::calls::{hand_over, raised, wait};
use crate::runtime::process;
use bytes::{Bytes, BytesMut};
use gateway::error::Error;
use gateway::pipeline::AnswerStream;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use tokio::sync::Notify;

/// Events taken in one batch at most.
const MAX_BATCH: usize = 64 * 1024;

struct Shared {
    /// The stream while nobody waits on it; `None` while somebody does, and after the end.
    slot: Mutex<Slot>,
    /// Wakes whoever waits when the stream is closed.
    closing: Notify,
}

#[derive(Default)]
struct Slot {
    events: Option<AnswerStream>,
    closed: bool,
    /// An error that came after events of the same batch.
    failed: Option<Error>,
    /// JSON of the usage, once the stream has ended.
    usage: Option<String>,
}

impl Shared {
    fn slot(&self) -> std::sync::MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch; `None` at the end, or when closed.
    async fn batch(&self) -> Result<Option<Bytes>, Error> {
        let mut events = {
            let mut slot = self.slot();
            if let Some(error) = slot.failed.take() {
                return Err(error);
            }
            match slot.events.take() {
                Some(events) if !slot.closed => events,
                _ => return Ok(None),
            }
        };
        let mut back = Giveback {
            shared: self,
            events: None,
        };
        let first = tokio::select! {
            first = events.next() => first,
            () = self.closing.notified() => return Ok(None),
        };
        let Some(first) = first.transpose()? else {
            self.keep_usage(&events);
            return Ok(None);
        };
        let (batch, over) = drain(&mut events, first).await;
        match over {
            None => back.events = Some(events),
            Some(error) => {
                self.keep_usage(&events);
                self.slot().failed = error;
            }
        }
        Ok(Some(batch))
    }

    fn keep_usage(&self, events: &AnswerStream) {
        let usage = events
            .usage()
            .and_then(|usage| serde_json::to_string(usage).ok());
        self.slot().usage = usage;
    }

    fn close(&self) {
        let mut slot = self.slot();
        slot.closed = true;
        let events = slot.events.take();
        drop(slot);
        drop(events);
        self.closing.notify_waiters();
        self.closing.notify_one();
    }
}

/// Puts the stream back when a batch is complete; a batch that is given up on drops it, which cancels the call.
struct Giveback<'a> {
    shared: &'a Shared,
    events: Option<AnswerStream>,
}

impl Drop for Giveback<'_> {
    fn drop(&mut self) {
        let mut slot = self.shared.slot();
        if !slot.closed {
            slot.events = self.events.take();
        }
    }
}

/// Adds what else is ready, without waiting. The second part says that the stream is over, and how.
async fn drain(events: &mut AnswerStream, first: Bytes) -> (Bytes, Option<Option<Error>>) {
    let mut more = BytesMut::new();
    let over = poll_fn(|cx| {
        while first.len() + more.len() < MAX_BATCH {
            match events.poll_next(cx) {
                Poll::Ready(Some(Ok(bytes))) => more.extend_from_slice(&bytes),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Some(error))),
                Poll::Ready(None) => return Poll::Ready(Some(None)),
                Poll::Pending => break,
            }
        }
        Poll::Ready(None)
    })
    .await;
    if more.is_empty() {
        return (first, over);
    }
    let mut batch = BytesMut::with_capacity(first.len() + more.len());
    batch.extend_from_slice(&first);
    batch.extend_from_slice(&more);
    (batch.freeze(), over)
}

/// The JSON of the chunks in a batch of canonical events. Comments and `[DONE]` are left out.
fn chunks<'py>(py: Python<'py>, batch: &[u8]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for event in batch.split(|b| *b == b'\n') {
        if let Some(data) = event.strip_prefix(b"data: ")
            && data != b"[DONE]"
        {
            list.append(PyBytes::new(py, data))?;
        }
    }
    Ok(list)
}

/// A streamed reply. `None` for a batch is the end.
#[pyclass(frozen, module = "gateway._gateway")]
pub struct Stream(Arc<Shared>);

impl Stream {
    /// A stream that nobody has read of yet.
    pub fn new(events: AnswerStream) -> Self {
        Self(Arc::new(Shared {
            slot: Mutex::new(Slot {
                events: Some(events),
                ..Slot::default()
            }),
            closing: Notify::new(),
        }))
    }
}

#[pymethods]
impl Stream {
    /// JSON of the next chunks, at least one; blocks without the GIL. None at the end.
    fn next_batch<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let process = process()?;
        loop {
            let shared = self.0.clone();
            let batch = wait(py, process, Box::pin(async move { shared.batch().await }))?;
            let Some(batch) = batch.map_err(|e| raised(py, &e))? else {
                return Ok(None);
            };
            let list = chunks(py, &batch)?;
            if list.len() > 0 {
                return Ok(Some(list));
            }
        }
    }

    /// As `next_batch`, by `deliver(future, chunks, error)` on `event_loop`.
    fn next_batch_async(
        &self,
        event_loop: Py<PyAny>,
        future: Py<PyAny>,
        deliver: Py<PyAny>,
    ) -> PyResult<()> {
        let shared = self.0.clone();
        let process = process().map_err(|_| PyRuntimeError::new_err("the runtime is gone"))?;
        process.runtime.spawn(async move {
            let batch = shared.batch().await;
            Python::try_attach(|py| {
                let result = match batch {
                    Ok(Some(batch)) => chunks(py, &batch).map(|list| list.into_any().unbind()),
                    Ok(None) => Ok(py.None()),
                    Err(error) => Err(raised(py, &error)),
                };
                hand_over(py, &event_loop, &future, &deliver, result);
            });
        });
        Ok(())
    }

    /// JSON of the usage, counted or reported, with its cost; None before the end.
    #[getter]
    fn usage(&self) -> Option<String> {
        self.0.slot().usage.clone()
    }

    /// Ends the stream: whoever waits gets None, the upstream connection is closed.
    fn close(&self) {
        self.0.close();
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.close();
    }
}
