//! How fast a client sends its body: one that drips holds a connection, and what is read of it, for nothing.

use super::refusal::Refusal;
use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::Instant;

/// A client has this long to send its body, and a second more for each [`RATE`] bytes.
pub const TIME: Duration = Duration::from_secs(30);

/// Bytes a second that a client sends at least, once its first time is over.
pub const RATE: usize = 16 << 10;

/// What a body may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Its length, in bytes.
    pub bytes: usize,
    /// The time that it has beside a second for each [`RATE`] bytes; `None` for as much as it likes.
    pub time: Option<Duration>,
}

/// One body's.
pub struct Pace {
    begun: Instant,
    time: Option<Duration>,
    taken: usize,
}

/// The body comes too slowly.
pub struct TooSlow;

impl Pace {
    /// Begins now.
    pub fn new(limits: Limits) -> Self {
        Self {
            begun: Instant::now(),
            time: limits.time,
            taken: 0,
        }
    }

    /// The next frame. One that is there already costs no timer.
    pub async fn frame<B>(
        &mut self,
        mut body: Pin<&mut B>,
    ) -> Result<Option<Result<Frame<Bytes>, B::Error>>, TooSlow>
    where
        B: Body<Data = Bytes>,
    {
        let frame = match self.time {
            None => body.frame().await,
            Some(time) => {
                let allowed = time + Duration::from_secs((self.taken / RATE) as u64);
                let frame = tokio::time::timeout_at(self.begun + allowed, body.frame());
                frame.await.map_err(|_| TooSlow)?
            }
        };
        if let Some(Ok(frame)) = &frame {
            self.taken += frame.data_ref().map_or(0, Bytes::len);
        }
        Ok(frame)
    }
}

impl From<TooSlow> for Refusal {
    fn from(_: TooSlow) -> Self {
        Refusal::new(
            408,
            "invalid_request_error",
            "the request body came too slowly",
        )
    }
}
