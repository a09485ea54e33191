"""Google's official Python client, unmodified, against the server, at its default version of the API and another."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Bed

genai = pytest.importorskip("google.genai", reason="the package `google-genai` is not installed")

SAID = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12},
}
CLAUDE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "EqQBCkYIBBgC"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 9, "output_tokens": 3},
}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
CONFIG: Any = {
    "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": SCHEMA}]}],
    "thinking_config": {"thinking_budget": 2048, "include_thoughts": True},
    "max_output_tokens": 8000,
}


@pytest.fixture(params=["v1", "v1beta"])
def client(bed: Bed, request: pytest.FixtureRequest) -> Any:
    options = {"base_url": bed.url, "api_version": request.param}
    return genai.Client(api_key=bed.key, http_options=options)


def test_gemini_is_asked_as_it_is(bed: Bed, client: Any) -> None:
    bed.upstream.script([{"json": SAID}])
    reply = client.models.generate_content(model="gemini", contents="Hi", config=CONFIG)
    assert reply.text == "Hello"
    # The client writes this name in either spelling.
    assert 2048 in bed.asked()["body"]["generationConfig"]["thinkingConfig"].values()


def test_a_stream_comes_piece_by_piece(bed: Bed, client: Any) -> None:
    bed.upstream.script([{"sse": [SAID, SAID]}])
    pieces = client.models.generate_content_stream(model="gemini", contents="Hi")
    assert [piece.text for piece in pieces] == ["Hello", "Hello"]


def test_tokens_are_counted(bed: Bed, client: Any) -> None:
    bed.upstream.script([{"json": {"totalTokens": 3}}])
    assert client.models.count_tokens(model="gemini", contents="Hi").total_tokens == 3
    assert client.models.count_tokens(model="claude", contents="Hi").total_tokens > 0


def test_claude_keeps_schemas_and_thoughts_both_ways(bed: Bed, client: Any) -> None:
    bed.upstream.script([{"json": CLAUDE}])
    reply = client.models.generate_content(model="claude", contents="Hi", config=CONFIG)
    sent = bed.asked()["body"]
    assert sent["tools"][0]["input_schema"]["properties"] == SCHEMA["properties"]
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert reply.candidates[0].content.parts[0].thought
    assert reply.function_calls[0].args == {"a": 1}
    bed.upstream.script([{"json": CLAUDE}])
    answer = genai.types.Part.from_function_response(name="f", response={"r": 1})
    turns = [
        genai.types.Content(role="user", parts=[genai.types.Part(text="Hi")]),
        reply.candidates[0].content,
        genai.types.Content(role="user", parts=[answer]),
    ]
    client.models.generate_content(model="claude", contents=turns, config=CONFIG)
    again = bed.asked()["body"]["messages"]
    assert again[1]["content"][0] == CLAUDE["content"][0]  # type: ignore[index]
    assert again[2]["content"][0]["tool_use_id"] == "toolu_1"


def test_errors_are_the_clients_own(bed: Bed, client: Any) -> None:
    body = {"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}}
    bed.upstream.script([{"status": 429, "json": body}])
    with pytest.raises(genai.errors.ClientError) as caught:
        client.models.generate_content(model="gemini", contents="Hi")
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
