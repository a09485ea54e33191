"""The cache in process: what is answered again, and what a call may ask of it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gateway as litellm
import pytest
from conftest import REPLY, stream


@pytest.fixture(autouse=True)
def cache() -> Iterator[None]:
    litellm.cache = litellm.Cache()
    yield
    litellm.cache.flush_cache() if litellm.cache else None
    litellm.cache = None


def test_the_same_call_is_answered_again_and_costs_nothing(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"json": REPLY}])
    first = litellm.completion(**at)
    again = litellm.completion(**at)
    assert again.choices[0].message.content == "Hello" and again.id == first.id
    assert again._hidden_params["cache_hit"] is True and again._hidden_params["cache_key"]
    assert again._hidden_params["response_cost"] == 0.0 and "cache_hit" not in first._hidden_params
    assert len(mock.captured()) == 1


def test_asynchronous_calls_share_the_cache(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"json": REPLY}])
    litellm.completion(**at)
    assert asyncio.run(litellm.acompletion(**at))._hidden_params["cache_hit"] is True
    assert len(mock.captured()) == 1


def test_a_stream_is_played_again(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"sse": stream("a", "b")}])

    def read() -> list[Any]:
        return [chunk.choices[0].delta.content for chunk in litellm.completion(**at, stream=True)]

    async def aread() -> list[Any]:
        return [c.choices[0].delta.content async for c in await litellm.acompletion(**at, stream=True)]

    first = read()
    assert read() == first and asyncio.run(aread()) == first
    assert len(mock.captured()) == 1


def test_a_stream_that_was_left_is_not_kept(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"sse": stream("a", "b"), "chunk_delay_ms": 20}, {"sse": stream("a", "b")}])
    with litellm.completion(**at, stream=True) as chunks:
        next(chunks)
    list(litellm.completion(**at, stream=True))
    assert len(mock.captured()) == 2


@pytest.mark.parametrize(
    "more",
    [{"temperature": 0.5}, {"caching": False}, {"cache": {"no-cache": True}}, {"cache": {"namespace": "n"}}],
    ids=str,
)
def test_another_call_is_asked(mock: Any, at: dict[str, Any], more: dict[str, Any]) -> None:
    mock.script([{"json": REPLY}, {"json": REPLY}])
    litellm.completion(**at)
    litellm.completion(**at, **more)
    assert len(mock.captured()) == 2


def test_what_is_not_to_be_kept_is_not(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"json": REPLY}, {"json": REPLY}])
    litellm.completion(**at, cache={"no-store": True})
    litellm.completion(**at)
    assert len(mock.captured()) == 2


def test_errors_are_not_kept(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"status": 400, "json": {"error": {"message": "no"}}}, {"json": REPLY}])
    with pytest.raises(litellm.BadRequestError):
        litellm.completion(**at, max_retries=0)
    assert litellm.completion(**at).choices[0].message.content == "Hello"


def test_it_can_be_switched(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"json": REPLY}] * 3)
    litellm.disable_cache()
    assert litellm.cache is None
    litellm.completion(**at)
    litellm.enable_cache(supported_call_types=["embedding"])
    litellm.completion(**at)
    litellm.update_cache(mode="default_off")
    litellm.completion(**at)
    assert len(mock.captured()) == 3


def test_a_routers_calls_are_cached_too(mock: Any, at: dict[str, Any]) -> None:
    messages = at.pop("messages")
    router = litellm.Router(model_list=[{"model_name": "g", "litellm_params": at}])
    mock.script([{"json": REPLY}])
    router.completion(model="g", messages=messages)
    assert router.completion(model="g", messages=messages)._hidden_params["cache_hit"] is True


def test_callbacks_hear_that_it_was_the_cache(mock: Any, at: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.worker import flush

    told: list[dict[str, Any]] = []
    monkeypatch.setattr(litellm, "success_callback", [lambda kwargs, *rest: told.append(kwargs)])
    mock.script([{"json": REPLY}])
    litellm.completion(**at)
    litellm.completion(**at)
    assert flush()
    assert [kwargs["cache_hit"] for kwargs in told] == [None, True]
    assert [kwargs["response_cost"] for kwargs in told] == [pytest.approx(5.25e-05), 0.0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_caches_too(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"json": REPLY}, {"json": REPLY}])
    litellm.completion(**at)
    child = os.fork()
    if child == 0:
        litellm.completion(**at)
        os._exit(0 if litellm.completion(**at)._hidden_params.get("cache_hit") else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_type_that_is_not_supported_says_so() -> None:
    with pytest.raises(ValueError, match="`s3` is not supported"):
        litellm.Cache(type="s3")


@pytest.fixture(scope="module")
def redis_port() -> Iterator[int]:
    """A real Redis of the tests' own."""
    if shutil.which("redis-server") is None:
        pytest.skip("no `redis-server` on this machine (apt-get install redis-server)")
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = int(held.getsockname()[1])
        arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        server = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.01)
        yield port
        server.kill()
        server.wait()


