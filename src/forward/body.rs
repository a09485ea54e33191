//! The body of an upstream response under its clocks: one timer for the whole body, armed only while it waits.

use super::pool::Lease;
use super::{Clocks, UpstreamBody};
use crate::adapt::Fault;
use bytes::{Bytes, BytesMut};
use http_body::Body;
use hyper::body::Incoming;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// The clocks of a call since its start.
#[derive(Clone, Copy)]
pub(super) struct Watch {
    started: Instant,
    clocks: Clocks,
}

impl Watch {
    pub(super) fn new(started: Instant, clocks: Clocks) -> Self {
        Self { started, clocks }
    }

    /// What the response head may take.
    pub(super) fn head_limit(&self) -> Option<Duration> {
        least([
            self.clocks.headers,
            self.clocks.first_token,
            self.clocks.total,
        ])
    }

    pub(super) fn timeout(&self, limit: Duration) -> Fault {
        Fault::Timeout {
            limit,
            taken: self.started.elapsed(),
        }
    }

    /// When the wait for the next piece is over, and which limit says so. `last`: when the previous piece came.
    fn next_limit(&self, last: Option<Instant>) -> Option<(Instant, Duration)> {
        let piece = match last {
            None => self.clocks.first_token.map(|limit| (self.started, limit)),
            Some(last) => self.clocks.idle.map(|limit| (last, limit)),
        };
        let total = self.clocks.total.map(|limit| (self.started, limit));
        [piece, total]
            .into_iter()
            .flatten()
            .filter_map(|(from, limit)| Some((from.checked_add(limit)?, limit)))
            .min_by_key(|(at, _)| *at)
    }
}

fn least<const N: usize>(limits: [Option<Duration>; N]) -> Option<Duration> {
    limits.into_iter().flatten().min()
}

/// An HTTP body under its clocks, and the connection on which it comes.
pub(super) struct ClockedBody {
    body: Incoming,
    lease: Option<Lease>,
    watch: Watch,
    last: Option<Instant>,
    /// A piece has come since the last look at the clock: its reader's time is not the upstream's.
    came: bool,
    timer: Option<Pin<Box<Sleep>>>,
    over: bool,
}

impl ClockedBody {
    pub(super) fn new(body: Incoming, watch: Watch, lease: Lease) -> Self {
        Self {
            body,
            lease: Some(lease),
            watch,
            last: None,
            came: false,
            timer: None,
            over: false,
        }
    }

    /// Nothing of the body is to come.
    fn release(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.over();
        }
    }

    /// Ready when a clock has run out. The timer is moved only when it fires too early: a piece that comes in time
    /// costs a look at the clock and nothing else.
    fn poll_clocks(&mut self, cx: &mut Context<'_>) -> Poll<Fault> {
        if std::mem::take(&mut self.came) {
            self.last = Some(Instant::now());
        }
        let Some((at, limit)) = self.watch.next_limit(self.last) else {
            return Poll::Pending;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        loop {
            if timer.deadline() > at {
                timer.as_mut().reset(at);
            }
            match timer.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) if timer.deadline() >= at => {
                    return Poll::Ready(self.watch.timeout(limit));
                }
                Poll::Ready(()) => timer.as_mut().reset(at),
            }
        }
    }
}

impl UpstreamBody for ClockedBody {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Fault>>> {
        if self.over {
            return Poll::Ready(None);
        }
        loop {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.came = true;
                    if self.body.is_end_stream() {
                        self.release();
                    }
                    // Trailers say nothing that a reply needs.
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Ready(None) => {
                    self.over = true;
                    self.release();
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Err(_))) => {
                    self.over = true;
                    return Poll::Ready(Some(Err(Fault::Cut)));
                }
                Poll::Pending => {
                    return self.poll_clocks(cx).map(|fault| {
                        self.over = true;
                        Some(Err(fault))
                    });
                }
            }
        }
    }

    fn size_hint(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }
}

/// A reader that knows the end of its stream looks no further: what is left may be the end of the body.
impl Drop for ClockedBody {
    fn drop(&mut self) {
        self.release();
    }
}

/// The whole body, of at most `limit` bytes.
///
/// # Errors
/// [`Fault::TooLarge`], or what the body ended with.
pub async fn collect(body: &mut dyn UpstreamBody, limit: usize) -> Result<Bytes, Fault> {
    let announced = body.size_hint().unwrap_or(0);
    if announced > limit as u64 {
        return Err(Fault::TooLarge(limit));
    }
    let Some(first) = poll_fn(|cx| body.poll_next(cx)).await.transpose()? else {
        return Ok(Bytes::new());
    };
    if first.len() as u64 == announced {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len().max(announced.min(1 << 20) as usize));
    whole.extend_from_slice(&first);
    while let Some(piece) = poll_fn(|cx| body.poll_next(cx)).await.transpose()? {
        if whole.len() + piece.len() > limit {
            return Err(Fault::TooLarge(limit));
        }
        whole.extend_from_slice(&piece);
    }
    if whole.len() > limit {
        return Err(Fault::TooLarge(limit));
    }
    Ok(whole.freeze())
}
