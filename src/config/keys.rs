//! The ONE table of LiteLLM's configuration keys: in which section, of what kind, and what becomes of them here.
//! `gateway check` reports from it, and values are brought to their kind by it.
//!
//! A key is written `name` or `name:kind`; kinds are those of [`Kind`]. Source: LiteLLM 1.109.1.

use super::document::{Node, NodeValue};
use super::report::Level;
use crate::observe::otel::CALLBACK;

/// A part of the configuration with keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Section {
    Top,
    Model,
    LitellmParams,
    ModelInfo,
    Litellm,
    General,
    Router,
    Credential,
}

impl Section {
    /// The section's name in key paths; empty for the top level.
    pub fn path(self) -> &'static str {
        match self {
            Self::Top => "",
            Self::Model => "model_list[]",
            Self::LitellmParams => "model_list[].litellm_params",
            Self::ModelInfo => "model_list[].model_info",
            Self::Litellm => "litellm_settings",
            Self::General => "general_settings",
            Self::Router => "router_settings",
            Self::Credential => "credential_list[]",
        }
    }

    /// The dotted path of a key of this section.
    pub fn key(self, name: &str) -> String {
        match self.path() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }
}

/// What a value must be. Texts that read as the kind are taken too, as they come from the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything.
    Any,
    /// `:b`, true or false.
    Flag,
    /// `:n`, any number.
    Number,
    /// `:c`, a whole number from 0.
    Count,
    /// `:s`, seconds from 0, fractions allowed.
    Seconds,
    /// `:t`, a text; numbers and flags are taken as their text.
    Text,
    /// `:l`, a list.
    List,
    /// `:m`, a mapping.
    Mapping,
}

impl Kind {
    /// The kind in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Flag => "true or false",
            Self::Number => "number",
            Self::Count => "whole number",
            Self::Seconds => "seconds",
            Self::Text => "text",
            Self::List => "list",
            Self::Mapping => "mapping",
        }
    }
}

/// Keys of one section that share a fate.
struct Row {
    section: Section,
    level: Level,
    note: &'static str,
    keys: &'static str,
}

const fn row(section: Section, level: Level, note: &'static str, keys: &'static str) -> Row {
    Row {
        section,
        level,
        note,
        keys,
    }
}

const OBEYED: &str = "is obeyed as in LiteLLM";
const IGNORED: &str = "is known to LiteLLM but not supported here yet; it is ignored";

const OWN: &str = "is a setting of this gateway; LiteLLM has none like it";

use Level::{Approximated, Exact, NotSupported, Own};
use Section::{Credential, General, Litellm, LitellmParams, Model, ModelInfo, Router, Top};

