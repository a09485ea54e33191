"""Where calls run: connections are kept for the next call, and none is left in the middle of an answer."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.server
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import gateway as litellm
import pytest
from conftest import REPLY, stream


class Upstream(http.server.ThreadingHTTPServer):
    """Counts connections, and bytes of floods. Models: `reply`, `stream`, `endless` (a chunk every 20 ms), `flood` (as
    much as its reader takes), `silent`, `closing`.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.accepted = 0
        self.flooded = 0
        self.left = threading.Semaphore(0)

    def at(self, model: str, **more: Any) -> dict[str, Any]:
        """Arguments of a call to this upstream."""
        base = f"http://127.0.0.1:{self.server_address[1]}/v1"
        messages = [{"role": "user", "content": "x"}]
        return {"model": f"openai/{model}", "messages": messages, "api_base": base, "api_key": "k", **more}

    def was_left(self, times: int = 1) -> bool:
        """Whether so many clients have left an answer that was under way, within a quarter of a second each."""
        return all(self.left.acquire(timeout=0.25) for _ in range(times))


class Answers(http.server.BaseHTTPRequestHandler):
    """One connection of an Upstream."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Upstream

    def setup(self) -> None:
        super().setup()
        self.server.accepted += 1

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        model = asked["model"]
        if model in ("reply", "closing"):
            body = json.dumps(REPLY).encode()
            self.answer("application/json", len(body))
            self.wfile.write(body)
            # Without a word in the head: the client finds out by itself.
            self.close_connection = model == "closing"
        elif model == "stream":
            body = "".join(f"data: {c if isinstance(c, str) else json.dumps(c)}\n\n" for c in stream("a", "b")).encode()
            self.answer("text/event-stream", len(body))
            self.wfile.write(body)
        elif model == "flood":
            self.flood()
        else:
            self.until_left(model == "endless")

    def flood(self) -> None:
        self.close_connection = True
        # Little waits in the kernel, so that what was sent is what was read.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.answer("text/event-stream", None)
        chunk = f"data: {json.dumps(stream('a')[1])}\n\n".encode() * 100
        # A reader that leaves is an error of the socket.
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(chunk)
                self.server.flooded += len(chunk)
        self.server.left.release()

    def answer(self, kind: str, length: int | None) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        if length is not None:
            self.send_header("content-length", str(length))
        self.end_headers()

    def until_left(self, talking: bool) -> None:
        self.close_connection = True
        if talking:
            self.answer("text/event-stream", None)
            self.wfile.flush()
        self.connection.settimeout(0.02)
        chunk = f"data: {json.dumps(stream('a')[1])}\n\n".encode()
        ends = time.monotonic() + 20
        while time.monotonic() < ends:
            try:
                if talking:
                    self.connection.sendall(chunk)
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            return
        self.server.left.release()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def text(chunks: Any) -> str:
    return "".join(c.choices[0].delta.content or "" for c in chunks)


def test_calls_in_turn_share_one_connection(upstream: Upstream) -> None:
    for _ in range(50):
        litellm.completion(**upstream.at("reply"))
        assert text(litellm.completion(**upstream.at("stream", stream=True))) == "ab"
    assert upstream.accepted == 1


def test_calls_at_the_same_time_each_have_one(upstream: Upstream) -> None:
    start = threading.Barrier(8)

    def several() -> None:
        start.wait()
        for _ in range(20):
            litellm.completion(**upstream.at("reply"))

    threads = [threading.Thread(target=several) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert upstream.accepted <= 8


def test_a_connection_that_was_closed_meanwhile_fails_no_call(upstream: Upstream) -> None:
    for turn in range(20):
        litellm.completion(**upstream.at("closing"), max_retries=0)
        if turn % 2:
            time.sleep(0.02)


def test_a_call_that_ran_out_of_time_leaves_its_upstream_at_once(upstream: Upstream) -> None:
    with pytest.raises(litellm.Timeout):
        litellm.completion(**upstream.at("silent", timeout=0.2, max_retries=0))
    assert upstream.was_left()


@pytest.mark.parametrize("end", ["close", "drop", "leave"])
def test_a_stream_that_is_given_up_leaves_its_upstream_at_once(upstream: Upstream, end: str) -> None:
    chunks = litellm.completion(**upstream.at("endless", stream=True))
    if end == "leave":
        with chunks:
            next(chunks)
    else:
        next(chunks)
    if end == "close":
        chunks.close()
    if end == "drop":
        del chunks
        gc.collect()
    assert upstream.was_left()


def test_a_stream_is_closed_while_another_thread_waits_for_it(upstream: Upstream) -> None:
    chunks = litellm.completion(**upstream.at("endless", stream=True))
    threading.Timer(0.2, chunks.close).start()
    for _ in chunks:
        pass
    assert upstream.was_left()


def test_a_blocking_calls_stream_can_be_awaited(upstream: Upstream) -> None:
    chunks = litellm.completion(**upstream.at("stream", stream=True))

    async def read() -> str:
        return "".join([c.choices[0].delta.content or "" async for c in chunks])

    assert asyncio.run(read()) == "ab"


def test_an_awaited_calls_stream_can_be_read_blocking(upstream: Upstream) -> None:
    chunks = asyncio.run(litellm.acompletion(**upstream.at("stream", stream=True)))
    assert text(chunks) == "ab"


def test_an_awaited_stream_is_read_ahead_but_not_far(upstream: Upstream) -> None:
    def at_rest() -> int:
        """Bytes sent once the upstream is stuck."""
        for _ in range(100):
            sent = upstream.flooded
            time.sleep(0.1)
            if sent == upstream.flooded:
                return sent
        pytest.fail("it is read without end")

    async def read() -> None:
        chunks = await litellm.acompletion(**upstream.at("flood", stream=True))
        first = at_rest()
        # Nobody has asked for any of it, nor has this loop had a turn.
        ahead = chunks.completion_stream.ready_batch(None, {})
        assert ahead and sum(map(len, ahead)) < 128 * 1024
        # What is taken makes room for more.
        for _ in range(10_000):
            await anext(chunks)
        assert at_rest() > first
        chunks.close()

    asyncio.run(read())
    assert upstream.was_left()


def test_a_stream_that_is_always_there_leaves_others_their_turn() -> None:
    class Always:
        """A stream of the core that has a chunk whenever it is asked."""

        def ready_batch(self, maker: Any, hidden: Any) -> list[Any]:
            return ["chunk"]

    async def read() -> int:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        stream: Any = Always()
        chunks = litellm.CustomStreamWrapper(stream, "m", "openai", {})
        for _ in range(100):
            await anext(chunks)
        task.cancel()
        return turns

    assert asyncio.run(read()) >= 99


def test_an_awaited_stream_that_is_dropped_unread_leaves_its_upstream(upstream: Upstream) -> None:
    async def drop() -> None:
        await litellm.acompletion(**upstream.at("flood", stream=True))
        gc.collect()

    asyncio.run(drop())
    assert upstream.was_left()


def test_closing_an_awaited_stream_ends_it_for_whoever_waits(upstream: Upstream) -> None:
    async def read() -> None:
        chunks = await litellm.acompletion(**upstream.at("endless", stream=True))
        asyncio.get_running_loop().call_later(0.2, chunks.close)
        async for _ in chunks:
            pass

    asyncio.run(asyncio.wait_for(read(), 5))
    assert upstream.was_left()


def test_several_tasks_share_a_stream(upstream: Upstream) -> None:
    async def read() -> list[str]:
        chunks = await litellm.acompletion(**upstream.at("stream", stream=True))

        async def one() -> str:
            return "".join([c.choices[0].delta.content or "" async for c in chunks])

        return await asyncio.gather(one(), one(), one())

    assert sorted("".join(asyncio.run(asyncio.wait_for(read(), 5)))) == ["a", "b"]


def test_a_forked_childs_copy_of_a_stream_does_not_touch_the_parents(upstream: Upstream) -> None:
    chunks = litellm.completion(**upstream.at("endless", stream=True))
    next(chunks)
    child = os.fork()
    if child == 0:
        chunks.close()
        del chunks
        gc.collect()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [next(chunks).choices[0].delta.content for _ in range(5)] == ["a"] * 5
    chunks.close()
    assert upstream.was_left()
