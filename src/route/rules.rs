//! What a configuration says of routing and its guards, taken together for the calls that obey it. What is off is
//! `None`, and costs a call one look.

use super::money::Spent;
use super::strategy::Strategy;
use crate::config::Config;
use crate::config::schema::{Budget, StrategyArgs};
use crate::resilience::bulkhead::Room;
use crate::resilience::{AdaptiveRules, BreakerRules, HedgeRules, RetryBudgetRules};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a call that waits for a deployment waits at most, where nothing is said.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(60);
/// Calls with a priority that may wait for one deployment, where nothing is said.
const PRIORITY_QUEUE: u32 = 1000;
/// A check counts for this many intervals, where nothing is said.
const STALE_INTERVALS: u32 = 2;
/// LiteLLM's `health_check_interval`.
pub const HEALTH_CHECK_INTERVAL: Duration = Duration::from_secs(300);

/// The rules of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Who takes a call.
    pub strategy: Strategy,
    /// Settings of it.
    pub args: StrategyArgs,
    /// A breaker takes the place of LiteLLM's cooldown.
    pub breaker: Option<BreakerRules>,
    /// Retries are bounded.
    pub retry_budget: Option<RetryBudgetRules>,
    /// Slow calls are made twice.
    pub hedging: Option<HedgeRules>,
    /// Limits of calls in flight find themselves.
    pub adaptive: Option<AdaptiveRules>,
    /// Calls that may wait for one deployment.
    pub queue: u32,
    /// And for how long.
    pub queue_timeout: Duration,
    /// `rpm` and `tpm` are enforced, not only weights.
    pub enforces_limits: bool,
    /// Calls that cannot fit a model's context window do not go there.
    pub checks: bool,
    /// What is checked in the background decides, while it is not older than this.
    pub health: Option<Duration>,
    /// `default_priority`.
    pub default_priority: Option<i64>,
    /// Budgets of providers, with what is spent of them.
    pub providers: BTreeMap<String, (Budget, Arc<Mutex<Spent>>)>,
}

impl Rules {
    /// The rules of a configuration. What was spent under `before` stays spent.
    pub fn of(config: &Config, before: Option<&Self>) -> Self {
        let router = &config.router;
        let strategy = router
            .routing_strategy
            .as_deref()
            .and_then(Strategy::named)
            .unwrap_or_default();
        let interval = config
            .general
            .health_check_interval
            .unwrap_or(HEALTH_CHECK_INTERVAL);
        let providers = router.provider_budgets.iter().map(|(name, budget)| {
            let known = before.and_then(|rules| rules.providers.get(name));
            let spent = known.map(|(_, spent)| spent.clone()).unwrap_or_default();
            (name.clone(), (*budget, spent))
        });
        Self {
            strategy,
            args: router.routing_strategy_args,
            breaker: router.circuit_breaker,
            retry_budget: router.retry_budget,
            hedging: router.hedging,
            adaptive: router.adaptive_concurrency,
            queue: router.max_queued_requests.unwrap_or(0),
            queue_timeout: router.queue_timeout.unwrap_or(QUEUE_TIMEOUT),
            enforces_limits: router.enforce_model_rate_limits,
            checks: router.enable_pre_call_checks,
            health: router.enable_health_check_routing.then(|| {
                router
                    .health_check_staleness_threshold
                    .unwrap_or(interval * STALE_INTERVALS)
            }),
            default_priority: router.default_priority,
            providers: providers.collect(),
        }
    }

    /// Whether calls are counted against `rpm` and `tpm`.
    pub fn counts_use(&self) -> bool {
        self.enforces_limits || self.strategy.reads_use()
    }

    /// Whether anybody looks at the prompt before it is sent.
    pub fn reads_prompt(&self) -> bool {
        self.checks
            || self.counts_use()
            || self.strategy.reads_prefix()
            || self.strategy.reads_prices()
    }

    /// Whether it is measured how deployments answer.
    pub fn measures(&self) -> bool {
        self.strategy.reads_measures() || self.hedging.is_some()
    }

    /// The room at a deployment that takes so many calls. A call with a priority may wait where others may not.
    pub fn room(&self, limit: u32, priority: Option<i64>) -> Room {
        let queue = match (self.queue, priority) {
            (0, Some(_)) => PRIORITY_QUEUE,
            (queue, _) => queue,
        };
        Room { limit, queue }
    }
}
