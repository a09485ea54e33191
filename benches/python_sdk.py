"""The Python package beside raw httpx, in one process and one run: `make bench`, or

    python benches/python_sdk.py --upstream target/release/mock-upstream

Every figure is a median, or the best of several turns where it is a rate; what another machine makes of it is told by
the ratios. The bars are what the project sets itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import gateway
import httpx

MESSAGES = [{"role": "user", "content": "hi"}]
STARTS = 11
CALLS = 1000
CHUNKS = 2000
TURNS = 5
AT_ONCE = 64


def row(what: str, figure: str, bar: str) -> None:
    """One line of the report."""
    print(f"{what:<44} {figure:<44} bar {bar}", flush=True)


def fresh(code: str) -> float:
    """Milliseconds of CPU of a fresh interpreter that runs `code` and leaves without tearing down."""
    before = os.times()
    subprocess.run([sys.executable, "-c", f"{code}\nimport os\nos._exit(0)"], check=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return 1e3 * used


def starts() -> None:
    """Import, and the first reply."""
    reply = f"import gateway\ngateway.completion(model='mock/echo', messages={MESSAGES!r})"
    codes = ["pass", "import gateway", reply, "import pydantic\nclass M(pydantic.BaseModel):\n    a: int\nM(a=1)"]
    # In turns, so that a busy machine is busy for all of them.
    times = [[fresh(code) for code in codes] for _ in range(STARTS)]
    bare, imported, replied, model = (statistics.median(column) for column in zip(*times, strict=True))
    row("import gateway, CPU over a bare interpreter", f"{imported - bare:.0f} ms", "30 ms")
    row("first reply, likewise", f"{replied - bare:.0f} ms (a pydantic model: {model - bare:.0f} ms)", "120 ms")


def median(call: Callable[[], Any]) -> float:
    """Microseconds of a call."""
    times = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1e6


def asked(model: str, **more: Any) -> bytes:
    """The body that httpx sends for the same call."""
    return json.dumps({"model": model, "messages": MESSAGES, **more}).encode()


def whole(base: str, client: httpx.Client) -> None:
    """A blocking call against an upstream that answers at once."""
    body, headers = asked("load"), {"content-type": "application/json", "authorization": "Bearer k"}

    def raw() -> None:
        client.post(f"{base}/chat/completions", content=body, headers=headers).json()

    def ours() -> None:
        gateway.completion(model="openai/load", messages=MESSAGES, api_base=base, api_key="k")

    median(raw), median(ours)
    theirs, mine = median(raw), median(ours)
    row("completion(), p50", f"{mine:.0f} us = {mine / theirs:.2f} x httpx ({theirs:.0f} us)", "0.45 x")


def rate(turn: Callable[[], int]) -> float:
    """Chunks a second, best of some turns."""
    best = 0.0
    for _ in range(TURNS):
        begun = time.perf_counter()
        count = turn()
        best = max(best, count / (time.perf_counter() - begun))
        assert count >= CHUNKS, "the stream was short"
    return best


def streams(base: str, client: httpx.Client) -> None:
    """Streams, blocking and awaited, against httpx's lines with json.loads."""
    model = f"load-chunks-{CHUNKS}"
    body, headers = asked(model, stream=True), {"content-type": "application/json"}
    call = {"model": f"openai/{model}", "messages": MESSAGES, "stream": True, "api_base": base, "api_key": "k"}

    def raw() -> int:
        count = 0
        with client.stream("POST", f"{base}/chat/completions", content=body, headers=headers) as reply:
            for line in reply.iter_lines():
                if line.startswith("data: {"):
                    json.loads(line[6:])
                    count += 1
        return count

    def blocking() -> int:
        return sum(1 for _ in gateway.completion(**call))

    async def awaited() -> int:
        return sum([1 async for _ in await gateway.acompletion(**call)])

    theirs = rate(raw)
    for name, mine in [("blocking", rate(blocking)), ("awaited", rate(lambda: asyncio.run(awaited())))]:
        row(f"stream, {name}", f"{mine:,.0f} chunks/s = {mine / theirs:.2f} x httpx", "0.6 x, or 42,840 chunks/s")


