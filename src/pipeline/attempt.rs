//! One attempt at one target: adapt -> forward -> adapt back. And the attempts that LiteLLM leaves to the provider's
//! own client: some errors are tried again there before anybody else hears of them.

use super::Engine;
use super::bridged::Bridged;
use super::explain::Attempted;
use super::flow::Flow;
use super::media;
use super::running::Running;
use crate::account::Usage;
use crate::adapt::mock::{self, Mocked};
use crate::adapt::{Auth, Fault, GOOGLE_PROJECT, Head, Reply, Target, UpstreamRequest};
use crate::error::{Error, ErrorKind, Result, Side};
use crate::forward::sigv4::Scope;
use crate::forward::{Clocks, Upstream, UpstreamBody, collect};
use crate::request::{Call, Op};
use crate::resilience::backoff;
use crate::resilience::retry::MAX_RETRIES;
use crate::trace::Span;
use bytes::{Bytes, BytesMut};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// LiteLLM's `request_timeout` when nothing else is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(6000);

/// Longest wait for TCP and for TLS, each: a provider that answers no faster is as good as dead.
const CONNECT: Duration = Duration::from_secs(15);

/// Longest wait for an access token.
const TOKEN: Duration = Duration::from_secs(30);

/// An error's body is read as far as this.
const MAX_ERROR_BODY: usize = 1 << 20;

/// Whole replies are read as far as this, unless the configuration says otherwise.
const MAX_REPLY: usize = 256 << 20;

/// A successful attempt. Boxed on its way through the levels of the flow, each of which would move it.
pub(super) struct Got {
    /// The operation that the target was asked.
    pub(super) asked: Op,
    pub(super) head: Head,
    pub(super) target: Arc<Target>,
    pub(super) body: GotBody,
    pub(super) took: Took,
}

/// Where the time of an attempt went.
#[derive(Clone, Copy, Default)]
pub(super) struct Took {
    /// Making the request, and the reply where it is whole.
    pub(super) adapt: Duration,
    /// From sending to the head of the answer, where anything was sent.
    pub(super) first_byte: Option<Duration>,
}

/// What an attempt brought.
pub(super) enum GotBody {
    Whole(Reply),
    Stream(Box<Flow>),
    /// Bytes as they come, and what they are billed by.
    Raw(Box<dyn UpstreamBody>, Option<Usage>),
}

impl Engine {
    /// One attempt, and up to `retries` more that the provider's own client makes.
    pub(super) async fn attempt_with_client_retries(
        &self,
        running: &mut Running,
        target: &Arc<Target>,
        retries: u32,
    ) -> Result<Box<Got>> {
        let mut made = 0;
        loop {
            let error = match self.attempt(running, target).await {
                Ok(got) => return Ok(got),
                Err(error) => error,
            };
            if made >= retries || !client_would_retry(&error) || !running.may_retry(&error) {
                return Err(running.note_failure(target, error));
            }
            let headers = error.headers.as_deref();
            let wait = backoff::client(made, headers, SystemTime::now(), fastrand::f64());
            if !running.wait(wait).await {
                return Err(running.note_failure(target, error));
            }
            made += 1;
        }
    }

    /// One exchange with the provider.
    async fn attempt(&self, running: &mut Running, target: &Arc<Target>) -> Result<Box<Got>> {
        running.target = Some(target.clone());
        let started = Instant::now();
        let left = running.call.deadline.left(started.into_std());
        if left.is_some_and(|left| left.is_zero()) {
            return Err(too_late(running, target));
        }
        running.attempts += 1;
        running.routed(started);
        let span_id = running.begin(target, started);
        let trace = running.call.trace.as_deref();
        let span = trace.zip(span_id).map(|(trace, id)| trace.named(id));
        let got = self.answer_from(&running.call, target, span).await;
        let took = started.elapsed();
        running.upstream += took;
        let ended = running.elapsed_at(started + took);
        let error = got.as_ref().err();
        let goes_on = matches!(&got, Ok(got) if !matches!(got.body, GotBody::Whole(_)));
        if !goes_on && let Some(attempt) = running.attempt(span_id) {
            attempt.ended = Some(ended);
            attempt.error = error.map(|error| (error.status, error.kind.row().class));
        }
        if let Ok(got) = &got {
            running.answered(got.took);
        }
        if let Some(notes) = &mut running.notes {
            notes.attempt(&Attempted {
                target,
                at: ended.saturating_sub(took),
                took,
                error,
                hedge: false,
            });
        }
        got
    }

    /// What a target answers, in the dialect of the call.
    pub(super) async fn answer_from(
        &self,
        call: &Call,
        target: &Arc<Target>,
        span: Option<Span<'_>>,
    ) -> Result<Box<Got>> {
        let Some(bridged) = Bridged::of(call, target)? else {
            return self.asked(call, target, span).await;
        };
        let mut got = self.asked(bridged.call(), target, span).await?;
        got.body = match got.body {
            GotBody::Whole(reply) => GotBody::Whole(bridged.reply(call, target, reply)?),
            GotBody::Stream(flow) => GotBody::Stream(Box::new(flow.over_bridge(bridged))),
            raw @ GotBody::Raw(..) => raw,
        };
        Ok(got)
    }

