//! The body of a streamed reply on its way through the adapter: bytes in, canonical events out.
//!
//! There is no task and no channel: a caller that does not poll does not read, so that the upstream's own flow
//! control holds it back; a caller that drops the flow drops the connection with it.

use super::bridged::Bridged;
use super::count::{Uncounted, counted};
use crate::adapt::stream::{DONE, write_usage_chunk};
use crate::adapt::stream_usage::assembled;
use crate::adapt::usage::{self, Object};
use crate::adapt::{Adapter, Fault, StreamAdapter, StreamEnd, Target};
use crate::error::{Error, Result};
use crate::forward::UpstreamBody;
use crate::request::{Call, Format};
use bytes::{Bytes, BytesMut};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::task::JoinHandle;

/// Pieces that are already there are joined up to this size.
const JOIN: usize = 16 << 10;

/// A streamed reply between the upstream and whoever reads it.
pub(super) struct Flow {
    body: Option<Box<dyn UpstreamBody>>,
    adapter: Box<dyn StreamAdapter>,
    out: BytesMut,
    /// An item taken ahead, to see whether the stream begins at all.
    ahead: Option<Bytes>,
    /// The upstream is done; the usage is still to be told.
    ending: Option<StreamEnd>,
    /// Its tokens are being counted, on a thread that may be busy.
    counting: Option<(StreamEnd, JoinHandle<Object>)>,
    over: Option<Over>,
    /// Tells it in the caller's dialect, where that is another.
    bridged: Option<Box<Bridged>>,
}

/// How a flow ended.
pub(super) enum Over {
    Well(Box<StreamEnd>),
    /// The error is still to be told.
    Badly(Error),
    /// The error was told.
    Told,
}

impl Flow {
    pub(super) fn new(body: Box<dyn UpstreamBody>, adapter: Box<dyn StreamAdapter>) -> Self {
        Self {
            body: Some(body),
            adapter,
            out: BytesMut::new(),
            ahead: None,
            ending: None,
            counting: None,
            over: None,
            bridged: None,
        }
    }

    /// The same, told in the caller's dialect.
    pub(super) fn over_bridge(mut self, bridged: Bridged) -> Self {
        self.bridged = Some(Box::new(bridged));
        self
    }

    /// A flow that is all there: a mocked stream.
    pub(super) fn ready(events: &[u8], end: StreamEnd) -> Self {
        let mut flow = Self {
            body: None,
            adapter: Box::new(Nothing),
            out: BytesMut::from(events),
            ahead: None,
            ending: None,
            counting: None,
            over: None,
            bridged: None,
        };
        flow.ending = Some(end);
        flow
    }

    /// A stream that was read to its end before: its events as they were, and how it ended.
    pub(super) fn replayed(events: &[u8], end: Box<StreamEnd>) -> Self {
        let mut flow = Self::ready(events, StreamEnd::default());
        flow.ending = None;
        flow.over = Some(Over::Well(end));
        flow
    }

    /// Whether the upstream has nothing more to say.
    pub(super) fn over(&self) -> Option<&Over> {
        self.over.as_ref()
    }

    /// Waits for the first events and keeps them.
    ///
    /// # Errors
    /// What the stream ended with before any event came: another attempt may still be made.
    pub(super) async fn prime(&mut self, call: &Call, target: &Target) -> Result<()> {
        match std::future::poll_fn(|cx| self.poll_next(cx, call, target)).await {
            Some(Ok(first)) => {
                self.ahead = Some(first);
                Ok(())
            }
            Some(Err(error)) => Err(error),
            None => Ok(()),
        }
    }

