"""Operations beside chat, in process: each answers with its own class, sync and async."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import gateway as litellm
import pytest

PICTURE: dict[str, Any] = {"created": 1700000000, "data": [{"b64_json": "aGVsbG8="}]}
JUDGED: dict[str, Any] = {
    "id": "modr-1",
    "model": "omni-moderation-2024-09-26",
    "results": [
        {
            "flagged": True,
            "categories": {"violence": True},
            "category_scores": {"violence": 0.93},
            "category_applied_input_types": {"violence": ["text"]},
        }
    ],
}


@pytest.fixture
def there(mock: Any) -> dict[str, Any]:
    """Arguments that send any call to the scripted upstream."""
    return {"api_base": mock.base + "/v1", "api_key": "sk-test"}


def both(call: Callable[..., Any], acall: Callable[..., Any], **asked: Any) -> list[Any]:
    """What the blocking and the awaited form answer."""

    async def awaited() -> Any:
        return await acall(**asked)

    return [call(**asked), asyncio.run(awaited())]


def test_an_image_is_an_image_response(mock: Any, there: dict[str, Any]) -> None:
    mock.script([{"json": PICTURE}] * 2)
    asked = {"model": "openai/gpt-image-1", "prompt": "a cat", **there}
    for made in both(litellm.image_generation, litellm.aimage_generation, **asked):
        assert isinstance(made, litellm.ImageResponse)
        assert made.data is not None and made.data[0].b64_json == "aGVsbG8="
        assert made.created == 1700000000


def test_an_edited_image_is_an_image_response(mock: Any, there: dict[str, Any]) -> None:
    mock.script([{"json": PICTURE}] * 2)
    asked = {"model": "openai/gpt-image-1", "prompt": "a hat", "image": ("a.png", b"\x89PNG", "image/png"), **there}
    for made in both(litellm.image_edit, litellm.aimage_edit, **asked):
        assert isinstance(made, litellm.ImageResponse)
        assert made.data is not None and made.data[0].b64_json == "aGVsbG8="


def test_a_moderation_tells_what_is_flagged(mock: Any, there: dict[str, Any]) -> None:
    mock.script([{"json": JUDGED}] * 2)
    for made in both(litellm.moderation, litellm.amoderation, input="how dare you", **there):
        assert made.id == "modr-1"
        assert made.results[0].flagged is True
        assert made.results[0].category_scores["violence"] == 0.93


def test_speech_is_the_sound_itself(mock: Any, there: dict[str, Any]) -> None:
    mock.script([{"text": "not quite an mp3", "headers": {"content-type": "audio/mpeg"}}] * 2)
    asked = {"model": "openai/tts-1", "input": "hello", "voice": "alloy", **there}
    for made in both(litellm.speech, litellm.aspeech, **asked):
        assert made.content == b"not quite an mp3"