#[rustfmt::skip]
static TABLE: &[Row] = &[
    row(Top, Exact, OBEYED,
        "model_list:l litellm_settings:m general_settings:m router_settings:m environment_variables:m include:l credential_list:l"),
    row(Top, NotSupported, IGNORED,
        "guardrails callback_settings mcp_servers mcp_tools search_tools vector_store_registry prompts policies \
         policy_attachments files_settings finetune_settings assistant_settings agents agent_list \
         default_vertex_config sandbox_tools worker_registry plugins"),

    row(Model, Exact, OBEYED, "model_name:t litellm_params:m model_info:m"),
    row(Model, NotSupported, IGNORED, "blocked:b"),

    row(LitellmParams, Exact, OBEYED,
        "model:t api_key:t api_base:t base_url:t api_version:t custom_llm_provider:t organization timeout:s \
         stream_timeout:s max_retries:c num_retries:c rpm:c tpm:c weight:n order:n tags:l drop_params:b \
         litellm_credential_name:t mock_response extra_headers:m extra_body:m additional_drop_params:l \
         allowed_openai_params:l merge_reasoning_content_in_choices:b cooldown_time:s model_info:m \
         input_cost_per_token:n output_cost_per_token:n input_cost_per_second:n output_cost_per_second:n \
         cache_read_input_token_cost:n cache_creation_input_token_cost:n input_cost_per_audio_token:n \
         output_cost_per_audio_token:n output_cost_per_reasoning_token:n max_parallel_requests:c max_budget:n \
         budget_duration:t use_litellm_proxy:b"),
    row(LitellmParams, NotSupported, IGNORED,
        "configurable_clientside_auth_params tag_regex:l itpm:c otpm:c rpd:c tpd:c daily_reset_time timeout_by_service_tier:m \
         stream_timeout_by_service_tier:m default_api_key_tpm_limit:c \
         default_api_key_rpm_limit:c keepalive_seconds:s allow_client_keepalive_override:b use_in_pass_through:b \
         use_xai_oauth:b chatgpt_auth_file fireworks_forward_user_id:b \
         kubernetes_pod_discovery provider_affinity_header:t \
         max_file_size_mb:n auto_router_config_path auto_router_config auto_router_default_model \
         auto_router_embedding_model auto_router_max_input_chars auto_router_routing_compression \
         auto_router_model_compression complexity_router_config complexity_router_default_model \
         adaptive_router_config adaptive_router_default_model quality_router_config quality_router_default_model"),
    row(LitellmParams, Exact, OBEYED,
        "region_name aws_access_key_id aws_secret_access_key aws_session_token aws_region_name aws_role_name \
         aws_session_name aws_profile_name aws_web_identity_token aws_sts_endpoint aws_external_id aws_session_tags \
         aws_bedrock_runtime_endpoint vertex_project vertex_location vertex_credentials azure_ad_token tenant_id \
         client_id client_secret azure_scope use_chat_completions_api:b responses_api_version:t"),
    row(LitellmParams, NotSupported, "belongs to an operation or a way of signing in that is not supported here yet; it is ignored",
        "aws_bedrock_control_plane_endpoint aws_bedrock_project_id aws_batch_role_arn bedrock_tags azure_username \
         azure_password gcs_bucket_name watsonx_region_name"),

    row(ModelInfo, Exact, OBEYED,
        "id base_model:t mode:t max_tokens max_input_tokens max_output_tokens input_cost_per_token:n \
         output_cost_per_token:n disable_background_health_check:b"),
    row(ModelInfo, NotSupported, IGNORED,
        "access_groups:l supported_endpoints:l enforce_supported_endpoints:b team_id team_public_model_name tier \
         blocked:b discoverable:b access_windows ptu_count cost_per_ptu_per_hour ptu_effective_from \
         ptu_effective_to ptu_shares allow_fail_open:b enable_tag_filtering:b \
         max_embedding_batch_size:c pricing_provider:t"),

    row(Litellm, Exact, OBEYED,
        "drop_params:b modify_params:b num_retries:c request_timeout:s fallbacks:l context_window_fallbacks:l \
         content_policy_fallbacks:l default_fallbacks:l allowed_fails:c cooldown_time:s json_logs:b \
         cache:b cache_params:m prometheus_metrics_config:l turn_off_message_logging:b require_auth_for_metrics_endpoint:b \
         retry_policy:m model_group_retry_policy:m allowed_fails_policy:m model_group_alias:m"),
    row(Litellm, Approximated,
        "names callbacks that are not supported here yet; they are ignored",
        "callbacks success_callback failure_callback"),
    row(Litellm, Approximated, "the level of the log is that of `LITELLM_LOG` or `RUST_LOG`", "set_verbose:b"),
    row(Litellm, Approximated, "headers of the upstream are always returned", "return_response_headers:b"),
    row(Litellm, Approximated, "no prompt, reply or key is logged here anyway",
        "redact_user_api_key_info:b redact_messages_in_exceptions:b"),
    row(Litellm, NotSupported, IGNORED,
        "service_callbacks service_callback audit_log_callbacks force_ipv4:b ssl_verify ssl_certificate \
         max_budget:n budget_duration:t max_end_user_budget:n max_end_user_budget_id max_internal_user_budget:n \
         internal_user_budget_duration budget_reset_time tag_budget_config default_internal_user_params \
         default_team_params default_team_settings default_key_generate_params upperbound_key_generate_params \
         key_generation_settings key_alias_pattern enable_key_alias_format_validation \
         prometheus_initialize_budget_metrics custom_prometheus_metadata_labels custom_prometheus_tags \
         prometheus_deployment_and_latency_caller_identity prometheus_emit_stream_label \
         prometheus_emit_rate_limit_labels cost_discount_config cost_margin_config budget_exceeded_status_code:c \
         enable_json_schema_validation:b forward_traceparent_to_llm_provider:b add_user_information_to_llm_headers:b \
         extra_spend_tag_headers store_audit_logs:b public_model_groups model_group_settings mcp_aliases \
         priority_reservation priority_reservation_settings disable_end_user_cost_tracking:b \
         disable_end_user_cost_tracking_prometheus_only:b enable_redis_auth_cache:b network_mock:b guardrails \
         post_call_rules pre_call_rules custom_provider_map global_prompt_directory blocked_user_list \
         banned_keywords_list default_in_memory_ttl default_redis_ttl skip_system_message_in_guardrail \
         model_alias_map credential_list telemetry default_redis_batch_cache_expiry disable_copilot_system_to_assistant \
         s3_callback_params langfuse_default_tags api_key api_base organization"),

    row(General, Exact, OBEYED,
        "master_key:t litellm_key_header_name:t always_include_stream_usage:b forward_client_headers_to_llm_api:b \
         max_request_size_mb:n max_response_size_mb:n completion_model:t embedding_model:t \
         include_call_id_in_error_body:b dangerously_permit_weak_or_unset_master_key:b redact_patterns:l \
         background_health_checks:b health_check_interval:s health_check_concurrency:c \
         health_check_ignore_transient_errors:b max_in_flight_requests_per_worker:c \
         max_queued_requests_per_worker:c admission_queue_timeout_seconds:s enable_health_check_routing:b \
         health_check_staleness_threshold:s"),
    row(General, Own, OWN, "log_levels:m"),
    row(General, Approximated, "counts the calls in flight in this process, and refuses those above with 429",
        "global_max_parallel_requests:c"),
    row(General, Own, OWN, "client_header_timeout:s client_body_timeout:s"),
    row(General, NotSupported, IGNORED,
        "infer_model_from_keys:b enforce_user_param:b database_url:t database_connection_pool_limit:c database_connection_timeout:s database_connect_timeout:s \
         database_socket_timeout:s database_max_idle_connection_lifetime database_extra_connection_params \
         database_disable_prepared_statements:b database_type database_args store_model_in_db:b \
         store_prompts_in_spend_logs:b disable_spend_logs:b disable_error_logs:b proxy_batch_write_at:s \
         proxy_budget_rescheduler_min_time:s proxy_budget_rescheduler_max_time:s max_parallel_requests:c \
         health_check_details:b health_check_skip_disabled_background_models \
         background_health_check_model_groups use_shared_health_check:b model_list_healthy_only:b \
         return_wildcard_routes:b alerting alerting_threshold alert_types alert_to_webhook_url alerting_args \
         allowed_routes:l public_routes:l admin_only_routes:l allowed_ips:l use_x_forwarded_for:b \
         trusted_proxy_ranges custom_auth custom_auth_run_common_checks:b custom_key_generate custom_sso \
         enable_jwt_auth:b litellm_jwtauth enable_oauth2_auth:b enable_oauth2_proxy_auth:b role_permissions \
         enforce_rbac:b pass_through_endpoints pass_through_request_timeout:s forward_openai_org_id:b \
         forward_llm_provider_auth_headers:b enforced_params:l reject_clientside_metadata_tags:b \
         user_header_name:t user_header_mappings moderation_model:t image_generation_model:t \
         fail_closed_rate_limit_enforcement:b coordination_redis token_rate_limit_type:t \
         user_api_key_cache_ttl:s user_api_key_cache_max_size:c allow_requests_on_db_unavailable:b \
         maximum_spend_logs_retention_period maximum_spend_logs_retention_interval maximum_spend_logs_cleanup_cron \
         maximum_autorouter_session_retention_period maximum_health_check_retention_period \
         maximum_daily_tag_spend_retention_period maximum_spend_logs_size maximum_spend_logs_cleanup_target_size \
         maximum_spend_logs_size_check_interval use_spend_logs_partitioning maximum_spend_logs_cleanup_batch_size \
         maximum_spend_logs_cleanup_max_batches maximum_spend_logs_cleanup_run_budget \
         maximum_spend_logs_cleanup_batch_timeout proxy_config_reload_interval_seconds:s supported_db_objects \
         key_management_system key_management_settings use_google_kms use_azure_key_vault service_account_settings \
         ui_access_mode disable_master_key_return:b disable_budget_reservation:b enforce_fallback_model_access:b \
         disable_fallbacks_on_per_model_rate_limits:b disable_responses_id_security:b \
         allow_unmanaged_response_ids:b missing_session_id provider_url_destination_allowed_hosts \
         user_url_validation user_url_allowed_hosts enable_claude_code_gateway:b \
         claude_code_gateway_managed_settings claude_code_marketplace_auth_required request_tag_mappings plugins \
         accounting_capture accounting_sync_ack accounting_sync_ack_timeout_seconds \
         accounting_sync_ack_failure_policy control_plane_url allow_cli_sso_verification_uri_complete otel \
         max_batch_file_size_mb max_batch_file_records max_batch_file_uploads_per_day max_file_downloads_per_minute \
         max_file_size_mb allowed_file_extensions blocked_file_extensions max_failed_login_attempts_per_source \
         max_failed_login_attempts_per_source_overrides failed_login_window_seconds failed_login_block_seconds \
         vector_store_deny_by_default search_tool_deny_by_default enable_public_model_hub \
         responses_websocket_session_limit_seconds enable_openai_websocket_passthrough \
         vertex_ai_pass_through_drop_anthropic_betas transcribe_media_buckets self_serve_budget_policy \
         user_mcp_management_mode disable_requester_ip_address_logging spend_logs_metadata_fields \
         disable_auto_add_proxy_admin_to_teams scheduled_job_stagger spend_capture_rate_check \
         mcp_internal_ip_ranges mcp_advertised_versions mcp_disabled_capabilities mcp_allowed_clients \
         mcp_require_explicit_server_scope mcp_client_id_header mcp_trusted_proxy_ranges mcp_xff_num_trusted_hops \
         mcp_prefer_client_id_metadata_document mcp_required_fields password_policy_min_length \
         password_policy_require_uppercase password_policy_require_lowercase password_policy_require_numbers \
         password_policy_require_special_characters disable_password_login_when_sso_enabled \
         disable_env_credential_login apply_user_budget_to_team_keys agent_access_default_deny \
         disable_reset_budget alerting_metadata block_robots disable_prisma_schema_update"),
    row(General, Approximated, "a client that leaves always cancels the upstream call here, logged with status 499",
        "cancel_on_disconnect:b"),

    row(Router, Exact, OBEYED,
        "num_retries:c retry_after:s retry_policy:m model_group_retry_policy:m timeout:s stream_timeout:s fallbacks:l \
         context_window_fallbacks:l content_policy_fallbacks:l default_fallbacks:l max_fallbacks:c allowed_fails:c \
         allowed_fails_policy:m cooldown_time:s disable_cooldowns:b model_group_alias:m enable_tag_filtering:b \
         tag_filtering_match_any:b default_litellm_params:m enable_pre_call_checks:b routing_strategy_args:m \
         default_max_parallel_requests:c default_priority:n provider_budget_config:m enable_health_check_routing:b \
         health_check_staleness_threshold:s"),
    row(Router, Own, OWN,
        "retry_budget circuit_breaker max_queued_requests:c queue_timeout:s adaptive_concurrency hedging"),
    row(Router, Approximated, "names a strategy that is not supported here; `simple-shuffle` takes its place",
        "routing_strategy:t"),
    row(Router, Approximated, "names checks that are not supported here yet; `enforce_model_rate_limits` is obeyed",
        "optional_pre_call_checks:l"),
    row(Router, Approximated, "`rpm` and `tpm` that are enforced are shared through it; nothing else is yet",
        "redis_host:t redis_port:t redis_password:t redis_db:t redis_url:t"),
    row(Router, Own, OWN,
        "redis_username:t redis_ssl:t redis_ssl_ca_certs:t"),
    row(Router, Approximated, "a deployment that cannot be used is always left out, with a warning",
        "ignore_invalid_deployments:b"),
    row(Router, NotSupported, IGNORED,
        "routing_groups tag_routing_prefix cache_responses:b cache_kwargs caching_groups \
         client_ttl:s polling_interval:s enable_weighted_failover:b \
         enable_mid_stream_fallback_continuation:b \
         deployment_affinity_ttl_seconds:s model_group_affinity_config session_affinity_repin_on_failover:b \
         fallback_on_unsupported_params:b set_verbose:b debug_level max_retries:c weights alerting_config \
         guardrail_list search_tools assistants_config router_general_settings"),

    row(Credential, Exact, OBEYED, "credential_name:t credential_values:m credential_info:m"),
];

