"""What outlives a call: nothing. Many calls of each kind, and workers that are spawned, or forked by a server."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from conftest import REPLY, stream
from test_process import run

# Calls of each kind in each of five turns: `CALLS=2000` makes 10,000 of each.
CALLS = int(os.environ.get("CALLS", "150"))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")
def test_many_calls_of_each_kind_leave_nothing_behind(mock: Any) -> None:
    vectors = {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [0.1] * 64}]}
    mock.script(
        [
            {"json": vectors, "match": {"path": "/embeddings"}},
            {"sse": stream("a", "b"), "match": {"body": '"stream":true'}},
            {"status": 400, "json": {"error": {"message": "no"}}, "match": {"body": "refused"}},
            {"json": REPLY},
        ]
    )
    printed = run(
        f"""
        import asyncio, concurrent.futures, gateway, os
        TO = {{"api_base": "{mock.base}/v1", "api_key": "k", "max_retries": 0}}
        ASK = {{"model": "openai/gpt-4o", "messages": [{{"role": "user", "content": "x"}}], **TO}}
        REFUSED = {{**ASK, "messages": [{{"role": "user", "content": "refused"}}]}}
        to = {{"model": "openai/gpt-4o", **TO}}
        router = gateway.Router(model_list=[{{"model_name": "g", "litellm_params": to}}])
        def blocking(_):
            gateway.completion(**ASK)
            list(gateway.completion(**ASK, stream=True))
            gateway.embedding(model="openai/e", input="x", **TO)
            router.completion(model="g", messages=ASK["messages"])
            left = gateway.completion(**ASK, stream=True)
            next(left)
            del left
            try:
                gateway.completion(**REFUSED)
            except gateway.BadRequestError:
                pass
        async def awaited():
            await gateway.acompletion(**ASK)
            async for _ in await gateway.acompletion(**ASK, stream=True):
                pass
            await gateway.aembedding(model="openai/e", input="x", **TO)
            gone = asyncio.ensure_future(gateway.acompletion(**ASK))
            await asyncio.sleep(0)
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        async def many(count):
            for _ in range(count // 8):
                await asyncio.gather(*[awaited() for _ in range(8)])
        def turn(count):
            with concurrent.futures.ThreadPoolExecutor(4) as threads:
                list(threads.map(blocking, range(count)))
            asyncio.run(many(count))
        def held():
            with open("/proc/self/statm") as told:
                pages = int(told.read().split()[1])
            kilobytes = pages * os.sysconf("SC_PAGE_SIZE") // 1024
            return kilobytes, len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
        turn(300)
        print(*held())
        for _ in range(5):
            turn({CALLS})
            print(*held())
        """,
        "-W",
        "error",
        seconds=60 + CALLS // 20,
    )
    kilobytes, files, threads = zip(*(map(int, line.split()) for line in printed.splitlines()), strict=True)
    grown = [after - before for before, after in itertools.pairwise(kilobytes)]
    print("KB at each turn's end:", *kilobytes, "files:", *files, "threads:", *threads)
    # An allocator takes more now and then, and less and less; what leaks takes the same in every turn. With CALLS=2000
    # the limit is 400 KB: 20 bytes of each call.
    assert min(grown) < CALLS // 10 + 200, grown
    assert files[-1] <= files[0] + 8 and threads[-1] <= threads[0] + 4, printed


def test_spawned_workers_call_too(mock: Any, tmp_path: Path) -> None:
    mock.script([{"json": REPLY}])
    program = tmp_path / "spawned.py"
    program.write_text(
        textwrap.dedent(
            f"""
            import multiprocessing, gateway
            def ask(_):
                return gateway.completion(model="openai/gpt-4o", messages=[{{"role": "user", "content": "x"}}],
                                          api_base="{mock.base}/v1", api_key="k").choices[0].message.content
            if __name__ == "__main__":
                ask(0)
                with multiprocessing.get_context("spawn").Pool(2) as workers:
                    print(workers.map(ask, range(4)))
            """
        )
    )
    done = subprocess.run([sys.executable, "-W", "error", str(program)], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == str(["Hello"] * 4), done.stderr


def test_gunicorns_workers_call_after_its_master_did(mock: Any, tmp_path: Path) -> None:
    gunicorn = shutil.which("gunicorn", path=str(Path(sys.executable).parent))
    if gunicorn is None:
        pytest.skip("no `gunicorn` in this environment (pip install gunicorn)")
    mock.script([{"json": REPLY}])
    (tmp_path / "served.py").write_text(
        textwrap.dedent(
            f"""
            import os, gateway
            def ask():
                return gateway.completion(model="openai/gpt-4o", messages=[{{"role": "user", "content": "x"}}],
                                          api_base="{mock.base}/v1", api_key="k").choices[0].message.content
            ask()
            def app(environ, start_response):
                start_response("200 OK", [("content-type", "text/plain")])
                return [f"{{os.getpid()}} {{ask()}}".encode()]
            """
        )
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [gunicorn, "--preload", "--workers", "2", "--bind", f"127.0.0.1:{port}", "served:app"]
    server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        answers = set()
        until = time.monotonic() + 20
        while len(answers) < 2 and time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as reply:
                    answers.add(reply.read().decode())
            except OSError:
                time.sleep(0.05)
        assert len(answers) == 2 and all(answer.endswith(" Hello") for answer in answers), answers
    finally:
        server.terminate()
        assert server.wait(10) == 0, server.stderr and server.stderr.read()
