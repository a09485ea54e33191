//! The OpenAI parameters that each provider takes, in the order in which LiteLLM lists them.
//!
//! Source: `get_supported_openai_params` of LiteLLM 1.109.1; what depends on the model is a rule of `super::supported`.

#![allow(missing_docs)]

/// A list of parameter names.
pub type Names = &'static [&'static str];

pub static FULL: Names = &[
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens",
    "modalities", "prediction", "n", "presence_penalty", "seed", "stop", "stream", "stream_options",
    "temperature", "top_p", "tools", "tool_choice", "function_call", "functions", "max_retries",
    "extra_headers", "parallel_tool_calls", "audio", "web_search_options", "service_tier",
    "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "store", "response_format",
];

pub static FULL_REASONING: Names = &[
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens",
    "modalities", "prediction", "n", "presence_penalty", "seed", "stop", "stream", "stream_options",
    "temperature", "top_p", "tools", "tool_choice", "function_call", "functions", "max_retries",
    "extra_headers", "parallel_tool_calls", "audio", "web_search_options", "service_tier",
    "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "store", "response_format",
    "reasoning_effort",
];

pub static FULL_THINKING: Names = &[
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens",
    "modalities", "prediction", "n", "presence_penalty", "seed", "stop", "stream", "stream_options",
    "temperature", "top_p", "tools", "tool_choice", "function_call", "functions", "max_retries",
    "extra_headers", "parallel_tool_calls", "audio", "web_search_options", "service_tier",
    "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "store", "response_format",
    "reasoning_effort", "thinking",
];

pub static A2A: Names = &[
    "stream", "temperature", "max_tokens", "top_p",
];

pub static AI21: Names = &[
    "tools", "response_format", "max_tokens", "max_completion_tokens", "temperature", "stop", "n", "stream",
    "seed", "tool_choice",
];

pub static AMAZON_NOVA: Names = &[
    "top_p", "temperature", "max_tokens", "max_completion_tokens", "metadata", "stop", "stream",
    "stream_options", "tools", "tool_choice", "reasoning_effort",
];

pub static ANTHROPIC: Names = &[
    "stream", "stop", "temperature", "top_p", "max_tokens", "max_completion_tokens", "tools", "tool_choice",
    "extra_headers", "parallel_tool_calls", "response_format", "user", "web_search_options", "speed",
    "context_management", "cache_control", "service_tier",
];

pub static ANTHROPIC_TEXT: Names = &[
    "stream", "max_tokens", "max_completion_tokens", "stop", "temperature", "top_p", "extra_headers", "user",
];

pub static AZURE: Names = &[
    "temperature", "n", "stream", "stream_options", "stop", "max_tokens", "max_completion_tokens", "tools",
    "tool_choice", "presence_penalty", "frequency_penalty", "logit_bias", "user", "function_call",
    "functions", "tools", "tool_choice", "top_p", "logprobs", "top_logprobs", "response_format", "seed",
    "extra_headers", "parallel_tool_calls", "prediction", "modalities", "audio", "web_search_options",
    "prompt_cache_key", "store",
];

pub static AZURE_AI: Names = &[
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens",
    "modalities", "prediction", "n", "presence_penalty", "seed", "stop", "stream", "stream_options",
    "temperature", "top_p", "tools", "function_call", "functions", "max_retries", "extra_headers",
    "parallel_tool_calls", "audio", "web_search_options", "service_tier", "safety_identifier",
    "prompt_cache_key", "prompt_cache_retention", "store", "response_format",
];

pub static BASETEN: Names = &[
    "max_tokens", "max_completion_tokens", "reasoning_effort", "response_format", "seed", "stop", "stream",
    "temperature", "top_p", "tool_choice", "tools", "user", "presence_penalty", "frequency_penalty",
    "stream_options",
];

pub static BEDROCK: Names = &[
    "max_tokens", "max_completion_tokens", "stream", "stream_options", "stop", "temperature", "top_p",
    "extra_headers", "response_format", "requestMetadata", "service_tier", "parallel_tool_calls", "tools",
    "tool_choice", "thinking", "reasoning_effort", "output_config",
];

