"""Anthropic's official Python client, unmodified, against the server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from conftest import Bed

anthropic = pytest.importorskip("anthropic", reason="the package `anthropic` is not installed")

TURN: Any = [{"role": "user", "content": "Hi"}]
TOOL: Any = {"name": "f", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}
USAGE = {"input_tokens": 9, "output_tokens": 3}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "SIG=="},
        {"type": "text", "text": "Hello"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": USAGE,
}


def event(kind: str, **members: Any) -> dict[str, Any]:
    return {"$event": kind, "$data": {"type": kind, **members}}


def delta(index: int, **members: Any) -> dict[str, Any]:
    return event("content_block_delta", index=index, delta=members)


NATIVE = [
    event("message_start", message={**MESSAGE, "content": [], "stop_reason": None}),
    event("content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""}),
    event("ping"),
    delta(0, type="thinking_delta", thinking="hm"),
    delta(0, type="signature_delta", signature="SIG=="),
    event("content_block_stop", index=0),
    event("content_block_start", index=1, content_block={"type": "text", "text": ""}),
    delta(1, type="text_delta", text="Hello"),
    event("content_block_stop", index=1),
    event(
        "content_block_start", index=2, content_block={"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    ),
    delta(2, type="input_json_delta", partial_json='{"a":'),
    delta(2, type="input_json_delta", partial_json=" 1}"),
    event("content_block_stop", index=2),
    event("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 3}),
    event("message_stop"),
]

GEMINI = {
    "candidates": [
        {
            "content": {
                "role": "model",
                "parts": [
                    {"text": "Hello"},
                    {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "AB+/"},
                ],
            },
            "finishReason": "STOP",
        }
    ],
    "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12},
}


@pytest.fixture
def client(bed: Bed) -> Any:
    return anthropic.Anthropic(base_url=bed.url, api_key=bed.key, max_retries=0)


def test_a_plain_message_keeps_thoughts_and_tools(bed: Bed, client: Any) -> None:
    bed.upstream.script([{"json": MESSAGE, "headers": {"request-id": "req_1"}}])
    reply = client.messages.create(model="claude", max_tokens=100, messages=TURN, tools=[TOOL])
    assert [block.type for block in reply.content] == ["thinking", "text", "tool_use"]
    assert reply.content[0].signature == "SIG=="
    assert reply.usage.input_tokens == 9
    assert reply._request_id == "req_1"


def test_the_stream_helper_folds_what_the_plain_reply_has(bed: Bed, client: Any) -> None:
    bed.upstream.script([{"sse": NATIVE}])
    with client.messages.stream(model="claude", max_tokens=100, messages=TURN, tools=[TOOL]) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == "Hello"
    assert [block.type for block in final.content] == ["thinking", "text", "tool_use"]
    assert final.content[0].signature == "SIG=="
    assert final.content[2].input == {"a": 1}


def test_gemini_answers_in_this_dialect_and_gets_its_signature_back(bed: Bed, client: Any) -> None:
    bed.upstream.script([{"json": GEMINI}])
    reply = client.messages.create(model="gemini", max_tokens=100, messages=TURN, tools=[TOOL])
    assert [block.type for block in reply.content] == ["text", "tool_use"]
    result = {"type": "tool_result", "tool_use_id": reply.content[1].id, "content": "r"}
    bed.upstream.script([{"json": GEMINI}])
    # Only what Anthropic's own API has of a block, as Claude Code gives it back.
    block = reply.content[1]
    said = [{"type": "tool_use", "id": block.id, "name": block.name, "input": block.input}]
    turns: Any = [*TURN, {"role": "assistant", "content": said}, {"role": "user", "content": [result]}]
    client.messages.create(model="gemini", max_tokens=100, messages=turns, tools=[TOOL])
    parts = bed.asked()["body"]["contents"][1]["parts"]
    assert parts[-1]["thoughtSignature"] == "AB+/"


def test_a_translated_stream_folds(bed: Bed, client: Any) -> None:
    bed.upstream.script([{"sse": [GEMINI]}])
    with client.messages.stream(model="gemini", max_tokens=100, messages=TURN, tools=[TOOL]) as stream:
        final = stream.get_final_message()
    assert final.content[0].text == "Hello"
    assert final.content[1].input == {"a": 1}
    assert final.stop_reason == "tool_use"


def test_tokens_are_counted(bed: Bed, client: Any) -> None:
    bed.upstream.script([{"json": {"input_tokens": 11}}])
    assert client.messages.count_tokens(model="claude", messages=TURN).input_tokens == 11
    assert client.messages.count_tokens(model="gemini", messages=TURN).input_tokens > 0


@pytest.mark.parametrize(
    ("status", "raised"),
    [(400, "BadRequestError"), (401, "AuthenticationError"), (404, "NotFoundError"), (429, "RateLimitError")],
)
def test_errors_are_the_clients_own(bed: Bed, client: Any, status: int, raised: str) -> None:
    body = {"type": "error", "error": {"type": "x", "message": "no"}}
    bed.upstream.script([{"status": status, "json": body, "headers": {"retry-after": "3"}}])
    with pytest.raises(getattr(anthropic, raised)) as caught:
        client.messages.create(model="claude", max_tokens=100, messages=TURN)
    assert caught.value.body["type"] == "error"
    assert caught.value.request_id
    assert caught.value.response.headers["retry-after"] == "3"


def test_an_error_inside_a_stream_is_raised(bed: Bed, client: Any) -> None:
    error = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    bed.upstream.script([{"sse": [*NATIVE[:4], error]}])
    with (
        pytest.raises(anthropic.APIStatusError) as caught,
        client.messages.stream(model="claude", max_tokens=100, messages=TURN) as stream,
    ):
        stream.get_final_message()
    assert caught.value.body["error"]["type"] == "overloaded_error"


def test_a_slow_answer_times_out(bed: Bed, client: Any) -> None:
    bed.upstream.script([{"json": MESSAGE, "delay_ms": 2000}])
    with pytest.raises(anthropic.APITimeoutError):
        client.with_options(timeout=0.2).messages.create(model="claude", max_tokens=100, messages=TURN)


def test_sixty_four_at_once(bed: Bed) -> None:
    bed.upstream.script([{"json": MESSAGE}])

    async def ask() -> list[Any]:
        async with anthropic.AsyncAnthropic(base_url=bed.url, api_key=bed.key, max_retries=0) as client:
            calls = [client.messages.create(model="claude", max_tokens=9, messages=TURN) for _ in range(64)]
            return list(await asyncio.gather(*calls))

    replies = asyncio.run(ask())
    assert [reply.content[1].text for reply in replies] == ["Hello"] * 64


def test_a_request_as_claude_code_sends_it_goes_up_whole(bed: Bed, client: Any) -> None:
    bed.upstream.script([{"sse": NATIVE}])
    mark = {"type": "ephemeral", "ttl": "1h"}
    body: dict[str, Any] = {
        "model": "claude",
        "max_tokens": 32000,
        "system": [{"type": "text", "text": "You are Claude Code.", "cache_control": mark}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": mark}]}],
        "tools": [{**TOOL, "eager_input_streaming": True, "cache_control": mark}],
        "metadata": {"user_id": '{"device_id":"d","session_id":"s"}'},
        "thinking": {"type": "enabled", "budget_tokens": 4096},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    }
    betas = ["claude-code-20250219", "interleaved-thinking-2025-05-14"]
    with client.beta.messages.stream(betas=betas, **body) as stream:
        stream.get_final_message()
    sent = bed.asked()
    assert {name: sent["body"][name] for name in body if name != "model"} == {
        name: value for name, value in body.items() if name != "model"
    }
    assert set(betas) <= set(sent["headers"]["anthropic-beta"].split(","))
