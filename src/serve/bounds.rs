//! What clients may take of this process before anything of them is known.

use crate::config::Config;
use std::time::Duration;

/// A client has this long to send its head: a slow one must not hold a connection for nothing.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// Connections at a time, however many files may be open.
pub const MAX_CONNECTIONS: usize = 100_000;

/// The bounds of a listener.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at a time; others wait in the system's queue.
    pub connections: usize,
    /// Time for a request's head; `None` for as long as it takes.
    pub head_time: Option<Duration>,
    /// A longer head is refused with 431; bytes. As much of a reply waits for a slow reader.
    pub head: usize,
    /// More headers are refused with 431.
    pub headers: usize,
    /// Streams of one HTTP/2 connection at a time.
    pub streams: u32,
    /// Streams that an HTTP/2 client may reset before they are looked at; more is a flood.
    pub resets: usize,
}

impl Bounds {
    /// Those of a configuration.
    pub fn of(config: &Config) -> Self {
        let head_time = config.general.client_header_timeout;
        Self {
            connections: MAX_CONNECTIONS,
            head_time: Some(head_time.unwrap_or(HEAD_TIME)).filter(|time| !time.is_zero()),
            head: 32 << 10,
            headers: 128,
            streams: 200,
            resets: 20,
        }
    }
}
