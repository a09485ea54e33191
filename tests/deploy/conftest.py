"""What the tests of deployment share: tools, each with a clear skip where it is missing, and a server with traffic."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "gateway"
KEY = "sk-tests-of-deployment-0001"

CONFIG = """
model_list:
  - model_name: works
    litellm_params: {model: openai/gpt-4o, api_key: unused, mock_response: hello, max_parallel_requests: 100}
  - model_name: fails
    litellm_params: {model: openai/gpt-4o-mini, api_key: unused, api_base: "http://127.0.0.1:9/v1", max_retries: 0}
  - model_name: falls
    litellm_params: {model: openai/gpt-4o-mini, api_key: unused, api_base: "http://127.0.0.1:9/v1", max_retries: 0}
router_settings:
  num_retries: 0
  fallbacks: [{falls: [works]}]
  circuit_breaker: true
  hedging: true
general_settings:
  master_key: %s
  max_in_flight_requests_per_worker: 1000
"""


def tool(name: str, hint: str) -> str:
    """The path of a program, or a skip that says where it comes from."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed ({hint})")
    return found


@pytest.fixture(scope="session")
def helm() -> str:
    return tool("helm", "make check-deploy gets it")


@pytest.fixture(scope="session")
def binary() -> Path:
    path = Path(os.environ.get("GATEWAY_BINARY", ROOT / "target" / "debug" / "gateway"))
    if not path.exists():
        pytest.skip(f"{path} is not built (cargo build --bin gateway)")
    return path


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def ask(url: str, body: Any = None, key: str = KEY) -> tuple[int, bytes]:
    """Status and body of a request with the tests' key."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def chat(base: str, model: str, stream: bool = False) -> int:
    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "hello"}]}
    return ask(f"{base}/v1/chat/completions", body)[0]


def until_alive(base: str, process: subprocess.Popen[bytes], path: str = "/health/live", seconds: float = 20) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if process.poll() is not None:
            pytest.fail(f"the process ended with {process.returncode}")
        try:
            if ask(f"{base}{path}")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.02)
    pytest.fail(f"no answer from {base}{path} within {seconds} s")


@pytest.fixture(scope="session")
def server(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that has answered, failed and fallen back."""
    config = tmp_path_factory.mktemp("server") / "config.yaml"
    config.write_text(CONFIG % KEY)
    port = free_port()
    command = [str(binary), "serve", "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        until_alive(base, process)
        traffic(base)
        yield base
    finally:
        process.terminate()
        process.wait(20)


def traffic(base: str) -> None:
    for _ in range(3):
        assert chat(base, "works") == 200
        assert chat(base, "works", stream=True) == 200
    assert chat(base, "fails") >= 500
    assert chat(base, "falls") == 200
