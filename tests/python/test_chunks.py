"""Chunks of a stream are pydantic's in everything but the time that they take."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import gateway as litellm
import pytest
from gateway.types import ModelResponseStream

HEAD = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": "m", "object": "chat.completion.chunk"}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, **({} if finish is None else {"finish_reason": finish})}
    return {**HEAD, "choices": [choice], **more}


SHAPES = {
    "text": chunk({"content": 'a "quoted" \u00e9'}),
    "role": chunk({"role": "assistant", "content": ""}),
    "end": chunk({}, "stop"),
    "fingerprint": chunk({"content": "a"}, system_fingerprint="fp"),
    "thought": chunk({"reasoning_content": "hm"}),
    "both": chunk({"reasoning_content": "hm", "content": "a"}),
    "unknown member": chunk({"content": "a", "citations": [1]}),
    "tool": chunk(
        {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]}
    ),
    "no choice": {**HEAD, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}},
    "two choices": {**HEAD, "choices": chunk({"content": "a"})["choices"] + [{"index": 1, "delta": {"content": "b"}}]},
    "logprobs": {**HEAD, "choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": {"content": []}}]},
}


@pytest.fixture
def streamed(mock: Any, at: dict[str, Any]) -> Callable[..., list[Any]]:
    """The chunks of a stream of these, and of one that ends it."""

    def stream(*chunks: dict[str, Any]) -> list[Any]:
        mock.script([{"sse": [*chunks, chunk({}, "stop"), "[DONE]"]}])
        return list(litellm.completion(**at, stream=True))

    return stream


@pytest.mark.parametrize("shape", SHAPES)
def test_a_chunk_is_as_pydantic_makes_it(streamed: Any, shape: str) -> None:
    """Of some that are alike all but the first are copies. Who speaks is said by the first of each stream only."""
    expected = ModelResponseStream.model_validate_json(json.dumps(SHAPES[shape]))
    streams = [streamed(*[SHAPES[shape]] * 4) for _ in range(3)]
    for made in [chunks[0] for chunks in streams] if shape == "role" else streams[0][1:4]:
        made.id, made.model = expected.id, expected.model
        assert made._hidden_params["custom_llm_provider"] == "openai"
        del made.__dict__["_hidden_params"]
        assert made == expected
        assert repr(made) == repr(expected)
        assert made.model_dump() == expected.model_dump()
        assert made.model_dump_json() == expected.model_dump_json()
        assert pickle.loads(pickle.dumps(made)) == made
        assert made.model_copy(deep=True) == made
        for mine, its in [(made, expected), *zip(made.choices, expected.choices, strict=True)]:
            assert type(mine) is type(its)
            assert mine.model_fields_set == its.model_fields_set
            assert list(vars(mine)) == list(vars(its))
        for mine, its in zip(made.choices, expected.choices, strict=True):
            assert type(mine.delta) is type(its.delta)
            assert mine.delta.model_fields_set == its.delta.model_fields_set
            assert list(vars(mine.delta)) == list(vars(its.delta))


def test_chunks_share_nothing_that_can_be_changed(streamed: Any) -> None:
    chunks = streamed(*[chunk({"content": text}) for text in "abcd"])
    before = chunks[3].model_dump()
    for changed in chunks[:3]:
        changed.model = "other"
        changed["id"] = "mine"
        changed.extra_member = 1
        changed.choices[0].delta.content = "changed"
        changed.choices[0].delta.reasoning_content = "added"
        changed.choices[0].finish_reason = "stop"
        changed.choices.append(None)
    assert chunks[3].model_dump() == before
    assert chunks[3].choices[0].delta.content == "d"
    again = streamed(*[chunk({"content": text}) for text in "ef"])
    assert [c.choices[0].delta.content for c in again] == ["e", "f", None]
    assert not hasattr(again[0], "extra_member")
    assert again[1].model_fields_set == chunks[3].model_fields_set


def test_a_chunk_that_is_none_fails_at_its_place(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"sse": [chunk({"content": "a"}), {**chunk({"content": "b"}), "choices": "none"}]}])
    chunks = litellm.completion(**at, stream=True)
    assert next(chunks).choices[0].delta.content == "a"
    with pytest.raises(Exception):  # noqa: B017  whichever says so first: the core or pydantic
        next(chunks)
