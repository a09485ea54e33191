//! 3 ADMIT, as calls use it: a place at the deployment that was picked, and what is told to its state when the call
//! has ended there, however it ends. The machines are [`crate::resilience`]'s; here they meet the clock.

use super::Engine;
use super::running::Running;
use crate::account::Usage;
use crate::config::Snapshot;
use crate::error::{Error, ErrorKind};
use crate::resilience::adaptive::Sample;
use crate::resilience::backoff;
use crate::resilience::breaker::{self, Pass};
use crate::resilience::cooldown::Failed;
use crate::resilience::gate::{Entry, Permit};
use crate::resilience::quota::{Kind, Refused, Reservation};
use crate::route::state::InFlight;
use crate::route::{Ask, Deployment, Group};
use crate::store::limits::{Reserved, SharedLimits};
use crate::store::redis::Unavailable;
use http::HeaderMap;
use http::header::RETRY_AFTER;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::runtime::Handle;
use tokio::time::Instant;

/// LiteLLM's latency of a call that ran out of time, seconds.
const TIMED_OUT: f64 = 1000.0;

/// A call that its own client gave less than this says nothing of the deployment when it runs out of time.
const FAIR_TIME: Duration = Duration::from_secs(10);

/// Why a deployment that was picked did not take the call.
pub(super) enum NotTaken {
    /// Another call was faster: look again.
    Again,
    /// There is no place.
    Full(Error),
}

/// A deployment that a call is using, and what it holds there. Dropped without a word, it gives everything back.
pub(super) struct Tried {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) group: Arc<Group>,
    pub(super) deployment: Arc<Deployment>,
    began: Instant,
    permit: Option<Permit>,
    pass: Option<Pass>,
    reservation: Option<Reservation>,
    /// The same, with all processes.
    shared: Option<(Arc<SharedLimits>, Reserved)>,
    in_flight: Option<InFlight>,
    /// The prompt's beginning, where it matters.
    prefix: u64,
    /// The deployment has begun to answer.
    answered: bool,
    /// What the place was waited for, where it was.
    pub(super) waited: Option<Duration>,
}

impl Engine {
    /// Takes a place at a deployment, or waits for one where calls may wait.
    pub(super) async fn admit(
        &self,
        running: &Running,
        snapshot: &Arc<Snapshot>,
        group: &Arc<Group>,
        deployment: &Arc<Deployment>,
        ask: &Ask<'_>,
    ) -> Result<Tried, NotTaken> {
        let routes = &snapshot.routes;
        let rules = &routes.rules;
        let limit = routes.parallel_limit(deployment);
        let (permit, waited) = match limit {
            None => (None, None),
            Some(limit) => {
                let priority = running.priority();
                let (permit, waited) =
                    permit(running, snapshot, deployment, limit, priority).await?;
                (Some(permit), waited)
            }
        };
        // When it was picked, unless it had to wait since.
        let now = waited.map_or_else(|| Instant::from_std(ask.now), |_| Instant::now());
        let need = &ask.need;
        let mut pass = None;
        if rules.breaker.is_some() {
            let begun = deployment.state.breaker.lock().begin(now.into_std());
            pass = Some(begun.ok_or(NotTaken::Again)?);
        }
        let mut tried = Tried {
            snapshot: snapshot.clone(),
            group: group.clone(),
            deployment: deployment.clone(),
            began: now,
            permit,
            pass,
            reservation: None,
            shared: None,
            in_flight: Some(InFlight::start(&deployment.state)),
            prefix: need.prefix,
            answered: false,
            waited,
        };
        if rules.counts_use() {
            let tokens = need.tokens.saturating_add(need.answer.unwrap_or(0));
            let reserved = {
                let mut quota = deployment.state.quota.lock();
                quota.reserve(now.into_std(), deployment.limits, tokens)
            };
            let refused = |refused| NotTaken::Full(over_limit(deployment, refused));
            tried.reservation = Some(reserved.map_err(refused)?);
            if let Some(shared) = self.shared(snapshot)
                && deployment.limits.any()
            {
                let id = deployment.id();
                // Rare: not in the future of every call.
                let asked = Box::pin(shared.reserve(id, deployment.limits, tokens));
                match asked.await {
                    Ok(Ok(reserved)) => tried.shared = Some((shared, reserved)),
                    Ok(Err(over)) => {
                        tried.give_back();
                        return Err(refused(over));
                    }
                    // This process has decided by itself already.
                    Err(Unavailable) => {}
                }
            }
        }
        Ok(tried)
    }

