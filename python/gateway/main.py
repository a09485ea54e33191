"""The calls: `completion`, `embedding`, `text_completion` and their asynchronous forms, with LiteLLM's arguments.

Arguments that are not named in a signature are taken as keyword arguments too: `api_base`, `custom_llm_provider`,
`max_retries`, `num_retries`, `fallbacks`, `drop_params`, `additional_drop_params`, `allowed_openai_params`,
`extra_body`, `mock_response`, and parameters of the provider's own, which are sent as they are.
"""

from __future__ import annotations

from typing import Any

from gateway.calls import acall as _acall
from gateway.calls import bound as _bound
from gateway.calls import call as _call
from gateway.paths import names_at
from gateway.types import EmbeddingResponse

# LiteLLM's `main` has nearly every name.
__getattr__ = names_at("main")


def completion(
    model: str,
    messages: list[Any] = [],  # noqa: B006  LiteLLM's default; never changed
    timeout: Any = None,
    temperature: float | None = None,
    top_p: float | None = None,
    n: int | None = None,
    stream: bool | None = None,
    stream_options: dict[str, Any] | None = None,
    stop: Any = None,
    max_completion_tokens: int | None = None,
    max_tokens: int | None = None,
    modalities: list[str] | None = None,
    prediction: Any = None,
    audio: Any = None,
    presence_penalty: float | None = None,
    frequency_penalty: float | None = None,
    logit_bias: dict[Any, Any] | None = None,
    user: str | None = None,
    reasoning_effort: Any = None,
    verbosity: str | None = None,
    response_format: Any = None,
    seed: int | None = None,
    tools: list[Any] | None = None,
    tool_choice: Any = None,
    logprobs: bool | None = None,
    top_logprobs: int | None = None,
    parallel_tool_calls: bool | None = None,
    web_search_options: Any = None,
    include_server_side_tool_invocations: bool | None = None,
    deployment_id: str | None = None,
    extra_headers: dict[str, str] | None = None,
    safety_identifier: str | None = None,
    service_tier: str | None = None,
    store: bool | None = None,
    prompt_cache_key: str | None = None,
    prompt_cache_retention: str | None = None,
    functions: list[Any] | None = None,
    function_call: str | None = None,
    base_url: str | None = None,
    api_version: str | None = None,
    api_key: str | None = None,
    model_list: list[Any] | None = None,
    thinking: Any = None,
    shared_session: Any = None,
    enable_json_schema_validation: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Asks a model for a chat completion and waits for it.

    Args:
        model: `provider/model` (`groq/llama-3.3-70b-versatile`), or a name whose provider is known (`gpt-4o`).
        messages: OpenAI-shaped messages, as dicts or objects.
        timeout: seconds for the whole call (default 6000), or an httpx.Timeout.
        stream: give chunks as they come instead of one reply.
        response_format: OpenAI's, or a pydantic class whose schema the answer has to fit.
        api_key: the provider's key; default: the module's `api_key`, then the provider's environment variable.
        base_url: the provider's address (also `api_base`).
        **kwargs: settings of the call (see the module) and parameters of the provider's own.

    Returns:
        ModelResponse, or CustomStreamWrapper with `stream=True`. Cost in USD: `_hidden_params["response_cost"]`.

    Raises:
        A class of `gateway.exceptions`: subclasses of openai's, by the status that the provider answered.
    """
    return _call("completion", locals())


async def acompletion(
    model: str,
    messages: list[Any] = [],  # noqa: B006  LiteLLM's default; never changed
    functions: list[Any] | None = None,
    function_call: str | None = None,
    timeout: Any = None,
    temperature: float | None = None,
    top_p: float | None = None,
    n: int | None = None,
    stream: bool | None = None,
    stream_options: dict[str, Any] | None = None,
    stop: Any = None,
    max_tokens: int | None = None,
    max_completion_tokens: int | None = None,
    modalities: list[str] | None = None,
    prediction: Any = None,
    audio: Any = None,
    presence_penalty: float | None = None,
    frequency_penalty: float | None = None,
    logit_bias: dict[Any, Any] | None = None,
    user: str | None = None,
    response_format: Any = None,
    seed: int | None = None,
    tools: list[Any] | None = None,
    tool_choice: Any = None,
    parallel_tool_calls: bool | None = None,
    logprobs: bool | None = None,
    top_logprobs: int | None = None,
    deployment_id: str | None = None,
    reasoning_effort: Any = None,
    verbosity: str | None = None,
    safety_identifier: str | None = None,
    service_tier: str | None = None,
    store: bool | None = None,
    prompt_cache_key: str | None = None,
    prompt_cache_retention: str | None = None,
    base_url: str | None = None,
    api_version: str | None = None,
    api_key: str | None = None,
    model_list: list[Any] | None = None,
    extra_headers: dict[str, str] | None = None,
    thinking: Any = None,
    web_search_options: Any = None,
    include_server_side_tool_invocations: bool | None = None,
    shared_session: Any = None,
    enable_json_schema_validation: bool | None = None,
    **kwargs: Any,
) -> Any:
    """As `completion`, on the running event loop. Cancelling the task ends the upstream call."""
    return await _acall("completion", locals())


def embedding(
    model: str,
    input: Any = [],  # noqa: B006  LiteLLM's default; never changed
    dimensions: int | None = None,
    encoding_format: str | None = None,
    timeout: Any = 600,
    api_base: str | None = None,
    api_version: str | None = None,
    api_key: str | None = None,
    api_type: str | None = None,
    caching: bool = False,
    user: str | None = None,
    custom_llm_provider: str | None = None,
    litellm_call_id: str | None = None,
    logger_fn: Any = None,
    **kwargs: Any,
) -> EmbeddingResponse:
    """Turns texts into vectors.

    Args:
        model: as for `completion`.
        input: a text, a list of texts, or lists of token ids.
        dimensions: length of the vectors, where the model can choose.
        encoding_format: `float` or `base64`.
        timeout: seconds for the whole call.

    Returns:
        EmbeddingResponse: `data[i]["embedding"]`, in the order of `input`.
    """
    reply: EmbeddingResponse = _call("embedding", locals())
    return reply


async def aembedding(*args: Any, **kwargs: Any) -> EmbeddingResponse:
    """As `embedding`, on the running event loop."""
    reply: EmbeddingResponse = await _acall("embedding", _bound(embedding, args, kwargs))
    return reply


def text_completion(
    prompt: Any,
    model: str | None = None,
    best_of: int | None = None,
    echo: bool | None = None,
    frequency_penalty: float | None = None,
    logit_bias: dict[Any, Any] | None = None,
    logprobs: int | None = None,
    max_tokens: int | None = None,
    n: int | None = None,
    presence_penalty: float | None = None,
    stop: Any = None,
    stream: bool | None = None,
    stream_options: dict[str, Any] | None = None,
    suffix: str | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    user: str | None = None,
    api_base: str | None = None,
    api_version: str | None = None,
    api_key: str | None = None,
    model_list: list[Any] | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> Any:
    """Continues a text (OpenAI's older completions), through chat where the provider has nothing else.

    Args:
        prompt: a text, a list of texts, or token ids.

    Returns:
        TextCompletionResponse, or a stream of them with `stream=True`.
    """
    return _call("text_completion", locals())


async def atext_completion(*args: Any, **kwargs: Any) -> Any:
    """As `text_completion`, on the running event loop."""
    return await _acall("text_completion", _bound(text_completion, args, kwargs))


def mock_completion(model: str, messages: list[Any], stream: bool | None = False, **kwargs: Any) -> Any:
    """A completion that asks nobody: answers `mock_response` (default: "This is a mock request")."""
    kwargs.setdefault("mock_response", "This is a mock request")
    return completion(model=model, messages=messages, stream=stream, **kwargs)
