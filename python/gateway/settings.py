"""LiteLLM's settings that are not in `__init__`: their values until somebody assigns another.

They are made when first read. What calls obey of them is listed in [`arguments`](arguments.py); the rest can be read
and assigned, so that programs written for LiteLLM start, and change nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_NONE = """
    _anthropic_prompt_caching_ttl_env _google_kms_resource_name _key_management_system aclient_session
    add_user_information_to_llm_headers agent_search_embedding_model ai21_key aleph_alpha_key
    amazon_nova_api_key anthropic_key anthropic_prompt_caching_ttl argilla_batch_size
    argilla_transformation_object aws_sqs_callback_params azure_key banned_keywords_list baseten_key
    bedrock_request_metadata_fields blocked_user_list budget_duration budget_exceeded_throttle_percentage
    bytez_key clarifai_key client_session cloudflare_api_key cohere_key cold_storage_custom_logger cometapi_key
    config_path content_policy_fallbacks context_window_fallbacks databricks_key
    datadog_llm_observability_params datadog_params datarobot_key default_fallbacks default_in_memory_ttl
    default_internal_user_params default_key_generate_params default_key_max_budget_alert_emails
    default_max_internal_user_budget default_redis_batch_cache_expiry default_redis_ttl default_team_params
    default_team_settings disable_end_user_cost_tracking disable_end_user_cost_tracking_prometheus_only
    disable_hf_tokenizer_download dynamodb_table_name email enable_end_user_cost_tracking_prometheus_only
    enable_loadbalancing_on_batch_endpoints extra_spend_tag_headers fallbacks gdc_api_base gdc_key
    generic_logger_headers gigachat_key global_bitbucket_config global_gitlab_config
    google_moderation_confidence_threshold gradient_ai_api_key groq_key heroku_key http2 huggingface_key
    inception_key infinity_key internal_user_budget_duration key_alias_pattern key_generation_settings
    langfuse_default_tags langsmith_batch_size lemonade_key llama_api_key llamaguard_model_name
    llamaguard_unsafe_content_categories logged_real_time_event_types maritalk_key max_end_user_budget
    max_end_user_budget_id max_fallbacks max_internal_user_budget max_user_budget mcp_tool_search
    model_fallbacks model_group_settings nebius_key newrelic_params nlp_cloud_key novita_api_key
    num_retries_per_request ollama_key openai_like_key openai_moderations_model_name openrouter_key
    otel_tenant_destination_mode ovhcloud_key pointfive_params predibase_key predibase_tenant_id
    presidio_ad_hoc_recognizers priority_reservation project prometheus_exclude_labels
    prometheus_exclude_metrics prometheus_latency_buckets prometheus_metrics_config
    prometheus_metrics_max_series_per_metric prometheus_metrics_ttl_seconds proxy_auth public_agent_groups
    public_mcp_servers public_model_groups replicate_key s3_audit_callback_params s3_callback_params
    sap_service_key secret_manager_client skill_search_embedding_model snowflake_key
    sse_keepalive_ping_interval_seconds ssl_certificate ssl_ecdh_curve ssl_security_level
    standard_logging_payload_excluded_fields store_audit_logs tag_budget_config togetherai_api_key token
    upperbound_key_generate_params vector_store_index_registry vector_store_registry vercel_ai_gateway_key
    vertex_ai_safety_settings vertex_location vertex_project wandb_key xai_key zerobus_params
"""

_FALSE = """
    aiohttp_trust_env anthropic_messages_estimate_initial_input_tokens apply_search_free_tier
    block_requests_for_models_without_pricing budget_rollover check_provider_endpoint datadog_use_v1
    disable_add_prefix_to_prompt disable_add_transform_inline_image_block disable_add_user_agent_to_request_tags
    disable_aiohttp_transport disable_aiohttp_trust_env disable_anthropic_gemini_context_caching_transform
    disable_copilot_system_to_assistant disable_stop_sequence_limit disable_streaming_logging
    disable_token_counter disable_vertex_batch_output_transformation enable_anthropic_prompt_caching
    enable_azure_ad_token_refresh enable_caching_on_provider_specific_optional_params
    enable_gemini_default_thinking_level_low enable_json_schema_validation enable_key_alias_format_validation
    enable_model_config_credential_overrides enable_preview_features filter_invalid_headers force_ipv4
    force_redis_hash_tag_grouping forward_traceparent_to_llm_provider gcs_pub_sub_use_v1 gemini_live_defer_setup
    generic_api_use_v1 global_disable_no_log_param json_logs langfuse_enable_update_trace_keys
    log_auth_failure_key_identity log_client_error_tracebacks log_raw_request_response network_mock
    openai_system_messages_first output_parse_pii overwrite_user_with_key_hash
    personal_key_model_access_from_teams prometheus_emit_input_sequence_length_label
    prometheus_emit_rate_limit_labels prometheus_emit_stream_label prometheus_initialize_budget_metrics
    prometheus_user_budget_label_include_email_alias public_skills_index reasoning_auto_summary
    redact_messages_in_exceptions redact_user_api_key_info request_correlation_in_logs
    request_timeout_explicitly_set require_managed_files return_response_headers
    route_all_chat_openai_to_responses safe_memory_mode skip_system_message_in_guardrail
    skip_tool_message_in_guardrail strip_anthropic_total_tokens suppress_startup_output turn_off_message_logging
    use_chat_completions_url_for_anthropic_messages use_litellm_proxy validate_end_user_id_in_db
