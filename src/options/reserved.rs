//! The control names that have no field of their own in `Options`, and which of them are prices.
//!
//! Source: `all_litellm_params` of LiteLLM 1.109.1. None of them ever goes upstream.

/// Kept raw in `Options::other`. Sorted.
#[rustfmt::skip]
pub static RESERVED: &[&str] = &[
    "acompletion", "adaptive_router_config", "adaptive_router_default_model", "aembedding", "aimg_generation",
    "allm_passthrough_route", "allow_client_keepalive_override", "allowed_model_region",
    "anthropic_disable_workload_identity_federation", "anthropic_federation_rule_id",
    "anthropic_federation_workspace_id", "anthropic_identity_source", "anthropic_identity_token",
    "anthropic_identity_token_file", "anthropic_issuer_audience", "anthropic_issuer_signing_key_ref",
    "anthropic_issuer_subject", "anthropic_issuer_ttl_seconds", "anthropic_issuer_url",
    "anthropic_keycloak_auth_method", "anthropic_keycloak_client_id", "anthropic_keycloak_client_secret_ref",
    "anthropic_keycloak_scope", "anthropic_keycloak_token_url", "anthropic_organization_id",
    "anthropic_service_account_id", "aresponses", "arize_api_key", "arize_error_sampling_rate", "arize_otlp_protocol",
    "arize_space_id", "arize_space_key", "arize_success_sampling_rate", "assistant_continue_message",
    "async_call", "atext_completion", "attempted_targets", "auto_router_config", "auto_router_config_path",
    "auto_router_default_model", "auto_router_embedding_model", "auto_router_max_input_chars",
    "auto_router_model_compression", "auto_router_routing_compression", "aws_batch_role_arn",
    "aws_bedrock_control_plane_endpoint", "azure", "azure_ad_token", "azure_ad_token_provider",
    "azure_authority_host", "azure_federated_token_file", "azure_password", "azure_scope",
    "azure_username", "bedrock_tags", "bos_token", "budget_duration", "cache", "cache_key", "caching",
    "caching_groups", "chatgpt_auth_file", "client", "client_id", "client_secret", "client_side_timeout",
    "complete_response", "completion_call_id", "complexity_router_config", "complexity_router_default_model",
    "configurable_clientside_auth_params", "context_window_fallback_dict", "cooldown_time",
    "custom_prompt_dict", "daily_reset_time", "data_residency", "dd_agent_host", "dd_agent_port",
    "dd_api_key", "dd_site", "default_api_key_rpm_limit", "default_api_key_tpm_limit",
    "disable_add_transform_inline_image_block", "enable_json_schema_validation", "enable_prompt_caching",
    "enable_tag_filtering", "ensure_alternating_roles", "eos_token", "fallback_depth", "fastest_response",
    "final_prompt_value", "fireworks_forward_user_id", "force_timeout", "gcs_bucket_name",
    "gcs_path_service_account", "github_copilot_auth_type", "github_copilot_host",
    "github_copilot_user_session", "guardrails", "hf_model_name", "humanloop_api_key", "id",
    "initial_prompt_value", "itpm", "keepalive_seconds", "kubernetes_pod_discovery", "langfuse_environment",
    "langfuse_host", "langfuse_prompt_version", "langfuse_public_key", "langfuse_secret",
    "langfuse_secret_key", "langfuse_span_scope", "langsmith_api_key", "langsmith_base_url",
    "langsmith_project", "langsmith_sampling_rate", "langsmith_tenant_id", "litellm_call_id",
    "litellm_credential_name", "litellm_disabled_callbacks", "litellm_logging_obj", "litellm_metadata",
    "litellm_request_debug", "litellm_session_id", "litellm_system_prompt", "litellm_trace_id",
    "litellm_trusted_callback_vars", "log_client_error_tracebacks", "logger_fn", "max_agentic_loops",
    "max_budget", "max_fallbacks", "max_file_size_mb", "max_parallel_requests", "metadata", "mock_delay",
    "mock_timeout", "mock_tool_calls", "model_alias_map", "model_config", "model_file_id_mapping",
    "model_info", "model_list", "newrelic_api_key", "newrelic_region", "no-log",
    "openai_identity_provider_id", "openai_identity_token_file", "openai_service_account_id", "order", "otpm",
    "output_vector_size", "posthog_api_key", "posthog_api_url", "preset_cache_key", "prompt_environment",
    "prompt_id", "prompt_label", "prompt_variables", "prompt_version", "provider_affinity_header",
    "provider_specific_header", "proxy_server_request", "quality_router_config",
    "quality_router_default_model", "region_name", "responses_api_version", "retry_policy", "retry_strategy",
    "roles", "routing_strategy", "rpd", "rpm", "rust", "s3_access_key_id", "s3_bucket_name",
    "s3_bucket_owner", "s3_encryption_key_id", "s3_endpoint_url", "s3_output_bucket_name", "s3_region_name",
    "s3_secret_access_key", "search_tool_name", "secret_fields", "self", "shared_session",
    "signoz_ingestion_endpoint", "signoz_ingestion_key", "silent_model", "ssl_verify", "stream_chunk_size",
    "stream_response", "stream_timeout_by_service_tier", "supports_system_message", "tag_regex", "tenant_id",
    "text_completion", "thought_signature_in_tool_call_id", "timeout_by_service_tier",
    "token_exchange_audience", "token_exchange_endpoint", "token_exchange_profile", "token_exchange_scope",
    "tpd", "tpm", "ttl", "turn_off_message_logging", "use_chat_completions_api", "use_client",
    "use_in_pass_through", "use_litellm_proxy", "use_xai_oauth", "user_continue_message", "user_url_allowed_hosts",
    "user_url_validation", "verbose",
    "wandb_api_key", "weave_project_id", "weight",
];

/// Names that begin so are prices in USD.
pub static PRICE_PREFIXES: &[&str] = &[
    "input_cost_per",
    "output_cost_per",
    "cache_read_input",
    "cache_creation_input",
];

/// Other prices. Sorted.
#[rustfmt::skip]
pub static PRICES: &[&str] = &[
    "annotation_cost_per_page", "annotation_cost_per_page_batches", "citation_cost_per_token",
    "cost_per_query", "cost_per_second", "explicit_cache_read_input_token_cost",
    "google_maps_grounding_cost_per_query", "ocr_cost_per_credit", "ocr_cost_per_page",
    "ocr_cost_per_page_batches", "regional_endpoint_uplift_multiplier",
    "regional_processing_uplift_multiplier_eu", "regional_processing_uplift_multiplier_us",
    "search_context_cost_per_query", "search_queries_cost_per_query", "tiered_pricing",
];

/// Control names that change what a call does and are not obeyed yet: reported, never dropped silently. Sorted.
#[rustfmt::skip]
pub static NOT_OBEYED: &[&str] = &[
    "adaptive_router_config", "auto_router_config", "complexity_router_config", "ensure_alternating_roles",
    "guardrails", "litellm_system_prompt", "prompt_id", "quality_router_config", "silent_model", "ssl_verify",
    "supports_system_message", "use_litellm_proxy",
];
