"""Providers of one's own: a `CustomLLM` in `litellm.custom_provider_map` answers for every model `provider/...`.

litellm.custom_provider_map = [{"provider": "mine", "custom_handler": MyLLM()}]
litellm.completion(model="mine/anything", messages=[...])
"""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any, NoReturn, TypedDict


class CustomLLMError(Exception):
    """What a handler raises: an HTTP status, and words."""

    def __init__(self, status_code: int, message: str) -> None:
        self.status_code = status_code
        self.message = message
        super().__init__(message)


class GenericStreamingChunk(TypedDict, total=False):
    """One piece of a handler's stream."""

    text: str
    tool_use: dict[str, Any] | None
    is_finished: bool
    finish_reason: str
    usage: dict[str, Any] | None
    index: int
    provider_specific_fields: dict[str, Any] | None


def _missing() -> NoReturn:
    raise CustomLLMError(status_code=500, message="Not implemented yet!")


class BaseLLM:
    """The base of handlers."""


class CustomLLM(BaseLLM):
    """Override what the provider can do. Methods get LiteLLM's keyword arguments; `model_response` is to be filled.

    `completion` and `acompletion` return a ModelResponse, `streaming` and `astreaming` give GenericStreamingChunks,
    `embedding` and `aembedding` return an EmbeddingResponse.
    """

    def __init__(self) -> None:
        pass

    def completion(self, *args: Any, **kwargs: Any) -> Any:
        """Answers `completion()`."""
        _missing()

    def streaming(self, *args: Any, **kwargs: Any) -> Iterator[GenericStreamingChunk]:
        """Answers `completion(stream=True)`."""
        _missing()

    async def acompletion(self, *args: Any, **kwargs: Any) -> Any:
        """Answers `acompletion()`."""
        _missing()

    async def astreaming(self, *args: Any, **kwargs: Any) -> AsyncIterator[GenericStreamingChunk]:
        """Answers `acompletion(stream=True)`."""
        _missing()
        yield

    def image_generation(self, *args: Any, **kwargs: Any) -> Any:
        """Answers `image_generation()`."""
        _missing()

    async def aimage_generation(self, *args: Any, **kwargs: Any) -> Any:
        """Answers `aimage_generation()`."""
        _missing()

    def embedding(self, *args: Any, **kwargs: Any) -> Any:
        """Answers `embedding()`."""
        _missing()

    async def aembedding(self, *args: Any, **kwargs: Any) -> Any:
        """Answers `aembedding()`."""
        _missing()


def handler_for(model: str, provider: str | None, handlers: list[Any]) -> tuple[Any, str, str] | None:
    """The handler of a model, the model's name without its provider, and the provider."""
    prefix, _, rest = model.partition("/")
    for entry in handlers:
        if entry["provider"] == provider:
            return entry["custom_handler"], model.removeprefix(f"{provider}/"), entry["provider"]
        if entry["provider"] == prefix and rest:
            return entry["custom_handler"], rest, prefix
    return None


_SETTINGS = frozenset(
    {"api_base", "api_key", "timeout", "extra_headers", "client", "custom_llm_provider", "litellm_call_id", "metadata"}
)


def handler_arguments(op: str, model: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What a handler's method is called with."""
    from gateway.types import EmbeddingResponse, ModelResponse
    from gateway.verbose import print_verbose

    settings = {name: value for name, value in arguments.items() if name in _SETTINGS}
    optional = {
        name: value for name, value in arguments.items() if name not in _SETTINGS and name not in ("messages", "input")
    }
    given: dict[str, Any] = {
        "model": model,
        "api_key": settings.get("api_key"),
        "api_base": settings.get("api_base"),
        "print_verbose": print_verbose,
        "logging_obj": None,
        "optional_params": optional,
        "timeout": settings.get("timeout"),
        "litellm_params": settings,
    }
    if op == "embedding":
        return {**given, "input": arguments.get("input"), "model_response": EmbeddingResponse(model=model, data=[])}
    return {
        **given,
        "messages": arguments.get("messages", []),
        "model_response": ModelResponse(model=model),
        "custom_prompt_dict": {},
        "encoding": None,
        "acompletion": None,
        "logger_fn": None,
        "headers": settings.get("extra_headers") or {},
        "client": None,
    }


class _Chunks:
    """Makes OpenAI's chunks of a handler's pieces."""

    def __init__(self, model: str, provider: str) -> None:
        self.model, self.custom_llm_provider = model, provider
        self.id, self.created = f"chatcmpl-{uuid.uuid4()}", int(time.time())
        self.chunks: list[Any] = []
        self._hidden_params: dict[str, Any] = {"custom_llm_provider": provider}

    def chunk(self, piece: Any) -> Any:
        from gateway.types import Delta, ModelResponseStream, StreamingChoices, Usage

        if isinstance(piece, ModelResponseStream):
            made = piece
        else:
            tool = piece.get("tool_use")
            delta = Delta(
                content=piece.get("text") or None,
                role="assistant" if not self.chunks else None,
                tool_calls=[tool] if tool else None,
            )
            finish = (piece.get("finish_reason") or "stop") if piece.get("is_finished") else None
            made = ModelResponseStream(
                id=self.id,
                created=self.created,
                model=self.model,
                choices=[StreamingChoices(finish_reason=finish, index=piece.get("index", 0), delta=delta)],
            )
            if piece.get("usage"):
                made.usage = Usage(**piece["usage"])
        self.chunks.append(made)
        return made


class CustomStream(_Chunks):
    """A handler's stream, as `completion(stream=True)` gives it."""

    def __init__(self, pieces: Iterator[Any], model: str, provider: str) -> None:
        super().__init__(model, provider)
        self.completion_stream = pieces

    def __iter__(self) -> CustomStream:
        return self

    def __next__(self) -> Any:
        return self.chunk(next(self.completion_stream))


class AsyncCustomStream(_Chunks):
    """A handler's stream, as `acompletion(stream=True)` gives it."""

    def __init__(self, pieces: AsyncIterator[Any], model: str, provider: str) -> None:
        super().__init__(model, provider)
        self.completion_stream = pieces

    def __aiter__(self) -> AsyncCustomStream:
        return self

    async def __anext__(self) -> Any:
        return self.chunk(await self.completion_stream.__anext__())


def answer(handler: Any, op: str, model: str, provider: str, arguments: dict[str, Any]) -> Any:
    """A handler's answer to a blocking call."""
    given = handler_arguments(op, model, arguments)
    if op == "embedding":
        return handler.embedding(**given)
    if arguments.get("stream"):
        return CustomStream(iter(handler.streaming(**given)), model, provider)
    return handler.completion(**given)


async def aanswer(handler: Any, op: str, model: str, provider: str, arguments: dict[str, Any]) -> Any:
    """A handler's answer to an asynchronous call."""
    given = handler_arguments(op, model, arguments)
    if op == "embedding":
        return await handler.aembedding(**given)
    if arguments.get("stream"):
        return AsyncCustomStream(handler.astreaming(**given), model, provider)
    return await handler.acompletion(**given)
