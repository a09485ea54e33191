//! In process: one target, the call's own retries and fallbacks, no groups.

use super::Engine;
use super::attempt::{Got, client_retries};
use super::running::Running;
use crate::account::FallbackHop;
use crate::adapt::Target;
use crate::error::{Error, ErrorKind, Result};
use crate::options::Options;
use crate::request::Op;
use crate::resilience::backoff;
use crate::resilience::retry::MAX_RETRIES;
use crate::route::fallback::{Asked, Hop};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

impl Engine {
    /// Answers a call at one target, else at the call's `fallbacks` in turn.
    pub(super) async fn direct(
        &self,
        running: &mut Running,
        target: &Arc<Target>,
    ) -> Result<Box<Got>> {
        let asked = match running.call.options.fallbacks.take() {
            Some(raw) => Asked::read(&raw)?,
            None => None,
        };
        let mut last = match self.with_retries(running, target).await {
            Ok(got) => return Ok(got),
            Err(error) => error,
        };
        let Some(Asked::List(hops)) = asked else {
            return Err(last);
        };
        for hop in &*hops {
            let noted = running.trail.hops.len();
            running.trail.hops.push(FallbackHop {
                from: running.call.model.clone(),
                to: hop.model.clone(),
                status: last.status,
                class: last.kind.row().class,
                provider: running.target.as_ref().map_or("", |t| t.provider.name),
                answered: false,
            });
            running.fallbacks += 1;
            match self.hop_direct(running, hop).await {
                Ok(got) => {
                    if let Some(noted) = running.trail.hops.get_mut(noted) {
                        noted.answered = true;
                    }
                    return Ok(got);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn hop_direct(&self, running: &mut Running, hop: &Hop) -> Result<Box<Got>> {
        let (options, members) = Options::split(hop.members.clone())?;
        let call = &mut running.call;
        call.options = Options::merge(&options, &call.options);
        for (name, raw) in members.iter() {
            call.params.set_raw(name, raw.clone());
        }
        call.model.clone_from(&hop.model);
        let target = Target::resolve(&hop.model, &call.options, &*self.env)?;
        self.with_retries(running, &Arc::new(target)).await
    }

    /// The first attempt, with the retries of the provider's client, and `num_retries` more without them.
    async fn with_retries(&self, running: &mut Running, target: &Arc<Target>) -> Result<Box<Got>> {
        let call = &running.call;
        let usual = target.options.max_retries;
        let clients = client_retries(call, target, call.options.max_retries.or(usual));
        let more = call.options.num_retries.or(target.options.num_retries);
        // LiteLLM repeats chat calls only, and those whatever the provider's answer was.
        let more = more.filter(|_| call.op == Op::Chat).unwrap_or(0);
        let mut last = match self
            .attempt_with_client_retries(running, target, clients)
            .await
        {
            Ok(got) => return Ok(got),
            Err(error) => error,
        };
        running.retries = 0;
        for made in 0..more.min(MAX_RETRIES) {
            if last.kind == ErrorKind::Cancelled || !running.wait(pause(made, &last)).await {
                break;
            }
            running.retries += 1;
            let clients = client_retries(&running.call, target, Some(0));
            match self
                .attempt_with_client_retries(running, target, clients)
                .await
            {
                Ok(got) => return Ok(got),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// A refusal that time does not mend is not waited for.
fn pause(made: u32, error: &Error) -> Duration {
    if !error.retry {
        return Duration::ZERO;
    }
    let headers = error.headers.as_deref();
    backoff::client(made, headers, SystemTime::now(), fastrand::f64())
}