pub static BIGMODEL: Names = &[
    "max_tokens", "max_completion_tokens", "stream", "stream_options", "temperature", "top_p", "stop",
    "tools", "tool_choice", "response_format", "thinking", "reasoning_effort",
];

pub static BYTEZ: Names = &[
    "stream", "max_tokens", "max_completion_tokens", "temperature", "top_p", "n", "max_retries",
];

pub static CEREBRAS: Names = &[
    "max_tokens", "max_completion_tokens", "response_format", "seed", "stop", "stream", "temperature",
    "top_p", "tool_choice", "tools", "user", "max_retries", "extra_headers",
];

pub static CLARIFAI: Names = &[
    "max_tokens", "max_completion_tokens", "response_format", "stream", "temperature", "top_p", "tool_choice",
    "tools", "presence_penalty", "frequency_penalty", "stream_options",
];

pub static CLF_AI_GATEWAY: Names = &[
    "stream", "stream_options", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs",
    "top_logprobs", "max_tokens", "max_completion_tokens", "n", "stop", "temperature", "top_p", "seed",
    "response_format", "tools", "tool_choice", "parallel_tool_calls", "user", "store", "service_tier",
];

pub static COHERE: Names = &[
    "stream", "temperature", "max_tokens", "max_completion_tokens", "top_p", "frequency_penalty",
    "presence_penalty", "stop", "n", "tools", "tool_choice", "seed", "extra_headers",
];

pub static DATABRICKS: Names = &[
    "stream", "stop", "temperature", "top_p", "max_tokens", "max_completion_tokens", "n", "response_format",
    "tools", "tool_choice", "reasoning_effort", "thinking", "service_tier",
];

pub static DATABRICKS_AGENT: Names = &[
    "stream", "max_completion_tokens", "max_tokens", "temperature", "top_p", "user",
];

pub static DEEPINFRA: Names = &[
    "stream", "frequency_penalty", "function_call", "functions", "logit_bias", "max_tokens",
    "max_completion_tokens", "n", "presence_penalty", "stop", "temperature", "top_p", "response_format",
    "tools", "tool_choice",
];

pub static DEEPSEEK: Names = &[
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens",
    "modalities", "prediction", "n", "presence_penalty", "seed", "stop", "stream", "stream_options",
    "temperature", "top_p", "tools", "tool_choice", "function_call", "functions", "max_retries",
    "extra_headers", "parallel_tool_calls", "audio", "web_search_options", "service_tier",
    "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "store", "response_format", "thinking",
    "reasoning_effort",
];

pub static FAL_AI: Names = &[
    "reasoning_effort", "temperature", "top_p",
];

pub static FEATHERLESS_AI: Names = &[
    "stream", "frequency_penalty", "function_call", "functions", "logit_bias", "max_tokens",
    "max_completion_tokens", "n", "presence_penalty", "stop", "temperature", "top_p",
];

pub static FIREWORKS_AI: Names = &[
    "stream", "max_completion_tokens", "max_tokens", "temperature", "top_p", "top_k", "frequency_penalty",
    "presence_penalty", "n", "stop", "response_format", "user", "logprobs", "prompt_truncate_len",
    "context_length_exceeded_behavior", "seed", "top_logprobs", "min_p", "typical_p", "repetition_penalty",
    "mirostat_target", "mirostat_lr", "logit_bias", "echo", "echo_last", "ignore_eos", "prompt_cache_key",
    "prompt_cache_isolation_key", "raw_output", "perf_metrics_in_response", "return_token_ids",
    "safe_tokenization", "service_tier", "speculation", "prediction", "stream_options", "sampling_mask",
    "tools", "parallel_tool_calls",
];

pub static GDC: Names = &[
    "vertex_project", "vertex_location", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs",
    "max_tokens", "max_completion_tokens", "modalities", "prediction", "n", "presence_penalty", "seed",
    "stop", "stream", "stream_options", "temperature", "top_p", "tools", "tool_choice", "function_call",
    "functions", "max_retries", "extra_headers", "parallel_tool_calls", "audio", "web_search_options",
    "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "store",
    "response_format",
];

