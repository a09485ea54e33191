//! How deployments and groups fare, as `/metrics` shows it: read when somebody looks, so that no call pays for it.

use super::Gateway;
use crate::observe::family::raise;
use crate::observe::labels::Labels;
use crate::route::Deployment;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Brings the gauges up to date.
pub fn refresh(gateway: &Gateway, now: Instant) {
    let snapshot = gateway.engine.snapshot.load_full();
    let routes = &snapshot.routes;
    let families = &gateway.metrics.families;
    for deployment in routes.deployments() {
        let labels = Labels::NOTHING.at(&deployment.target, "");
        let value = |label: &'static str| labels.value(label);
        let in_flight = f64::from(deployment.state.in_flight());
        families.deployment_in_flight.with(value).set(in_flight);
        if routes.rules.breaker.is_some() {
            let level = deployment.state.breaker.lock().level(now);
            families.breaker_state.with(value).set(level.into());
        }
        if let Some(limit) = routes.parallel_limit(&deployment) {
            families.concurrency_limit.with(value).set(limit.into());
            let queued = deployment.state.gate.load().1 as f64;
            families.deployment_queued.with(value).set(queued);
        }
    }
    for group in routes.groups() {
        let name = |_: &'static str| group.name.as_str();
        let state = &group.state;
        if routes.rules.retry_budget.is_some() {
            let denied = state.retries_denied.load(Ordering::Relaxed) as f64;
            raise(&families.retries_denied.with(name), denied);
        }
        if routes.rules.hedging.is_some() {
            let hedged = state.hedged.load(Ordering::Relaxed) as f64;
            raise(&families.hedged.with(name), hedged);
        }
    }
    let (limits, cache) = (gateway.engine.shared.load(), gateway.engine.cache.load());
    if limits.is_some() || cache.is_some() {
        let times = limits.as_ref().map_or(0, |limits| limits.unavailable())
            + cache.as_ref().map_or(0, |cache| cache.unavailable());
        raise(&families.redis_unavailable.with(|_| ""), times as f64);
    }
    let general = &snapshot.config.general;
    if general.max_in_flight_requests_per_worker.is_some()
        || general.global_max_parallel_requests.is_some()
    {
        let (admitted, queued) = gateway.engine.gate.load();
        families.admitted.with(|_| "").set(f64::from(admitted));
        families.admission_queued.with(|_| "").set(queued as f64);
        let shed = gateway.engine.shed.load(Ordering::Relaxed) as f64;
        raise(&families.shed.with(|_| ""), shed);
    }
}

/// The word for how a deployment's breaker stands.
pub fn breaker_word(deployment: &Deployment, now: Instant) -> &'static str {
    match deployment.state.breaker.lock().level(now) {
        0 => "closed",
        1 => "half-open",
        _ => "open",
    }
}
