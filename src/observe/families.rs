//! The table of metric families: LiteLLM's names, help texts and labels in LiteLLM's order, for what exists here,
//! and this gateway's own (`gateway_...`). Source: LiteLLM 1.109.1.

use super::exposition::{self, Text};
use super::family::{Counters, Gauges, Histograms};
use super::wanted::Wanted;

macro_rules! families {
    ($($field:ident: $kind:ident $name:literal [$labels:expr] $help:literal;)*) => {
        /// Every family, by its use.
        #[allow(missing_docs)]
        pub struct Families {
            $(pub $field: $kind,)*
        }

        impl Families {
            /// Empty families of at most `cap` series each, as far as they are wanted.
            pub fn new(cap: usize, wanted: &Wanted) -> Self {
                Self { $($field: <$kind>::new($name, $help, $labels, cap, wanted),)* }
            }

            /// The names of all families.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The text of one of them, by its place; `None` behind the last.
            pub fn text(&self, nth: usize) -> Option<Box<dyn Text>> {
                let texts: &[fn(&Self) -> Box<dyn Text>] =
                    &[$(|families| exposition::text(&families.$field)),*];
                texts.get(nth).map(|text| text(self))
            }

            /// The families that had to fold series, and how often.
            pub fn folded(&self) -> Vec<(&'static str, u64)> {
                [$((self.$field.name, self.$field.folded()),)*]
                    .into_iter()
                    .filter(|(_, times)| *times > 0)
                    .collect()
            }
        }
    };
}

const REQUEST_LATENCY: &str = "model_group,end_user,hashed_api_key,api_key_alias,requested_model,team,team_alias,user,model,model_id,api_provider,service_tier,org_id,org_alias";
const API_LATENCY: &str = "model_group,model,hashed_api_key,api_key_alias,team,team_alias,requested_model,end_user,user,model_id,api_provider,service_tier,org_id,org_alias";
const UPSTREAM: &str =
    "model_group,api_provider,api_base,litellm_model_name,hashed_api_key,api_key_alias,model_id";
const REQUESTS: &str = "end_user,hashed_api_key,api_key_alias,model,team,team_alias,user,user_email,client_ip,user_agent,requested_model,model_id,api_provider,org_id,org_alias";
const SPEND: &str = "end_user,hashed_api_key,api_key_alias,model,team,team_alias,user,user_email,client_ip,user_agent,requested_model,model_id,api_provider,service_tier,org_id,org_alias";
const TOKENS: &str = "end_user,hashed_api_key,api_key_alias,model,team,team_alias,user,user_email,requested_model,model_id,api_provider,org_id,org_alias";
const TOKEN_DETAILS: &str = "end_user,hashed_api_key,api_key_alias,model,team,team_alias,user,user_email,requested_model,model_id,api_provider";
const PROVIDER_CACHE: &str =
    "model,hashed_api_key,api_key_alias,team,team_alias,end_user,user,model_id,api_provider";
const TOTAL: &str = "end_user,hashed_api_key,api_key_alias,requested_model,team,team_alias,user,status_code,user_email,route,client_ip,user_agent,model_id,api_provider,org_id,org_alias";
const FAILED: &str = "end_user,hashed_api_key,api_key_alias,requested_model,team,team_alias,user,user_email,exception_status,exception_class,route,client_ip,user_agent,model_id,api_provider,org_id,org_alias";
const QUEUE: &str = "end_user,hashed_api_key,api_key_alias,requested_model,team,team_alias,user,model,model_id,api_provider,org_id,org_alias";
const DEPLOYMENT: &str = "litellm_model_name,model_id,api_base,api_provider";
const COOLED_DOWN: &str = "litellm_model_name,model_id,api_base,api_provider,exception_status";
const DEPLOYMENT_REQUESTS: &str = "model_group,requested_model,litellm_model_name,model_id,api_base,api_provider,hashed_api_key,api_key_alias,team,team_alias,client_ip,user_agent";
const DEPLOYMENT_FAILURES: &str = "model_group,requested_model,litellm_model_name,model_id,api_base,api_provider,exception_status,exception_class,hashed_api_key,api_key_alias,team,team_alias,client_ip,user_agent";
const PER_TOKEN: &str = "model_group,litellm_model_name,model_id,api_base,api_provider,hashed_api_key,api_key_alias,team,team_alias,org_id,org_alias";
const FALLBACKS: &str = "requested_model,fallback_model,hashed_api_key,api_key_alias,team,team_alias,exception_status,exception_class,model_id";
const GROUP: &str = "model_group";
const API_FAILED: &str =
    "end_user,hashed_api_key,api_key_alias,model,team,team_alias,user,model_id";

