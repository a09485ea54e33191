//! THE flow, in one readable function, with the retry and fallback loop.
//!
//! request -> route -> admit -> adapt -> forward -> adapt back -> account

use crate::account::{Cost, Sink};
use crate::adapt::{Head, Reply, Target};
use crate::config::Snapshot;
use crate::error::{Error, Result};
use crate::forward::Transport;
use crate::request::Call;
use arc_swap::ArcSwap;
use bytes::Bytes;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Everything a call needs: one for each process.
pub struct Engine {
    /// What sends requests upstream.
    pub transport: Arc<dyn Transport>,
    /// The configuration in force; one load for each call.
    pub snapshot: ArcSwap<Snapshot>,
    /// Who hears of finished calls.
    pub sinks: Vec<Arc<dyn Sink>>,
}

/// A call that was answered.
pub struct Answer {
    /// Who answered.
    pub target: Arc<Target>,
    /// The upstream's head; `mock_response` has an empty one.
    pub head: Head,
    /// Retries made before this attempt, over all groups.
    pub retries: u32,
    /// Fallbacks taken.
    pub fallbacks: u32,
    /// Arrival to upstream's head (stream) or end (whole reply).
    pub upstream_time: Duration,
    /// Whole replies only; `None` when the price is not known.
    pub cost: Option<Cost>,
    /// The reply.
    pub body: AnswerBody,
}

/// Whole or streamed.
pub enum AnswerBody {
    /// Canonical JSON.
    Whole(Reply),
    /// Canonical SSE events.
    Stream(AnswerStream),
}

/// A call that failed, with what is known for headers and log.
pub struct Failure {
    /// What went wrong.
    pub error: Error,
    /// The deployment that failed last.
    pub target: Option<Arc<Target>>,
    /// Retries made.
    pub retries: u32,
    /// Fallbacks taken.
    pub fallbacks: u32,
}

/// Canonical SSE events; each item is one or more whole events. Dropping it cancels the upstream call,
/// releases every permit and accounts what was forwarded so far.
pub struct AnswerStream {
    _private: (),
}

impl AnswerStream {
    /// The next events; `None` at the end. An error is the last item.
    pub fn poll_next(&mut self, _cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        Poll::Ready(None)
    }
}

impl Engine {
    /// Answers a call by the model groups of the configuration (the server, `Router`).
    pub async fn call(&self, _call: Call) -> Result<Answer, Box<Failure>> {
        Err(Box::new(Failure {
            error: Error::bad_request("not built"),
            target: None,
            retries: 0,
            fallbacks: 0,
        }))
    }

    /// Answers a call at one target (`completion()` in process): no routing, the call's own retries.
    pub async fn call_target(
        &self,
        _call: Call,
        _target: Arc<Target>,
    ) -> Result<Answer, Box<Failure>> {
        Err(Box::new(Failure {
            error: Error::bad_request("not built"),
            target: None,
            retries: 0,
            fallbacks: 0,
        }))
    }
}
