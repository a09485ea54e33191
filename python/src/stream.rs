//! A streamed reply in Python's hands. Chunks cross the border in batches: all that has come since the last time.
//!
//! A stream of an asynchronous call is read ahead by a task on the process's runtime, so that its reader seldom waits;
//! one of a blocking call is read by the thread that waits for it.

use crate::calls::{Waiting, raised};
use crate::chunks::ChunkMaker;
use crate::lane::Lane;
use crate::runtime::Process;
use bytes::{Bytes, BytesMut};
use gateway::error::Error;
use gateway::pipeline::AnswerStream;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Bytes of events that wait for their reader at most, but for the last that came; also the largest batch.
const READ_AHEAD: usize = 64 * 1024;

struct Shared {
    process: &'static Process,
    /// Whether events are handed over whole: those of a dialect that names them.
    whole: bool,
    state: Mutex<State>,
    /// Something is there for whoever waits on a thread.
    filled: Notify,
    /// What was there has been taken: the task may read on.
    taken: Notify,
}

#[derive(Default)]
struct State {
    /// A blocking call's stream, and where it runs, while nobody waits on it; `None` while somebody does, and after
    /// the end.
    unread: Option<(AnswerStream, Lane)>,
    /// The task that reads an asynchronous call's stream.
    reader: Option<AbortHandle>,
    /// Events that nobody has taken yet.
    ready: BytesMut,
    /// What comes after them: the end, or the error that ends the stream.
    over: Option<Result<(), Error>>,
    /// Event loops that wait for something to be there.
    waiting: Vec<Waiting>,
    /// JSON of the usage, once the stream has ended.
    usage: Option<String>,
}

/// What a stream has for its reader.
enum Next {
    Batch(Bytes),
    /// An error is told once; after it, and after the end, there is nothing.
    Over(Result<(), Error>),
    NotYet,
}

impl State {
    fn take(&mut self) -> Next {
        if !self.ready.is_empty() {
            return Next::Batch(self.ready.split().freeze());
        }
        match &mut self.over {
            None => Next::NotYet,
            Some(over) => Next::Over(std::mem::replace(over, Ok(()))),
        }
    }

    fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.over.is_none()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Next {
        let next = self.state().take();
        if matches!(next, Next::Batch(_)) {
            self.taken.notify_one();
        }
        next
    }

    /// Waits for what comes next, and keeps it together with what else has come by then. False: the stream is over.
    async fn read(&self, events: &mut AnswerStream) -> bool {
        let mut next = events.next().await;
        while self.keep(events, next) {
            if self.state().ready.len() >= READ_AHEAD {
                return true;
            }
            // The connection gives one piece at a time; another may lie in its buffer.
            let mut more = poll_fn(|cx| Poll::Ready(events.poll_next(cx))).await;
            if more.is_pending() {
                tokio::task::yield_now().await;
                more = poll_fn(|cx| Poll::Ready(events.poll_next(cx))).await;
            }
            match more {
                Poll::Ready(more) => next = more,
                Poll::Pending => return true,
            }
        }
        false
    }

    /// Keeps what a stream gave for its reader. False: the stream is over.
    fn keep(&self, events: &AnswerStream, next: Option<Result<Bytes, Error>>) -> bool {
        let mut state = self.state();
        let over = match next {
            Some(Ok(bytes)) => {
                state.ready.extend_from_slice(&bytes);
                return true;
            }
            Some(Err(error)) => Err(error),
            None => Ok(()),
        };
        let usage = events.usage();
        state.usage = usage.and_then(|usage| serde_json::to_string(usage).ok());
        state.over.get_or_insert(over);
        false
    }

    /// Reads to the end, never far ahead of who takes it.
    async fn read_ahead(self: Arc<Self>, mut events: AnswerStream) {
        loop {
            let more = self.read(&mut events).await;
            self.wake();
            if !more {
                return;
            }
            while self.state().ready.len() >= READ_AHEAD {
                self.taken.notified().await;
            }
        }
    }

    /// Tells all who wait that something is there.
    fn wake(&self) {
        self.filled.notify_waiters();
        let waiting = std::mem::take(&mut self.state().waiting);
        if !waiting.is_empty() {
            self.process.enter(|py| {
                for waiting in waiting {
                    waiting.hand_over(py, Ok(py.None()));
                }
            });
        }
    }

    /// Waits until there is what `enough` asks for.
    async fn until(&self, enough: fn(&State) -> bool) {
        loop {
            let filled = self.filled.notified();
            let mut filled = std::pin::pin!(filled);
            filled.as_mut().enable();
            if enough(&self.state()) {
                return;
            }
            filled.await;
        }
    }