"""

_TRUE = """
    _async_client_cleanup_registered allow_dynamic_callback_disabling bedrock_neutralize_orphaned_tool_blocks
    expose_router_debug_in_errors gemini_include_thoughts_default logging public_mcp_hub_strict_whitelist
    require_auth_for_metrics_endpoint retry ssl_verify use_aiohttp_transport
"""

_LISTS = """
    _async_failure_callback _async_input_callback _async_success_callback _custom_providers adapters
    audit_log_callbacks credential_list custom_prometheus_metadata_labels custom_prometheus_tags
     post_call_rules pre_call_rules provider_url_destination_allowed_hosts
"""

_DICTS = """
    callback_settings cost_discount_config cost_margin_config custom_prompt_dict error_logs
    guardrail_name_config_map prompt_name_config_map public_model_groups_links
"""

_CHAT_PARAMS = """
    functions function_call temperature temperature top_p n stream stream_options stop max_completion_tokens
    modalities prediction audio max_tokens presence_penalty frequency_penalty logit_bias user request_timeout
    api_base api_version api_key deployment_id organization base_url default_headers timeout response_format
    seed tools tool_choice max_retries parallel_tool_calls logprobs top_logprobs reasoning_effort extra_headers
    thinking web_search_options include_server_side_tool_invocations service_tier prompt_cache_key
    prompt_cache_retention safety_identifier verbosity store
"""

_CONVERSE_MODELS = """
    qwen.qwen3-coder-480b-a35b-v1:0 qwen.qwen3-coder-next qwen.qwen3-235b-a22b-2507-v1:0
    qwen.qwen3-coder-30b-a3b-v1:0 qwen.qwen3-32b-v1:0 deepseek.v3-v1:0 deepseek.v3.2 openai.gpt-oss-20b-1:0
    openai.gpt-oss-120b-1:0 anthropic.claude-haiku-4-5-20251001-v1:0 anthropic.claude-sonnet-4-5-20250929-v1:0
    anthropic.claude-fable-5-1 anthropic.claude-fable-5 anthropic.claude-sonnet-5 anthropic.claude-opus-5
    anthropic.claude-opus-4-8 anthropic.claude-opus-4-7 anthropic.claude-opus-4-6-v1:0
    anthropic.claude-opus-4-6-v1 anthropic.claude-sonnet-4-6 anthropic.claude-opus-4-1-20250805-v1:0
    anthropic.claude-opus-4-20250514-v1:0 anthropic.claude-sonnet-4-20250514-v1:0
    anthropic.claude-3-7-sonnet-20250219-v1:0 anthropic.claude-3-5-haiku-20241022-v1:0
    anthropic.claude-3-5-sonnet-20241022-v2:0 anthropic.claude-3-5-sonnet-20240620-v1:0
    anthropic.claude-3-opus-20240229-v1:0 anthropic.claude-3-sonnet-20240229-v1:0
    anthropic.claude-3-haiku-20240307-v1:0 anthropic.claude-v2 anthropic.claude-v2:1 anthropic.claude-v1
    anthropic.claude-instant-v1 ai21.jamba-instruct-v1:0 ai21.jamba-1-5-mini-v1:0 ai21.jamba-1-5-large-v1:0
    meta.llama3-70b-instruct-v1:0 meta.llama3-8b-instruct-v1:0 meta.llama3-1-8b-instruct-v1:0
    meta.llama3-1-70b-instruct-v1:0 meta.llama3-1-405b-instruct-v1:0 meta.llama3-70b-instruct-v1:0
    mistral.mistral-large-2407-v1:0 mistral.mistral-large-2402-v1:0 mistral.mistral-small-2402-v1:0
    meta.llama3-2-1b-instruct-v1:0 meta.llama3-2-3b-instruct-v1:0 meta.llama3-2-11b-instruct-v1:0
    meta.llama3-2-90b-instruct-v1:0 amazon.nova-lite-v1:0 amazon.nova-2-lite-v1:0
    amazon.nova-2-pro-preview-20251202-v1:0 amazon.nova-pro-v1:0 writer.palmyra-x4-v1:0 writer.palmyra-x5-v1:0
    minimax.minimax-m2.1 moonshotai.kimi-k2.5
