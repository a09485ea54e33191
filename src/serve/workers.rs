//! The threads that serve: one for each core, each with a runtime of its own. A connection and all that it causes,
//! connections upstream included, stays on one of them; only the requests of one HTTP/2 connection are spread.
//!
//! A runtime that shares its tasks among threads wakes another thread for nearly every hop of a request, and each
//! wake-up is a system call and a cold cache: a fifth of what a request costs.

use super::signal::Signal;
use crate::forward::Client;
use crate::forward::per_thread::InUse;
use hyper::rt::Executor;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Threads for blocking work, such as counting tokens, that one worker may start.
const BLOCKING: usize = 16;

/// The threads, or none: then tasks run on the caller's runtime. Cheap to clone.
#[derive(Clone)]
pub struct Workers {
    threads: Arc<[Worker]>,
    stop: CancellationToken,
    /// What every request of an HTTP/2 connection is polled once more for.
    ending: Option<Signal>,
}

struct Worker {
    tasks: UnboundedSender<Task>,
    /// Tasks that have not ended.
    load: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

impl Workers {
    /// No threads: what is spawned runs on the runtime of whoever spawns it.
    pub fn none() -> Self {
        Self {
            threads: Arc::new([]),
            stop: CancellationToken::new(),
            ending: None,
        }
    }

    /// `count` threads, which send upstream as `client` does.
    ///
    /// # Errors
    /// When the system refuses a thread or a poll set.
    pub fn start(count: usize, client: &Client) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let threads = (0..count)
            .map(|number| Worker::start(number, client.with_own_pool(), stop.clone()))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            threads,
            stop,
            ending: None,
        })
    }

    /// The same threads, for tasks that look at `ending` whenever they are polled.
    #[must_use]
    pub fn that_end(&self, ending: &Signal) -> Self {
        Self {
            ending: Some(ending.clone()),
            ..self.clone()
        }
    }

    /// Runs a task on the thread that has the fewest.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let loaded = |worker: &&Worker| worker.load.load(Ordering::Relaxed);
        let Some(worker) = self.threads.iter().min_by_key(loaded) else {
            tokio::spawn(task);
            return;
        };
        let counted = Counted::new(&worker.load);
        let task = Box::pin(async move {
            let _counted = counted;
            task.await;
        });
        // A worker that is gone was told to stop: its tasks are dropped like this one.
        let _ = worker.tasks.send(task);
    }

    /// Ends the threads, with all that they have under way, and waits for them at most `limit`.
    pub fn stop(&self, limit: Duration) {
        self.stop.cancel();
        let ends = Instant::now() + limit;
        while self.threads.iter().any(|w| !w.thread.is_finished()) && Instant::now() < ends {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The requests of an HTTP/2 connection: clients such as Envoy send all of theirs over a few.
impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Workers {
    fn execute(&self, task: F) {
        match self.ending.clone() {
            Some(ending) => self.spawn(ending.carry(task)),
            None => self.spawn(task),
        }
    }
}

impl Worker {
    fn start(number: usize, client: Client, stop: CancellationToken) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(BLOCKING)
            .enable_all()
            .build()?;
        let (tasks, coming) = unbounded_channel();
        let thread = Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || work(runtime, coming, &client, &stop))?;
        Ok(Self {
            tasks,
            load: Arc::default(),
            thread,
        })
    }
}

fn work(
    runtime: Runtime,
    mut coming: UnboundedReceiver<Task>,
    client: &Client,
    stop: &CancellationToken,
) {
    let _client = InUse::start(client);
    runtime.block_on(stop.run_until_cancelled(async {
        while let Some(task) = coming.recv().await {
            tokio::spawn(task);
        }
    }));
    // Drops what is under way; blocking work is not waited for.
    runtime.shutdown_background();
}

struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(load: &Arc<AtomicUsize>) -> Self {
        load.fetch_add(1, Ordering::Relaxed);
        Self(load.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::forward::ClientSettings;
    use std::collections::HashMap;
    use std::sync::mpsc;
    use std::thread::ThreadId;

    fn workers(count: usize) -> Workers {
        let client = Client::new(&ClientSettings::default()).unwrap();
        Workers::start(count, &client).unwrap()
    }

    #[test]
    fn tasks_are_spread_evenly() {
        let workers = workers(3);
        let (say, said) = mpsc::channel::<ThreadId>();
        for _ in 0..30 {
            let say = say.clone();
            workers.spawn(async move {
                say.send(std::thread::current().id()).unwrap();
                std::future::pending::<()>().await;
            });
        }
        let mut counts: HashMap<ThreadId, usize> = HashMap::new();
        for thread in said.iter().take(30) {
            *counts.entry(thread).or_default() += 1;
        }
        assert_eq!(counts.into_values().collect::<Vec<_>>(), [10, 10, 10]);
        workers.stop(Duration::from_secs(5));
    }

    #[test]
    fn stopping_drops_what_is_under_way() {
        struct Tell(mpsc::Sender<()>);
        impl Drop for Tell {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let workers = workers(2);
        let (say, said) = mpsc::channel();
        for _ in 0..4 {
            let tell = Tell(say.clone());
            workers.spawn(async move {
                std::future::pending::<()>().await;
                drop(tell);
            });
        }
        workers.stop(Duration::from_secs(5));
        assert_eq!(said.try_iter().count(), 4);
    }

    #[test]
    fn a_panic_ends_its_task_only() {
        let workers = workers(1);
        let (say, said) = mpsc::channel();
        workers.spawn(async { std::panic::resume_unwind(Box::new(())) });
        workers.spawn(async move { say.send(()).unwrap() });
        assert!(said.recv_timeout(Duration::from_secs(5)).is_ok());
        workers.stop(Duration::from_secs(5));
    }
}
