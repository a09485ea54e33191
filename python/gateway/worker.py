"""Where callbacks run, so that they hold up nobody: blocking ones on one thread of their own, in order; asynchronous
ones on their caller's event loop, tracked. What is left when the process ends is finished first, for a bounded time.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import queue
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.verbose import verbose_logger

# Seconds that the end of the process waits for callbacks.
PATIENCE = 10.0

Job = Callable[[], None]


class Worker:
    """A thread that runs jobs in the order they came. A forked child starts one of its own."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._pid = 0
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()

    def submit(self, job: Job) -> None:
        """Runs `job` later, on the thread."""
        if self._pid != os.getpid():
            with self._starting:
                if self._pid != os.getpid():
                    self._jobs = queue.SimpleQueue()
                    threading.Thread(
                        target=self._run, args=(self._jobs,), name="gateway-callbacks", daemon=True
                    ).start()
                    self._pid = os.getpid()
        self._jobs.put(job)

    @staticmethod
    def _run(jobs: queue.SimpleQueue[Job | None]) -> None:
        while True:
            job = jobs.get()
            if job is not None:
                run_safely(job)

    def barrier(self) -> threading.Event:
        """An event that is set when everything submitted so far has run."""
        passed = threading.Event()
        self.submit(passed.set)
        return passed

    def flush(self, patience: float = PATIENCE) -> bool:
        """Waits until everything submitted so far has run; False when that took longer than `patience` seconds."""
        if self._pid != os.getpid():
            return True
        return self.barrier().wait(patience)


def run_safely(job: Job) -> None:
    """Runs a callback; whatever it raises is logged."""
    try:
        job()
    except Exception:
        verbose_logger.exception("a callback raised; the call goes on")


async def await_safely(awaitable: Awaitable[Any]) -> Any:
    """Awaits a callback; whatever it raises is logged."""
    try:
        return await awaitable
    except Exception:
        verbose_logger.exception("a callback raised; the call goes on")
        return None


WORKER = Worker()

# Tasks of callbacks, which an event loop alone would not keep alive.
_TASKS: set[asyncio.Task[None]] = set()


def spawn(steps: deque[Callable[[], Awaitable[Any]]]) -> None:
    """Awaits the steps in turn on the running loop, after what was submitted to the worker before.

    Steps that a loop which ends leaves behind are taken over by the worker.
    """

    async def run() -> None:
        await _passed()
        while steps:
            await await_safely(steps.popleft()())

    def done(task: asyncio.Task[None]) -> None:
        _TASKS.discard(task)
        if task.cancelled() and steps:
            WORKER.submit(lambda: on_a_loop(steps))

    task = asyncio.get_running_loop().create_task(run())
    _TASKS.add(task)
    task.add_done_callback(done)


async def _passed() -> None:
    """Waits, without blocking the loop, until the worker has run what was submitted before."""
    loop = asyncio.get_running_loop()
    passed: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not passed.done():
            passed.set_result(None)

    def from_the_thread() -> None:
        # A loop that ended meanwhile has nobody waiting.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(tell)

    WORKER.submit(from_the_thread)
    await passed


def on_a_loop(steps: deque[Callable[[], Awaitable[Any]]]) -> None:
    """Awaits the steps in turn on a loop made for them, on this thread."""

    async def run() -> None:
        while steps:
            await await_safely(steps.popleft()())

    asyncio.run(run())


def flush(patience: float = PATIENCE) -> bool:
    """Waits for the callbacks of blocking calls, and for those that their loops left behind."""
    return WORKER.flush(patience)


atexit.register(flush)
