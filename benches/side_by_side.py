"""The same calls on this package and on LiteLLM, each in its own interpreter, in turns: what the ratios are made of.

    python benches/side_by_side.py --litellm path/to/a/venv/bin/python --upstream target/release/mock-upstream

Without `--litellm` only this package is measured. Rates are the best of several turns, times medians.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

MESSAGES = [{"role": "user", "content": "hi"}]
WORDS = "The quick brown fox jumps over the lazy dog and goes on its way, 42 times a day. "
CHUNKS = 2000
AT_ONCE = 64
TURNS = 3
SECONDS = 3.0

# What is measured -> how it is told, the unit, whether more is better, and the bar as a ratio.
ROWS: dict[str, tuple[str, bool, float]] = {
    "token_counter, 45 kB of text": ("us", False, 1.5),
    "token_counter, a chat of 100 messages": ("us", False, 3.0),
    "token_counter, a short text": ("us", False, 5.0),
    "completion_cost": ("us", False, 20.0),
    "Router.completion over completion": ("us", False, 0.0),
    f"{AT_ONCE} acompletion() at once": ("calls/s", True, 20.0),
    "stream, blocking": ("chunks/s", True, 40.0),
    "stream, awaited": ("chunks/s", True, 40.0),
}


def median(call: Callable[[], Any], count: int) -> float:
    """Microseconds of a call."""
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1e6


def counted(litellm: Any) -> dict[str, float]:
    """Counting and pricing."""
    text = WORDS * (45_000 // len(WORDS))
    chat = [{"role": ("user", "assistant")[i % 2], "content": f"{WORDS} {i}"} for i in range(100)]
    reply = litellm.completion(model="gpt-4o", messages=MESSAGES, mock_response="Hello there")
    litellm.token_counter(model="gpt-4o", text=text)
    return {
        "token_counter, 45 kB of text": median(lambda: litellm.token_counter(model="gpt-4o", text=text), 50),
        "token_counter, a chat of 100 messages": median(
            lambda: litellm.token_counter(model="gpt-4o", messages=chat), 50
        ),
        "token_counter, a short text": median(
            lambda: litellm.token_counter(model="gpt-4o", text="Hello, how are you?"), 2000
        ),
        "completion_cost": median(lambda: litellm.completion_cost(completion_response=reply, model="gpt-4o"), 2000),
    }


def routed(litellm: Any, base: str) -> dict[str, float]:
    """A call to one of ten deployments, over the same call without a Router."""
    to = {"model": "openai/load", "api_base": base, "api_key": "k"}
    router = litellm.Router(model_list=[{"model_name": "g", "litellm_params": dict(to)} for _ in range(10)])
    calls = [
        lambda: litellm.completion(messages=MESSAGES, **to),
        lambda: router.completion(model="g", messages=MESSAGES),
    ]
    # In turns, so that what disturbs one disturbs the other.
    times: list[list[float]] = [[], []]
    for _ in range(1000):
        for call, taken in zip(calls, times, strict=True):
            begun = time.perf_counter()
            call()
            taken.append(time.perf_counter() - begun)
    plain, grouped = (statistics.median(taken[100:]) for taken in times)
    return {"Router.completion over completion": (grouped - plain) * 1e6}


def streamed(litellm: Any, base: str) -> dict[str, float]:
    """Chunks and calls a second."""
    to = {"api_base": base, "api_key": "k", "messages": MESSAGES}
    stream = {"model": f"openai/load-chunks-{CHUNKS}", "stream": True, **to}

    def blocking() -> int:
        return sum(1 for _ in litellm.completion(**stream))

    async def awaited() -> int:
        return sum([1 async for _ in await litellm.acompletion(**stream)])

    async def at_once() -> int:
        async def worker() -> None:
            for _ in range(10):
                await litellm.acompletion(model="openai/load", **to)

        await asyncio.gather(*[worker() for _ in range(AT_ONCE)])
        return AT_ONCE * 10

    def rate(turn: Callable[[], int]) -> float:
        rates: list[float] = []
        ends = time.perf_counter() + SECONDS
        # As long for who is fast: a few of its turns are over before the machine has noticed.
        while len(rates) <= TURNS or time.perf_counter() < ends:
            begun = time.perf_counter()
            count = turn()
            rates.append(count / (time.perf_counter() - begun))
        return max(rates)

    return {
        f"{AT_ONCE} acompletion() at once": rate(lambda: asyncio.run(at_once())),
        "stream, blocking": rate(blocking),
        "stream, awaited": rate(lambda: asyncio.run(awaited())),
    }


def measure(module: str, base: str) -> None:
    """One module's figures, as JSON on the last line."""
    litellm = importlib.import_module(module)
    litellm.suppress_debug_info = True
    print(json.dumps({**counted(litellm), **routed(litellm, base), **streamed(litellm, base)}))


def turn(python: str, module: str, base: str) -> dict[str, float]:
    """The figures of a module in an interpreter."""
    command = [python, __file__, "--measure", module, "--base", base]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    figures: dict[str, float] = json.loads(told.strip().splitlines()[-1])
    return figures


def report(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> None:
    """A line for each of `ROWS`."""
    for what, (unit, more, bar) in ROWS.items():
        mine = statistics.median(figures[what] for figures in ours)
        line = f"{what:<40} {mine:>12,.1f} {unit:<9}"
        if theirs:
            other = statistics.median(figures[what] for figures in theirs)
            ratio = mine / other if more else other / mine
            line += f" LiteLLM {other:>12,.1f} = {ratio:6.1f} x"
        print(line + (f"   bar {bar} x" if bar else "   bar 25 us"), flush=True)


def main() -> None:
    """Runs both in turns against one mock upstream."""
    parser = argparse.ArgumentParser(description="The same calls on this package and on LiteLLM.")
    parser.add_argument("--upstream", default="target/release/mock-upstream", help="the mock upstream's program")
    parser.add_argument("--litellm", help="an interpreter that has LiteLLM")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--base", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure, given.base)
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    upstream = subprocess.Popen([given.upstream, "--port", str(port)], stdout=subprocess.DEVNULL)
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    try:
        base = f"http://127.0.0.1:{port}/v1"
        for _ in range(TURNS):
            ours.append(turn(sys.executable, "gateway", base))
            if given.litellm:
                theirs.append(turn(given.litellm, "litellm", base))
    finally:
        upstream.terminate()
        upstream.wait()
    report(ours, theirs)


if __name__ == "__main__":
    main()
