//! A streamed reply in Python's hands. Chunks cross the border in batches: all that has come since the last time.

use crate::calls::{hand_over, raised};
use crate::chunks::ChunkMaker;
use crate::lane::Lane;
use crate::runtime::process;
use bytes::{Bytes, BytesMut};
use gateway::error::Error;
use gateway::pipeline::AnswerStream;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use tokio::sync::Notify;

/// Events taken in one batch at most.
const MAX_BATCH: usize = 64 * 1024;

struct Shared {
    /// Whether events are handed over whole: those of a dialect that names them.
    whole: bool,
    /// The stream while nobody waits on it; `None` while somebody does, and after the end.
    slot: Mutex<Slot>,
    /// Wakes whoever waits when the stream is closed.
    closing: Notify,
}

#[derive(Default)]
struct Slot {
    events: Option<AnswerStream>,
    /// Where a blocking call's stream runs; `None`: on the process's runtime.
    lane: Option<Lane>,
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

    /// As `batch`, on this thread. The outer error is a signal handler's.
    fn wait(&self, py: Python<'_>) -> PyResult<Result<Option<Bytes>, Error>> {
        let process = process()?;
        let lane = self.slot().lane.take();
        let Some(lane) = lane else {
            return process.wait(py, Box::pin(self.batch()));
        };
        let batch = lane.wait(py, Box::pin(self.batch()))?;
        let mut slot = self.slot();
        if slot.events.is_some() {
            slot.lane = Some(lane);
        } else if slot.usage.is_some() {
            // Read to its end: the connection may serve the next call.
            process.lanes.keep(lane);
        }
        Ok(batch)
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
        let (events, lane) = (slot.events.take(), slot.lane.take());
        drop(slot);
        drop(events);
        drop(lane);
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

/// Bytes at once that no model speaks in: what comes is not held up by whoever makes it.
const BURST: usize = 4 << 10;

/// How often a burst is looked at again before it is taken to be over.
const LOOKS: usize = 64;

/// Adds what else is there, without waiting for the upstream. The second part says that the stream is over, and how.
async fn drain(events: &mut AnswerStream, first: Bytes) -> (Bytes, Option<Option<Error>>) {
    let mut more = BytesMut::new();
    let mut over = None;
    while first.len() + more.len() < MAX_BATCH {
        // The connection gives one piece at a time; another may lie in its buffer. Where much has come at once more is
        // on its way, and worth more than a moment: handing a batch over costs as much as making many chunks.
        let looks = if first.len() + more.len() < BURST {
            1
        } else {
            LOOKS
        };
        let mut next = poll_fn(|cx| Poll::Ready(events.poll_next(cx))).await;
        for _ in 0..looks {
            if next.is_ready() {
                break;
            }
            tokio::task::yield_now().await;
            next = poll_fn(|cx| Poll::Ready(events.poll_next(cx))).await;
        }
        match next {
            Poll::Ready(Some(Ok(bytes))) => more.extend_from_slice(&bytes),
            Poll::Ready(Some(Err(error))) => over = Some(Some(error)),
            Poll::Ready(None) => over = Some(None),
            Poll::Pending => break,
        }
        if over.is_some() {
            break;
        }
    }
    if more.is_empty() {
        return (first, over);
    }
    let mut batch = BytesMut::with_capacity(first.len() + more.len());
    batch.extend_from_slice(&first);
    batch.extend_from_slice(&more);
    (batch.freeze(), over)
}

/// The JSON of the chunks in a batch of canonical events. Comments and `[DONE]` are left out.
fn texts(batch: &[u8]) -> impl Iterator<Item = &[u8]> {
    batch
        .split(|b| *b == b'\n')
        .filter_map(|line| line.strip_prefix(b"data: "))
        .filter(|data| *data != b"[DONE]")
}

/// The events of another dialect, as they are. Comments are left out.
fn events(batch: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = batch;
    std::iter::from_fn(move || {
        let end = rest.windows(2).position(|pair| pair == b"\n\n")?;
        let (event, more) = rest.split_at(end + 2);
        rest = more;
        Some(event)
    })
    .filter(|event| event.first() != Some(&b':'))
}

/// How the chunks of a stream are handed over.
struct Form {
    /// As whole events.
    whole: bool,
    /// `None`: as JSON.
    maker: Option<Py<ChunkMaker>>,
    hidden: Py<PyDict>,
}

impl Form {
    fn chunks<'py>(&self, py: Python<'py>, batch: &[u8]) -> PyResult<Bound<'py, PyList>> {
        let bytes = |text| PyBytes::new(py, text);
        match &self.maker {
            _ if self.whole => PyList::new(py, events(batch).map(bytes).collect::<Vec<_>>()),
            Some(maker) => maker.get().chunks(texts(batch), self.hidden.bind(py)),
            None => PyList::new(py, texts(batch).map(bytes).collect::<Vec<_>>()),
        }
    }
}

