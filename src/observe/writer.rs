//! Where log lines go: a bounded buffer that a thread of its own writes out. Whoever logs copies a line into memory
//! and goes on; when the reader of the log is too slow, lines are dropped and counted, never waited for.

use parking_lot::{Condvar, Mutex};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bytes that may wait to be written.
const CAPACITY: usize = 4 * 1024 * 1024;
/// How long lines are gathered before they are written, so that a busy server makes few system calls.
const GATHER: Duration = Duration::from_millis(5);

static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Lines dropped so far in this process.
pub fn lines_dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// The near end of the buffer. Clones share it.
#[derive(Clone)]
pub struct LogWriter(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    filled: Condvar,
    emptied: Condvar,
    capacity: usize,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    writing: bool,
}

impl LogWriter {
    /// Starts the thread that writes to `sink`.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(sink: impl Write + Send + 'static) -> io::Result<Self> {
        Self::with_capacity(sink, CAPACITY)
    }

    fn with_capacity(sink: impl Write + Send + 'static, capacity: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::default()),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            capacity,
        });
        let far_end = shared.clone();
        std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || far_end.run(sink))?;
        Ok(Self(shared))
    }

    /// Takes one line.
    pub fn line(&self, line: &[u8]) {
        let mut state = self.0.state.lock();
        if state.waiting.len() + line.len() > self.0.capacity {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let was_empty = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        if was_empty {
            self.0.filled.notify_one();
        }
    }

    /// Waits until everything logged so far is written, at most `limit`. For the end of the process.
    pub fn flush(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let mut state = self.0.state.lock();
        while state.writing || !state.waiting.is_empty() {
            if self.0.emptied.wait_until(&mut state, until).timed_out() {
                return;
            }
        }
    }
}

impl Shared {
    fn run(&self, mut sink: impl Write) {
        let mut lines = Vec::new();
        loop {
            {
                let mut state = self.state.lock();
                while state.waiting.is_empty() {
                    self.filled.wait(&mut state);
                }
            }
            std::thread::sleep(GATHER);
            {
                let mut state = self.state.lock();
                std::mem::swap(&mut lines, &mut state.waiting);
                state.writing = true;
            }
            // A log nobody can read any more is no reason to stop serving; its lines count as dropped.
            if sink.write_all(&lines).and_then(|()| sink.flush()).is_err() {
                let lost = memchr::memchr_iter(b'\n', &lines).count();
                DROPPED.fetch_add(lost as u64, Ordering::Relaxed);
            }
            lines.clear();
            self.state.lock().writing = false;
            self.emptied.notify_all();
        }
    }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.line(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    struct Stuck(mpsc::Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_could_not_be_written_count_as_dropped() {
        let writer = LogWriter::start(Full).unwrap();
        let before = lines_dropped();
        // More than any other test drops.
        for _ in 0..5000 {
            writer.line(b"a line\n");
        }
        writer.flush(Duration::from_secs(10));
        assert!(lines_dropped() >= before + 5000);
    }

    #[test]
    fn a_stuck_reader_costs_lines_not_time_and_order_is_kept() {
        let (go, wait) = mpsc::channel();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let writer = LogWriter::with_capacity(Stuck(wait, seen.clone()), 64).unwrap();
        let before = lines_dropped();
        for i in 0..1000 {
            writer.line(format!("line {i}\n").as_bytes());
        }
        assert!(lines_dropped() > before);
        drop(go);
        writer.flush(Duration::from_secs(10));
        assert!(seen.lock().starts_with(b"line 0\nline 1\n"));
    }
}
