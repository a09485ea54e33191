"""The ONE table of names: which public name of LiteLLM's lives where in this package, and which paths lead there.

`gateway.completion` and `from litellm.types.utils import Delta` both end here. To offer a name, add it to `BY_HOME`;
to offer a module path that libraries import, add it to `PATHS`. Names of LiteLLM's that this package does not have are
in [`absent`](absent.py): they can be imported, and say so when they are used.
"""

from __future__ import annotations

# Module of this package -> the public names it holds.
BY_HOME: dict[str, str] = {
    "batch": """
        acompletion_with_retries batch_completion batch_completion_models batch_completion_models_all_responses
        completion_with_retries
    """,
    "budget_manager": """
        BudgetManager
    """,
    "caching": """
        Cache CacheMode LiteLLMCacheType disable_cache enable_cache update_cache
    """,
    "catalog": """
        ai21_chat_models ai21_models anthropic_models azure_ai_models azure_models azure_text_models
        bedrock_converse_models
        bedrock_models cerebras_models cloudflare_models codestral_models cohere_chat_models cohere_models
        databricks_models deepinfra_models deepseek_models fireworks_ai_models gemini_models get_max_tokens
        get_model_info groq_models mistral_chat_models model_cost model_list models_by_provider nlp_cloud_models
        ollama_models open_ai_chat_completion_models open_ai_text_completion_models openrouter_models palm_models
        perplexity_models replicate_models sambanova_models snowflake_models text_completion_codestral_models
        together_ai_models vertex_ai_image_models vertex_anthropic_models vertex_chat_models vertex_code_chat_models
        vertex_code_text_models vertex_embedding_models vertex_language_models vertex_llama3_models
        vertex_mistral_models vertex_text_models vertex_vision_models voyage_models watsonx_models xai_models
        register_model supports_audio_input supports_audio_output supports_function_calling
        supports_parallel_function_calling supports_pdf_input supports_reasoning supports_response_schema
        supports_system_messages supports_url_context supports_vision supports_web_search
    """,
    "cost": """
        completion_cost cost_per_token
    """,
    "custom_llm": """
        BaseLLM CustomLLM CustomLLMError GenericStreamingChunk
    """,
    "dialects": """
        agenerate_content agenerate_content_stream anthropic_messages anthropic_messages_handler generate_content
        generate_content_stream
    """,
    "endpoints": """
        aimage_edit aimage_generation aimage_variation amoderation arerank aspeech atranscription image_edit
        image_generation image_variation moderation rerank speech transcription
    """,
    "exceptions": """
        APIConnectionError APIError APIResponseValidationError AuthenticationError BadGatewayError
        BadRequestError BudgetExceededError CallerCredentialAuthenticationError CallerCredentialRateLimitError
        ContentPolicyViolationError ContextWindowExceededError EndpointNotSupportedByModelError ImageFetchError
        InternalServerError InvalidRequestError JSONSchemaValidationError LiteLLMUnknownProvider
        MalformedRequestFieldError MidStreamFallbackError MockException ModelNotMappedError NotFoundError
        OpenAIError PaymentRequiredError PermissionDeniedError RateLimitError RateLimitErrorCategory
        RejectedRequestError ServiceUnavailableError Timeout UnprocessableEntityError UnsupportedEndpointError
        UnsupportedParamsError VectorStoreSearchError
    """,
    "http_handler": """
        AsyncHTTPHandler MaskedHTTPStatusError
    """,
    "main": """
        acompletion aembedding atext_completion completion embedding mock_completion text_completion
    """,
    "media_types": """
        HttpxBinaryResponseContent ImageObject ImageResponse ImageUsage ImageUsageInputTokensDetails
        OpenAIModerationResponse OpenAIModerationResult
    """,
    "probes": """
        TokenCountResponse acount_tokens ahealth_check check_valid_key get_valid_models
    """,
    "resource_types": """
        LiteLLMBatch LiteLLMFineTuningJob OpenAIFileObject
    """,
    "resources": """
        acancel_batch acancel_fine_tuning_job acreate_batch acreate_file acreate_fine_tuning_job afile_content
        afile_delete afile_list afile_retrieve alist_batches alist_fine_tuning_jobs aretrieve_batch
        aretrieve_fine_tuning_job cancel_batch cancel_fine_tuning_job create_batch create_file create_fine_tuning_job
        file_content file_delete file_list file_retrieve list_batches list_fine_tuning_jobs retrieve_batch
        retrieve_fine_tuning_job
    """,
    "provider_config": """
        ProviderConfigManager responses_api_bridge_check
    """,
    "responses_api": """
        BaseResponsesAPIStreamingIterator LiteLLMCompletionStreamingIterator MockResponsesAPIStreamingIterator
        ResponsesAPIStreamingIterator SyncResponsesAPIStreamingIterator acancel_responses acompact_responses
        adelete_responses aget_responses alist_input_items aresponses cancel_responses compact_responses
        delete_responses get_responses list_input_items responses
    """,
    "responses_types": """
        BaseLiteLLMOpenAIResponseObject ContentPartAddedEvent ContentPartDoneEvent CustomToolCallOutputItem
        DeleteResponseResult ErrorEvent FunctionCallArgumentsDeltaEvent FunctionCallArgumentsDoneEvent
        GenericEvent GenericResponseOutputItem GenericResponseOutputItemContentAnnotation IncompleteDetails
        InputTokensDetails OutputCodeInterpreterCall OutputCodeInterpreterCallLog OutputFunctionToolCall
        OutputImageGenerationCall OutputItemAddedEvent OutputItemDoneEvent OutputText
        OutputTextAnnotationAddedEvent OutputTextDeltaEvent OutputTextDoneEvent OutputTokensDetails
        ReasoningSummaryPartDoneEvent ReasoningSummaryTextDeltaEvent ReasoningSummaryTextDoneEvent
        RefusalDeltaEvent RefusalDoneEvent ResponseAPIUsage ResponseCompletedEvent ResponseCreatedEvent
        ResponseFailedEvent ResponseInProgressEvent ResponseIncompleteEvent ResponsePartAddedEvent
        ResponsesAPIResponse ResponsesAPIStreamEvents
    """,
    "params": """
        LlmProviders get_llm_provider get_optional_params get_supported_openai_params
        openai_compatible_providers provider_list validate_environment
    """,
    "streaming": """
        CustomStreamWrapper TextCompletionStreamWrapper
    """,
    "streams": """
        stream_chunk_builder
    """,
    "tokens": """
        create_pretrained_tokenizer create_tokenizer decode encode token_counter trim_messages
    """,
    "types": """
        CacheCreationTokenDetails ChatCompletionDeltaToolCall ChatCompletionMessageCustomToolCall
        ChatCompletionMessageToolCall ChatCompletionTokenLogprob ChoiceLogprobs Choices
        CompletionTokensDetailsWrapper Delta Embedding EmbeddingResponse Function FunctionCall LiteLLMBaseModel
        Logprobs Message ModelResponse ModelResponseBase ModelResponseStream PromptTokensDetailsWrapper RerankResponse
        ServerToolUse StreamingChoices TextChoices TextCompletionResponse TopLogprob TranscriptionResponse Usage
    """,
    "custom_logger": """
        CallTypes CustomLogger
    """,
    "openai_types": """
        AllMessageValues AnthropicThinkingParam ChatCompletionAnnotation ChatCompletionAnnotationURLCitation
        ChatCompletionAssistantMessage ChatCompletionAssistantToolCall ChatCompletionAudioDelta
        ChatCompletionAudioObject ChatCompletionCachedContent ChatCompletionDeltaChunk
        ChatCompletionDeltaToolCallChunk ChatCompletionDeveloperMessage ChatCompletionDocumentObject
        ChatCompletionFileObject ChatCompletionFileObjectFile ChatCompletionFunctionMessage
        ChatCompletionImageObject ChatCompletionImageUrlObject ChatCompletionInputAudio
        ChatCompletionNamedToolChoiceParam ChatCompletionReasoningItem ChatCompletionReasoningSummaryTextBlock
        ChatCompletionRedactedThinkingBlock ChatCompletionRequest ChatCompletionResponseMessage
        ChatCompletionSystemMessage ChatCompletionTextObject ChatCompletionThinkingBlock
        ChatCompletionToolCallChunk ChatCompletionToolCallFunctionChunk ChatCompletionToolChoiceFunctionParam
        ChatCompletionToolChoiceObjectParam ChatCompletionToolChoiceStringValues ChatCompletionToolChoiceValues
        ChatCompletionToolMessage ChatCompletionToolParam ChatCompletionToolParamFunctionChunk
        ChatCompletionToolReferenceObject ChatCompletionUsageBlock ChatCompletionUserMessage
        ChatCompletionVideoObject ChatCompletionVideoUrlObject CitationsObject DocumentObject
        GenericChatCompletionMessage OpenAIChatCompletionAssistantMessage OpenAIChatCompletionDeveloperMessage
        OpenAIChatCompletionSystemMessage OpenAIChatCompletionTextObject OpenAIChatCompletionToolParam
        OpenAIChatCompletionUserMessage OpenAIMessageContent OpenAIMessageContentListBlock
        OpenAITextCompletionUserMessage OpenAIWebSearchOptions OpenAIWebSearchUserLocation
        OpenAIWebSearchUserLocationApproximate WebSearchOptions WebSearchOptionsUserLocation
        WebSearchOptionsUserLocationApproximate
    """,
    "router": """
        Router
    """,
    "router_types": """
        AlertingConfig AllowedFailsPolicy CredentialLiteLLMParams CustomPricingLiteLLMParams Deployment
        DeploymentTypedDict GenericLiteLLMParams LiteLLMParamsTypedDict LiteLLM_Params ModelGroupInfo ModelInfo
        RetryPolicy RouterErrors RouterModelGroupAliasItem RouterRateLimitError RoutingStrategy updateDeployment
        updateLiteLLMParams
    """,
    "secrets": """
        get_secret get_secret_bool get_secret_str
    """,
    "verbose": """
        JsonFormatter _turn_on_debug _turn_on_json print_verbose turn_on_debug turn_on_json verbose_logger
        verbose_proxy_logger verbose_router_logger
    """,
}

