//! One tokio runtime and one engine for each process: made with the first call, never at import, and made anew in a
//! child after fork, whose copies of the parent's threads and connections are dead.

use gateway::forward::client::{Client, ClientSettings};
use gateway::pipeline::Engine;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};
use tokio::runtime::{Builder, Runtime};

/// What calls run on.
pub struct Process {
    pid: u32,
    /// The runtime.
    pub runtime: Runtime,
    /// The engine, without a configuration: in process, calls name their targets.
    pub engine: Arc<Engine>,
}

// No lock: one that another thread holds while the process forks would stay locked in the child for ever.
static CURRENT: AtomicPtr<Process> = AtomicPtr::new(std::ptr::null_mut());

/// This process's runtime and engine.
pub fn process() -> PyResult<&'static Process> {
    let current = CURRENT.load(Ordering::Acquire);
    if let Some(process) = alive(current) {
        return Ok(process);
    }
    let made = Box::leak(Box::new(start()?));
    match CURRENT.compare_exchange(current, made, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(made),
        // Another thread was faster. Its engine is used; ours stays unused rather than be torn down here.
        Err(other) => {
            alive(other).ok_or_else(|| PyRuntimeError::new_err("the runtime did not start"))
        }
    }
}

#[allow(unsafe_code)]
fn alive(process: *mut Process) -> Option<&'static Process> {
    // SAFETY: the pointer is null or comes from `Box::leak`, and what it points to is never freed or changed.
    let process: &'static Process = unsafe { process.as_ref() }?;
    (process.pid == std::process::id()).then_some(process)
}

fn start() -> PyResult<Process> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(2, |n| n.get().min(4)))
        .thread_name("gateway")
        .enable_all()
        .build()
        .map_err(|e| PyRuntimeError::new_err(format!("cannot start the runtime: {e}")))?;
    let settings = ClientSettings::from_env(&|name| std::env::var(name).ok());
    let client = {
        let _inside = runtime.enter();
        Client::new(&settings).map_err(PyRuntimeError::new_err)?
    };
    let engine = Engine::new(
        Arc::new(client),
        Arc::new(gateway::config::Snapshot::default()),
        Vec::new(),
    );
    Ok(Process {
        pid: std::process::id(),
        runtime,
        engine: Arc::new(engine),
    })
}