def test_replies_are_kept_in_redis(mock: Any, at: dict[str, Any], redis_port: int) -> None:
    settings: dict[str, Any] = {"type": "redis", "host": "127.0.0.1", "port": str(redis_port), "namespace": "py"}
    litellm.cache = litellm.Cache(**settings)
    try:
        mock.script([{"json": REPLY}])
        first = litellm.completion(**at)
        until = time.monotonic() + 10
        while True:
            again = litellm.completion(**at)
            if again._hidden_params.get("cache_hit") or time.monotonic() > until:
                break
        assert again._hidden_params["cache_hit"] is True
        assert again.choices[0].message.content == first.choices[0].message.content
        asked = len(mock.captured())

        async def awaited() -> Any:
            return await litellm.acompletion(**at)

        assert asyncio.run(awaited()).id == first.id
        assert len(mock.captured()) == asked
        litellm.cache.flush_cache()
        litellm.completion(**at)
        assert len(mock.captured()) == asked + 1
    finally:
        litellm.cache = None


def test_a_redis_needs_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "REDIS_HOST"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match="REDIS_HOST"):
        litellm.cache = litellm.Cache(type="redis")
    litellm.cache = None


def test_replies_on_disk_outlive_the_process(mock: Any, at: dict[str, Any], tmp_path: Path) -> None:
    mock.script([{"json": REPLY}])
    program = f"""
import gateway as litellm
litellm.cache = litellm.Cache(type="disk", disk_cache_dir={str(tmp_path)!r})
reply = litellm.completion(**{at!r})
print(reply._hidden_params.get("cache_hit"), reply.choices[0].message.content)
"""
    told = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True) for _ in range(2)]
    assert [one.stdout.strip() for one in told] == ["None Hello", "True Hello"], told
    assert len(mock.captured()) == 1
    litellm.cache = litellm.Cache(type="disk", disk_cache_dir=str(tmp_path))
    litellm.cache.flush_cache()
    litellm.completion(**at)
    assert len(mock.captured()) == 2


def test_a_folder_that_cannot_be_made_says_so() -> None:
    with pytest.raises(ValueError, match=r"the folder /dev/null/x \(`disk_cache_dir`\) cannot be made"):
        litellm.cache = litellm.Cache(type="disk", disk_cache_dir="/dev/null/x")


@pytest.mark.parametrize("alone", [False, True])
def test_the_same_calls_at_the_same_time_are_asked_once(mock: Any, at: dict[str, Any], alone: bool) -> None:
    mock.script([{"json": REPLY, "delay_ms": 300}])
    litellm.cache = litellm.Cache(single_flight=not alone)

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*[litellm.acompletion(**at) for _ in range(8)])

    replies = asyncio.run(all_at_once())
    assert {reply.choices[0].message.content for reply in replies} == {"Hello"}
    assert len(mock.captured()) == (8 if alone else 1)
    hits = [reply._hidden_params.get("cache_hit") for reply in replies]
    assert hits.count(True) == (0 if alone else 7)


def test_the_one_that_is_asked_may_fail_alone(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"status": 400, "json": {"error": {"message": "no"}}, "delay_ms": 300}, {"json": REPLY}])
    litellm.cache = litellm.Cache(single_flight=True)

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*[litellm.acompletion(**at) for _ in range(3)], return_exceptions=True)

    replies = asyncio.run(all_at_once())
    assert sorted(type(reply).__name__ for reply in replies) == ["BadRequestError", "ModelResponse", "ModelResponse"]
