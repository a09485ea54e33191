"""Requests shaped as Codex sends them: its tools, its history, its stream, read as it reads them."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

import upstreams

if TYPE_CHECKING:
    from conftest import Server

PATCH = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Edits files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: begin_patch"},
}
SHELL = {
    "type": "function",
    "name": "shell",
    "description": "Runs a command.",
    "strict": False,
    "parameters": {
        "type": "object",
        "properties": {"command": {"type": "array", "items": {"type": "string"}}},
        "required": ["command"],
        "additionalProperties": False,
    },
}


def _turn(items: list[Any], model: str) -> dict[str, Any]:
    return {
        "model": model,
        "instructions": "You are Codex.",
        "input": items,
        "tools": [SHELL, PATCH, {"type": "web_search", "external_web_access": False}],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "0199d8c1-3f0f-7c71-9c58-0d1e34bd7b0f",
    }


def _said(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def _events(server: Server, body: dict[str, Any]) -> list[Any]:
    headers = {
        "authorization": f"Bearer {server.key}",
        "content-type": "application/json",
        "accept": "text/event-stream",
        "openai-beta": "responses=experimental",
        "originator": "codex_cli_rs",
        "session_id": "0199d8c1-3f0f-7c71-9c58-0d1e34bd7b0f",
        "user-agent": "codex_cli_rs/0.58.0 (Debian 12.0.0; x86_64)",
    }
    request = urllib.request.Request(f"{server.base}/responses", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        lines = reply.read().decode().splitlines()
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    assert data[-1] == "[DONE]"
    return [json.loads(line) for line in data[:-1]]


def test_two_turns_on_claude(server: Server) -> None:
    thinking = {"type": "thinking", "thinking": "A file is missing.", "signature": "Sig+/=="}
    patch = {"type": "tool_use", "id": "toolu_1", "name": "apply_patch", "input": {"content": "*** Begin Patch"}}
    server.upstream(upstreams.claude_stream(thinking, patch, stop="tool_use"))
    events = _events(server, _turn([_said("Fix it.")], "claude"))
    # Codex takes items from `output_item.done`, and the end from `completed`.
    items = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert [item["type"] for item in items] == ["reasoning", "custom_tool_call"]
    assert items[0]["summary"] == [{"type": "summary_text", "text": "A file is missing."}]
    assert items[1]["input"] == "*** Begin Patch"
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["usage"]["total_tokens"] == 12
    opened = [event["item"] for event in events if event["type"] == "response.output_item.added"]
    assert opened[0]["summary"] == [{"type": "summary_text", "text": ""}]

    result = {"type": "custom_tool_call_output", "call_id": "toolu_1", "output": "Done."}
    server.upstream(upstreams.claude_stream({"type": "text", "text": "Fixed."}))
    events = _events(server, _turn([_said("Fix it."), *items, result], "claude"))
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "Fixed."
    asked = server.sent()[0]["body"]
    assert asked["system"][0]["text"] == "You are Codex."
    user, assistant, answered = asked["messages"]
    assert user["content"][0]["text"] == "Fix it."
    assert assistant["content"][0] == thinking
    assert assistant["content"][1]["input"] == {"content": "*** Begin Patch"}
    assert answered["content"][0]["tool_use_id"] == "toolu_1"


def test_a_turn_on_openai_goes_up_as_it_came(server: Server) -> None:
    server.upstream(upstreams.response_stream("Hel", "lo"))
    turn = _turn([_said("Hi")], "gpt")
    turn["reasoning"] = None
    events = _events(server, turn)
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "Hello"
    asked = server.sent()[0]["body"]
    expected = {name: value for name, value in turn.items() if value is not None}
    assert asked == {**expected, "model": "gpt-4o"}