/// A streamed reply. `None` for a batch is the end.
#[pyclass(frozen, module = "gateway._gateway")]
pub struct Stream(Arc<Shared>);

impl Stream {
    /// A stream that nobody has read of yet, on `lane` or on the process's runtime.
    pub fn new(events: AnswerStream, lane: Option<Lane>, whole: bool) -> Self {
        Self(Arc::new(Shared {
            whole,
            slot: Mutex::new(Slot {
                events: Some(events),
                lane,
                ..Slot::default()
            }),
            closing: Notify::new(),
        }))
    }
}

#[pymethods]
impl Stream {
    /// The next chunks, at least one; blocks without the GIL. None at the end. Chunks are made by `maker`, with
    /// `hidden` for their `_hidden_params`; those that it does not make are JSON.
    #[pyo3(signature = (maker, hidden))]
    fn next_batch<'py>(
        &self,
        py: Python<'py>,
        maker: Option<Py<ChunkMaker>>,
        hidden: Py<PyDict>,
    ) -> PyResult<Option<Bound<'py, PyList>>> {
        let whole = self.0.whole;
        let form = Form {
            whole,
            maker,
            hidden,
        };
        loop {
            let batch = self.0.wait(py)?;
            let Some(batch) = batch.map_err(|e| raised(py, &e))? else {
                return Ok(None);
            };
            let list = form.chunks(py, &batch)?;
            if list.len() > 0 {
                return Ok(Some(list));
            }
        }
    }

    /// As `next_batch`, by `deliver(future, chunks, error)` on `event_loop`.
    #[pyo3(signature = (maker, hidden, event_loop, future, deliver))]
    fn next_batch_async(
        &self,
        maker: Option<Py<ChunkMaker>>,
        hidden: Py<PyDict>,
        event_loop: Py<PyAny>,
        future: Py<PyAny>,
        deliver: Py<PyAny>,
    ) -> PyResult<()> {
        let shared = self.0.clone();
        let whole = shared.whole;
        let form = Form {
            whole,
            maker,
            hidden,
        };
        let process = process()?;
        let runtime = process.runtime()?;
        let delivered = move |batch: Result<Option<Bytes>, Error>| {
            process.enter(|py| {
                let result = match batch {
                    Ok(Some(batch)) => form.chunks(py, &batch).map(|list| list.into_any().unbind()),
                    Ok(None) => Ok(py.None()),
                    Err(error) => Err(raised(py, &error)),
                };
                hand_over(py, &event_loop, &future, &deliver, result);
            });
        };
        if shared.slot().lane.is_some() {
            // A blocking call's stream runs on whichever thread waits for it.
            runtime.spawn_blocking(move || {
                let batch = process.enter(|py| shared.wait(py));
                if let Some(Ok(batch)) = batch {
                    delivered(batch);
                }
            });
        } else {
            runtime.spawn(async move { delivered(shared.batch().await) });
        }
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
