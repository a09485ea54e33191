"""OpenAI's Python client: chats, embeddings, errors, many at a time."""

from __future__ import annotations

import asyncio
import base64
import struct
from typing import TYPE_CHECKING, Any

import pytest
import upstreams
from pydantic import BaseModel

openai = pytest.importorskip("openai", reason="the openai package is missing: requirements-clients.txt")

if TYPE_CHECKING:
    from conftest import Server

ASKED: list[Any] = [{"role": "user", "content": "Hi"}]
TOOL: Any = {"type": "function", "function": {"name": "get_weather", "parameters": upstreams.WEATHER}}


class Event(BaseModel):
    """What the model has to fill in."""

    title: str
    people: list[str]


@pytest.fixture
def client(server: Server) -> Any:
    return openai.OpenAI(base_url=server.base, api_key=server.key, max_retries=0)


def test_a_chat(server: Server, client: Any) -> None:
    server.upstream(upstreams.chat())
    reply = client.chat.completions.with_raw_response.create(model="gpt", messages=ASKED)
    assert reply.headers["x-litellm-model-id"] == "dep-gpt"
    chat = reply.parse()
    assert chat.choices[0].message.content == "Hello there"
    assert chat.model == "gpt"
    assert chat.usage.total_tokens == 12


def test_a_stream_and_its_usage(server: Server, client: Any) -> None:
    server.upstream(upstreams.chat_stream({"content": "Hel"}, {"content": "lo"}))
    stream = client.chat.completions.create(
        model="gpt", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Hello"
    assert chunks[-1].usage.total_tokens == 12


def test_the_stream_helper(server: Server, client: Any) -> None:
    server.upstream(upstreams.chat_stream({"content": '{"title": "Lunch", '}, {"content": '"people": ["Ann"]}'}))
    with client.chat.completions.stream(model="gpt", messages=ASKED, response_format=Event) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert "content.delta" in kinds and "content.done" in kinds
    assert final.choices[0].message.parsed == Event(title="Lunch", people=["Ann"])


def test_parse(server: Server, client: Any) -> None:
    server.upstream(upstreams.chat('{"title": "Lunch", "people": ["Ann", "Bob"]}'))
    chat = client.chat.completions.parse(model="gpt", messages=ASKED, response_format=Event)
    assert chat.choices[0].message.parsed == Event(title="Lunch", people=["Ann", "Bob"])
    assert server.sent()[0]["body"]["response_format"]["json_schema"]["strict"] is True


def test_a_refusal_reaches_the_stream(server: Server, client: Any) -> None:
    server.upstream(upstreams.chat_stream({"refusal": "I can"}, {"refusal": "not"}))
    with client.chat.completions.stream(model="gpt", messages=ASKED) as stream:
        stream.until_done()
        assert stream.get_final_completion().choices[0].message.refusal == "I cannot"


def test_tools_plain_and_streamed(server: Server, client: Any) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'}}
    server.upstream(upstreams.chat(None, tool_calls=[call]))
    chat = client.chat.completions.create(model="gpt", messages=ASKED, tools=[TOOL])
    assert chat.choices[0].finish_reason == "tool_calls"
    assert chat.choices[0].message.tool_calls[0].function.arguments == '{"city":"Oslo"}'
    first = {"index": 0, **call, "function": {"name": "get_weather", "arguments": ""}}
    pieces = [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in ('{"city"', ':"Oslo"}')]
    server.upstream(upstreams.chat_stream({"tool_calls": [first]}, *pieces, finish="tool_calls"))
    with client.chat.completions.stream(model="gpt", messages=ASKED, tools=[TOOL]) as stream:
        stream.until_done()
        made = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert made.id == "call_1"
    assert made.function.arguments == '{"city":"Oslo"}'


def test_embeddings(server: Server, client: Any) -> None:
    vector = base64.b64encode(struct.pack("<2f", 0.5, -0.25)).decode()
    server.upstream(
        {
            "json": {
                "object": "list",
                "model": "text-embedding-3-small",
                "data": [{"object": "embedding", "index": 0, "embedding": vector}],
                "usage": {"prompt_tokens": 2, "total_tokens": 2},
            }
        }
    )
    made = client.embeddings.create(model="embed", input="x")
    assert list(made.data[0].embedding) == [0.5, -0.25]
    assert made.usage.prompt_tokens == 2


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (404, "NotFoundError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
    ],
)
def test_errors(server: Server, client: Any, status: int, raised: str) -> None:
    told = {"error": {"message": "no", "type": "x", "param": None, "code": None}}
    server.upstream({"status": status, "json": told, "headers": {"retry-after": "7"}})
    with pytest.raises(getattr(openai, raised)) as caught:
        client.chat.completions.create(model="gpt", messages=ASKED)
    assert caught.value.status_code == status
    assert caught.value.response.headers["retry-after"] == "7"
    with pytest.raises(getattr(openai, raised)):
        client.responses.create(model="gpt", input="Hi")


def test_a_model_that_is_not_there_and_a_key_that_is_not(server: Server, client: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="nobody"):
        client.chat.completions.create(model="nobody", messages=ASKED)
    # LiteLLM's words for a key that only a database could know.
    stranger = openai.OpenAI(base_url=server.base, api_key="sk-wrong", max_retries=0)
    with pytest.raises(openai.BadRequestError, match="No connected db"):
        stranger.chat.completions.create(model="gpt", messages=ASKED)


def test_a_timeout(server: Server, client: Any) -> None:
    server.upstream({**upstreams.chat(), "delay_ms": 5000})
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.3).chat.completions.create(model="gpt", messages=ASKED)


def test_64_at_a_time(server: Server) -> None:
    server.upstream(upstreams.chat_stream({"content": "Hel"}, {"content": "lo"}))

    async def one(client: Any) -> str:
        stream = await client.chat.completions.create(model="gpt", messages=ASKED, stream=True)
        return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])

    async def all_of_them() -> list[str]:
        async with openai.AsyncOpenAI(base_url=server.base, api_key=server.key, max_retries=0) as client:
            return await asyncio.gather(*(one(client) for _ in range(64)))

    assert asyncio.run(all_of_them()) == ["Hello"] * 64
