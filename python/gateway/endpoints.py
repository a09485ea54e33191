"""The calls that are not chats: `rerank`, `image_generation`, `image_edit`, `image_variation`, `transcription`,
`speech`, `moderation`, and their asynchronous forms, with LiteLLM's arguments.

As in `gateway.main`, arguments that are not named in a signature are taken as keyword arguments too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from gateway.calls import acall as _acall
from gateway.calls import bound as _bound
from gateway.calls import call as _call
from gateway.media_types import HttpxBinaryResponseContent, ImageResponse, OpenAIModerationResponse
from gateway.types import RerankResponse, TranscriptionResponse


def rerank(
    model: str,
    query: str,
    documents: list[Any],
    custom_llm_provider: str | None = None,
    top_n: int | None = None,
    rank_fields: list[str] | None = None,
    return_documents: bool | None = True,
    max_chunks_per_doc: int | None = None,
    max_tokens_per_doc: int | None = None,
    **kwargs: Any,
) -> RerankResponse:
    """Orders documents by how well they answer a query.

    Args:
        model: `provider/model`, for example `cohere/rerank-v3.5`.
        documents: texts, or objects with a `text`.
        top_n: how many results are wanted; default: all.
        return_documents: whether results carry their documents, where the provider can.

    Returns:
        RerankResponse: `results[i]["index"]` and `["relevance_score"]`, best first.
    """
    reply: RerankResponse = _call("rerank", locals())
    return reply


async def arerank(
    model: str,
    query: str,
    documents: list[Any],
    custom_llm_provider: str | None = None,
    top_n: int | None = None,
    rank_fields: list[str] | None = None,
    return_documents: bool | None = None,
    max_chunks_per_doc: int | None = None,
    **kwargs: Any,
) -> RerankResponse:
    """As `rerank`, on the running event loop; documents are returned only when asked for."""
    reply: RerankResponse = await _acall("rerank", locals())
    return reply


def image_generation(
    prompt: str,
    model: str | None = None,
    n: int | None = None,
    quality: str | None = None,
    response_format: str | None = None,
    size: str | None = None,
    style: str | None = None,
    user: str | None = None,
    timeout: Any = 600,
    api_key: str | None = None,
    api_base: str | None = None,
    api_version: str | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> ImageResponse:
    """Makes images of a text.

    Args:
        model: as for `completion`, for example `openai/gpt-image-1`.
        size: `1024x1024` and the like; `quality` and `style` as the model has them.

    Returns:
        ImageResponse: `data[i].url` or `data[i].b64_json`.
    """
    reply: ImageResponse = _call("image_generation", locals())
    return reply


async def aimage_generation(*args: Any, **kwargs: Any) -> ImageResponse:
    """As `image_generation`, on the running event loop."""
    reply: ImageResponse = await _acall("image_generation", _bound(image_generation, args, kwargs))
    return reply


def image_edit(
    image: Any = None,
    prompt: str | None = None,
    model: str | None = None,
    mask: Any = None,
    n: int | None = None,
    quality: str | None = None,
    response_format: str | None = None,
    size: str | None = None,
    user: str | None = None,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: Any = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> ImageResponse:
    """Changes images as a text says.

    Args:
        image: a file (bytes, path, open file, or a tuple of name, content and type), or a list of them.
        mask: a picture whose transparent parts say where.
    """
    reply: ImageResponse = _call("image_edit", locals())
    return reply


async def aimage_edit(*args: Any, **kwargs: Any) -> ImageResponse:
    """As `image_edit`, on the running event loop."""
    kwargs.setdefault("image", None)
    reply: ImageResponse = await _acall("image_edit", _bound(image_edit, args, kwargs))
    return reply


def image_variation(
    image: Any,
    model: str | None = None,
    n: int = 1,
    response_format: str = "url",
    size: str | None = None,
    user: str | None = None,
    **kwargs: Any,
) -> ImageResponse:
    """Makes images like another one (`openai/dall-e-2`)."""
    reply: ImageResponse = _call("image_variation", locals())
    return reply


async def aimage_variation(*args: Any, **kwargs: Any) -> ImageResponse:
    """As `image_variation`, on the running event loop."""
    reply: ImageResponse = await _acall("image_variation", _bound(image_variation, args, kwargs))
    return reply


def transcription(
    model: str,
    file: Any,
    language: str | None = None,
    prompt: str | None = None,
    response_format: str | None = None,
    timestamp_granularities: list[str] | None = None,
    temperature: float | None = None,
    user: str | None = None,
    timeout: Any = 600,
    api_key: str | None = None,
    api_base: str | None = None,
    api_version: str | None = None,
    max_retries: int | None = None,
    custom_llm_provider: str | None = None,
    base_url: str | None = None,
    **kwargs: Any,
) -> TranscriptionResponse:
    """Writes down what a recording says.

    Args:
        file: bytes, a path, an open file, or a tuple of name, content and type.
        response_format: `json`, `verbose_json`, `text`, `srt` or `vtt`; the last three come in `text`, too.
    """
    with _openai_errors():
        reply: TranscriptionResponse = _call("transcription", locals())
        return reply


async def atranscription(*args: Any, **kwargs: Any) -> TranscriptionResponse:
    """As `transcription`, on the running event loop."""
    reply: TranscriptionResponse = await _acall("transcription", _bound(transcription, args, kwargs))
    return reply


def speech(
    model: str,
    input: str,
    voice: Any = None,
    api_key: str | None = None,
    api_base: str | None = None,
    api_version: str | None = None,
    organization: str | None = None,
    project: str | None = None,
    max_retries: int | None = None,
    metadata: dict[str, Any] | None = None,
    timeout: Any = None,
    response_format: str | None = None,
    speed: float | None = None,
    instructions: str | None = None,
    client: Any = None,
    headers: dict[str, str] | None = None,
    custom_llm_provider: str | None = None,
    aspeech: bool | None = None,
    base_url: str | None = None,
    **kwargs: Any,
) -> HttpxBinaryResponseContent:
    """Speaks a text.

    Returns:
        HttpxBinaryResponseContent: `content`, `iter_bytes()`, `stream_to_file(path)`.
    """
    with _openai_errors():
        reply: HttpxBinaryResponseContent = _call("speech", locals())
        return reply


async def aspeech(*args: Any, **kwargs: Any) -> HttpxBinaryResponseContent:
    """As `speech`, on the running event loop."""
    reply: HttpxBinaryResponseContent = await _acall("speech", _bound(speech, args, kwargs))
    return reply


@contextlib.contextmanager
def _openai_errors() -> Iterator[None]:
    """LiteLLM raises openai's own classes from these two where the provider refused."""
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        own = next(cls for cls in type(error).__mro__ if cls.__module__.startswith("openai"))
        if getattr(error, "response", None) is None or not issubclass(own, openai.APIStatusError):
            raise
        message = str(getattr(error, "message", error))
        raise own(message, response=error.response, body=error.body) from None


def moderation(
    input: Any,
    model: str | None = None,
    api_key: str | None = None,
    **kwargs: Any,
) -> OpenAIModerationResponse:
    """Says whether a text is something that nobody should have to see.

    Args:
        input: a text, a list of texts, or OpenAI's parts.
        model: default: the provider's.
    """
    kwargs.setdefault("custom_llm_provider", "openai")
    given = {"input": input, "model": model or "", "api_key": api_key, "kwargs": kwargs}
    reply: OpenAIModerationResponse = _call("moderation", given)
    return reply


async def amoderation(
    input: Any,
    model: str | None = None,
    api_key: str | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> OpenAIModerationResponse:
    """As `moderation`, on the running event loop."""
    kwargs["custom_llm_provider"] = custom_llm_provider or "openai"
    given = {"input": input, "model": model or "", "api_key": api_key, "kwargs": kwargs}
    reply: OpenAIModerationResponse = await _acall("moderation", given)
    return reply