def first_chunks(base: str) -> None:
    """From the call to the first chunk, blocking and awaited, against httpx's first line; what follows comes later."""
    model = "load-chunks-3-gap-2"
    body, headers = asked(model, stream=True), {"content-type": "application/json"}
    call = {"model": f"openai/{model}", "messages": MESSAGES, "stream": True, "api_base": base, "api_key": "k"}
    url = f"{base}/chat/completions"

    def raw(client: httpx.Client) -> float:
        begun = time.perf_counter()
        with client.stream("POST", url, content=body, headers=headers) as reply:
            lines = reply.iter_lines()
            json.loads(next(lines)[6:])
            first = time.perf_counter() - begun
            list(lines)
        return first

    def blocking() -> float:
        begun = time.perf_counter()
        chunks = gateway.completion(**call)
        next(chunks)
        first = time.perf_counter() - begun
        list(chunks)
        return first

    async def raw_awaited(client: httpx.AsyncClient) -> float:
        begun = time.perf_counter()
        async with client.stream("POST", url, content=body, headers=headers) as reply:
            lines = reply.aiter_lines()
            json.loads((await anext(lines))[6:])
            first = time.perf_counter() - begun
            async for _ in lines:
                pass
        return first

    async def awaited() -> float:
        begun = time.perf_counter()
        chunks = await gateway.acompletion(**call)
        await anext(chunks)
        first = time.perf_counter() - begun
        async for _ in chunks:
            pass
        return first

    async def both() -> list[tuple[float, float]]:
        async with httpx.AsyncClient() as client:
            return [(await raw_awaited(client), await awaited()) for _ in range(CALLS // 4)]

    with httpx.Client() as client:
        # In turns, so that what disturbs one disturbs the other.
        turns = {"blocking": [(raw(client), blocking()) for _ in range(CALLS // 4)], "awaited": asyncio.run(both())}
    for name, times in turns.items():
        theirs, mine = (1e6 * statistics.median(taken) for taken in zip(*times, strict=True))
        row(f"first chunk, {name}, p50", f"{mine:.0f} us = {mine / theirs:.2f} x httpx ({theirs:.0f} us)", "1 x")


def at_once(base: str) -> None:
    """Many awaited calls on one loop."""
    call = {"model": "openai/load", "messages": MESSAGES, "api_base": base, "api_key": "k"}

    async def calls(one: Callable[[], Awaitable[Any]]) -> float:
        async def worker() -> None:
            for _ in range(CALLS // AT_ONCE):
                await one()

        await asyncio.gather(*[worker() for _ in range(AT_ONCE)])
        begun = time.perf_counter()
        await asyncio.gather(*[worker() for _ in range(AT_ONCE)])
        return CALLS // AT_ONCE * AT_ONCE / (time.perf_counter() - begun)

    async def with_openai() -> float:
        import openai

        async with openai.AsyncOpenAI(base_url=base, api_key="k") as client:
            return await calls(lambda: client.chat.completions.create(model="load", messages=MESSAGES))  # type: ignore[arg-type]

    mine = asyncio.run(calls(lambda: gateway.acompletion(**call)))
    theirs = asyncio.run(with_openai())
    row(f"{AT_ONCE} acompletion() at once", f"{mine:,.0f} calls/s = {mine / theirs:.1f} x openai's client", "8 x")


def main() -> None:
    """Runs everything against a mock upstream of its own."""
    parser = argparse.ArgumentParser(description="The Python package beside raw httpx.")
    parser.add_argument("--upstream", default="target/release/mock-upstream", help="the mock upstream's program")
    program = parser.parse_args().upstream
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    upstream = subprocess.Popen([program, "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        base = f"http://127.0.0.1:{port}/v1"
        starts()
        with httpx.Client() as client:
            whole(base, client)
            streams(base, client)
        first_chunks(base)
        at_once(base)
    finally:
        upstream.terminate()
        upstream.wait()


if __name__ == "__main__":
    main()
