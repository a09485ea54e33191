//! THE flow, in one readable function, with the retry and fallback loop.
//!
//! request -> route -> admit -> adapt -> forward -> adapt back -> account
//!
//! One attempt at one target is [`attempt`]; what follows a streamed reply to its end is [`stream`]; what is counted
//! of a call, however it ends, is [`running`].

mod attempt;
mod running;
mod stream;

use crate::account::{Cost, Sink};
use crate::adapt::{Head, Reply, Target};
use crate::config::Snapshot;
use crate::error::Error;
use crate::forward::Transport;
use crate::request::Call;
use arc_swap::ArcSwap;
use attempt::Got;
use running::Running;
use std::sync::Arc;
use std::time::Duration;

pub use stream::AnswerStream;

/// Everything a call needs: one for each process.
pub struct Engine {
    /// What sends requests upstream.
    pub transport: Arc<dyn Transport>,
    /// The configuration in force; one load for each call.
    pub snapshot: ArcSwap<Snapshot>,
    /// Who hears of finished calls.
    pub sinks: Arc<[Arc<dyn Sink>]>,
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
    /// Time spent waiting for the upstream, all attempts: to the head (stream) or the end (whole reply).
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
#[derive(Debug)]
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

impl Engine {
    /// An engine for this process.
    pub fn new(
        transport: Arc<dyn Transport>,
        snapshot: Arc<Snapshot>,
        sinks: Vec<Arc<dyn Sink>>,
    ) -> Self {
        Self {
            transport,
            snapshot: ArcSwap::new(snapshot),
            sinks: sinks.into(),
        }
    }

    /// Answers a call by the model groups of the configuration (the server, `Router`).
    ///
    /// # Errors
    /// The last attempt's error, after retries and fallbacks.
    pub async fn call(&self, call: Call) -> Result<Answer, Box<Failure>> {
        let running = Running::start(call, self.sinks.clone());
        let error = Error::bad_request(format!(
            "Invalid model name passed in model={}",
            running.call.model
        ));
        Err(running.fail(error))
    }

    /// Answers a call at one target (`completion()` in process): no routing, the call's own retries.
    ///
    /// # Errors
    /// The last attempt's error.
    pub async fn call_target(
        &self,
        call: Call,
        target: Arc<Target>,
    ) -> Result<Answer, Box<Failure>> {
        let mut running = Running::start(call, self.sinks.clone());
        match self
            .attempt_with_client_retries(&mut running, &target)
            .await
        {
            Ok(got) => Ok(self.answer(running, got)),
            Err(error) => Err(running.fail(error)),
        }
    }

    /// What the caller gets of an attempt that succeeded.
    fn answer(&self, mut running: Running, got: Got) -> Answer {
        let retries = running.retries;
        let fallbacks = running.fallbacks;
        let upstream_time = running.upstream;
        match got {
            Got::Whole {
                head,
                reply,
                target,
            } => {
                let cost = running.succeed(&target, reply.usage.clone(), Some(&head));
                Answer {
                    target,
                    head,
                    retries,
                    fallbacks,
                    upstream_time,
                    cost,
                    body: AnswerBody::Whole(reply),
                }
            }
            Got::Stream {
                head,
                body,
                adapter,
                target,
            } => Answer {
                target: target.clone(),
                retries,
                fallbacks,
                upstream_time,
                cost: None,
                body: AnswerBody::Stream(AnswerStream::new(running, target, &head, body, adapter)),
                head,
            },
        }
    }
}