    /// The limits that the configuration shares with other processes.
    fn shared(&self, snapshot: &Snapshot) -> Option<Arc<SharedLimits>> {
        let address = snapshot.config.router.redis.as_ref()?;
        let known = self.shared.load();
        if let Some(known) = known.as_ref().filter(|known| known.are_at(address)) {
            return Some(known.clone());
        }
        match SharedLimits::new(address) {
            Ok(limits) => {
                let limits = Arc::new(limits);
                self.shared.store(Some(limits.clone()));
                Some(limits)
            }
            Err(wrong) => {
                tracing::warn!("limits are not shared: {wrong}");
                None
            }
        }
    }
}

async fn permit(
    running: &Running,
    snapshot: &Snapshot,
    deployment: &Deployment,
    limit: u32,
    priority: Option<i64>,
) -> Result<(Permit, Option<Duration>), NotTaken> {
    let rules = &snapshot.routes.rules;
    let room = rules.room(limit, priority);
    let left = running.call.deadline.left(Instant::now().into_std());
    let waits = left.map_or(rules.queue_timeout, |left| left.min(rules.queue_timeout));
    let full = |wait: Duration| NotTaken::Full(full(deployment, limit, wait));
    let gate = &deployment.state.gate;
    match gate.enter(room, priority.unwrap_or(0), left.map(|_| waits)) {
        Entry::In(permit) => Ok((permit, None)),
        Entry::Full(wait) | Entry::TooLate(wait) => Err(full(wait)),
        Entry::Queue(waiting) => {
            let since = Instant::now();
            match tokio::time::timeout(waits, waiting).await {
                Ok(permit) => Ok((permit, Some(since.elapsed()))),
                Err(_) => Err(full(waits)),
            }
        }
    }
}

/// LiteLLM's word for a deployment that has its hands full.
fn full(deployment: &Deployment, limit: u32, wait: Duration) -> Error {
    let error = Error::new(
        ErrorKind::RateLimit,
        format!(
            "Deployment has all max_parallel_requests slots in use. Deployment model_group={}, id={} already has \
             max_parallel_requests={limit} requests in flight. Raise max_parallel_requests (or the rpm/tpm it is \
             derived from) for this deployment",
            deployment.target.model_group,
            deployment.id(),
        ),
    );
    retry_after(error, wait)
}

fn over_limit(deployment: &Deployment, refused: Refused) -> Error {
    let kind = match refused.kind {
        Kind::Requests => "RPM",
        Kind::Tokens => "TPM",
    };
    let mut error = Error::new(
        ErrorKind::RateLimit,
        format!(
            "Model rate limit exceeded. {kind} limit={}, current usage={}",
            refused.limit, refused.used
        ),
    );
    error.model.clone_from(&deployment.target.litellm_model);
    retry_after(error, refused.wait)
}

/// Tells when to come back: in whole seconds, one at least.
pub(super) fn retry_after(mut error: Error, wait: Duration) -> Error {
    let seconds = (wait.as_secs_f64().ceil() as u64).max(1);
    let headers = error.headers.get_or_insert_default();
    headers.insert(RETRY_AFTER, seconds.into());
    error
}

