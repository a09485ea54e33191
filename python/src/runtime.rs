//! One engine for each process: made with the first call, never at import, and made anew in a child after fork, whose
//! copies of the parent's threads and connections are dead. Blocking calls run on [`crate::lane`]s, asynchronous ones
//! on a tokio runtime that starts with the first of them.

use crate::lane::Lanes;
use gateway::cache::Cache;
use gateway::forward::client::{Client, ClientSettings};
use gateway::forward::per_thread::PerThread;
use gateway::pipeline::Engine;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// What calls run on.
pub struct Process {
    pid: u32,
    /// The engine, without a configuration: in process, calls name their targets.
    pub engine: Arc<Engine>,
    /// Where blocking calls run.
    pub lanes: Lanes,
    runtime: OnceLock<Runtime>,
    /// Threads of the runtime that are in Python, or on their way there.
    inside: AtomicUsize,
    /// The interpreter is about to end.
    closing: AtomicBool,
}

impl Process {
    /// The process that this belongs to.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Enters Python from a thread of the runtime. `None`: the interpreter is ending, and nobody waits for the result.
    ///
    /// A thread that waits for the GIL while the interpreter ends takes the whole process down with it.
    pub fn enter<R>(&self, run: impl FnOnce(Python<'_>) -> R) -> Option<R> {
        let _inside = Inside::new(&self.inside);
        if self.closing.load(Ordering::SeqCst) {
            return None;
        }
        Python::try_attach(run)
    }

    /// Waits until no thread of the runtime is in Python, and lets none in any more.
    fn close(&self, py: Python<'_>) {
        self.closing.store(true, Ordering::SeqCst);
        let end = Instant::now() + LEAVE;
        while self.inside.load(Ordering::SeqCst) > 0 && Instant::now() < end {
            py.detach(|| std::thread::sleep(Duration::from_millis(1)));
        }
    }

    /// Where asynchronous calls run.
    pub fn runtime(&self) -> PyResult<&Runtime> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(std::thread::available_parallelism().map_or(2, |n| n.get().min(4)))
            .thread_name("gateway")
            .enable_all()
            .build()
            .map_err(|e| PyRuntimeError::new_err(format!("cannot start the runtime: {e}")))?;
        if let Err(unused) = self.runtime.set(runtime) {
            // Another thread was faster.
            unused.shutdown_background();
        }
        self.runtime
            .get()
            .ok_or_else(|| PyRuntimeError::new_err("the runtime did not start"))
    }

    /// Waits, without the GIL, for what an asynchronous call began. As [`crate::lane::Lane::wait`].
    pub fn wait<F>(&self, py: Python<'_>, future: F) -> PyResult<F::Output>
    where
        F: Future + Send + Unpin,
        F::Output: Send,
    {
        let runtime = self.runtime()?;
        sliced(py, future, |slice| runtime.block_on(slice))
    }
}

/// Counts a thread as long as it lives.
struct Inside<'a>(&'a AtomicUsize);

impl<'a> Inside<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// How long the end of the interpreter waits for threads to leave it. Only one that waits for a stream takes longer
/// than microseconds.
const LEAVE: Duration = Duration::from_secs(2);

/// Called when the interpreter is about to end.
#[pyfunction]
fn close(py: Python<'_>) {
    if let Some(process) = alive(CURRENT.load(Ordering::Acquire)) {
        process.close(py);
    }
}

/// Has the interpreter call [`close`] before it ends.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let close = wrap_pyfunction!(close, module)?;
    module
        .py()
        .import("atexit")?
        .call_method1("register", (close,))?;
    Ok(())
}

/// Waits for a future without the GIL, in slices, so that signals are heard. `Err`: a signal's handler raised; the
/// future is dropped.
pub fn sliced<F>(
    py: Python<'_>,
    mut future: F,
    run: impl Fn(Slice<'_, F>) -> Option<F::Output> + Sync,
) -> PyResult<F::Output>
where
    F: Future + Send + Unpin,
    F::Output: Send,
{
    loop {
        let slice: Slice<'_, F> =
            Box::pin(async { tokio::time::timeout(SIGNAL_CHECK, &mut future).await.ok() });
        match py.detach(|| run(slice)) {
            Some(output) => return Ok(output),
            None => py.check_signals()?,
        }
    }
}

/// How often a waiting blocking call looks for signals such as Ctrl-C.
const SIGNAL_CHECK: Duration = Duration::from_millis(100);

/// A wait of at most [`SIGNAL_CHECK`]; `None` when it is not over.
pub type Slice<'a, F> = Pin<Box<dyn Future<Output = Option<<F as Future>::Output>> + Send + 'a>>;

// No lock: one that another thread holds while the process forks would stay locked in the child for ever.
static CURRENT: AtomicPtr<Process> = AtomicPtr::new(std::ptr::null_mut());

/// This process's runtime and engine.
pub fn process() -> PyResult<&'static Process> {
    let current = CURRENT.load(Ordering::Acquire);
    if let Some(process) = alive(current) {
        return Ok(process);
    }
    let made = Box::leak(Box::new(start()?));
    if let Some(parent) = leaked(current)
        && let Some(cache) = parent.engine.cache.load_full()
    {
        // What the parent was told to cache, the child caches too; in a store of its own, as the parent's may be locked.
        let own = Cache::new(cache.settings.clone());
        made.engine.cache.store(own.ok().map(Arc::new));
    }
    match CURRENT.compare_exchange(current, made, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(made),
        // Another thread was faster. Its engine is used; ours stays unused rather than be torn down here.
        Err(other) => {
            alive(other).ok_or_else(|| PyRuntimeError::new_err("the runtime did not start"))
        }
    }
}

fn alive(process: *mut Process) -> Option<&'static Process> {
    leaked(process).filter(|process| process.pid == std::process::id())
}

#[allow(unsafe_code)]
fn leaked(process: *mut Process) -> Option<&'static Process> {
    // SAFETY: the pointer is null or comes from `Box::leak`, and what it points to is never freed or changed.
    unsafe { process.as_ref() }
}

fn start() -> PyResult<Process> {
    let settings = ClientSettings::from_env(&|name| std::env::var(name).ok());
    let client = Client::new(&settings).map_err(PyRuntimeError::new_err)?;
    let engine = Engine::new(
        Arc::new(PerThread(client.clone())),
        Arc::new(gateway::config::Snapshot::default()),
        Vec::new(),
    );
    Ok(Process {
        pid: std::process::id(),
        engine: Arc::new(engine),
        lanes: Lanes::new(client),
        runtime: OnceLock::new(),
        inside: AtomicUsize::new(0),
        closing: AtomicBool::new(false),
    })
}
