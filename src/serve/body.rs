//! Bodies of replies: one piece that is already there, events as they come, metrics as they are written.

use crate::account::{Outcome, Sink};
use crate::adapt::dialects::responses::failed;
use crate::error::{Error, ErrorKind};
use crate::forward::UpstreamBody;
use crate::observe::exposition::Exposition;
use crate::observe::metrics::InFlight;
use crate::observe::redact;
use crate::pipeline::{AnswerStream, RawStream};
use crate::request::Call;
use crate::request::Format;
use crate::serve::passthrough::spent::Spent;
use crate::serve::signal::Signal;
use crate::serve::{passthrough, refusal};
use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The end of every stream of the OpenAI dialect.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// The body of a reply. Polled by the connection only when the client can take more, which is the backpressure;
/// dropped with the connection, which cancels the upstream call.
#[derive(Debug)]
pub enum ReplyBody {
    /// One piece, or nothing.
    Whole(Option<Bytes>),
    /// Bytes that are no text, as they come.
    Raw(Option<Box<RawStream>>),
    /// What is passed through; its use is read in passing.
    Passing(Option<Box<Passing>>),
    /// Metrics, written as they are read.
    Metrics(Option<Box<Metrics>>),
    /// Events; `Option` so that nothing of the call outlives its last event.
    Events(Option<Events>),
}

/// What is left of an exposition.
pub struct Metrics {
    next: Option<String>,
    rest: Exposition,
    /// Others had their turn since the last piece.
    yielded: bool,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// A piece takes a fraction of a millisecond to write, and all of them may take seconds: calls that wait for the
    /// same thread come in between.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if !std::mem::replace(&mut self.yielded, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.yielded = false;
        let next = self.next.take().or_else(|| self.rest.next());
        Poll::Ready(next.map(Bytes::from))
    }
}

impl From<Exposition> for ReplyBody {
    fn from(mut exposition: Exposition) -> Self {
        let first = exposition.next().unwrap_or_default();
        let Some(second) = exposition.next() else {
            return Self::Whole(Some(first.into()));
        };
        Self::Metrics(Some(Box::new(Metrics {
            next: Some(first + &second),
            rest: exposition,
            yielded: true,
        })))
    }
}

/// A streamed answer, with the event that was read before the head was sent.
#[derive(Debug)]
pub struct Events {
    /// Read ahead, to learn whether the stream begins at all.
    pub first: Option<Bytes>,
    /// The rest.
    pub rest: AnswerStream,
    /// The client's dialect.
    pub format: Format,
    /// Writes the events as one array of JSON.
    pub array: Option<Array>,
    /// The call's id where error bodies carry it.
    pub error_id: Option<String>,
    /// Counts the request until its last event.
    pub in_flight: Option<InFlight>,
    /// The first and the last events of a response, by which one that breaks off is ended.
    pub seen: Seen,
    /// Whether the server waits no longer.
    pub ending: Option<Signal>,
}

/// What was forwarded of a response; nothing in other dialects.
#[derive(Debug, Default)]
pub struct Seen {
    first: Bytes,
    last: Bytes,
}

impl Seen {
    fn note(&mut self, bytes: &Bytes) {
        if self.first.is_empty() {
            self.first = bytes.clone();
        }
        self.last = bytes.clone();
    }
}

impl Events {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let next = match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(first))),
            None => self.rest.poll_next(cx),
        };
        if next.is_pending() && self.ending.as_ref().is_some_and(Signal::is_set) {
            return Poll::Ready(Some(Err(refusal::ended_error())));
        }
        if self.format == Format::Responses
            && let Poll::Ready(Some(Ok(bytes))) = &next
        {
            self.seen.note(bytes);
        }
        let Some(array) = &mut self.array else {
            return next;
        };
        match next {
            Poll::Ready(Some(Ok(events))) => Poll::Ready(Some(Ok(array.with(&events)))),
            Poll::Ready(None) => Poll::Ready(array.end().map(Ok)),
            other => other,
        }
    }
}

/// Gemini's streams without `alt=sse`: one array, whose elements come one by one.
#[derive(Debug, Default)]
pub struct Array {
    begun: bool,
    ended: bool,
}

impl Array {
    /// The data of whole events as elements.
    fn with(&mut self, events: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(events.len());
        for line in events.split(|byte| *byte == b'\n') {
            let Some(data) = line.strip_prefix(b"data: ") else {
                continue;
            };
            let before: &[u8] = if std::mem::replace(&mut self.begun, true) {
                b",\r\n"
            } else {
                b"["
            };
            out.extend_from_slice(before);
            out.extend_from_slice(data);
        }
        out.into()
    }

    /// The end of the array, once.
    fn end(&mut self) -> Option<Bytes> {
        if std::mem::replace(&mut self.ended, true) {
            return None;
        }
        Some(Bytes::from_static(if self.begun { b"]" } else { b"[]" }))
    }
}

