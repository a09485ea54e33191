"""Calls in process, whole and streamed, sync and async."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Any

import gateway as litellm
import openai
import pydantic
import pytest
from conftest import REPLY, stream


def test_a_reply_is_a_model_with_its_cost(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"json": REPLY, "headers": {"x-ratelimit-remaining-requests": "99"}}])
    reply = litellm.completion(**at, temperature=0.5)
    assert isinstance(reply, litellm.ModelResponse) and isinstance(reply, pydantic.BaseModel)
    assert reply.choices[0].message.content == reply["choices"][0]["message"]["content"] == "Hello"
    assert reply.usage.total_tokens == 12
    assert reply._hidden_params["response_cost"] == pytest.approx(5.25e-05)
    assert reply._hidden_params["additional_headers"]["x-ratelimit-remaining-requests"] == "99"
    assert reply._response_headers["content-type"] == "application/json"
    (asked,) = mock.captured()
    assert asked["headers"]["authorization"] == "Bearer sk-test"


def test_an_async_reply_is_the_same(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"json": REPLY}])
    reply = asyncio.run(litellm.acompletion(**at))
    assert reply.choices[0].message.content == "Hello"


def test_a_stream_gives_chunks_as_they_come(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"sse": stream("a", "b", "c"), "chunk_delay_ms": 60}])
    begun = time.monotonic()
    times, text = [], ""
    for piece in litellm.completion(**at, stream=True):
        times.append(time.monotonic() - begun)
        text += piece.choices[0].delta.content or ""
    assert text == "abc"
    assert times[-1] - times[0] > 0.15, "the chunks came all at once"


def test_an_async_stream_gives_the_same_chunks(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"sse": stream("a", "b", "c")}])

    async def read() -> str:
        chunks = await litellm.acompletion(**at, stream=True)
        return "".join([c.choices[0].delta.content or "" async for c in chunks])

    assert asyncio.run(read()) == "abc"


@pytest.mark.parametrize(
    ("status", "kind", "base"),
    [
        (400, "BadRequestError", openai.BadRequestError),
        (401, "AuthenticationError", openai.AuthenticationError),
        (404, "NotFoundError", openai.NotFoundError),
        (429, "RateLimitError", openai.RateLimitError),
        (503, "ServiceUnavailableError", openai.APIStatusError),
    ],
)
def test_a_status_becomes_litellms_exception(
    mock: Any, at: dict[str, Any], status: int, kind: str, base: type[Exception]
) -> None:
    mock.script([{"status": status, "json": {"error": {"message": "no", "type": "t", "code": None}}}])
    with pytest.raises(base) as caught:
        litellm.completion(**at, max_retries=0)
    assert type(caught.value) is getattr(litellm, kind)
    error: Any = caught.value
    assert (error.status_code, error.llm_provider, error.model) == (status, "openai", "gpt-4o")
    assert str(error).startswith(f"litellm.{kind}: ")
    assert "sk-test" not in repr(error)


def test_a_stream_that_is_dropped_closes_the_upstream(mock: Any, at: dict[str, Any]) -> None:
    # More than socket buffers hold: an upstream that nobody reads from would go on for seconds.
    mock.script([{"sse": stream(*["x" * 1000] * 50), "chunk_delay_ms": 100}])
    chunks = litellm.completion(**at, stream=True)
    next(iter(chunks))
    del chunks
    gc.collect()
    mock.script([{"json": REPLY}])
    assert litellm.completion(**at).choices[0].message.content == "Hello"


def test_closing_a_stream_ends_it_for_whoever_waits(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"sse": stream("a"), "chunk_delay_ms": 4_000}])
    chunks = litellm.completion(**at, stream=True)
    threading.Timer(0.3, chunks.close).start()
    begun = time.monotonic()
    list(chunks)
    assert time.monotonic() - begun < 3


def test_cancelling_a_task_ends_the_call(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"json": REPLY, "delay_ms": 10_000}])

    async def leave() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(litellm.acompletion(**at), 0.2)

    begun = time.monotonic()
    asyncio.run(leave())
    assert time.monotonic() - begun < 2


def test_module_settings_are_read_with_every_call(mock: Any, at: dict[str, Any], monkeypatch: Any) -> None:
    mock.script([{"json": REPLY}])
    with pytest.raises(litellm.UnsupportedParamsError):
        litellm.completion(**at, thinking={"type": "enabled", "budget_tokens": 10})
    monkeypatch.setattr(litellm, "drop_params", True)
    litellm.completion(**at, thinking={"type": "enabled", "budget_tokens": 10})


def test_a_pydantic_class_becomes_a_strict_schema(mock: Any, at: dict[str, Any]) -> None:
    import base64
    import json

    class Event(pydantic.BaseModel):
        name: str
        day: int | None = None

    mock.script([{"json": REPLY}])
    litellm.completion(**at, response_format=Event)
    sent = json.loads(base64.b64decode(mock.captured()[-1]["body_b64"]))["response_format"]
    assert sent["json_schema"]["name"] == "Event" and sent["json_schema"]["strict"] is True
    assert sent["json_schema"]["schema"]["required"] == ["name", "day"]
    assert sent["json_schema"]["schema"]["additionalProperties"] is False


def test_arguments_without_a_json_form_are_refused_by_name(at: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="`metadata_of_mine`"):
        litellm.completion(**at, metadata_of_mine=object())
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(TypeError, match="nested deeper"):
        litellm.completion(**at, stop=loop)


def test_mocked_replies_need_no_upstream() -> None:
    messages = [{"role": "user", "content": "hi there"}]
    assert litellm.completion(model="mock/echo", messages=messages).choices[0].message.content == "hi there"
    with pytest.raises(litellm.RateLimitError):
        litellm.completion(model="gpt-4o", messages=messages, mock_response="litellm.RateLimitError")


def test_threads_and_loops_do_not_disturb_each_other(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"json": REPLY}])
    answers: list[str] = []

    def sync() -> None:
        answers.extend(litellm.completion(**at).choices[0].message.content for _ in range(10))

    def in_loop() -> None:
        async def several() -> list[Any]:
            return await asyncio.gather(*[litellm.acompletion(**at) for _ in range(10)])

        answers.extend(r.choices[0].message.content for r in asyncio.run(several()))

    threads = [threading.Thread(target=t) for t in (sync, in_loop) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == ["Hello"] * 80
