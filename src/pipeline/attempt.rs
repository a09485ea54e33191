//! One attempt at one target: adapt -> forward -> adapt back. And the attempts that LiteLLM leaves to the provider's
//! own client: some errors are tried again there before anybody else hears of them.

use super::Engine;
use super::running::Running;
use crate::adapt::registry::Via;
use crate::adapt::{Head, Reply, StreamAdapter, Target};
use crate::error::{Error, Result};
use crate::forward::{Clocks, UpstreamBody, collect};
use crate::request::Call;
use crate::resilience::backoff;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// LiteLLM's `request_timeout` when nothing else is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(6000);

/// Longest wait for TCP and for TLS, each: a provider that answers no faster is as good as dead.
const CONNECT: Duration = Duration::from_secs(15);

/// An error's body is read as far as this.
const MAX_ERROR_BODY: usize = 1 << 20;

/// Whole replies are read as far as this, unless the configuration says otherwise.
pub(super) const MAX_REPLY: usize = 256 << 20;

/// Retries of the OpenAI SDK unless the call says otherwise.
const SDK_RETRIES: u32 = 2;

/// A successful attempt.
pub(super) enum Got {
    Whole {
        head: Head,
        reply: Reply,
        target: Arc<Target>,
    },
    Stream {
        head: Head,
        body: Box<dyn UpstreamBody>,
        adapter: Box<dyn StreamAdapter>,
        target: Arc<Target>,
    },
}

impl Engine {
    /// One attempt, and the retries that the provider's own client makes.
    pub(super) async fn attempt_with_client_retries(
        &self,
        running: &mut Running,
        target: &Arc<Target>,
    ) -> Result<Got> {
        let retries = client_retries(&running.call, target);
        let mut made = 0;
        loop {
            let error = match self.attempt(running, target).await {
                Ok(got) => return Ok(got),
                Err(error) => error,
            };
            if made == retries || !client_would_retry(&error) {
                return Err(running.note_failure(target, error));
            }
            let wait = backoff::client(
                made,
                error.headers.as_deref(),
                SystemTime::now(),
                fastrand::f64(),
            );
            if !running.wait(wait).await {
                return Err(running.note_failure(target, error));
            }
            made += 1;
        }
    }

    /// One exchange with the provider.
    async fn attempt(&self, running: &mut Running, target: &Arc<Target>) -> Result<Got> {
        running.attempts += 1;
        running.target = Some(target.clone());
        let started = Instant::now();
        let got = self.exchange(&running.call, target).await;
        running.upstream += started.elapsed();
        got
    }

    async fn exchange(&self, call: &Call, target: &Arc<Target>) -> Result<Got> {
        let adapter = target.provider.adapter;
        let request = adapter.request(call, target)?;
        let fault = |fault| adapter.fault(call, target, fault);
        let mut upstream = self
            .transport
            .send(request, clocks(call, target))
            .await
            .map_err(fault)?;
        let head = upstream.head;
        if !head.status.is_success() {
            let body = collect(&mut *upstream.body, MAX_ERROR_BODY)
                .await
                .unwrap_or_default();
            return Err(adapter.error(call, target, &head, &body));
        }
        let target = target.clone();
        if call.stream {
            return Ok(Got::Stream {
                adapter: adapter.stream(call, &target),
                body: upstream.body,
                head,
                target,
            });
        }
        let body = collect(&mut *upstream.body, MAX_REPLY)
            .await
            .map_err(fault)?;
        let reply = adapter.reply(call, &target, &head, body)?;
        Ok(Got::Whole {
            head,
            reply,
            target,
        })
    }
}

/// The clocks of an attempt. A streamed reply may take as long as it likes, if only something comes.
fn clocks(call: &Call, target: &Target) -> Clocks {
    let said = |options: &crate::options::Options| {
        if call.stream {
            options.stream_timeout.or(options.timeout)
        } else {
            options.timeout
        }
    };
    let limit = said(&call.options)
        .or_else(|| said(&target.options))
        .unwrap_or(DEFAULT_TIMEOUT);
    let left = call.deadline.left(Instant::now().into_std());
    let shorter = |limit: Duration| left.map_or(limit, |left| left.min(limit));
    Clocks {
        connect: Some(limit.min(CONNECT)),
        tls: Some(limit.min(CONNECT)),
        headers: Some(shorter(limit)),
        first_token: Some(limit),
        idle: Some(limit),
        total: if call.stream {
            left
        } else {
            Some(shorter(limit))
        },
    }
}

/// How often the provider's own client tries again.
fn client_retries(call: &Call, target: &Target) -> u32 {
    match target.provider.via {
        Via::Sdk => call
            .options
            .max_retries
            .or(target.options.max_retries)
            .unwrap_or(SDK_RETRIES),
        Via::Handler | Via::Native => 0,
    }
}

/// The OpenAI SDK's rule: the upstream's word, else its status; no answer at all counts as worth another try.
fn client_would_retry(error: &Error) -> bool {
    if error.side != crate::error::Side::Upstream {
        return false;
    }
    let Some(headers) = &error.headers else {
        return error.retry;
    };
    match headers
        .get("x-should-retry")
        .and_then(|word| word.to_str().ok())
    {
        Some("true") => true,
        Some("false") => false,
        _ => matches!(error.status, 408 | 409 | 429 | 500..),
    }
}
