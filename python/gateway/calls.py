"""How a call goes through the core: arguments in, LiteLLM's objects or exceptions out.

`through` is what makes it: the core itself, or a Router's part of it. Calls that somebody hears of, and those that a
provider of the user's own answers, take the way round by [`observe`](observe.py); all others pay nothing for it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Protocol, cast

import gateway
from gateway import _gateway
from gateway.arguments import for_the_core
from gateway.streaming import CustomStreamWrapper, TextCompletionStreamWrapper, deliver
from gateway.types import (
    EmbeddingResponse,
    ModelResponse,
    RerankResponse,
    TextCompletionResponse,
    TranscriptionResponse,
)

if TYPE_CHECKING:
    import asyncio

    from gateway.observe import Observation


class Through(Protocol):
    """What makes calls: the core, or a Router's part of it."""

    def call(self, op: str, model: str, kwargs: dict[str, Any]) -> _gateway.Reply:
        """Makes a call and waits for it."""

    def call_async(
        self, op: str, model: str, kwargs: dict[str, Any], event_loop: Any, future: Any, deliver: Any
    ) -> _gateway.Running:
        """Starts a call."""


# A module that has both functions is one.
_CORE: Through = cast(Any, _gateway)


def _hidden(reply: _gateway.Reply) -> dict[str, Any]:
    headers = dict(reply.headers)
    additional: dict[str, Any] = {f"llm_provider-{name}": value for name, value in headers.items()}
    additional.update({name: value for name, value in headers.items() if name.startswith("x-ratelimit-")})
    cached = {} if reply.cache_key is None else {"cache_hit": True, "cache_key": reply.cache_key}
    if reply.model_group:
        additional["x-litellm-model-group"] = reply.model_group
        additional["x-litellm-attempted-retries"] = reply.retries
        additional["x-litellm-attempted-fallbacks"] = reply.fallbacks
    return {
        "custom_llm_provider": reply.provider,
        "region_name": None,
        "additional_headers": additional,
        "_response_ms": reply.response_ms,
        "litellm_overhead_time_ms": reply.overhead_ms,
        "litellm_call_id": reply.call_id,
        "api_base": reply.api_base,
        "model_id": reply.deployment_id or None,
        "response_cost": reply.cost,
        "litellm_model_name": reply.model,
        "_response_headers": headers,
        **cached,
    }


_WHOLE: dict[str, Any] = {
    "completion": ModelResponse,
    "embedding": EmbeddingResponse,
    "text_completion": TextCompletionResponse,
    "rerank": RerankResponse,
    "transcription": TranscriptionResponse,
}


# Operations of other dialects than OpenAI's, which answer with dicts and with events.
_DIALECTS = frozenset({"anthropic_messages", "generate_content"})

# Operations whose answers are seldom asked for: their classes are loaded when one is.
_MEDIA = frozenset({"image_generation", "image_edit", "image_variation", "speech", "moderation"})

# The same for files, batches and fine-tuning jobs.
_RESOURCES = frozenset(
    {
        "create_file",
        "file_retrieve",
        "file_delete",
        "file_list",
        "file_content",
        "create_batch",
        "retrieve_batch",
        "cancel_batch",
        "list_batches",
        "create_fine_tuning_job",
        "retrieve_fine_tuning_job",
        "cancel_fine_tuning_job",
        "list_fine_tuning_jobs",
    }
)

# Operations with files among their arguments.
_WITH_FILES = frozenset({"image_edit", "image_variation", "transcription", "create_file"})


def _in_dialect(op: str, reply: _gateway.Reply, hidden: dict[str, Any], observation: Observation | None) -> Any:
    import json

    from gateway import dialect_streams

    if reply.stream is None:
        return json.loads(reply.body or b"null")
    kind: type[dialect_streams.EventStream]
    if op == "generate_content":
        kind = dialect_streams.GoogleGenAIGenerateContentStreamingIterator
    elif reply.native:
        kind = dialect_streams.AnthropicMessagesStreamingResponse
    else:
        kind = dialect_streams.AnthropicSSEStream
    stream = kind(reply.stream, reply.model, reply.provider, hidden)
    stream.observation = observation
    return stream


