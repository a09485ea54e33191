//! THE flow, in one readable function, with the retry and fallback loop.
//!
//! request -> route -> admit -> adapt -> forward -> adapt back -> account
//!
//! [`routed`] goes from group to group, [`direct`] stays at one target, [`attempt`] is one exchange with one target,
//! [`seat`] is a call's place in this process, [`admit`] the place that a call has there, [`hedge`] makes a late one twice, [`explain`] notes the way,
//! [`flow`] and [`stream`] follow a streamed reply to its end, and [`running`] is what a call holds and leaves behind,
//! however it ends.

mod admit;
mod attempt;
mod bridged;
mod cached;
mod count;
mod direct;
mod explain;
mod flow;
mod hedge;
mod media;
mod raw;
mod routed;
mod running;
mod seat;
mod stream;

use crate::account::{Cost, Outcome, Receipt, Sink};
use crate::adapt::{Head, Reply, Target};
use crate::cache::{Cache, KeptBody, Place};
use crate::config::Snapshot;
use crate::error::Error;
use crate::forward::Transport;
use crate::forward::{aws, entra, google, ibm};
use crate::request::{Call, Op};
use crate::resilience::Gate;
use crate::route::Env;
use crate::store::limits::SharedLimits;
use crate::trace::{Trace, Tracer};
use arc_swap::{ArcSwap, ArcSwapOption};
use attempt::{Got, GotBody};
use http::HeaderMap;
use running::Running;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

pub use raw::RawStream;
pub use stream::AnswerStream;

/// Everything a call needs: one for each process.
pub struct Engine {
    /// What sends requests upstream.
    pub transport: Arc<dyn Transport>,
    /// The configuration in force; one load for each call.
    pub snapshot: ArcSwap<Snapshot>,
    /// Who hears of finished calls.
    pub sinks: Arc<[Arc<dyn Sink>]>,
    /// What gives calls their traces, where they have any.
    pub tracer: Option<Tracer>,
    /// Answers given before, where they are kept. Shared with the engines of a process's Routers.
    pub cache: Arc<ArcSwapOption<Cache>>,
    /// The environment, in which the keys of in-process fallbacks are looked up.
    pub env: Env,
    /// All calls of this process, where these are limited.
    pub gate: Gate,
    /// Limits that other processes share.
    pub shared: ArcSwapOption<SharedLimits>,
    /// Calls that found no place there.
    pub shed: AtomicU64,
    google: google::Tokens,
    entra: entra::Tokens,
    ibm: ibm::Tokens,
    aws: aws::Keys,
}

/// A call that was answered.
pub struct Answer {
    /// Who answered.
    pub target: Arc<Target>,
    /// The operation that it was asked: the call's own, or the one that carried it.
    pub asked: Op,
    /// The upstream's head; `mock_response` has an empty one.
    pub head: Head,
    /// Retries made in the group that answered.
    pub retries: u32,
    /// Retries that the group would have made at most; told only after one was made.
    pub allowed_retries: u32,
    /// Fallbacks taken.
    pub fallbacks: u32,
    /// Time spent waiting for the upstream, all attempts: to the head (stream) or the end (whole reply).
    pub upstream_time: Duration,
    /// Whole replies only; `None` when the price is not known.
    pub cost: Option<Cost>,
    /// What became of the call and why, where it asked.
    pub explanation: Option<String>,
    /// The key under which the cache had the answer; `None`: the provider answered.
    pub cache_key: Option<String>,
    /// The reply.
    pub body: AnswerBody,
}

