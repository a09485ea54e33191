"""Import, fork, and the end of the process."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from conftest import REPLY, stream


def run(code: str, *flags: str, seconds: float = 60) -> str:
    """Runs code in a fresh interpreter and gives what it printed."""
    done = subprocess.run(
        [sys.executable, *flags, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=seconds
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_loads_nothing_heavy_and_opens_nothing() -> None:
    printed = run(
        """
        import socket, sys, threading
        def refuse(*args): raise SystemExit("a connection at import")
        socket.socket.connect = refuse
        socket.getaddrinfo = refuse
        import gateway
        heavy = ("pydantic", "openai", "httpx", "asyncio")
        print([name for name in heavy if name in sys.modules], threading.active_count())
        """
    )
    assert printed.strip() == "[] 1"


def test_a_reply_does_not_load_openai() -> None:
    printed = run(
        """
        import sys, gateway
        gateway.completion(model="mock/echo", messages=[{"role": "user", "content": "x"}])
        print("openai" in sys.modules)
        """
    )
    assert printed.strip() == "False"


def test_no_warning_in_a_thousand_loops() -> None:
    run(
        """
        import asyncio, gateway
        call = lambda: gateway.acompletion(model="mock/echo", messages=[{"role": "user", "content": "x"}])
        for _ in range(1000):
            asyncio.run(call()).model_dump_json()
        """,
        "-W",
        "error",
    )


def test_a_forked_child_calls_like_its_parent(mock: Any) -> None:
    mock.script([{"json": REPLY}])
    printed = run(
        f"""
        import os, gateway
        def call():
            return gateway.completion(model="openai/gpt-4o", messages=[{{"role": "user", "content": "x"}}],
                                      api_base="{mock.base}/v1", api_key="k").choices[0].message.content
        call()
        pid = os.fork()
        if pid == 0:
            os._exit(0 if call() == "Hello" else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), call())
        """
    )
    assert printed.strip() == "0 Hello"


def test_a_fork_with_calls_in_flight_disturbs_neither_side(mock: Any) -> None:
    mock.script([{"json": REPLY, "delay_ms": 1000}])
    printed = run(
        f"""
        import asyncio, json, os, threading, time, urllib.request, gateway
        CALL = {{"model": "openai/gpt-4o", "messages": [{{"role": "user", "content": "x"}}],
                 "api_base": "{mock.base}/v1", "api_key": "k", "max_retries": 0}}
        said = []
        def blocking():
            said.append(gateway.completion(**CALL).choices[0].message.content)
        def awaited():
            said.append(asyncio.run(gateway.acompletion(**CALL)).choices[0].message.content)
        threads = [threading.Thread(target=target) for target in [blocking, awaited] * 3]
        for thread in threads:
            thread.start()
        def asked():
            with urllib.request.urlopen("{mock.base}/__mock/captured") as reply:
                return len(json.load(reply))
        while asked() < len(threads):
            time.sleep(0.01)
        pid = os.fork()
        if pid == 0:
            blocking()
            awaited()
            os._exit(0 if said == ["Hello"] * 2 else 1)
        for thread in threads:
            thread.join()
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said)
        """
    )
    assert printed.strip() == f"0 {['Hello'] * 6}"


def test_uvloop_runs_calls_and_streams(mock: Any) -> None:
    mock.script([{"json": REPLY}] * 64 + [{"sse": stream("a", "b")}, {"json": REPLY, "delay_ms": 30_000}])
    printed = run(
        f"""
        import asyncio, gateway, uvloop
        CALL = {{"model": "openai/gpt-4o", "messages": [{{"role": "user", "content": "x"}}],
                 "api_base": "{mock.base}/v1", "api_key": "k"}}
        async def main():
            replies = await asyncio.gather(*[gateway.acompletion(**CALL) for _ in range(64)])
            print({{reply.choices[0].message.content for reply in replies}})
            chunks = await gateway.acompletion(**CALL, stream=True)
            print("".join([chunk.choices[0].delta.content or "" async for chunk in chunks]))
            waiting = asyncio.create_task(gateway.acompletion(**CALL))
            await asyncio.sleep(0.1)
            waiting.cancel()
            print(isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], asyncio.CancelledError))
        uvloop.run(main())
        uvloop.run(gateway.acompletion(model="mock/echo", messages=CALL["messages"]))
        """,
        "-W",
        "error",
    )
    assert printed.split() == ["{'Hello'}", "ab", "True"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_when_its_calls_have_ended(mock: Any, tmp_path: Path, number: signal.Signals) -> None:
    mock.script([{"json": REPLY, "delay_ms": 1000}])
    config = tmp_path / "config.yaml"
    params = f"{{model: openai/m, api_base: '{mock.base}/v1', api_key: k}}"
    config.write_text(f"model_list: [{{model_name: m, litellm_params: {params}}}]")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config), "--port", str(port)]
    server = subprocess.Popen([*command, "--host", "127.0.0.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    answers: list[dict[str, Any]] = []

    def call() -> None:
        body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
        request = urllib.request.Request(f"{base}/v1/chat/completions", json.dumps(body).encode())
        with urllib.request.urlopen(request) as reply:
            answers.append(json.load(reply))

    try:
        until(lambda: urllib.request.urlopen(f"{base}/health/liveliness").close() is None)
        calling = threading.Thread(target=call)
        calling.start()
        until(lambda: len(mock.captured()) == 1)
        server.send_signal(number)
        assert server.wait(30) == 0
        calling.join(30)
    finally:
        server.kill()
        server.wait()
    assert [answer["choices"][0]["message"]["content"] for answer in answers] == ["Hello"]


def until(done: Any) -> None:
    """Waits until something is so."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if done():
                return
        except OSError:
            pass
        time.sleep(0.01)
    raise AssertionError("it did not come to be")


def test_leaving_with_a_call_in_flight_neither_hangs_nor_crashes(mock: Any) -> None:
    mock.script([{"json": REPLY, "delay_ms": 30_000}])
    run(
        f"""
        import threading, time, gateway
        def call():
            gateway.completion(model="openai/gpt-4o", messages=[{{"role": "user", "content": "x"}}],
                               api_base="{mock.base}/v1", api_key="k")
        threading.Thread(target=call, daemon=True).start()
        time.sleep(0.3)
        """
    )


def test_an_interrupt_ends_a_waiting_call(mock: Any) -> None:
    mock.script([{"json": REPLY, "delay_ms": 30_000}])
    printed = run(
        f"""
        import os, signal, threading, time, gateway
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by jobs in the background
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        begun = time.monotonic()
        try:
            gateway.completion(model="openai/gpt-4o", messages=[{{"role": "user", "content": "x"}}],
                               api_base="{mock.base}/v1", api_key="k")
        except KeyboardInterrupt:
            print(time.monotonic() - begun < 5)
        """
    )
    assert printed.strip() == "True"


def test_the_interpreter_ends_well_with_calls_in_flight() -> None:
    for _ in range(5):
        run(
            """
            import asyncio, gateway
            async def leave():
                loop = asyncio.get_running_loop()
                for _ in range(50):
                    loop.create_task(
                        gateway.acompletion(model="mock/echo", messages=[{"role": "user", "content": "x"}])
                    )
                await asyncio.sleep(0)
            asyncio.run(leave())
            """
        )