pub static GEMINI: Names = &[
    "temperature", "top_p", "max_tokens", "max_completion_tokens", "stream", "tools", "tool_choice",
    "functions", "response_format", "n", "stop", "logprobs", "frequency_penalty", "presence_penalty", "seed",
    "modalities", "parallel_tool_calls", "web_search_options", "include_server_side_tool_invocations",
    "service_tier", "reasoning_effort", "thinking",
];

pub static GIGACHAT: Names = &[
    "stream", "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "tools", "tool_choice",
    "functions", "function_call", "response_format",
];

pub static GRADIENT_AI: Names = &[
    "frequency_penalty", "max_tokens", "max_completion_tokens", "presence_penalty", "stop", "stream",
    "stream_options", "temperature", "top_p", "k", "kb_filters", "filter_kb_content_by_query_metadata",
    "instruction_override", "include_functions_info", "include_retrieval_info", "include_guardrails_info",
    "provide_citations", "retrieval_method",
];

pub static GROQ: Names = &[
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens",
    "modalities", "prediction", "n", "presence_penalty", "seed", "stop", "stream", "stream_options",
    "temperature", "top_p", "tools", "tool_choice", "function_call", "functions", "extra_headers",
    "parallel_tool_calls", "audio", "service_tier", "safety_identifier", "prompt_cache_key",
    "prompt_cache_retention", "store", "response_format",
];

pub static HYPERBOLIC: Names = &[
    "messages", "model", "stream", "temperature", "top_p", "max_tokens", "frequency_penalty",
    "presence_penalty", "stop", "n", "tools", "tool_choice", "response_format", "seed", "user",
];

pub static INCEPTION: Names = &[
    "max_tokens", "max_completion_tokens", "temperature", "stop", "tools", "tool_choice", "stream",
    "stream_options", "response_format", "reasoning_effort", "reasoning_summary", "reasoning_summary_wait",
    "diffusing", "realtime",
];

pub static INFINITY: Names = &[
    "encoding_format", "modality", "dimensions",
];

pub static LITELLM_PROXY: Names = &[
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens",
    "modalities", "prediction", "n", "presence_penalty", "seed", "stop", "stream", "stream_options",
    "temperature", "top_p", "tools", "tool_choice", "function_call", "functions", "max_retries",
    "extra_headers", "parallel_tool_calls", "audio", "web_search_options", "service_tier",
    "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "store", "response_format",
    "functions", "function_call", "temperature", "temperature", "top_p", "n", "stream", "stream_options",
    "stop", "max_completion_tokens", "modalities", "prediction", "audio", "max_tokens", "presence_penalty",
    "frequency_penalty", "logit_bias", "user", "request_timeout", "api_base", "api_version", "api_key",
    "deployment_id", "organization", "base_url", "default_headers", "timeout", "response_format", "seed",
    "tools", "tool_choice", "max_retries", "parallel_tool_calls", "logprobs", "top_logprobs",
    "reasoning_effort", "extra_headers", "thinking", "web_search_options",
    "include_server_side_tool_invocations", "service_tier", "prompt_cache_key", "prompt_cache_retention",
    "safety_identifier", "verbosity", "store",
];

pub static MARITALK: Names = &[
    "frequency_penalty", "presence_penalty", "top_p", "top_k", "temperature", "max_tokens", "n", "stop",
    "stream", "stream_options", "tools", "tool_choice",
];

pub static MICROSOFT_365_COPILOT: Names = &[
    "stream", "max_tokens", "max_completion_tokens",
];

pub static MINIMAX: Names = &[
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens",
    "modalities", "prediction", "n", "presence_penalty", "seed", "stop", "stream", "stream_options",
    "temperature", "top_p", "tools", "tool_choice", "function_call", "functions", "max_retries",
    "extra_headers", "parallel_tool_calls", "audio", "web_search_options", "service_tier",
    "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "store", "response_format",
    "reasoning_split",
];

pub static MISTRAL: Names = &[
    "stream", "temperature", "top_p", "max_tokens", "max_completion_tokens", "tools", "tool_choice", "seed",
    "stop", "response_format", "parallel_tool_calls", "prompt_cache_key",
];