impl From<Bytes> for ReplyBody {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

/// What ends a reply that has begun and cannot say so: the connection is closed before the body's end.
#[derive(Debug)]
pub struct Broken(pub Error);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Broken {}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let body = self.get_mut();
        let bytes = match body {
            Self::Whole(bytes) => bytes.take(),
            Self::Passing(slot) => {
                let Some(passing) = slot else {
                    return Poll::Ready(None);
                };
                let Poll::Ready(next) = passing.poll(cx) else {
                    return Poll::Pending;
                };
                if !matches!(next, Some(Ok(_))) {
                    *slot = None;
                }
                return Poll::Ready(next.map(|piece| piece.map(Frame::data)));
            }
            Self::Metrics(slot) => {
                let Some(metrics) = slot else {
                    return Poll::Ready(None);
                };
                let Poll::Ready(next) = metrics.poll(cx) else {
                    return Poll::Pending;
                };
                if next.is_none() {
                    *slot = None;
                }
                next
            }
            Self::Raw(slot) => {
                let Some(raw) = slot else {
                    return Poll::Ready(None);
                };
                return match raw.poll_next(cx) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(Some(Ok(bytes))) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                    Poll::Ready(Some(Err(error))) => {
                        *slot = None;
                        Poll::Ready(Some(Err(Broken(error))))
                    }
                    Poll::Ready(None) => {
                        *slot = None;
                        Poll::Ready(None)
                    }
                };
            }
            Self::Events(slot) => {
                let Some(events) = slot else {
                    return Poll::Ready(None);
                };
                match events.poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Some(Ok(bytes))) => Some(bytes),
                    Poll::Ready(Some(Err(error))) => {
                        let mut last = broken_off(&error, events);
                        if let Some(array) = &mut events.array {
                            last = [array.with(&last), Bytes::from_static(b"]")]
                                .concat()
                                .into();
                        }
                        *slot = None;
                        Some(last)
                    }
                    Poll::Ready(None) => {
                        *slot = None;
                        None
                    }
                }
            }
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(
            self,
            Self::Whole(None) | Self::Events(None) | Self::Raw(None)
        )
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Events(_) | Self::Raw(_) | Self::Passing(_) | Self::Metrics(_) => {
                SizeHint::default()
            }
        }
    }
}

/// What a client reads of a stream that broke: the error as an event, and the end it waits for.
fn broken_off(error: &Error, events: &Events) -> Bytes {
    let (format, call_id) = (events.format, events.error_id.as_deref());
    if format == Format::Responses {
        let message = error.litellm_message();
        let message = redact::known(&message);
        let mut last = failed(&events.seen.first, &events.seen.last, &message);
        last.extend_from_slice(DONE);
        return last.into();
    }
    let (head, end): (&[u8], &[u8]) = match format {
        Format::OpenAi | Format::Responses => (b"data: ", DONE),
        Format::Anthropic => (b"event: error\ndata: ", b""),
        Format::Gemini => (b"data: ", b""),
    };
    let mut event = head.to_vec();
    // A caller of the provider's own dialect gets the provider's own event.
    match &error.body {
        Some(own) if format == Format::Anthropic => {
            let own = String::from_utf8_lossy(own);
            event.extend_from_slice(redact::known(&own).as_bytes());
        }
        _ => event.extend_from_slice(&refusal::body(error, format, call_id)),
    }
    event.extend_from_slice(b"\n\n");
    event.extend_from_slice(end);
    event.into()
}

/// A reply that is passed through, and its one receipt.
pub struct Passing {
    body: Box<dyn UpstreamBody>,
    spent: Spent,
    sinks: Arc<[Arc<dyn Sink>]>,
    call: Call,
    status: StatusCode,
    told: bool,
}

impl Passing {
    /// The rest of a reply whose head is out.
    pub fn new(
        body: Box<dyn UpstreamBody>,
        spent: Spent,
        sinks: Arc<[Arc<dyn Sink>]>,
        call: Call,
        status: StatusCode,
    ) -> Self {
        Self {
            body,
            spent,
            sinks,
            call,
            status,
            told: false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        let Poll::Ready(next) = self.body.poll_next(cx) else {
            return Poll::Pending;
        };
        Poll::Ready(match next {
            Some(Ok(piece)) => {
                self.spent.piece(&piece);
                Some(Ok(piece))
            }
            None => {
                self.tell(None);
                None
            }
            Some(Err(_)) => {
                let error = Error::new(ErrorKind::ApiConnection, "the upstream's reply broke off");
                self.tell(Some(Outcome::Failure(error.clone())));
                Some(Err(Broken(error)))
            }
        })
    }

    fn tell(&mut self, outcome: Option<Outcome>) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        let mut receipt = passthrough::receipt(&self.call, &self.spent, self.status);
        receipt.outcome = outcome.unwrap_or(receipt.outcome);
        for sink in &*self.sinks {
            sink.record(&receipt);
        }
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.tell(Some(Outcome::Cancelled));
    }
}

impl std::fmt::Debug for Passing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passing").finish_non_exhaustive()
    }
}