    /// What comes next, waited for on this thread. The outer error is a signal handler's.
    fn wait(&self, py: Python<'_>) -> PyResult<Next> {
        loop {
            match self.take() {
                Next::NotYet => {}
                next => return Ok(next),
            }
            let unread = self.state().unread.take();
            if let Some((events, lane)) = unread {
                self.read_here(py, events, lane)?;
            } else {
                let there = self.until(|state| !state.is_empty());
                self.process.wait(py, Box::pin(there))?;
            }
        }
    }

    /// Reads on, on this thread. A read that is given up drops the stream, which cancels the call.
    fn read_here(&self, py: Python<'_>, mut events: AnswerStream, lane: Lane) -> PyResult<()> {
        let read = lane.wait(
            py,
            Box::pin(async {
                tokio::select! {
                    more = self.read(&mut events) => more,
                    () = self.until(|state| state.over.is_some()) => false,
                }
            }),
        );
        let mut state = self.state();
        match read {
            Ok(true) if state.over.is_none() => state.unread = Some((events, lane)),
            // Read to its end: the connection may serve the next call.
            Ok(_) if state.usage.is_some() => self.process.lanes.keep(lane),
            Ok(_) => {}
            Err(_) => {
                state.over.get_or_insert(Ok(()));
            }
        }
        drop(state);
        self.wake();
        read.map(drop)
    }

    fn close(&self) {
        // The copy in a forked child: another thread of the parent may have held the lock, and no task runs here.
        if self.process.pid() != std::process::id() {
            return;
        }
        let mut state = self.state();
        let unread = state.unread.take();
        state.ready.clear();
        state.over = Some(Ok(()));
        if let Some(reader) = state.reader.take() {
            reader.abort();
        }
        drop(state);
        drop(unread);
        self.wake();
    }
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
    /// What is there, as Python gets it: no chunks when nothing has come, or nothing that is a chunk; `None` at the end.
    fn given<'py>(&self, py: Python<'py>, next: Next) -> PyResult<Option<Bound<'py, PyList>>> {
        match next {
            Next::Batch(batch) => self.chunks(py, &batch).map(Some),
            Next::NotYet => Ok(Some(PyList::empty(py))),
            Next::Over(Ok(())) => Ok(None),
            Next::Over(Err(error)) => Err(raised(py, &error)),
        }
    }

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
    /// A stream that nobody has read of yet, on `lane` or on the runtime of `process`.
    pub fn new(
        process: &'static Process,
        events: AnswerStream,
        lane: Option<Lane>,
        whole: bool,
    ) -> PyResult<Self> {
        let shared = Arc::new(Shared {
            process,
            whole,
            state: Mutex::default(),
            filled: Notify::new(),
            taken: Notify::new(),
        });
        if let Some(lane) = lane {
            shared.state().unread = Some((events, lane));
        } else {
            let task = process.runtime()?.spawn(shared.clone().read_ahead(events));
            shared.state().reader = Some(task.abort_handle());
        }
        Ok(Self(shared))
    }

    fn form(&self, maker: Option<Py<ChunkMaker>>, hidden: Py<PyDict>) -> Form {
        Form {
            whole: self.0.whole,
            maker,
            hidden,
        }
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
        let form = self.form(maker, hidden);
        loop {
            let next = self.0.wait(py)?;
            match form.given(py, next)? {
                Some(chunks) if chunks.is_empty() => {}
                chunks => return Ok(chunks),
            }
        }
    }

    /// The chunks that have come already, as `next_batch` gives them; an empty list when none has. None at the end.
    #[pyo3(signature = (maker, hidden))]
    fn ready_batch<'py>(
        &self,
        py: Python<'py>,
        maker: Option<Py<ChunkMaker>>,
        hidden: Py<PyDict>,
    ) -> PyResult<Option<Bound<'py, PyList>>> {
        let form = self.form(maker, hidden);
        form.given(py, self.0.take())
    }

    /// Calls `deliver(future, None, None)` on `event_loop` once `ready_batch` has something to give.
    fn when_ready(
        &self,
        py: Python<'_>,
        event_loop: Py<PyAny>,
        future: Py<PyAny>,
        deliver: Py<PyAny>,
    ) -> PyResult<()> {
        let waiting = Waiting {
            event_loop,
            future,
            deliver,
        };
        let shared = &self.0;
        let mut state = shared.state();
        if !state.is_empty() {
            drop(state);
            waiting.hand_over(py, Ok(py.None()));
            return Ok(());
        }
        state.waiting.push(waiting);
        if let Some((events, lane)) = state.unread.take() {
            drop(state);
            // A blocking call's stream runs on whichever thread waits for it.
            let shared = shared.clone();
            shared.process.runtime()?.spawn_blocking(move || {
                let process = shared.process;
                process.enter(|py| shared.read_here(py, events, lane))
            });
        }
        Ok(())
    }

    /// JSON of the usage, counted or reported, with its cost; None before the end.
    #[getter]
    fn usage(&self) -> Option<String> {
        self.0.state().usage.clone()
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
