//! Spans on their way out: a bounded queue, and the thread that exports it in batches. Whoever ends a call puts its
//! spans there and goes on; where there is no room they are dropped and counted, never waited for.

use super::settings::QueueSettings;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use parking_lot::{Condvar, Mutex};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::runtime::Handle;

static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Spans dropped so far in this process: for want of room, or because their export failed.
pub fn spans_dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// The near end of the queue. Clones share it.
#[derive(Clone)]
pub struct Queue(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// There is a whole batch, or nothing more is to come.
    filled: Condvar,
    ended: Condvar,
    settings: QueueSettings,
}

#[derive(Default)]
struct State {
    waiting: Vec<SpanData>,
    closing: bool,
    ended: bool,
}

impl Queue {
    /// Starts the thread that exports. What it sends goes through `runtime`.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(
        exporter: SpanExporter,
        settings: QueueSettings,
        runtime: Handle,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::default()),
            filled: Condvar::new(),
            ended: Condvar::new(),
            settings,
        });
        let far_end = shared.clone();
        std::thread::Builder::new()
            .name("otel-spans".to_owned())
            .spawn(move || far_end.run(&exporter, &runtime))?;
        Ok(Self(shared))
    }

    /// Takes the spans of one call: all of them or none.
    pub fn push(&self, spans: Vec<SpanData>) {
        let mut state = self.0.state.lock();
        if state.closing || state.waiting.len() + spans.len() > self.0.settings.capacity {
            drop(state);
            DROPPED.fetch_add(spans.len() as u64, Ordering::Relaxed);
            return;
        }
        let before = state.waiting.len();
        state.waiting.extend(spans);
        let batch = self.0.settings.batch;
        if before < batch && state.waiting.len() >= batch {
            self.0.filled.notify_one();
        }
    }

    /// Takes nothing more. What waits is exported at once.
    pub fn close(&self) {
        self.0.state.lock().closing = true;
        self.0.filled.notify_one();
    }

    /// Blocks until a queue that was closed is empty, at most until then.
    pub fn drained(&self, until: Instant) {
        let mut state = self.0.state.lock();
        while !state.ended {
            if self.0.ended.wait_until(&mut state, until).timed_out() {
                return;
            }
        }
    }
}

impl Shared {
    fn run(&self, exporter: &SpanExporter, runtime: &Handle) {
        while let Some(batch) = self.next() {
            let count = batch.len() as u64;
            let export =
                async { tokio::time::timeout(self.settings.timeout, exporter.export(batch)).await };
            if !matches!(runtime.block_on(export), Ok(Ok(()))) {
                DROPPED.fetch_add(count, Ordering::Relaxed);
            }
        }
        self.state.lock().ended = true;
        self.ended.notify_all();
    }

    /// The next batch, once it is whole or old enough; `None` when there is nothing more to come.
    fn next(&self) -> Option<Vec<SpanData>> {
        let QueueSettings { batch, delay, .. } = self.settings;
        let mut state = self.state.lock();
        loop {
            let until = Instant::now() + delay;
            while state.waiting.len() < batch && !state.closing {
                if self.filled.wait_until(&mut state, until).timed_out() {
                    break;
                }
            }
            let count = state.waiting.len().min(batch);
            if count > 0 {
                return Some(state.waiting.drain(..count).collect());
            }
            if state.closing {
                return None;
            }
        }
    }
}
