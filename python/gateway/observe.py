"""Calls that somebody hears of: callbacks are told what happened, once, in LiteLLM's order.

Blocking calls: input functions and `log_pre_api_call`, the call, `log_post_api_call`; then, on the callbacks' thread,
`logging_hook`, functions of `success_callback`, `log_success_event`. A failure is told at once: functions of
`failure_callback`, `log_failure_event`.

Asynchronous calls: `async_pre_call_deployment_hook`, input functions and `log_pre_api_call`, the call,
`log_post_api_call`, `async_post_call_success_deployment_hook`; then, on the caller's loop, the hooks and the
`async_log_*` methods, and last the functions that are asynchronous. A plain function hears of an asynchronous call only
when it fails. Nothing that blocks ever runs on the event loop.

Only calls with callbacks load this file.
"""

from __future__ import annotations

import asyncio
import datetime
import functools
import inspect
import traceback
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from gateway import logging_object, message_redaction
from gateway.calls import OF_THE_CALL
from gateway.custom_logger import CallTypes, CustomLogger
from gateway.streaming import CustomStreamWrapper, TextCompletionStreamWrapper
from gateway.worker import WORKER, await_safely, on_a_loop, run_safely, spawn

Steps = deque[Callable[[], Awaitable[Any]]]


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


class Hearers:
    """Who hears of one call: its own callbacks and the module's, each once, loggers of `callbacks` last."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        import gateway
        from gateway.integrations import named

        own = {name: _listed(arguments.pop(name, None)) for name in OF_THE_CALL}
        everything = [*own["callbacks"], *gateway.callbacks]

        def gathered(name: str, module: list[Any]) -> list[Any]:
            found: list[Any] = []
            for given in (*own[name], *module, *everything):
                hearer = named(given) if isinstance(given, str) else given
                if hearer is not None and not any(hearer is other for other in found):
                    found.append(hearer)
            return found

        self.input = gathered("input_callback", gateway.input_callback)
        self.success = gathered("success_callback", gateway.success_callback)
        self.failure = gathered("failure_callback", gateway.failure_callback)
        self.loggers = [hearer for hearer in gathered("callbacks", []) if isinstance(hearer, CustomLogger)]


class Observation:
    """One call: what is known of it so far, and who is told."""

    def __init__(self, op: str, asynchronous: bool, model: str, arguments: dict[str, Any]) -> None:
        self.hearers = Hearers(arguments)
        self.asynchronous = asynchronous
        self.call_type = f"a{op}" if asynchronous else op
        self.start = datetime.datetime.now()
        self.model = model
        self.arguments = arguments
        arguments.setdefault("litellm_call_id", str(uuid.uuid4()))
        self.details = logging_object.call_details(self.call_type, model, arguments, self.start)

    # Before and after the exchange with the provider.

    def before(self) -> None:
        """The request is about to be sent."""
        self.details["log_event_type"] = "pre_api_call"
        self.details["api_call_start_time"] = datetime.datetime.now()
        model = self.details["model"]
        # What is told is a copy: the thread reads it when the call has gone on.
        known = dict(self.details) if self.asynchronous else self.details
        for hearer in self.hearers.input:
            told, _ = self._for(hearer, known, None)
            if isinstance(hearer, CustomLogger):
                self._blocking(hearer.log_pre_api_call, model, told["messages"], told)
            elif not inspect.iscoroutinefunction(hearer):
                self._blocking(hearer, told)

    def after(self) -> None:
        """The provider has answered."""
        self.details["log_event_type"] = "post_api_call"
        known = dict(self.details) if self.asynchronous else self.details
        for hearer in self.hearers.input:
            if isinstance(hearer, CustomLogger):
                names: dict[str, Any] = {
                    "kwargs": self._for(hearer, known, None)[0],
                    "response_obj": None,
                    "start_time": self.start,
                    "end_time": None,
                }
                self._blocking(functools.partial(hearer.log_post_api_call, **names))

    def _for(self, hearer: Any, details: dict[str, Any], result: Any) -> tuple[dict[str, Any], Any]:
        """What one hearer is told: without the words, where that is wanted."""
        if not message_redaction.wanted(hearer, self.details):
            return details, result
        return message_redaction.details_of(details), message_redaction.result_of(result)

    def _blocking(self, call: Callable[..., Any], *args: Any) -> None:
        if self.asynchronous:
            WORKER.submit(lambda: call(*args))
        else:
            run_safely(lambda: call(*args))

    # How it ended.

    def succeeded(self, result: Any) -> None:
        """The caller has the reply, or has read the stream to its end."""
        end = datetime.datetime.now()
        logging_object.add_success(self.details, result, self.start, end)
        if self.asynchronous:
            spawn(self._success_steps(result, end))
        else:
            WORKER.submit(lambda: self._tell_success(result, end))

    def _tell_success(self, result: Any, end: datetime.datetime) -> None:
        details = self.details
        for logger in self.hearers.loggers:
            told = self._for(logger, details, result)
            changed = logger.logging_hook(*told, self.call_type)
            # A hook that was told no words has none to pass on.
            if changed is not None and told[0] is details:
                details, result = changed
        for hearer in self.hearers.success:
            told = self._for(hearer, details, result)
            if isinstance(hearer, CustomLogger):
                self._tell(hearer.log_success_event, *told, end)
            elif not inspect.iscoroutinefunction(hearer):
                run_safely(functools.partial(hearer, *told, self.start, end))

    def _success_steps(self, result: Any, end: datetime.datetime) -> Steps:
        # What the hooks leave is what the callbacks after them are told.
        told = [self.details, result]

        async def hook(logger: CustomLogger) -> None:
            own = self._for(logger, told[0], told[1])
            changed = await logger.async_logging_hook(*own, self.call_type)
            # A hook that was told no words has none to pass on.
            if changed is not None and own[0] is told[0]:
                told[:] = changed

        async def log(hearer: CustomLogger) -> None:
            own = self._for(hearer, told[0], told[1])
            await hearer.async_log_success_event(**self._names(*own, end))

        async def function(hearer: Callable[..., Any]) -> None:
            await hearer(*self._for(hearer, told[0], told[1]), self.start, end)

        hearers = self.hearers.success
        return deque(
            [functools.partial(hook, logger) for logger in self.hearers.loggers]
            + [functools.partial(log, hearer) for hearer in hearers if isinstance(hearer, CustomLogger)]
            + [functools.partial(function, hearer) for hearer in hearers if inspect.iscoroutinefunction(hearer)]
        )

    def failed(self, error: BaseException) -> None:
        """The caller gets an exception."""
        end = datetime.datetime.now()
        logging_object.add_failure(self.details, error, traceback.format_exc(), self.start, end)
        if self.asynchronous:
            self._tell_failed_functions(end, WORKER.submit)
            spawn(self._failure_steps(end))
            return
        self._tell_failed_functions(end, run_safely)
        for hearer in self.hearers.failure:
            if isinstance(hearer, CustomLogger):
                self._tell(hearer.log_failure_event, *self._for(hearer, self.details, None), end)

    def _tell_failed_functions(self, end: datetime.datetime, run: Callable[[Callable[[], None]], None]) -> None:
        for hearer in self.hearers.failure:
            if not isinstance(hearer, CustomLogger) and not inspect.iscoroutinefunction(hearer):
                run(functools.partial(hearer, *self._for(hearer, self.details, None), self.start, end))

    def _failure_steps(self, end: datetime.datetime) -> Steps:
        hearers = self.hearers.failure

        def told(hearer: Any) -> tuple[dict[str, Any], Any]:
            return self._for(hearer, self.details, None)

        loggers = [hearer for hearer in hearers if isinstance(hearer, CustomLogger)]
        functions = [hearer for hearer in hearers if inspect.iscoroutinefunction(hearer)]
        return deque(
            [functools.partial(one.async_log_failure_event, **self._names(*told(one), end)) for one in loggers]
            + [functools.partial(function, *told(function), self.start, end) for function in functions]
        )

    def _names(self, details: dict[str, Any], result: Any, end: datetime.datetime) -> dict[str, Any]:
        return {"kwargs": details, "response_obj": result, "start_time": self.start, "end_time": end}

    def _tell(self, call: Callable[..., Any], details: dict[str, Any], result: Any, end: datetime.datetime) -> None:
        run_safely(lambda: call(**self._names(details, result, end)))

    # Streams.

    def chunk(self, chunk: Any) -> None:
        """A chunk of a blocking stream: loggers that want chunks are told, on the callbacks' thread."""
        end = datetime.datetime.now()
        for logger in self.hearers.loggers:
            if type(logger).async_log_stream_event is not CustomLogger.async_log_stream_event:
                names = self._names(*self._for(logger, self.details, chunk), end)
                step = functools.partial(logger.async_log_stream_event, **names)
                WORKER.submit(functools.partial(on_a_loop, deque([step])))

    def stream_ended(self, wrapper: CustomStreamWrapper) -> None:
        """The stream was read to its end."""
        import gateway

        whole = gateway.stream_chunk_builder(wrapper.chunks, messages=self.details["messages"], start_time=self.start)
        if whole is not None:
            hidden = whole._hidden_params
            hidden.update({name: value for name, value in wrapper._hidden_params.items() if value is not None})
            kind = "async_complete_streaming_response" if self.asynchronous else "complete_streaming_response"
            self.details[kind] = whole
        self.succeeded(whole)