"""

_FINISH_REASONS = """
    stop length function_call tool_calls content_filter
"""

_BEDROCK_EMBEDDINGS = """
    amazon.nova-2-multimodal-embeddings-v1:0 amazon.titan-embed-text-v1 cohere.embed-english-v3
    cohere.embed-multilingual-v3 cohere.embed-v4:0 twelvelabs.marengo-embed-2-7-v1:0
    twelvelabs.marengo-embed-3-0-v1:0
"""

_VALUES: dict[str, Any] = {
    "AZURE_DEFAULT_API_VERSION": "2025-02-01-preview",
    "BATCH_GUARDRAIL_RESPONSE_FIELD": "litellm_batch_guardrail",
    "COHERE_DEFAULT_EMBEDDING_INPUT_TYPE": "search_document",
    "DEFAULT_ALLOWED_FAILS": 3,
    "DEFAULT_BATCH_SIZE": 512,
    "DEFAULT_FLUSH_INTERVAL_SECONDS": 5,
    "DEFAULT_IN_MEMORY_TTL": 5,
    "DEFAULT_MAX_RETRIES": 2,
    "DEFAULT_MAX_TOKENS": 4096,
    "DEFAULT_MOCK_RESPONSE_COMPLETION_TOKEN_COUNT": 20,
    "DEFAULT_MOCK_RESPONSE_PROMPT_TOKEN_COUNT": 10,
    "DEFAULT_POLLING_INTERVAL": 0.03,
    "DEFAULT_REPLICATE_POLLING_DELAY_SECONDS": 1,
    "DEFAULT_REPLICATE_POLLING_RETRIES": 5,
    "DEFAULT_REQUEST_TIMEOUT": 6000.0,
    "DEFAULT_SOFT_BUDGET": 50.0,
    "DEFAULT_VIDEO_ENDPOINT_MODEL": "sora-2",
    "FIRST_COMPLETED": "FIRST_COMPLETED",
    "HUMANLOOP_PROMPT_CACHE_TTL_SECONDS": 60,
    "LITELLM_DETAILS_FALLBACK_RESPONSE_FIELD": "litellm_details_fallback",
    "NADIR_DEFAULT_API_BASE": "https://api.getnadir.com/v1",
    "PROVIDER_AFFINITY_HEADER_KWARG_KEY": "provider_affinity_header",
    "REPEATED_STREAMING_CHUNK_LIMIT": 100,
    "ROUTER_MAX_FALLBACKS": 5,
    "SCHEDULER_QUEUE_TARGET": "scheduler_queue",
    "WATSONX_DEFAULT_API_VERSION": "2024-03-13",
    "_current_cost": 0.0,
    "allowed_fails": 3,
    "anthropic_sse_ping_interval_seconds": 15.0,
    "batch_line_item_callbacks": (),
    "budget_exceeded_status_code": 422,
    "default_soft_budget": 50.0,
    "initialized_langfuse_clients": 0,
    "litellm_mode": "DEV",
    "llm_guard_mode": "all",
    "log_level": "DEBUG",
    "max_budget": 0.0,
    "max_tokens": 4096,
    "max_ui_session_budget": 1.0,
    "prometheus_deployment_and_latency_caller_identity": "api_key_alias",
    "prometheus_end_user_metrics_cleanup_interval_seconds": 60.0,
    "prometheus_end_user_metrics_max_series_per_metric": 10000,
    "prometheus_end_user_metrics_ttl_seconds": 3600.0,
    "prometheus_metrics_cleanup_interval_seconds": 60.0,
    "reasoning_effort_rounding": "up",
    "vector_store_search_failure_mode": "annotate",
}


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value


DEFAULTS: dict[str, Callable[[], Any]] = {
    **dict.fromkeys(_NONE.split(), _constant(None)),
    **dict.fromkeys(_FALSE.split(), _constant(False)),
    **dict.fromkeys(_TRUE.split(), _constant(True)),
    **dict.fromkeys(_LISTS.split(), list),
    **dict.fromkeys(_DICTS.split(), dict),
    **{name: _constant(value) for name, value in _VALUES.items()},
    "BEDROCK_CONVERSE_MODELS": _CONVERSE_MODELS.split,
    "OPENAI_CHAT_COMPLETION_PARAMS": _CHAT_PARAMS.split,
    "OPENAI_FINISH_REASONS": _FINISH_REASONS.split,
    "bedrock_embedding_models": lambda: set(_BEDROCK_EMBEDDINGS.split()),
}
