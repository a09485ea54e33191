"""Replies of the calls that are not chats, as users import them: images, speech, moderations."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field

from gateway.types import BaseModel, LiteLLMBaseModel, _by_hand, _give_own_dicts


class ImageObject(BaseModel):
    """One image: at an address, or in base64."""

    b64_json: str | None = None
    revised_prompt: str | None = None
    url: str | None = None
    provider_specific_fields: dict[str, Any] | None = None


class ImageUsageInputTokensDetails(BaseModel):
    """What the input of an image's making was."""

    image_tokens: int = 0
    text_tokens: int = 0


class ImageUsage(BaseModel):
    """Tokens of an image's making; none where it is billed by the image."""

    total_tokens: int = 0
    input_tokens: int = 0
    input_tokens_details: ImageUsageInputTokensDetails = Field(default_factory=ImageUsageInputTokensDetails)
    output_tokens: int = 0


class ImageResponse(BaseModel):
    """Images, in `data`."""

    created: int
    background: str | None = None
    data: list[ImageObject] | None = None
    output_format: str | None = None
    quality: str | None = None
    safety_identifier: str | None = None
    size: str | None = None
    svg_usage: dict[str, Any] | None = None
    usage: ImageUsage | None = None

    @_by_hand
    def __init__(self, created: int | None = None, data: Any = None, usage: Any = None, **params: Any) -> None:
        given = time.time() if created is None else created
        self._build(created=int(given), data=data or [], usage=usage or ImageUsage(), **params)


class OpenAIModerationResult(LiteLLMBaseModel):
    """What was found in one input."""

    flagged: bool
    categories: dict[str, bool | None] | None = None
    category_scores: dict[str, float | None] | None = None
    category_applied_input_types: dict[str, list[str] | None] | None = None


class OpenAIModerationResponse(LiteLLMBaseModel):
    """What was found, one result for each input."""

    model_config = ConfigDict(extra="allow", protected_namespaces=(), defer_build=True)

    id: str
    model: str
    results: list[OpenAIModerationResult]


_give_own_dicts(ImageResponse, OpenAIModerationResponse)


class HttpxBinaryResponseContent:
    """Sound, or another body that is no text, with the methods of openai's class of that name."""

    def __init__(self, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.content = content
        self.headers = headers or {}
        self.usage: Any = None
        self._hidden_params: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """The bytes as text."""
        return self.content.decode("utf-8", "replace")

    def read(self) -> bytes:
        """All bytes."""
        return self.content

    async def aread(self) -> bytes:
        """All bytes."""
        return self.content

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The bytes, in pieces of `chunk_size`, or all at once."""
        step = chunk_size or max(len(self.content), 1)
        for start in range(0, len(self.content), step):
            yield self.content[start : start + step]

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """As `iter_bytes`."""
        for piece in self.iter_bytes(chunk_size):
            yield piece

    def write_to_file(self, file: str | Path) -> None:
        """Writes the bytes to a file."""
        Path(file).write_bytes(self.content)

    def stream_to_file(self, file: str | Path, *, chunk_size: int | None = None) -> None:
        """Writes the bytes to a file."""
        self.write_to_file(file)

    async def astream_to_file(self, file: str | Path, *, chunk_size: int | None = None) -> None:
        """Writes the bytes to a file."""
        self.write_to_file(file)

    def close(self) -> None:
        """Nothing is open: the bytes are all there."""

    async def aclose(self) -> None:
        """Nothing is open: the bytes are all there."""