impl Tried {
    /// Time since it was admitted.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The deployment has begun to answer: a whole reply is there, or the first token of a stream.
    pub(super) fn answered(&mut self) {
        self.answered = true;
        let rules = &self.snapshot.routes.rules;
        if rules.breaker.is_none() && rules.adaptive.is_none() && !rules.measures() {
            return;
        }
        let now = Instant::now().into_std();
        let took = self.elapsed();
        let state = &self.deployment.state;
        if let (Some(rules), Some(pass)) = (&rules.breaker, self.pass.take()) {
            state.breaker.lock().succeeded(now, pass, rules);
        }
        if rules.measures() {
            let mut measures = state.measures.lock();
            measures.head.add(took.as_secs_f64());
            measures.peak.add(now, took);
            measures.failed.add(0.0);
        }
        self.sample(false);
    }

    /// The call came to its end.
    pub(super) fn succeeded(&mut self, now: Instant, usage: Option<&Usage>, cost: Option<f64>) {
        let routes = &self.snapshot.routes;
        if !routes.cooldowns.disabled && routes.rules.breaker.is_none() {
            self.deployment
                .state
                .cooldown
                .lock()
                .succeeded(now.into_std());
        }
        if !self.answered {
            self.answered();
        }
        if self.snapshot.routes.rules.measures() {
            self.measure(usage);
        }
        self.leave(now, usage, cost);
    }

    fn measure(&self, usage: Option<&Usage>) {
        let took = self.elapsed().as_secs_f64();
        let state = &self.deployment.state;
        let mut measures = state.measures.lock();
        let tokens = usage.map_or(0, |usage| usage.completion_tokens);
        let each = if tokens > 0 {
            took / tokens as f64
        } else {
            took
        };
        measures.latency.add(each);
        let Some(usage) = usage.filter(|usage| usage.prompt_tokens > 0) else {
            return;
        };
        measures
            .cached
            .add(usage.cached_tokens as f64 / usage.prompt_tokens as f64);
        drop(measures);
        if self.prefix != 0 && usage.cached_tokens + usage.cache_creation_tokens > 0 {
            let affinity = &self.group.state.affinity;
            affinity.remember(self.prefix, self.deployment.id());
        }
    }

    /// A stream's first token has come.
    pub(super) fn first_token(&mut self) {
        self.answered();
        if self.snapshot.routes.rules.measures() {
            let took = self.elapsed().as_secs_f64();
            self.deployment.state.measures.lock().first_token.add(took);
        }
    }

    /// The attempt failed: what it holds is given back, and the state of the deployment learns of it.
    pub(super) fn failed(&mut self, error: &Error, own_deadline: bool) -> bool {
        let now = Instant::now().into_std();
        let rules = &self.snapshot.routes.rules;
        let fault = is_its_fault(error) && !(own_deadline && self.elapsed() < FAIR_TIME);
        let state = &self.deployment.state;
        let mut ejected = false;
        if let Some(rules) = &rules.breaker {
            let pass = self.pass.take().or_else(|| {
                // It had begun to answer, and broke off.
                state.breaker.lock().standing()
            });
            if let Some(pass) = pass {
                ejected = self.tell_breaker(now, rules, pass, error, fault);
            }
        }
        if rules.measures() && fault {
            let mut measures = state.measures.lock();
            measures.failed.add(1.0);
            if error.kind == ErrorKind::Timeout {
                measures.latency.add(TIMED_OUT);
            }
        }
        if fault && matches!(error.status, 408 | 429 | 503 | 529) {
            self.sample(true);
        }
        self.leave(Instant::now(), Some(&Usage::default()), None);
        ejected
    }

    fn tell_breaker(
        &self,
        now: std::time::Instant,
        rules: &breaker::BreakerRules,
        pass: Pass,
        error: &Error,
        fault: bool,
    ) -> bool {
        let state = &self.deployment.state;
        if !fault {
            state.breaker.lock().abandoned(now, pass);
            return false;
        }
        let others = self.group.deployments.iter();
        let others = others.filter(|other| other.id() != self.deployment.id());
        let last = !others
            .clone()
            .any(|other| !matches!(other.verdict(now), breaker::Verdict::Reject(_)));
        let asked = error
            .headers
            .as_deref()
            .filter(|_| error.status == 429)
            .and_then(|headers| backoff::asked_seconds(headers, SystemTime::now()));
        let failure = breaker::Failure { last, asked };
        state.breaker.lock().failed(now, pass, rules, failure)
    }