pub static MOONSHOT: Names = &[
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens",
    "modalities", "prediction", "n", "presence_penalty", "seed", "stop", "stream", "stream_options",
    "temperature", "top_p", "tools", "tool_choice", "function_call", "max_retries", "extra_headers",
    "parallel_tool_calls", "audio", "web_search_options", "service_tier", "safety_identifier",
    "prompt_cache_key", "prompt_cache_retention", "store", "response_format",
];

pub static MORPH: Names = &[
    "messages", "model", "stream", "stream_options", "temperature", "top_p", "frequency_penalty",
    "presence_penalty", "stop", "seed", "max_tokens", "max_completion_tokens", "logit_bias", "logprobs",
    "top_logprobs", "tools", "tool_choice", "parallel_tool_calls", "response_format", "reasoning_effort",
    "prompt_cache_key",
];

pub static NADIR: Names = &[
    "extra_headers", "frequency_penalty", "max_retries", "max_tokens", "presence_penalty", "response_format",
    "stream", "temperature", "top_p",
];

pub static NLP_CLOUD: Names = &[
    "max_tokens", "stream", "temperature", "top_p", "presence_penalty", "frequency_penalty", "n", "stop",
];

pub static NSCALE: Names = &[
    "max_tokens", "n", "temperature", "top_p", "stream", "logprobs", "top_logprobs", "frequency_penalty",
    "presence_penalty", "response_format", "stop", "logit_bias",
];

pub static NVIDIA_NIM: Names = &[
    "stream", "temperature", "top_p", "frequency_penalty", "presence_penalty", "max_tokens",
    "max_completion_tokens", "stop", "seed", "tools", "tool_choice", "parallel_tool_calls", "response_format",
];

pub static OCI: Names = &[
    "stream", "max_tokens", "max_completion_tokens", "temperature", "tools", "frequency_penalty", "logprobs",
    "logit_bias", "n", "presence_penalty", "reasoning_effort", "seed", "stop", "tool_choice", "top_p",
    "response_format",
];

pub static OLLAMA: Names = &[
    "max_tokens", "stream", "top_p", "temperature", "seed", "frequency_penalty", "stop", "response_format",
    "max_completion_tokens", "reasoning_effort",
];

pub static OLLAMA_CHAT: Names = &[
    "max_tokens", "max_completion_tokens", "stream", "top_p", "temperature", "seed", "frequency_penalty",
    "stop", "tools", "tool_choice", "functions", "response_format", "reasoning_effort",
];

pub static PERPLEXITY: Names = &[
    "frequency_penalty", "max_tokens", "max_completion_tokens", "presence_penalty", "response_format",
    "stream", "temperature", "top_p", "max_retries", "extra_headers",
];

pub static PETALS: Names = &[
    "max_tokens", "temperature", "top_p", "stream",
];

pub static PREDIBASE: Names = &[
    "stream", "temperature", "max_completion_tokens", "max_tokens", "top_p", "stop", "n", "response_format",
];

pub static REPLICATE: Names = &[
    "stream", "temperature", "max_tokens", "top_p", "stop", "seed", "tools", "tool_choice", "functions",
    "function_call",
];

pub static SAGEMAKER: Names = &[
    "stream", "temperature", "max_tokens", "max_completion_tokens", "top_p", "stop", "n",
];

pub static SAGEMAKER_NOVA: Names = &[
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens",
    "modalities", "prediction", "n", "presence_penalty", "seed", "stop", "stream", "stream_options",
    "temperature", "top_p", "tools", "tool_choice", "function_call", "functions", "max_retries",
    "extra_headers", "parallel_tool_calls", "audio", "web_search_options", "service_tier",
    "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "store", "response_format", "top_k",
    "reasoning_effort", "allowed_token_ids", "truncate_prompt_tokens",
];

pub static SAIL: Names = &[
    "max_tokens", "max_completion_tokens", "modalities", "prediction", "n", "stream", "stream_options",
    "temperature", "top_p", "tools", "tool_choice", "function_call", "functions", "max_retries",
    "extra_headers", "parallel_tool_calls", "audio", "web_search_options", "service_tier",
    "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "store", "response_format",
    "reasoning_effort", "user",
];

