"""The calls: `completion`, `embedding`, `text_completion` and their asynchronous forms, with LiteLLM's arguments.

Arguments that are not named in a signature are taken as keyword arguments too: `api_base`, `custom_llm_provider`,
`max_retries`, `num_retries`, `fallbacks`, `drop_params`, `additional_drop_params`, `allowed_openai_params`,
`extra_body`, `mock_response`, and parameters of the provider's own, which are sent as they are.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from gateway import _gateway
from gateway.response_format import as_response_format
from gateway.streaming import CustomStreamWrapper, TextCompletionStreamWrapper, deliver
from gateway.types import EmbeddingResponse, ModelResponse, RerankResponse, TextCompletionResponse

if TYPE_CHECKING:
    import asyncio

# Arguments that are Python objects of the caller's, or say which form of the call it is; the core has no use for them.
_OURS = frozenset(
    {
        "acompletion",
        "aembedding",
        "arerank",
        "atext_completion",
        "async_call",
        "client",
        "logger_fn",
        "litellm_logging_obj",
        "model_list",
        "shared_session",
        "verbose",
        "azure_ad_token_provider",
        "hf_model_name",
        "caching",
    }
)

# Module settings that stand in for an argument that was not given.
_SETTINGS = {
    "drop_params": "drop_params",
    "modify_params": "modify_params",
    "api_key": "api_key",
    "api_base": "api_base",
    "api_version": "api_version",
    "organization": "organization",
    "num_retries": "num_retries",
    "request_timeout": "timeout",
    "headers": "extra_headers",
}


def _settings() -> dict[str, Any]:
    import gateway

    values = vars(gateway)
    given = {
        argument: values[name]
        for name, argument in _SETTINGS.items()
        if values.get(name) not in (None, False) and not (name == "request_timeout" and values[name] == 6000)
    }
    # On unless it is switched off.
    if values.get("user_url_validation") is False:
        given["user_url_validation"] = False
    if values.get("user_url_allowed_hosts"):
        given["user_url_allowed_hosts"] = values["user_url_allowed_hosts"]
    return given


def _seconds(timeout: Any) -> Any:
    """An httpx.Timeout as seconds: the read timeout is the one that a call waits on."""
    if isinstance(timeout, (int, float, str)) or timeout is None:
        return timeout
    return getattr(timeout, "read", None) or getattr(timeout, "connect", None)


def _arguments(given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Model and keyword arguments for the core, of a function's `locals()`."""
    given.update(given.pop("kwargs"))
    model = given.pop("model")
    arguments = {name: value for name, value in given.items() if value is not None and name not in _OURS}
    for name, value in _settings().items():
        arguments.setdefault(name, value)
    if "base_url" in arguments:
        arguments.setdefault("api_base", arguments["base_url"])
        del arguments["base_url"]
    if "timeout" in arguments:
        arguments["timeout"] = _seconds(arguments["timeout"])
    if "response_format" in arguments:
        arguments["response_format"] = as_response_format(arguments["response_format"])
    mock = arguments.get("mock_response")
    if isinstance(mock, Exception):
        raise _mocked(mock, model)
    if mock is not None and hasattr(mock, "model_dump"):
        arguments["mock_response"] = mock.model_dump(exclude_none=True)
    deployment = arguments.pop("deployment_id", None)
    return _aliased(deployment if deployment is not None else model), arguments


def _aliased(model: str) -> str:
    import gateway

    aliases: dict[str, str] = gateway.model_alias_map
    return aliases.get(model, model) if aliases else model


def _mocked(mock: Exception, model: str) -> Exception:
    """What a call with an exception as `mock_response` raises."""
    import openai

    from gateway import exceptions
    from gateway.params import get_llm_provider

    if isinstance(mock, openai.APIError):
        return mock
    name, provider, _, _ = get_llm_provider(model=model)
    provider = provider or ""
    title = "OpenAI" if provider == "openai" else provider.capitalize()
    message = f"InternalServerError: {title}Exception - litellm.MockException: {mock}"
    return exceptions.InternalServerError(message=message, llm_provider=provider, model=name)


def _hidden(reply: _gateway.Reply) -> dict[str, Any]:
    headers = dict(reply.headers)
    additional: dict[str, Any] = {f"llm_provider-{name}": value for name, value in headers.items()}
    additional.update({name: value for name, value in headers.items() if name.startswith("x-ratelimit-")})
    return {
        "custom_llm_provider": reply.provider,
        "region_name": None,
        "additional_headers": additional,
        "_response_ms": reply.response_ms,
        "litellm_overhead_time_ms": reply.overhead_ms,
        "litellm_call_id": reply.call_id,
        "api_base": reply.api_base,
        "model_id": None,
        "response_cost": reply.cost,
        "litellm_model_name": reply.model,
        "_response_headers": headers,
    }


_WHOLE: dict[str, Any] = {
    "completion": ModelResponse,
    "embedding": EmbeddingResponse,
    "text_completion": TextCompletionResponse,
    "rerank": RerankResponse,
}


def _object(op: str, reply: _gateway.Reply) -> Any:
    """The reply as the object that callers get."""
    hidden = _hidden(reply)
    if reply.stream is not None:
        wrapper = TextCompletionStreamWrapper if op == "text_completion" else CustomStreamWrapper
        return wrapper(reply.stream, reply.model, reply.provider, hidden)
    made = _WHOLE[op].model_validate_json(reply.body)
    made.__dict__["_response_headers"] = hidden.pop("_response_headers")
    made.__dict__["_response_ms"] = reply.response_ms
    made.__dict__["_hidden_params"] = hidden
    return made


def _call(op: str, given: dict[str, Any]) -> Any:
    model, arguments = _arguments(given)
    try:
        return _object(op, _gateway.call(op, model, arguments))
    except _gateway.CoreError as error:
        from gateway.exceptions import from_core

        raise from_core(error.args[0]) from None


async def _acall(op: str, given: dict[str, Any]) -> Any:
    # Whoever awaits has loaded it; whoever does not need not pay for it.
    import asyncio

    model, arguments = _arguments(given)
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_gateway.Reply] = loop.create_future()
    try:
        running = _gateway.call_async(op, model, arguments, loop, future, deliver)
        try:
            return _object(op, await future)
        except asyncio.CancelledError:
            running.cancel()
            raise
    except _gateway.CoreError as error:
        from gateway.exceptions import from_core

        failed: Any = from_core(error.args[0])
        # LiteLLM's asynchronous calls name the model as the caller did.
        if getattr(failed, "model", None):
            failed.model = model
        raise failed from None


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


@functools.cache
def _names(function: Any) -> tuple[str, ...]:
    code = function.__code__
    names: tuple[str, ...] = code.co_varnames[: code.co_argcount]
    return names


def _bound(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Positional and keyword arguments as the sync function's `locals()` would have them."""
    names = _names(function)
    if len(args) > len(names):
        raise TypeError(f"{function.__name__}() takes at most {len(names)} positional arguments")
    defaults = function.__defaults__ or ()
    given = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
    given.update(zip(names, args, strict=False))
    given["kwargs"] = kwargs
    if names[0] not in given and names[0] not in kwargs:
        raise TypeError(f"{function.__name__}() is missing `{names[0]}`")
    return given


def mock_completion(model: str, messages: list[Any], stream: bool | None = False, **kwargs: Any) -> Any:
    """A completion that asks nobody: answers `mock_response` (default: "This is a mock request")."""
    kwargs.setdefault("mock_response", "This is a mock request")
    return completion(model=model, messages=messages, stream=stream, **kwargs)
