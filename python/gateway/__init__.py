"""LiteLLM's contract at the speed of a bare proxy: `import gateway as litellm`.

Names resolve on first use (PEP 562), so that importing costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

# Settings: read with every call, to be assigned by the user.
api_key: str | None = None
api_base: str | None = None
api_version: str | None = None
organization: str | None = None
openai_key: str | None = None
headers: dict[str, str] | None = None
drop_params: bool = False
modify_params: bool = False
user_url_validation: bool = True
user_url_allowed_hosts: list[str] = []
num_retries: int | None = None
request_timeout: float = 6000
model_alias_map: dict[str, str] = {}
set_verbose: bool = False
suppress_debug_info: bool = False
telemetry: bool = False
add_function_to_prompt: bool = False
include_cost_in_streaming_usage: bool = False
use_client: bool = False
cache: Any = None
callbacks: list[Any] = []
success_callback: list[Any] = []
failure_callback: list[Any] = []
input_callback: list[Any] = []
service_callback: list[Any] = []

# Public name -> module of this package that holds it.
_HOMES: dict[str, str] = {
    "APIConnectionError": "exceptions",
    "APIError": "exceptions",
    "APIResponseValidationError": "exceptions",
    "AuthenticationError": "exceptions",
    "BadGatewayError": "exceptions",
    "BadRequestError": "exceptions",
    "BudgetExceededError": "exceptions",
    "CacheCreationTokenDetails": "types",
    "CallerCredentialAuthenticationError": "exceptions",
    "CallerCredentialRateLimitError": "exceptions",
    "ChatCompletionDeltaToolCall": "types",
    "ChatCompletionMessageCustomToolCall": "types",
    "ChatCompletionMessageToolCall": "types",
    "ChatCompletionTokenLogprob": "types",
    "ChoiceLogprobs": "types",
    "Choices": "types",
    "CompletionTokensDetailsWrapper": "types",
    "ContentPolicyViolationError": "exceptions",
    "ContextWindowExceededError": "exceptions",
    "CustomStreamWrapper": "streaming",
    "Delta": "types",
    "Embedding": "types",
    "EmbeddingResponse": "types",
    "EndpointNotSupportedByModelError": "exceptions",
    "Function": "types",
    "FunctionCall": "types",
    "ImageFetchError": "exceptions",
    "InternalServerError": "exceptions",
    "InvalidRequestError": "exceptions",
    "JSONSchemaValidationError": "exceptions",
    "LiteLLMBaseModel": "types",
    "LiteLLMUnknownProvider": "exceptions",
    "LlmProviders": "params",
    "Logprobs": "types",
    "MalformedRequestFieldError": "exceptions",
    "Message": "types",
    "MidStreamFallbackError": "exceptions",
    "MockException": "exceptions",
    "ModelNotMappedError": "exceptions",
    "ModelResponse": "types",
    "ModelResponseStream": "types",
    "NotFoundError": "exceptions",
    "OpenAIError": "exceptions",
    "PaymentRequiredError": "exceptions",
    "PermissionDeniedError": "exceptions",
    "PromptTokensDetailsWrapper": "types",
    "RateLimitError": "exceptions",
    "RateLimitErrorCategory": "exceptions",
    "RejectedRequestError": "exceptions",
    "RerankResponse": "types",
    "ServerToolUse": "types",
    "ServiceUnavailableError": "exceptions",
    "StreamingChoices": "types",
    "TextChoices": "types",
    "TextCompletionResponse": "types",
    "TextCompletionStreamWrapper": "streaming",
    "Timeout": "exceptions",
    "TopLogprob": "types",
    "TranscriptionResponse": "types",
    "UnprocessableEntityError": "exceptions",
    "UnsupportedEndpointError": "exceptions",
    "UnsupportedParamsError": "exceptions",
    "Usage": "types",
    "VectorStoreSearchError": "exceptions",
    "acompletion": "main",
    "aembedding": "main",
    "atext_completion": "main",
    "bedrock_embedding_models": "catalog",
    "completion": "main",
    "completion_cost": "cost",
    "cost_per_token": "cost",
    "create_pretrained_tokenizer": "tokens",
    "create_tokenizer": "tokens",
    "decode": "tokens",
    "embedding": "main",
    "encode": "tokens",
    "get_llm_provider": "params",
    "get_max_tokens": "catalog",
    "get_model_info": "catalog",
    "get_optional_params": "params",
    "get_supported_openai_params": "params",
    "mock_completion": "main",
    "model_cost": "catalog",
    "model_list": "catalog",
    "models_by_provider": "catalog",
    "openai_compatible_providers": "params",
    "provider_list": "params",
    "register_model": "catalog",
    "stream_chunk_builder": "streams",
    "supports_audio_input": "catalog",
    "supports_audio_output": "catalog",
    "supports_function_calling": "catalog",
    "supports_parallel_function_calling": "catalog",
    "supports_pdf_input": "catalog",
    "supports_reasoning": "catalog",
    "supports_response_schema": "catalog",
    "supports_system_messages": "catalog",
    "supports_url_context": "catalog",
    "supports_vision": "catalog",
    "supports_web_search": "catalog",
    "text_completion": "main",
    "token_counter": "tokens",
    "trim_messages": "tokens",
    "validate_environment": "params",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