    /// The next events; `None` at the end. An error is the last item.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        call: &Call,
        target: &Target,
    ) -> Poll<Option<Result<Bytes>>> {
        if let Some(ahead) = self.ahead.take() {
            return Poll::Ready(Some(Ok(ahead)));
        }
        let Some(mut bridged) = self.bridged.take() else {
            return self.poll_own(cx, call, target);
        };
        let next = loop {
            let next = match self.poll_own(cx, bridged.call(), target) {
                Poll::Ready(Some(Ok(events))) => bridged.tell(&events),
                Poll::Ready(None) if matches!(self.over, Some(Over::Well(_))) => bridged.end(),
                other => break other,
            };
            match next {
                Some(Err(error)) => {
                    self.body = None;
                    self.over = Some(Over::Told);
                    break Poll::Ready(Some(Err(error)));
                }
                Some(Ok(events)) if events.is_empty() => {}
                other => break Poll::Ready(other),
            }
        };
        self.bridged = Some(bridged);
        next
    }

    /// The next events of the operation that the target was asked.
    fn poll_own(
        &mut self,
        cx: &mut Context<'_>,
        call: &Call,
        target: &Target,
    ) -> Poll<Option<Result<Bytes>>> {
        while let Some(body) = &mut self.body {
            match body.poll_next(cx) {
                Poll::Pending if self.out.is_empty() => return Poll::Pending,
                Poll::Pending => return Poll::Ready(Some(Ok(self.take()))),
                Poll::Ready(Some(Ok(piece))) => self.push(&piece),
                Poll::Ready(Some(Err(Fault::Cut))) => self.cut(),
                Poll::Ready(Some(Err(fault))) => {
                    self.fail(target.adapter(call.op).fault(call, target, fault));
                }
                Poll::Ready(None) => self.finish(target.adapter(call.op), call, target),
            }
            if self.out.len() >= JOIN {
                return Poll::Ready(Some(Ok(self.take())));
            }
        }
        if let Some(end) = self.ending.take() {
            self.settle(end, call, target);
        }
        if !self.out.is_empty() {
            return Poll::Ready(Some(Ok(self.take())));
        }
        if let Some((_, counting)) = &mut self.counting {
            let Poll::Ready(used) = Pin::new(counting).poll(cx) else {
                return Poll::Pending;
            };
            if let Some((end, _)) = self.counting.take() {
                self.conclude(end, used.unwrap_or_default(), true, call, target);
            }
            return Poll::Ready(Some(Ok(self.take())));
        }
        match self.over.take() {
            Some(Over::Badly(error)) => {
                self.over = Some(Over::Told);
                Poll::Ready(Some(Err(error)))
            }
            over => {
                self.over = over;
                Poll::Ready(None)
            }
        }
    }

    /// What the adapter knows of a stream that nobody reads on.
    pub(super) fn abandon(&mut self) -> StreamEnd {
        self.body = None;
        self.adapter.so_far()
    }

    fn take(&mut self) -> Bytes {
        self.out.split().freeze()
    }

    fn push(&mut self, piece: &[u8]) {
        // About as much comes out as went in. Grown step by step, a buffer would end up twice as large as what it holds,
        // for as long as its reader takes.
        self.out.reserve(piece.len() + piece.len() / 16 + 64);
        if let Err(error) = self.adapter.push(piece, &mut self.out) {
            self.fail(error);
        }
    }

    fn cut(&mut self) {
        match self.adapter.cut(&mut self.out) {
            Ok(end) => self.end(end),
            Err(error) => self.fail(error),
        }
    }

    fn end(&mut self, end: StreamEnd) {
        self.body = None;
        self.ending = Some(end);
    }

    fn finish(&mut self, adapter: &dyn Adapter, call: &Call, target: &Target) {
        match self.adapter.finish(&mut self.out) {
            Ok(end) if end.complete => self.end(end),
            Ok(_) => self.fail(adapter.fault(call, target, Fault::Cut)),
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: Error) {
        self.body = None;
        self.over = Some(Over::Badly(error));
    }

    /// The usage as the provider told it; what it left out is counted elsewhere first.
    fn settle(&mut self, end: StreamEnd, call: &Call, target: &Target) {
        let told = |name: &str| {
            end.reported
                .as_ref()
                .is_some_and(|usage| usage.contains_key(name))
        };
        let whole = told("prompt_tokens")
            && told("completion_tokens")
            && (!end.text.more_than_text || end.text.reasoning.is_empty());
        if whole {
            let used = assembled(end.reported.as_ref(), &end.text, &mut Uncounted);
            self.conclude(end, used, false, call, target);
        } else {
            let counting = counted(&end, call, target);
            self.counting = Some((end, counting));
        }
    }

    /// The usage chunk, where one was asked for, and the end.
    fn conclude(
        &mut self,
        mut end: StreamEnd,
        mut used: Object,
        estimated: bool,
        call: &Call,
        target: &Target,
    ) {
        let tier = end.usage.take().and_then(|usage| usage.service_tier);
        let mut counts = usage::counts(&used, tier.as_deref());
        counts.estimated = estimated;
        let cost = target
            .cost(&counts, end.upstream_model.as_deref(), || call.elapsed())
            .map(|cost| cost.total);
        if !used.contains_key("cost")
            && let Some(cost) = cost.filter(|cost| *cost > 0.0)
        {
            used.insert("cost".into(), cost.into());
        }
        end.reported = Some(used.clone());
        if end.usage_asked {
            write_usage_chunk(&end, used, &mut self.out);
        }
        end.usage = Some(counts);
        if matches!(call.op.format(), Format::OpenAi | Format::Responses) {
            self.out.extend_from_slice(DONE);
        }
        self.over = Some(Over::Well(Box::new(end)));
    }
}

/// The adapter of a stream that needs none.
struct Nothing;

impl StreamAdapter for Nothing {
    fn push(&mut self, _bytes: &[u8], _out: &mut BytesMut) -> Result<()> {
        Ok(())
    }
    fn finish(&mut self, _out: &mut BytesMut) -> Result<StreamEnd> {
        Ok(StreamEnd::default())
    }
    fn cut(&mut self, _out: &mut BytesMut) -> Result<StreamEnd> {
        Ok(StreamEnd::default())
    }
}