    async fn asked(
        &self,
        call: &Call,
        target: &Arc<Target>,
        span: Option<Span<'_>>,
    ) -> Result<Box<Got>> {
        if let Some(mocked) = mock::answer(call, target) {
            return mocked.map(|mocked| Box::new(Got::mocked(mocked, call.op, target)));
        }
        self.exchange(call, target, span).await
    }

    async fn exchange(
        &self,
        call: &Call,
        target: &Arc<Target>,
        span: Option<Span<'_>>,
    ) -> Result<Box<Got>> {
        let adapter = target.adapter(call.op);
        let with_media = match media::wanted(call, target) {
            None => None,
            // Rare: not in the future of every call.
            Some(wanted) => {
                let clocks = clocks(call, target, Instant::now());
                Box::pin(self.inlined(wanted, call, target, clocks)).await?
            }
        };
        let begun = Instant::now();
        let request = adapter.request(with_media.as_deref().unwrap_or(call), target)?;
        let made = Instant::now();
        let mut took = Took {
            adapt: made - begun,
            first_byte: None,
        };
        let sent = self.send(request, made, call, target, span, &mut took);
        let mut upstream = sent.await?;
        let head = upstream.head;
        let body = if call.stream {
            let stream = adapter.stream(call, target);
            GotBody::Stream(Box::new(Flow::new(upstream.body, stream)))
        } else if adapter.is_raw(call) && !call.caller.route.is_empty() {
            let usage = adapter.reply(call, target, &head, Bytes::new())?.usage;
            GotBody::Raw(upstream.body, usage)
        } else {
            let body = collect(&mut *upstream.body, self.max_reply()).await;
            let body = body.map_err(|fault| adapter.fault(call, target, fault))?;
            let further = adapter.further(call, target)?;
            let body = if further.is_empty() {
                body
            } else {
                Box::pin(self.with_further(body, further, call, target, span)).await?
            };
            let begun = Instant::now();
            let reply = adapter.reply(call, target, &head, body);
            took.adapt += begun.elapsed();
            GotBody::Whole(reply.map_err(Error::answered)?)
        };
        Ok(Box::new(Got {
            asked: call.op,
            head,
            target: target.clone(),
            body,
            took,
        }))
    }

    /// Sends one request, which was made at `made`; an answer that tells an error is one.
    async fn send(
        &self,
        mut request: UpstreamRequest,
        made: Instant,
        call: &Call,
        target: &Target,
        span: Option<Span<'_>>,
        took: &mut Took,
    ) -> Result<Upstream> {
        let adapter = target.adapter(call.op);
        let mut sending = made;
        match adapter.auth(call, target) {
            Auth::Placed => {}
            // Rare: not in the future of every call.
            auth => {
                let clocks = clocks(call, target, made);
                let authorized = Box::pin(self.authorize(&mut request, auth, clocks)).await;
                authorized.map_err(|error| error.at(target.provider.name, &target.model))?;
                sending = Instant::now();
            }
        }
        // After a signature: whoever carries the request on may change it.
        if let Some(span) = span {
            span.write(&mut request.headers);
        }
        let clocks = clocks(call, target, sending);
        let sent = self.transport.send(request, clocks).await;
        took.first_byte.get_or_insert(sending.elapsed());
        let mut upstream = sent.map_err(|fault| {
            let unsent = fault == Fault::Unreachable;
            let mut error = adapter.fault(call, target, fault);
            error.unsent = unsent;
            error
        })?;
        if upstream.head.status.is_success() {
            return Ok(upstream);
        }
        // An error is an error even when its body does not come.
        let body = collect(&mut *upstream.body, MAX_ERROR_BODY).await;
        Err(adapter.error(call, target, &upstream.head, &body.unwrap_or_default()))
    }

    /// The body of the first answer, and those of the others that the call takes, one after the other.
    async fn with_further(
        &self,
        first: Bytes,
        further: Vec<UpstreamRequest>,
        call: &Call,
        target: &Target,
        span: Option<Span<'_>>,
    ) -> Result<Bytes> {
        let adapter = target.adapter(call.op);
        let mut bodies = BytesMut::from(&b"["[..]);
        bodies.extend_from_slice(&first);
        for request in further {
            let mut took = Took::default();
            let sent = self.send(request, Instant::now(), call, target, span, &mut took);
            let mut upstream = sent.await?;
            let room = self.max_reply().saturating_sub(bodies.len());
            let body = collect(&mut *upstream.body, room).await;
            bodies.extend_from_slice(b",");
            bodies.extend_from_slice(&body.map_err(|fault| adapter.fault(call, target, fault))?);
        }
        bodies.extend_from_slice(b"]");
        Ok(bodies.freeze())
    }