pub static SAMBANOVA: Names = &[
    "max_completion_tokens", "max_tokens", "response_format", "stop", "stream", "stream_options",
    "temperature", "top_p", "top_k",
];

pub static SAP: Names = &[
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens",
    "prediction", "n", "presence_penalty", "seed", "stop", "stream", "stream_options", "temperature", "top_p",
    "tools", "tool_choice", "function_call", "functions", "extra_headers", "parallel_tool_calls",
    "response_format", "timeout",
];

pub static SNOWFLAKE: Names = &[
    "temperature", "max_tokens", "max_completion_tokens", "top_p", "stream", "tools", "tool_choice",
];

pub static STREAM_ONLY: Names = &[
    "stream",
];

pub static TEXT_COMPLETION: Names = &[
    "functions", "function_call", "temperature", "top_p", "n", "stream", "stream_options", "stop",
    "max_tokens", "presence_penalty", "frequency_penalty", "logit_bias", "user", "response_format", "seed",
    "tools", "tool_choice", "max_retries", "logprobs", "top_logprobs", "extra_headers",
];

pub static TEXT_COMPLETION_CODESTRAL: Names = &[
    "suffix", "temperature", "top_p", "max_tokens", "max_completion_tokens", "stream", "seed", "stop",
];

pub static TEXT_COMPLETION_INCEPTION: Names = &[
    "suffix", "max_tokens", "max_completion_tokens", "top_p", "frequency_penalty", "presence_penalty", "stop",
    "stream", "stream_options",
];

pub static TRITON: Names = &[
    "max_tokens", "max_completion_tokens",
];

pub static V0: Names = &[
    "messages", "model", "stream", "tools", "tool_choice",
];

pub static VERCEL_AI_GATEWAY: Names = &[
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens",
    "modalities", "prediction", "n", "presence_penalty", "seed", "stop", "stream", "stream_options",
    "temperature", "top_p", "tools", "tool_choice", "function_call", "functions", "max_retries",
    "extra_headers", "parallel_tool_calls", "audio", "web_search_options", "service_tier",
    "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "store", "response_format",
    "extra_body",
];

pub static VERTEX_AI: Names = &[
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens",
    "modalities", "prediction", "n", "presence_penalty", "seed", "stop", "stream", "stream_options",
    "temperature", "top_p", "tools", "tool_choice", "function_call", "functions", "extra_headers",
    "parallel_tool_calls", "audio", "web_search_options", "service_tier", "safety_identifier",
    "prompt_cache_key", "prompt_cache_retention", "store", "response_format",
];

pub static VERTEX_AI_BETA: Names = &[
    "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "stream", "tools", "functions",
    "tool_choice", "response_format", "n", "stop", "extra_headers", "seed", "logprobs", "top_logprobs",
    "modalities", "audio", "parallel_tool_calls", "web_search_options",
    "include_server_side_tool_invocations", "service_tier", "reasoning_effort", "thinking",
];

pub static VOLCENGINE: Names = &[
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_completion_tokens", "max_tokens", "n",
    "presence_penalty", "seed", "stop", "stream", "stream_options", "temperature", "top_p", "tools",
    "tool_choice", "function_call", "functions", "max_retries", "extra_headers", "thinking",
];

pub static VOYAGE: Names = &[
    "encoding_format", "dimensions",
];

pub static WATSONX: Names = &[
    "temperature", "max_tokens", "top_p", "frequency_penalty", "stop", "seed", "stream", "tools",
    "tool_choice", "logprobs", "top_logprobs", "n", "presence_penalty", "response_format", "reasoning_effort",
];

pub static WATSONX_TEXT: Names = &[
    "temperature", "max_tokens", "top_p", "frequency_penalty", "stop", "seed", "stream",
];

pub static XAI: Names = &[
    "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "n", "parallel_tool_calls",
    "presence_penalty", "response_format", "seed", "stream", "stream_options", "temperature", "tool_choice",
    "tools", "top_logprobs", "top_p", "user", "web_search_options", "stop", "frequency_penalty",
];

pub static ZAI: Names = &[
    "max_tokens", "max_completion_tokens", "response_format", "stream", "stream_options", "temperature",
    "top_p", "stop", "tools", "tool_choice",
];
