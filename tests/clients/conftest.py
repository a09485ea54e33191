"""What the checks with official clients share: a scripted upstream, and the server before it.

`python -m pytest tests/clients` wants the server's program in target/ (or `GATEWAY_BIN`) and the packages of
`requirements-clients.txt`; whatever is missing is skipped, with the reason.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "conformance"))
MockProcess: Any = importlib.import_module("mock").MockProcess

KEY = "sk-clients-0123456789"
PATIENCE = 30.0

CONFIG = """
model_list:
  - model_name: gpt
    litellm_params: {{model: openai/gpt-4o, api_base: "{base}/v1", api_key: k}}
    model_info: {{id: dep-gpt}}
  - {{model_name: o1-pro, litellm_params: {{model: openai/o1-pro, api_base: "{base}/v1", api_key: k}}}}
  - {{model_name: embed, litellm_params: {{model: openai/text-embedding-3-small, api_base: "{base}/v1", api_key: k}}}}
  - {{model_name: claude, litellm_params: {{model: anthropic/claude-sonnet-4-5, api_base: "{base}", api_key: k}}}}
  - {{model_name: gemini, litellm_params: {{model: gemini/gemini-2.5-flash, api_base: "{base}/v1beta", api_key: k}}}}
litellm_settings: {{num_retries: 0}}
router_settings: {{num_retries: 0, disable_cooldowns: true}}
general_settings: {{master_key: {key}}}
"""


class Bed(NamedTuple):
    """The server, and the upstream behind it."""

    url: str
    key: str
    upstream: Any

    def asked(self) -> dict[str, Any]:
        """The first request that reached the upstream since its script was set, its body read."""
        request: dict[str, Any] = self.upstream.captured()[0]
        return {**request, "body": json.loads(base64.b64decode(request["body_b64"]))}


def program() -> Path | None:
    """The server's program, the newest there is."""
    given = os.environ.get("GATEWAY_BIN")
    places = [Path(given)] if given else [ROOT / "target" / kind / "gateway" for kind in ("release", "debug")]
    found = [place for place in places if place.exists()]
    return max(found, key=lambda place: place.stat().st_mtime) if found else None


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    binary = program()
    if binary is None:
        pytest.skip("no server: build it with `cargo build`, or name it in GATEWAY_BIN")
    upstream = MockProcess()
    config = tmp_path_factory.mktemp("bed") / "config.yaml"
    config.write_text(CONFIG.format(base=upstream.base, key=KEY), encoding="utf-8")
    port = free_port()
    arguments = [str(binary), "serve", "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(url + "/health/liveliness", timeout=1).close()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > until:
                    raise
                time.sleep(0.02)
        yield Bed(url, KEY, upstream)
    finally:
        server.terminate()
        server.wait(PATIENCE)
        upstream.stop()


class Server:
    """The server as OpenAI's clients see it."""

    def __init__(self, bed: Bed) -> None:
        self.url = bed.url
        self.base = f"{bed.url}/v1"
        self.key = bed.key
        self.mock = bed.upstream

    def upstream(self, *script: dict[str, Any]) -> None:
        """What the upstream answers from now on."""
        self.mock.script(list(script))

    def sent(self) -> list[Any]:
        """What the upstream was asked since."""
        return [
            {
                "method": asked["method"],
                "path": asked["target"].partition("?")[0],
                "body": json.loads(base64.b64decode(asked["body_b64"]) or b"null"),
            }
            for asked in self.mock.captured()
        ]


@pytest.fixture
def server(bed: Bed) -> Server:
    """The server, its upstream without a script."""
    found = Server(bed)
    found.upstream()
    return found
