"""OpenAI's and Anthropic's Node clients and the Vercel AI SDK.

`node/run.sh` installs them; without them this is skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import upstreams

if TYPE_CHECKING:
    from conftest import Server

NODE = Path(__file__).parent / "node"

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is missing"),
    pytest.mark.skipif(not (NODE / "node_modules").exists(), reason="the Node clients are missing: node/run.sh"),
]

THINKING: dict[str, Any] = {"type": "thinking", "thinking": "Hm.", "signature": "Sig+/=="}
CALLING: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}}
LIMITED: dict[str, Any] = {"status": 429, "json": {"error": {"message": "no"}}, "headers": {"retry-after": "7"}}
HELLO: dict[str, Any] = {"type": "text", "text": "Hello"}

SCENES: dict[str, list[dict[str, Any]]] = {
    "chat": [upstreams.chat()],
    "chat_stream": [upstreams.chat_stream({"content": "Hel"}, {"content": "lo"})],
    "responses": [{"json": upstreams.response()}],
    "responses_stream": [upstreams.response_stream("Hel", "lo")],
    "responses_stream:claude": [upstreams.claude_stream(THINKING, HELLO)],
    "responses_stream:gemini": [upstreams.gemini_stream({"text": "Hel"}, {"text": "lo"})],
    "rate_limited": [LIMITED],
    "many": [upstreams.chat()],
    "messages:claude": [upstreams.claude()],
    "messages:gpt": [{"json": upstreams.response()}],
    "messages_stream:claude": [upstreams.claude_stream(THINKING, HELLO)],
    "messages_stream:gpt": [upstreams.response_stream("Hel", "lo", thought="Hm.")],
    "messages_refused": [LIMITED],
    "vercel_chat": [upstreams.chat()],
    "vercel_stream": [upstreams.claude_stream(THINKING, HELLO)],
    "vercel_tool": [upstreams.claude(CALLING, stop="tool_use"), upstreams.claude()],
}


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene(server: Server, scene: str) -> None:
    server.upstream(*SCENES[scene])
    name, _, model = scene.partition(":")
    env = {**os.environ, "BASE": server.base, "KEY": server.key, "MODEL": model or "gpt"}
    done = subprocess.run(
        ["node", str(NODE / "clients.mjs"), name], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
