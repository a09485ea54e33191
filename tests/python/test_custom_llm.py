"""Providers of one's own, and settings that hold a provider's key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import gateway as litellm
import pytest
from conftest import REPLY


class Mine(litellm.CustomLLM):
    def completion(self, *args: Any, **kwargs: Any) -> Any:
        assert kwargs["model"] == "m" and kwargs["optional_params"] == {"temperature": 0.5}
        reply = kwargs["model_response"]
        reply.choices[0].message.content = f"mine: {kwargs['messages'][0]['content']}"
        return reply

    async def acompletion(self, *args: Any, **kwargs: Any) -> Any:
        return self.completion(**kwargs)

    def streaming(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        yield {"text": "mi", "is_finished": False, "index": 0}
        yield {"text": "ne", "is_finished": True, "finish_reason": "stop", "index": 0}

    async def astreaming(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        for piece in self.streaming():
            yield piece


@pytest.fixture(autouse=True)
def mine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm, "custom_provider_map", [{"provider": "mine", "custom_handler": Mine()}])


ASK: dict[str, Any] = {"model": "mine/m", "messages": [{"role": "user", "content": "hi"}]}


def test_a_handler_answers_whole() -> None:
    assert litellm.completion(**ASK, temperature=0.5).choices[0].message.content == "mine: hi"
    reply = asyncio.run(litellm.acompletion(**ASK, temperature=0.5))
    assert reply.choices[0].message.content == "mine: hi"


def test_a_handler_answers_in_pieces() -> None:
    chunks = list(litellm.completion(**ASK, stream=True))
    assert [c.choices[0].delta.content for c in chunks] == ["mi", "ne"]
    assert [c.choices[0].finish_reason for c in chunks] == [None, "stop"]

    async def read() -> list[str]:
        return [c.choices[0].delta.content async for c in await litellm.acompletion(**ASK, stream=True)]

    assert asyncio.run(read()) == ["mi", "ne"]


def test_what_a_handler_does_not_do_says_so() -> None:
    with pytest.raises(litellm.CustomLLMError, match="Not implemented"):
        litellm.embedding(model="mine/m", input=["x"])


def test_other_models_are_not_its_business(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"json": REPLY}])
    assert litellm.completion(**at).choices[0].message.content == "Hello"


def test_a_setting_may_hold_a_providers_key(mock: Any, at: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm, "openai_key", "sk-of-the-setting")
    monkeypatch.setattr(litellm, "groq_key", "gsk-other")
    del at["api_key"]
    mock.script([{"json": REPLY}])
    litellm.completion(**at)
    assert mock.captured()[0]["headers"]["authorization"] == "Bearer sk-of-the-setting"
