//! The typed form of config.yaml. Names and defaults are LiteLLM's.

use super::levels::LogLevels;
use crate::observe::redact::Patterns;
use crate::options::Secret;
use crate::params::Params;
use crate::resilience::{AdaptiveRules, BreakerRules, HedgeRules, RetryBudgetRules};
use crate::store::address::Address;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A whole configuration, includes merged, environment references and credentials resolved.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Config {
    pub model_list: Vec<ModelEntry>,
    pub litellm: LitellmSettings,
    pub general: GeneralSettings,
    pub router: RouterSettings,
    /// `environment_variables`: over the process's environment, for whoever looks a provider's key up.
    pub environment: BTreeMap<String, Secret>,
    /// The files it came from, root first; empty without a file.
    pub files: Vec<PathBuf>,
    /// SHA-256 of everything it says, references resolved: equal digests, equal configurations.
    pub digest: [u8; 32],
}

impl Config {
    /// An environment variable as this configuration sees it.
    pub fn variable(&self, name: &str, process: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        match self.environment.get(name) {
            Some(value) => Some(value.expose().to_owned()),
            None => process(name),
        }
    }
}

/// One deployment.
#[derive(Clone, Debug, Default)]
pub struct ModelEntry {
    /// Public name, or a wildcard (`*`, `openai/*`).
    pub model_name: String,
    /// `litellm_params` as raw members: `model`, control settings, and defaults for the call.
    pub litellm_params: Params,
    /// `model_info`; `id` is always there (given, or a stable hash).
    pub model_info: Map<String, Value>,
}

/// `litellm_settings`.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct LitellmSettings {
    pub drop_params: bool,
    pub modify_params: bool,
    pub num_retries: Option<u32>,
    /// Default 6000 s.
    pub request_timeout: Option<Duration>,
    pub callbacks: Vec<String>,
    pub fallbacks: Vec<FallbackRule>,
    pub context_window_fallbacks: Vec<FallbackRule>,
    pub content_policy_fallbacks: Vec<FallbackRule>,
    pub default_fallbacks: Vec<String>,
    pub json_logs: bool,
    pub turn_off_message_logging: bool,
    pub return_response_headers: bool,
    /// Default true.
    pub require_auth_for_metrics_endpoint: bool,
    pub other: Map<String, Value>,
}

/// `{"a": ["b", {"model": "c", ...}]}`: group `a` falls back to each in turn.
#[derive(Clone, Debug, Default)]
pub struct FallbackRule {
    /// The group that fails, or `*`.
    pub group: String,
    /// Names, or objects with `model` and parameters, as raw values.
    pub to: Vec<Value>,
}

/// `general_settings`.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct GeneralSettings {
    pub master_key: Option<Secret>,
    pub litellm_key_header_name: Option<String>,
    pub always_include_stream_usage: bool,
    pub forward_client_headers_to_llm_api: bool,
    pub max_request_size_mb: Option<f64>,
    /// For the head of a request; 0 for no limit. Default 30 s.
    pub client_header_timeout: Option<Duration>,
    /// For the body of a request, beside a second for each 16 KiB; 0 for no limit. Default 30 s.
    pub client_body_timeout: Option<Duration>,
    pub max_response_size_mb: Option<f64>,
    pub completion_model: Option<String>,
    pub embedding_model: Option<String>,
    pub include_call_id_in_error_body: bool,
    pub infer_model_from_keys: bool,
    pub enforce_user_param: bool,
    pub dangerously_permit_weak_or_unset_master_key: bool,
    pub background_health_checks: bool,
    /// Default 300 s.
    pub health_check_interval: Option<Duration>,
    pub health_check_concurrency: Option<u32>,
    pub health_check_ignore_transient_errors: bool,
    pub global_max_parallel_requests: Option<u32>,
    pub max_in_flight_requests_per_worker: Option<u32>,
    pub max_queued_requests_per_worker: Option<u32>,
    /// Default 1 s.
    pub admission_queue_timeout: Option<Duration>,
    /// How much each module logs.
    pub log_levels: LogLevels,
    /// What is taken out of logs beside what looks like a secret.
    pub redact_patterns: Option<Arc<Patterns>>,
    pub other: Map<String, Value>,
}

/// `router_settings`, with the same keys of `litellm_settings` where they are missing here.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct RouterSettings {
    /// Default `simple-shuffle`.
    pub routing_strategy: Option<String>,
    /// Default 2.
    pub num_retries: Option<u32>,
    pub retry_after: f64,
    pub timeout: Option<Duration>,
    pub stream_timeout: Option<Duration>,
    pub retry_policy: BTreeMap<String, u32>,
    pub model_group_retry_policy: BTreeMap<String, BTreeMap<String, u32>>,
    pub fallbacks: Vec<FallbackRule>,
    pub context_window_fallbacks: Vec<FallbackRule>,
    pub content_policy_fallbacks: Vec<FallbackRule>,
    pub default_fallbacks: Vec<String>,
    /// Default 5.
    pub max_fallbacks: Option<u32>,
    pub allowed_fails: Option<u32>,
    pub allowed_fails_policy: BTreeMap<String, u32>,
    /// Default 5 s.
    pub cooldown_time: Option<Duration>,
    pub disable_cooldowns: bool,
    /// Alias to group.
    pub model_group_alias: BTreeMap<String, Alias>,
    pub enable_pre_call_checks: bool,
    pub enable_tag_filtering: bool,
    pub tag_filtering_match_any: Option<bool>,
    /// Members that every call gets where it has none of that name; they win over a deployment's.
    pub default_litellm_params: Params,
    pub routing_strategy_args: StrategyArgs,
    /// `optional_pre_call_checks` names `enforce_model_rate_limits`.
    pub enforce_model_rate_limits: bool,
    pub default_max_parallel_requests: Option<u32>,
    pub default_priority: Option<i64>,
    pub provider_budgets: BTreeMap<String, Budget>,
    pub enable_health_check_routing: bool,
    pub health_check_staleness_threshold: Option<Duration>,
    /// `None`: retries are not bounded by a budget.
    pub retry_budget: Option<RetryBudgetRules>,
    pub circuit_breaker: Option<BreakerRules>,
    /// Calls that may wait for a deployment that has its hands full.
    pub max_queued_requests: Option<u32>,
    pub queue_timeout: Option<Duration>,
    pub adaptive_concurrency: Option<AdaptiveRules>,
    pub hedging: Option<HedgeRules>,
    /// The Redis in which limits are shared with other processes.
    pub redis: Option<Address>,
    pub other: Map<String, Value>,
}

/// `routing_strategy_args` of `latency-based-routing`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StrategyArgs {
    /// Part of the lowest latency by which another may be slower and still be chosen.
    pub lowest_latency_buffer: f64,
    /// Samples that are averaged.
    pub max_latency_list_size: usize,
    /// The percentile of first tokens that streams are judged by, instead of their mean.
    pub ttft_percentile: Option<f64>,
}

impl Default for StrategyArgs {
    fn default() -> Self {
        Self {
            lowest_latency_buffer: 0.0,
            max_latency_list_size: 10,
            ttft_percentile: None,
        }
    }
}

/// Money that may be spent in a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// USD.
    pub limit: f64,
    /// How long until it begins anew.
    pub period: Duration,
}

/// Another name of a model group.
#[derive(Clone, Debug, Default)]
pub struct Alias {
    /// The group.
    pub model: String,
    /// Whether `/v1/models` leaves it out.
    pub hidden: bool,
}