def _object(op: str, reply: _gateway.Reply, observation: Observation | None) -> Any:
    """The reply as the object that callers get."""
    hidden = _hidden(reply)
    if op in _DIALECTS:
        return _in_dialect(op, reply, hidden, observation)
    if op in _MEDIA:
        return _media(op, reply, hidden)
    if op in _RESOURCES:
        from gateway import resources

        return resources.made(op, reply, hidden)
    if op not in _WHOLE:
        from gateway import responses_api

        return responses_api.made(op, reply, hidden, observation)
    if reply.stream is not None:
        if observation is not None:
            from gateway import observe

            heard = observe.HeardTextStream if op == "text_completion" else observe.HeardStream
            stream = heard(reply.stream, reply.model, reply.provider, hidden)
            stream.observation = observation
            return stream
        wrapper = TextCompletionStreamWrapper if op == "text_completion" else CustomStreamWrapper
        return wrapper(reply.stream, reply.model, reply.provider, hidden)
    made = _WHOLE[op].model_validate_json(reply.body)
    made.__dict__["_response_headers"] = hidden.pop("_response_headers")
    made.__dict__["_response_ms"] = reply.response_ms
    made.__dict__["_hidden_params"] = hidden
    return made


def _media(op: str, reply: _gateway.Reply, hidden: dict[str, Any]) -> Any:
    """The same for images, speech and moderations, whose classes are loaded when one is needed."""
    from gateway import media_types

    if op == "speech":
        sound = media_types.HttpxBinaryResponseContent(reply.body or b"", hidden["_response_headers"])
        sound._hidden_params = hidden
        return sound
    cls: Any = media_types.ImageResponse if op.startswith("image_") else media_types.OpenAIModerationResponse
    made = cls.model_validate_json(reply.body)
    made.__dict__["_hidden_params"] = hidden
    return made


# Arguments by which a call alone names who is to hear of it.
OF_THE_CALL = ("callbacks", "input_callback", "success_callback", "failure_callback")


def _is_heard(arguments: dict[str, Any]) -> Any:
    return (
        gateway.callbacks
        or gateway.success_callback
        or gateway.failure_callback
        or gateway.input_callback
        or not arguments.keys().isdisjoint(OF_THE_CALL)
    )


def _with_files(op: str, given: dict[str, Any]) -> dict[str, Any]:
    from gateway import uploads

    return uploads.taken(op, given)


def call(op: str, given: dict[str, Any], through: Through | None = None) -> Any:
    """A blocking call. `given` is the `locals()` of the function that the user called."""
    if op in _WITH_FILES:
        given = _with_files(op, given)
    model, arguments = for_the_core(given, routed=through is not None)
    if _is_heard(arguments):
        from gateway import observe

        return observe.call(op, model, arguments, functools.partial(_exchange, through or _CORE))
    return _exchange(through or _CORE, op, model, arguments, None)


def _exchange(through: Through, op: str, model: str, arguments: dict[str, Any], observation: Observation | None) -> Any:
    if gateway.custom_provider_map:
        from gateway import custom_llm

        own = custom_llm.handler_for(model, arguments.get("custom_llm_provider"), gateway.custom_provider_map)
        if own is not None:
            return custom_llm.answer(own[0], op, own[1], own[2], arguments)
    try:
        return _object(op, through.call(op, model, arguments), observation)
    except _gateway.CoreError as error:
        from gateway.exceptions import from_core

        raise from_core(error.args[0]) from None


async def acall(op: str, given: dict[str, Any], through: Through | None = None) -> Any:
    """The same, on the running event loop."""
    if op in _WITH_FILES:
        given = _with_files(op, given)
    model, arguments = for_the_core(given, routed=through is not None)
    if _is_heard(arguments):
        from gateway import observe

        return await observe.acall(op, model, arguments, functools.partial(_exchange_async, through or _CORE))
    return await _exchange_async(through or _CORE, op, model, arguments, None)


async def _exchange_async(
    through: Through, op: str, model: str, arguments: dict[str, Any], observation: Observation | None
) -> Any:
    # Whoever awaits has loaded it; whoever does not need not pay for it.
    import asyncio

    if gateway.custom_provider_map:
        from gateway import custom_llm

        own = custom_llm.handler_for(model, arguments.get("custom_llm_provider"), gateway.custom_provider_map)
        if own is not None:
            return await custom_llm.aanswer(own[0], op, own[1], own[2], arguments)
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_gateway.Reply] = loop.create_future()
    try:
        running = through.call_async(op, model, arguments, loop, future, deliver)
        try:
            return _object(op, await future, observation)
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


@functools.cache
def _names(function: Any) -> tuple[str, ...]:
    code = function.__code__
    names: tuple[str, ...] = code.co_varnames[: code.co_argcount]
    return names


def bound(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
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
