"""LangChain's client for OpenAI: plain, streamed, tools, structured output, and over the Responses API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import upstreams
from pydantic import BaseModel

langchain = pytest.importorskip("langchain_openai", reason="langchain-openai is missing: requirements-clients.txt")

if TYPE_CHECKING:
    from conftest import Server


class Event(BaseModel):
    """What the model has to fill in."""

    title: str


def _model(server: Server, model: str, **more: Any) -> Any:
    return langchain.ChatOpenAI(model=model, base_url=server.base, api_key=server.key, max_retries=0, **more)


def test_plain_and_streamed(server: Server) -> None:
    server.upstream(upstreams.chat())
    assert _model(server, "gpt").invoke("Hi").content == "Hello there"
    server.upstream(upstreams.chat_stream({"content": "Hel"}, {"content": "lo"}))
    assert "".join(chunk.content for chunk in _model(server, "gpt").stream("Hi")) == "Hello"


def test_tools_and_structured_output(server: Server) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'}}
    server.upstream(upstreams.chat(None, tool_calls=[call]))
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": upstreams.WEATHER}}
    asked = _model(server, "gpt").bind_tools([tool]).invoke("Weather?")
    assert asked.tool_calls[0]["args"] == {"city": "Oslo"}
    server.upstream(upstreams.chat('{"title": "Lunch"}'))
    assert _model(server, "gpt").with_structured_output(Event).invoke("Hi") == Event(title="Lunch")


def test_over_the_responses_api(server: Server) -> None:
    server.upstream(upstreams.claude())
    reply = _model(server, "claude", use_responses_api=True).invoke("Hi")
    assert reply.text == "Hello there"
    server.upstream(upstreams.claude_stream({"type": "text", "text": "Hello"}))
    chunks = list(_model(server, "claude", use_responses_api=True).stream("Hi"))
    assert "".join(chunk.text for chunk in chunks) == "Hello"
