"""Import, fork, and the end of the process."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

from conftest import REPLY


def run(code: str, *flags: str) -> str:
    """Runs code in a fresh interpreter and gives what it printed."""
    done = subprocess.run(
        [sys.executable, *flags, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60
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
