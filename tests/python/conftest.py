"""What the tests share: an upstream that says what a test scripts, and remembers what it was asked."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Servers of tests are on this machine, whatever its own way out is.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))
MockProcess: Any = importlib.import_module("mock").MockProcess

REPLY: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "gpt-4o-2024-08-06",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
}


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    """One chunk as OpenAI sends it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def stream(*words: str) -> list[Any]:
    """A whole stream of `words`."""
    content = [chunk({"content": word}) for word in words]
    return [chunk({"role": "assistant", "content": ""}), *content, chunk({}, "stop"), "[DONE]"]


@pytest.fixture(scope="session")
def mock() -> Iterator[Any]:
    process = MockProcess()
    yield process
    process.stop()


@pytest.fixture
def at(mock: Any) -> dict[str, Any]:
    """Arguments that send a call to the scripted upstream."""
    return {
        "model": "openai/gpt-4o",
        "messages": [{"role": "user", "content": "Say hi."}],
        "api_base": mock.base + "/v1",
        "api_key": "sk-test",
    }
