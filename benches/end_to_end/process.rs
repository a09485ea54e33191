//! Processes under measurement: started on a free port, read from /proc, stopped on drop.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running subject.
pub struct Process {
    child: Child,
    /// Where it listens.
    pub port: u16,
    /// From start to the first 200 of the readiness path.
    pub started_in: Duration,
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .map_or(0, |a| a.port())
}

impl Process {
    /// Starts `program` and waits until `ready_path` answers (any status counts where `any` is set).
    pub fn start(program: &Path, args: &[String], port: u16, ready_path: &str) -> Self {
        let begun = Instant::now();
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start `{}`: {e}", program.display()));
        let mut process = Self {
            child,
            port,
            started_in: Duration::ZERO,
        };
        while !ready(port, ready_path) {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "`{}` does not come up",
                program.display()
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        process.started_in = begun.elapsed();
        process
    }

    /// Processor time of all threads, in nanoseconds (schedstat: exact, not ticks).
    pub fn cpu_ns(&self) -> u64 {
        let tasks = format!("/proc/{}/task", self.child.id());
        std::fs::read_dir(tasks)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
            .filter_map(|line| line.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()))
            .sum()
    }

    /// A `Vm...` line of /proc/PID/status in MB.
    pub fn memory_mb(&self, line: &str) -> f64 {
        std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .unwrap_or_default()
            .lines()
            .find_map(|l| l.strip_prefix(line))
            .and_then(|rest| {
                rest.trim_start_matches(':')
                    .trim()
                    .split(' ')
                    .next()?
                    .parse::<f64>()
                    .ok()
            })
            .map_or(f64::NAN, |kb| kb / 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ready(port: u16, path: &str) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n");
    let mut answer = [0u8; 12];
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer.starts_with(b"HTTP/1.1 ")
}