    /// Holds a failure against the deployment by LiteLLM's rule; true when it cools from now on.
    pub(super) fn cools(&self, error: &Error) -> bool {
        let routes = &self.snapshot.routes;
        if routes.rules.breaker.is_some() {
            return false;
        }
        let headers: Option<&HeaderMap> = error.headers.as_deref();
        let failed = Failed {
            error,
            retry_after: headers
                .and_then(|headers| backoff::asked_seconds(headers, SystemTime::now())),
            own_time: self.deployment.cooldown_time,
            alone: self.group.deployments.len() == 1,
            has_fallback: routes
                .fallbacks
                .general(&[&self.group.name], None)
                .is_some(),
        };
        let now = Instant::now().into_std();
        let mut cooldown = self.deployment.state.cooldown.lock();
        cooldown.failed(now, &routes.cooldowns, &failed)
    }

    fn sample(&self, overloaded: bool) {
        let Some(rules) = &self.snapshot.routes.rules.adaptive else {
            return;
        };
        let state = &self.deployment.state;
        let sample = Sample {
            latency: self.elapsed(),
            overloaded,
            in_flight: state.in_flight(),
        };
        let now = Instant::now().into_std();
        state.adaptive.lock().sample(now, rules, sample);
    }

    /// Gives everything back. Without a usage the estimate stands: nobody knows better.
    pub(super) fn leave(&mut self, now: Instant, usage: Option<&Usage>, cost: Option<f64>) {
        if let Some(permit) = self.permit.take() {
            permit.end(now - self.began);
        }
        let now = now.into_std();
        self.in_flight = None;
        let state = &self.deployment.state;
        if let (Some(reservation), Some(usage)) = (self.reservation.take(), usage) {
            let mut quota = state.quota.lock();
            quota.settle(now, reservation, usage.total_tokens);
        }
        if let (Some((limits, reserved)), Some(usage)) = (self.shared.take(), usage) {
            settle(
                limits,
                self.deployment.clone(),
                reserved,
                usage.total_tokens,
            );
        }
        if let Some(cost) = cost {
            self.spend(now, cost);
        }
    }

    /// What was reserved here is not used: another process was faster.
    fn give_back(&mut self) {
        if let Some(reservation) = self.reservation.take() {
            self.deployment.state.quota.lock().cancel(reservation);
        }
    }

    fn spend(&self, now: std::time::Instant, cost: f64) {
        if let Some(budget) = &self.deployment.budget {
            self.deployment.state.spent.lock().add(now, budget, cost);
        }
        let providers = &self.snapshot.routes.rules.providers;
        if providers.is_empty() {
            return;
        }
        if let Some((budget, spent)) = providers.get(self.deployment.target.provider.name) {
            spent.lock().add(now, budget, cost);
        }
    }
}

impl Drop for Tried {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            let now = Instant::now().into_std();
            self.deployment.state.breaker.lock().abandoned(now, pass);
        }
    }
}

/// Tells the others what was used; nobody waits for it.
fn settle(limits: Arc<SharedLimits>, deployment: Arc<Deployment>, reserved: Reserved, tokens: u64) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(async move { limits.settle(deployment.id(), reserved, tokens).await });
    }
}

/// Whether a failure can be the deployment's own fault.
fn is_its_fault(error: &Error) -> bool {
    match error.kind {
        ErrorKind::Cancelled => false,
        ErrorKind::ApiConnection => true,
        _ => matches!(error.status, 401..=404 | 408 | 429 | 500..),
    }
}