class _Heard(CustomStreamWrapper):
    """A stream whose end is told."""

    observation: Observation

    def __next__(self) -> Any:
        try:
            chunk = super().__next__()
        except StopIteration:
            self._tell_end()
            raise
        except Exception as error:
            self.observation.failed(error)
            raise
        self.observation.chunk(chunk)
        return chunk

    async def __anext__(self) -> Any:
        try:
            return await super().__anext__()
        except StopAsyncIteration:
            self._tell_end()
            raise
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.observation.failed(error)
            raise

    def _tell_end(self) -> None:
        if self.__dict__.setdefault("_told", False):
            return
        self._told = True
        run_safely(lambda: self.observation.stream_ended(self))


class HeardStream(_Heard):
    """A chat stream whose end is told."""


class HeardTextStream(_Heard, TextCompletionStreamWrapper):
    """A text completion's stream whose end is told."""


def _tells_its_end(result: Any) -> bool:
    """A stream is heard of when it is over."""
    return isinstance(result, _Heard) or getattr(result, "observation", None) is not None


def call(op: str, model: str, arguments: dict[str, Any], make: Callable[..., Any]) -> Any:
    """A blocking call. `make(op, model, arguments, observation)` makes it."""
    observation = Observation(op, False, model, arguments)
    observation.before()
    try:
        result = make(op, model, arguments, observation)
    except Exception as error:
        observation.after()
        observation.failed(error)
        raise
    observation.after()
    if not _tells_its_end(result):
        observation.succeeded(result)
    return result


async def acall(op: str, model: str, arguments: dict[str, Any], make: Callable[..., Any]) -> Any:
    """An asynchronous call. `make(op, model, arguments, observation)` makes it."""
    observation = Observation(op, True, model, arguments)
    call_type = CallTypes(observation.call_type)
    loggers = observation.hearers.loggers
    for logger in loggers:
        given = {"model": model, **arguments}
        changed = await await_safely(logger.async_pre_call_deployment_hook(given, call_type))
        if isinstance(changed, dict):
            model = changed.pop("model", model)
            arguments = changed
    observation.before()
    try:
        result = await make(op, model, arguments, observation)
    except Exception as error:
        observation.failed(error)
        raise
    observation.after()
    if not _tells_its_end(result):
        for logger in loggers:
            given = {"model": model, **arguments}
            changed = await await_safely(logger.async_post_call_success_deployment_hook(given, result, call_type))
            result = result if changed is None else changed
        observation.succeeded(result)
    return result