families! {
    failed: Counters "litellm_proxy_failed_requests_metric" [FAILED]
        "Total number of failed responses from proxy - the client did not get a success response from litellm proxy";
    total: Counters "litellm_proxy_total_requests_metric" [TOTAL]
        "Total number of requests made to the proxy server - track number of client side requests";
    request_latency: Histograms "litellm_request_total_latency_metric" [REQUEST_LATENCY]
        "Total latency (seconds) for a request to LiteLLM";
    api_latency: Histograms "litellm_llm_api_latency_metric" [API_LATENCY]
        "Total latency (seconds) for a models LLM API call";
    first_token: Histograms "litellm_llm_api_time_to_first_token_metric" [API_LATENCY]
        "Time to first token for a models LLM API call";
    spend: Counters "litellm_spend_metric" [SPEND] "Total spend on LLM requests";
    total_tokens: Counters "litellm_total_tokens_metric" [TOKENS]
        "Total number of input + output tokens from LLM requests";
    input_tokens: Counters "litellm_input_tokens_metric" [TOKENS]
        "Total number of input tokens from LLM requests";
    output_tokens: Counters "litellm_output_tokens_metric" [TOKENS]
        "Total number of output tokens from LLM requests";
    cached_tokens: Counters "litellm_input_cached_tokens_metric" [TOKEN_DETAILS]
        "Input tokens read from the provider's prompt cache";
    cache_creation_tokens: Counters "litellm_input_cache_creation_tokens_metric" [TOKEN_DETAILS]
        "Input tokens written to the provider's prompt cache";
    input_audio_tokens: Counters "litellm_input_audio_tokens_metric" [TOKEN_DETAILS]
        "Audio tokens of the input";
    reasoning_tokens: Counters "litellm_output_reasoning_tokens_metric" [TOKEN_DETAILS]
        "Reasoning tokens of the output";
    output_audio_tokens: Counters "litellm_output_audio_tokens_metric" [TOKEN_DETAILS]
        "Audio tokens of the output";
    provider_cache_read: Counters "litellm_provider_cache_read_input_tokens_metric" [PROVIDER_CACHE]
        "Input tokens read from the provider's prompt cache";
    provider_cache_creation: Counters "litellm_provider_cache_creation_input_tokens_metric" [PROVIDER_CACHE]
        "Input tokens written to the provider's prompt cache";
    remaining_requests: Gauges "litellm_remaining_requests_metric" [UPSTREAM]
        "LLM Deployment Analytics - remaining requests for model, returned from LLM API Provider";
    remaining_tokens: Gauges "litellm_remaining_tokens_metric" [UPSTREAM]
        "remaining tokens for model, returned from LLM API Provider";
    overhead: Histograms "litellm_overhead_latency_metric" [UPSTREAM]
        "Latency (seconds) added by the gateway";
    queue: Histograms "litellm_request_queue_time_seconds" [QUEUE]
        "Time (seconds) from the arrival of a request to the start of routing";
    deployment_state: Gauges "litellm_deployment_state" [DEPLOYMENT]
        "LLM Deployment Analytics - The state of the deployment: 0 = healthy, 1 = partial outage, 2 = complete outage";
    cooled_down: Counters "litellm_deployment_cooled_down" [COOLED_DOWN]
        "LLM Deployment Analytics - Number of times a deployment was put into cooldown";
    deployment_success: Counters "litellm_deployment_success_responses" [DEPLOYMENT_REQUESTS]
        "LLM Deployment Analytics - Total number of successful LLM API calls via litellm";
    deployment_failure: Counters "litellm_deployment_failure_responses" [DEPLOYMENT_FAILURES]
        "LLM Deployment Analytics - Total number of failed LLM API calls for a deployment";
    deployment_total: Counters "litellm_deployment_total_requests" [DEPLOYMENT_REQUESTS]
        "LLM Deployment Analytics - Total number of LLM API calls via litellm - success + failure";
    per_token: Histograms "litellm_deployment_latency_per_output_token" [PER_TOKEN]
        "LLM Deployment Analytics - Latency per output token";
    fallbacks_succeeded: Counters "litellm_deployment_successful_fallbacks" [FALLBACKS]
        "LLM Deployment Analytics - Number of fallbacks that answered";
    fallbacks_failed: Counters "litellm_deployment_failed_fallbacks" [FALLBACKS]
        "LLM Deployment Analytics - Number of fallbacks that failed too";
    api_failed: Counters "litellm_llm_api_failed_requests_metric" [API_FAILED]
        "deprecated - use litellm_proxy_failed_requests_metric";
    requests: Counters "litellm_requests_metric" [REQUESTS]
        "deprecated - use litellm_proxy_total_requests_metric. Total number of LLM calls to litellm";
    in_flight: Gauges "litellm_in_flight_requests" [""]
        "Number of HTTP requests currently in-flight";

    admitted: Gauges "litellm_admission_admitted_requests" [""]
        "Number of requests admitted by this worker";
    admission_queued: Gauges "litellm_admission_queued_requests" [""]
        "Number of requests queued by this worker";

    breaker_state: Gauges "gateway_circuit_breaker_state" [DEPLOYMENT]
        "The circuit breaker of a deployment: 0 = closed, 1 = half-open, 2 = open";
    deployment_in_flight: Gauges "gateway_deployment_in_flight_requests" [DEPLOYMENT]
        "Calls in flight at a deployment";
    deployment_queued: Gauges "gateway_deployment_queued_requests" [DEPLOYMENT]
        "Calls that wait for a deployment";
    concurrency_limit: Gauges "gateway_deployment_concurrency_limit" [DEPLOYMENT]
        "Calls in flight that a deployment takes";
    retries_denied: Counters "gateway_retries_denied" [GROUP]
        "Retries not made because the budget of the model group was used up";
    hedged: Counters "gateway_hedged_calls" [GROUP]
        "Calls that were made a second time because the first token was late";
    redis_unavailable: Counters "gateway_redis_unavailable" [""]
        "How often a decision was made without Redis because it did not answer";
    shed: Counters "gateway_shed_requests" [""]
        "Requests refused because this process had too many in flight";
    reloads: Counters "gateway_config_reloads" ["result"]
        "Configuration loads by result: applied, unchanged, rejected";
    config_version: Gauges "gateway_config_version" [""]
        "Version of the configuration in force; counts up with each reload";
    series_limit: Gauges "gateway_metric_series_limit" [""]
        "Series that a metric may have before further ones are folded into `other`";
    folded_series: Counters "gateway_metric_series_folded" ["metric"]
        "How often a series was folded into `other` because its metric had reached its cap";
    stages: Histograms "gateway_stage_seconds" ["stage"]
        "Time (seconds) of the stages of a call: parse, route, queue, adapt, connect, first_byte, account";
    spans_dropped: Counters "gateway_otel_spans_dropped" [""]
        "Spans not exported to OpenTelemetry: the queue was full, or their export failed";
    otel_failed: Counters "gateway_otel_failed_exports" [""]
        "Requests to an OpenTelemetry collector that failed";
    log_lines_dropped: Counters "gateway_log_lines_dropped" [""]
        "Log lines dropped because the log could not be written fast enough";
}
