//! The cache before and after the flow: an answer that was given before, and the recording of one that may be again.

use super::flow::Flow;
use super::running::Running;
use super::{Answer, AnswerBody, AnswerStream, Engine};
use crate::account::{Cost, Outcome};
use crate::adapt::{Head, StreamEnd, Target};
use crate::cache::{Hit, KeptBody, Looked, Place};
use bytes::{Bytes, BytesMut};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

impl Engine {
    /// Asks the cache, where there is one: its answer, else where the one that comes is to be kept.
    pub(super) async fn look_up(&self, running: &Running) -> ControlFlow<Box<Hit>, Option<Place>> {
        let Some(cache) = self.cache.load_full() else {
            return ControlFlow::Continue(None);
        };
        let mut looked = cache.look_up(&running.call, Instant::now().into_std());
        // Rare: not in the future of every call.
        if let Looked::Ask(question) = looked {
            looked = Box::pin(question.answer()).await;
        }
        if let Looked::Wait(waiting) = looked {
            looked = Box::pin(waiting.answer(running.call.deadline.0)).await;
        }
        match looked {
            Looked::Hit(hit) => ControlFlow::Break(hit),
            Looked::Miss(place) => ControlFlow::Continue(Some(place)),
            Looked::Passed | Looked::Ask(_) | Looked::Wait(_) => ControlFlow::Continue(None),
        }
    }
}

/// The answer of the cache. It costs nothing.
pub(super) fn replayed(mut running: Box<Running>, hit: Hit) -> Box<Answer> {
    let Hit { kept, key } = hit;
    let target = kept.target;
    running.target = Some(target.clone());
    let asked = running.call.op;
    let body = match kept.body {
        KeptBody::Whole(reply) => {
            running.close(Outcome::Success, None);
            AnswerBody::Whole(reply)
        }
        KeptBody::Stream { events, end } => {
            let flow = Flow::replayed(&events, end);
            AnswerBody::Stream(AnswerStream::new(running, target.clone(), flow, None))
        }
    };
    Box::new(Answer {
        target,
        head: Head {
            status: http::StatusCode::OK,
            headers: http::HeaderMap::new(),
        },
        retries: 0,
        allowed_retries: 0,
        fallbacks: 0,
        upstream_time: Duration::ZERO,
        cost: Some(Cost::default()),
        explanation: None,
        cache_key: Some(key),
        asked,
        body,
    })
}

/// The events of a stream, as they go by.
pub(super) struct Recording {
    place: Place,
    events: BytesMut,
    too_long: bool,
}

impl Recording {
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            events: BytesMut::new(),
            too_long: false,
        }
    }

    pub(super) fn push(&mut self, events: &Bytes) {
        self.too_long |= self.events.len() + events.len() > self.place.room();
        if !self.too_long {
            self.events.extend_from_slice(events);
        }
    }

    /// The stream came to its end.
    pub(super) fn keep(self, target: &Arc<Target>, end: &StreamEnd) {
        if self.too_long {
            return;
        }
        // Its tokens are paid for.
        let end = StreamEnd {
            usage: None,
            ..end.clone()
        };
        let body = KeptBody::Stream {
            events: self.events.freeze(),
            end: Box::new(end),
        };
        self.place.keep(target, body, Instant::now().into_std());
    }
}