/// What the table says of one key.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// What its value must be.
    pub kind: Kind,
    /// What becomes of it.
    pub level: Level,
    /// The same in words.
    pub note: &'static str,
}

/// Looks a key up.
pub fn find(section: Section, name: &str) -> Option<Known> {
    entries(section)
        .find(|(known, _)| *known == name)
        .map(|(_, known)| known)
}

/// The same for a key with this value: some values of a key are obeyed, others not.
pub fn find_with_value(section: Section, name: &str, value: &Node) -> Option<Known> {
    let mut known = find(section, name)?;
    let is_ours = |node: &Node| matches!(node.text(), Some("prometheus" | CALLBACK));
    let obeyed = match (section, name) {
        (Router, "routing_strategy") => value
            .text()
            .is_some_and(|name| crate::route::strategy::Strategy::named(name).is_some()),
        (Router, "optional_pre_call_checks") => value
            .items()
            .iter()
            .all(|check| check.text() == Some("enforce_model_rate_limits")),
        (Litellm, "callbacks" | "success_callback" | "failure_callback") => {
            is_ours(value) || (value.text().is_none() && value.items().iter().all(is_ours))
        }
        // What is switched off is off here, too.
        _ => known.kind == Kind::Flag && matches!(value.value, NodeValue::Bool(false)),
    };
    if obeyed || value.is_null() {
        known.level = Exact;
        known.note = OBEYED;
    }
    Some(known)
}