HOMES: dict[str, str] = {name: home for home, names in BY_HOME.items() for name in names.split()}

# Module paths of LiteLLM's, below its root, that libraries import. Where this package has a module of that name, that
# one is used; the others are made when they are first imported, and hold every public name.
_PATHS = """
    _logging _version anthropic_interface anthropic_interface.messages batch_completion batch_completion.main
    budget_manager caching caching.caching caching.caching_handler caching.disk_cache caching.dual_cache
    caching.in_memory_cache caching.llm_caching_handler caching.redis_cache completion_extras
    completion_extras.responses_api_bridge completion_extras.responses_api_bridge.transformation_handler constants
    cost_calculator embeddings embeddings.dispatch experimental_mcp_client experimental_mcp_client.tools files
    files.main google_genai images images.main integrations.custom_guardrail integrations.custom_logger
    integrations.custom_prompt_management integrations.langfuse integrations.langfuse.langfuse
    integrations.langfuse.langfuse_otel integrations.mlflow integrations.opentelemetry integrations.opik
    integrations.opik.opik integrations.prometheus litellm_core_utils litellm_core_utils.core_helpers
    litellm_core_utils.exception_mapping_utils litellm_core_utils.get_llm_provider_logic
    litellm_core_utils.get_model_cost_map litellm_core_utils.get_supported_openai_params
    litellm_core_utils.json_validation_rule litellm_core_utils.litellm_logging
    litellm_core_utils.llm_cost_calc litellm_core_utils.llm_cost_calc.utils litellm_core_utils.llm_response_utils
    litellm_core_utils.llm_response_utils.convert_dict_to_response
    litellm_core_utils.llm_response_utils.get_api_base litellm_core_utils.logging_worker
    litellm_core_utils.prompt_templates litellm_core_utils.prompt_templates.common_utils
    litellm_core_utils.prompt_templates.factory litellm_core_utils.streaming_chunk_builder_utils
    litellm_core_utils.streaming_handler litellm_core_utils.thread_pool_executor
    litellm_core_utils.token_counter llms llms.anthropic llms.anthropic.common_utils llms.azure llms.azure.azure
    llms.azure.common_utils llms.azure.completion llms.azure.completion.handler llms.azure_ai llms.azure_ai.chat
    llms.azure_ai.chat.transformation llms.base_llm llms.base_llm.chat llms.base_llm.chat.transformation
    llms.bedrock llms.bedrock.common_utils llms.bedrock_mantle llms.bedrock_mantle.common_utils llms.custom_httpx
    llms.custom_httpx.http_handler llms.custom_llm llms.databricks llms.databricks.common_utils llms.gdc
    llms.gdc.chat llms.gdc.chat.transformation llms.openai llms.openai.chat llms.openai.chat.gpt_transformation
    llms.openai.common_utils llms.openai.completion llms.openai.completion.handler llms.openai.openai
    llms.openai_like llms.openai_like.json_loader llms.ragflow llms.ragflow.chat llms.ragflow.chat.transformation
    llms.vertex_ai llms.vertex_ai.common_utils llms.vertex_ai.gemini llms.vertex_ai.gemini.transformation
    llms.vertex_ai.vertex_ai_aws_wif llms.vertex_ai.vertex_llm_base llms.xai llms.xai.chat
    llms.xai.chat.transformation rerank_api rerank_api.main responses responses.main responses.streaming_iterator
    responses.utils router_utils router_utils.cooldown_handlers secret_managers secret_managers.main types
    types.caching types.completion types.embedding types.files types.integrations types.integrations.langfuse
    types.integrations.prometheus types.llms types.llms.anthropic types.llms.base types.llms.openai
    types.llms.vertex_ai types.rerank types.responses types.responses.main types.router types.utils utils
"""
PATHS: frozenset[str] = frozenset(_PATHS.split())

# Where a module path means something else by a name than the root does: `path:name` -> `home:name`.
ELSEWHERE: dict[str, str] = {
    "anthropic_interface:acreate": "dialects:acreate",
    "anthropic_interface:create": "dialects:create",
    "anthropic_interface.messages:acreate": "dialects:acreate",
    "anthropic_interface.messages:create": "dialects:create",
    "litellm_core_utils.litellm_logging:_in_memory_loggers": "integrations:_in_memory_loggers",
    "types.router:ModelInfo": "router_types:ModelInfo",
    "types.utils:ModelInfo": "router_types:ModelPrices",
}

# Names that are modules: the root's attribute -> module path.
MODULES: dict[str, str] = {
    "anthropic": "anthropic_interface",
    "google_genai": "google_genai",
    "exceptions": "exceptions",
    "main": "main",
    "router": "router",
    "types": "types",
    "utils": "utils",
    "constants": "constants",
    "cost_calculator": "cost_calculator",
    "integrations": "integrations",
    "litellm_core_utils": "litellm_core_utils",
    "llms": "llms",
    "secret_managers": "secret_managers",
    "_logging": "_logging",
}