    /// Adds the credential that takes more than the call to get.
    ///
    /// # Errors
    /// One that cannot be got, or not within its clocks.
    pub async fn authorize(
        &self,
        request: &mut UpstreamRequest,
        auth: Auth,
        clocks: Clocks,
    ) -> Result<()> {
        let clocks = Clocks {
            total: Some(clocks.total.unwrap_or(TOKEN).min(TOKEN)),
            ..clocks
        };
        let transport = &*self.transport;
        let snapshot = self.snapshot.load_full();
        let env = &|name: &str| snapshot.config.variable(name, &*self.env);
        let (token, key_header) = match auth {
            Auth::Placed => return Ok(()),
            Auth::Google {
                credentials,
                key_header,
            } => {
                let credentials = credentials.as_deref();
                if request.url.contains(GOOGLE_PROJECT) {
                    let project = self.google.project(transport, credentials, env, clocks);
                    let project = project.await?;
                    request.url = request.url.replace(GOOGLE_PROJECT, &project);
                }
                let token = self.google.token(transport, credentials, env, clocks);
                (token.await, key_header)
            }
            Auth::Entra { settings } => {
                let token = self.entra.token(transport, &settings, env, clocks);
                (token.await, false)
            }
            Auth::Ibm { key } => {
                let token = self.ibm.token(transport, &key, env, clocks);
                (token.await, false)
            }
            Auth::Aws {
                service,
                region,
                settings,
            } => {
                let scope = Scope {
                    region: &region,
                    service,
                };
                let through = (transport, clocks);
                let signed = self.aws.sign(request, scope, &settings, through, env);
                return signed.await;
            }
        };
        let token = token?;
        let bearer = format!("Bearer {}", token.expose());
        if let Ok(mut value) = HeaderValue::from_str(&bearer) {
            value.set_sensitive(true);
            request.headers.insert(AUTHORIZATION, value);
        }
        if key_header && let Ok(mut value) = HeaderValue::from_str(token.expose()) {
            value.set_sensitive(true);
            request.headers.insert("x-api-key", value);
        }
        Ok(())
    }

    /// `max_response_size_mb`, in bytes.
    fn max_reply(&self) -> usize {
        let snapshot = self.snapshot.load();
        let megabytes = snapshot.config.general.max_response_size_mb;
        megabytes.map_or(MAX_REPLY, |megabytes| (megabytes * 1e6) as usize)
    }
}

/// The client does not wait any more: nothing is sent.
fn too_late(running: &Running, target: &Target) -> Error {
    let taken = running.elapsed().as_secs_f64();
    let mut error = Error::new(
        ErrorKind::Timeout,
        format!("the deadline of the call was over after {taken:.3} s, before it was sent"),
    )
    .hint("give the call more time, or fewer retries")
    .at(target.provider.name, &target.model);
    error.retry = false;
    error
}

impl Got {
    fn mocked(mocked: Mocked, asked: Op, target: &Arc<Target>) -> Self {
        Self {
            asked,
            head: Head {
                status: StatusCode::OK,
                headers: HeaderMap::new(),
            },
            target: target.clone(),
            body: match mocked {
                Mocked::Whole(reply) => GotBody::Whole(reply),
                Mocked::Stream(events, end) => {
                    GotBody::Stream(Box::new(Flow::ready(&events, *end)))
                }
            },
            took: Took::default(),
        }
    }
}

/// The clocks of an attempt. A streamed reply may take as long as it likes, if only something comes.
fn clocks(call: &Call, target: &Target, now: Instant) -> Clocks {
    let (asked, usual) = (&call.options, &target.options);
    let streamed = asked.stream_timeout.or(usual.stream_timeout);
    let limit = streamed
        .filter(|_| call.stream)
        .or(asked.timeout)
        .or(usual.timeout)
        .unwrap_or(DEFAULT_TIMEOUT);
    let left = call.deadline.left(now.into_std());
    let total = left.map_or(limit, |left| left.min(limit));
    Clocks {
        connect: Some(limit.min(CONNECT)),
        tls: Some(limit.min(CONNECT)),
        headers: Some(total),
        first_token: Some(limit),
        idle: Some(limit),
        total: if call.stream { left } else { Some(total) },
    }
}

/// How often the provider's own client tries again when the caller asks for `asked` retries.
pub(super) fn client_retries(call: &Call, target: &Target, asked: Option<u32>) -> u32 {
    if target.provider.name == mock::PROVIDER {
        return 0;
    }
    let op = target.provider.adapter.asks(call, target);
    target.provider.client_retries(op, asked).min(MAX_RETRIES)
}

/// The OpenAI SDK's rule: the upstream's word, else its status; no answer at all counts as worth another try.
fn client_would_retry(error: &Error) -> bool {
    if error.side != Side::Upstream || error.answered {
        return false;
    }
    let Some(headers) = &error.headers else {
        return error.retry;
    };
    let word = headers
        .get("x-should-retry")
        .and_then(|word| word.to_str().ok());
    match word {
        Some("true") => true,
        Some("false") => false,
        _ => matches!(error.status, 408 | 409 | 429 | 500..),
    }
}