/// Whole or streamed.
pub enum AnswerBody {
    /// Canonical JSON.
    Whole(Reply),
    /// Canonical SSE events.
    Stream(AnswerStream),
    /// Bytes that are no text, as they come.
    Raw(RawStream),
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
    /// The last attempt's answer was a stream that had begun: it failed before its first event.
    pub begun: bool,
    /// What became of the call and why, where it asked.
    pub explanation: Option<String>,
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
            tracer: None,
            cache: Arc::default(),
            env: Arc::new(|name| std::env::var(name).ok()),
            gate: Gate::default(),
            shared: ArcSwapOption::empty(),
            shed: AtomicU64::new(0),
            google: google::Tokens::default(),
            entra: entra::Tokens::default(),
            ibm: ibm::Tokens::default(),
            aws: aws::Keys::default(),
        }
    }

    /// The trace of a request with these headers, where calls have any.
    pub fn trace(&self, headers: &HeaderMap) -> Option<Box<Trace>> {
        let tracer = self.tracer.as_ref();
        tracer.map(|tracer| tracer.begin(headers))
    }

    /// Tells every sink of a call that is over.
    pub fn record(&self, receipt: &Receipt) {
        for sink in &*self.sinks {
            sink.record(receipt);
        }
    }

    /// Answers a call by the model groups of the configuration (the server, `Router`).
    ///
    /// # Errors
    /// The last attempt's error, after retries and fallbacks.
    pub async fn call(&self, call: impl Into<Box<Call>>) -> Result<Box<Answer>, Box<Failure>> {
        let mut running = Running::start(call.into(), self.sinks.clone());
        let place = match self.look_up(&running).await {
            ControlFlow::Break(hit) => return Ok(cached::replayed(running, *hit)),
            ControlFlow::Continue(place) => place,
        };
        if let Err(error) = self.seat(&mut running).await {
            return Err(running.fail(error));
        }
        match self.route(&mut running).await {
            Ok(got) => Ok(answer(running, *got, place)),
            Err(error) => Err(running.fail(error)),
        }
    }

    /// Asks a target something that is no call of a caller's: nobody hears of it, and it is not tried again.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn ask(
        &self,
        mut call: Call,
        target: Arc<Target>,
    ) -> Result<Box<Answer>, Box<Failure>> {
        call.options.max_retries = Some(0);
        call.options.num_retries = Some(0);
        let mut running = Running::start(call.into(), Arc::from([]));
        match self.direct(&mut running, &target).await {
            Ok(got) => Ok(answer(running, *got, None)),
            Err(error) => Err(running.fail(error)),
        }
    }

    /// Answers a call at one target (`completion()` in process): no routing, the call's own retries.
    ///
    /// # Errors
    /// The last attempt's error.
    pub async fn call_target(
        &self,
        call: impl Into<Box<Call>>,
        target: Arc<Target>,
    ) -> Result<Box<Answer>, Box<Failure>> {
        let mut running = Running::start(call.into(), self.sinks.clone());
        let place = match self.look_up(&running).await {
            ControlFlow::Break(hit) => return Ok(cached::replayed(running, *hit)),
            ControlFlow::Continue(place) => place,
        };
        match self.direct(&mut running, &target).await {
            Ok(got) => Ok(answer(running, *got, place)),
            Err(error) => Err(running.fail(error)),
        }
    }
}

/// What the caller gets of an attempt that succeeded.
fn answer(mut running: Box<Running>, got: Got, place: Option<Place>) -> Box<Answer> {
    let Got {
        head,
        target,
        asked,
        body,
        took: _,
    } = got;
    running.note_head(&head);
    running.target = Some(target.clone());
    let (retries, fallbacks) = (running.retries, running.fallbacks);
    let allowed_retries = running.allowed_retries;
    let upstream_time = running.upstream;
    let explanation;
    let (body, cost) = match body {
        GotBody::Whole(reply) => {
            running.served.clone_from(&reply.upstream_model);
            if let Some(traced) = &mut running.traced {
                traced.finish_reason.clone_from(&reply.finish_reason);
                traced.response_id = reply_id(&reply.body);
            }
            let cost = running.close(Outcome::Success, reply.usage.clone());
            explanation = running.explanation.take();
            if let Some(place) = place {
                let now = tokio::time::Instant::now().into_std();
                place.keep(&target, KeptBody::Whole(reply.clone()), now);
            }
            (AnswerBody::Whole(reply), cost)
        }
        GotBody::Raw(body, usage) => {
            running.explain(None);
            explanation = running.explanation.clone();
            let stream = RawStream::new(running, target.clone(), body, usage);
            (AnswerBody::Raw(stream), None)
        }
        GotBody::Stream(flow) => {
            running.explain(None);
            explanation = running.explanation.clone();
            let stream = AnswerStream::new(running, target.clone(), *flow, place);
            (AnswerBody::Stream(stream), None)
        }
    };
    Box::new(Answer {
        target,
        asked,
        head,
        retries,
        allowed_retries,
        fallbacks,
        upstream_time,
        cost,
        explanation,
        cache_key: None,
        body,
    })
}

/// The id of a whole reply, for a sampled call. Nothing else of it is kept.
fn reply_id(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        id: Option<String>,
    }
    serde_json::from_slice::<Named>(body).ok()?.id
}