/// The known key that looks most like `name`, if one is close.
pub fn did_you_mean(section: Section, name: &str) -> Option<&'static str> {
    let limit = (name.chars().count() / 4).clamp(1, 3);
    entries(section)
        .map(|(known, _)| (distance(name, known, limit), known))
        .filter(|(d, _)| *d <= limit)
        .min()
        .map(|(_, known)| known)
}

/// The section, if any, that has a key of this name: it may only stand in the wrong place.
pub fn elsewhere(section: Section, name: &str) -> Option<Section> {
    [Litellm, General, Router, LitellmParams, Top]
        .into_iter()
        .find(|other| *other != section && find(*other, name).is_some())
}

/// Every key, section by section.
pub fn all() -> impl Iterator<Item = (Section, &'static str, Known)> {
    [
        Top,
        Model,
        LitellmParams,
        ModelInfo,
        Litellm,
        General,
        Router,
        Credential,
    ]
    .into_iter()
    .flat_map(|section| entries(section).map(move |(name, known)| (section, name, known)))
}

fn entries(section: Section) -> impl Iterator<Item = (&'static str, Known)> {
    TABLE
        .iter()
        .filter(move |row| row.section == section)
        .flat_map(|row| {
            row.keys.split_ascii_whitespace().map(|entry| {
                let (name, kind) = entry.split_once(':').unwrap_or((entry, ""));
                let kind = match kind {
                    "b" => Kind::Flag,
                    "n" => Kind::Number,
                    "c" => Kind::Count,
                    "s" => Kind::Seconds,
                    "t" => Kind::Text,
                    "l" => Kind::List,
                    "m" => Kind::Mapping,
                    _ => Kind::Any,
                };
                let known = Known {
                    kind,
                    level: row.level,
                    note: row.note,
                };
                (name, known)
            })
        })
}

/// Edit distance (insertions, deletions, substitutions), or more than `limit` when it is more.
fn distance(a: &str, b: &str, limit: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(80).collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit {
        return limit + 1;
    }
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            row.push(
                (last[j] + usize::from(x != y))
                    .min(last[j + 1] + 1)
                    .min(row[j] + 1),
            );
        }
        last = row;
    }
    last[b.len()]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_key_stands_twice_in_a_section() {
        let mut seen = BTreeSet::new();
        for (section, name, _) in all() {
            let key = section.key(name);
            assert!(seen.insert(key.clone()), "{key}");
        }
    }

    #[test]
    fn a_typing_error_finds_the_key_that_was_meant() {
        assert_eq!(did_you_mean(General, "master_kee"), Some("master_key"));
        assert_eq!(did_you_mean(Router, "num_retry"), None);
        assert_eq!(did_you_mean(Router, "num_retrys"), Some("num_retries"));
        assert_eq!(did_you_mean(General, "zzz"), None);
        assert_eq!(elsewhere(General, "num_retries"), Some(Litellm));
    }
}
