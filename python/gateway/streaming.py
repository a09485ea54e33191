"""A streamed reply as LiteLLM's stream object: sync and async iterator, and context manager of both kinds."""

from __future__ import annotations

import json
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Any

from gateway import _gateway
from gateway.types import ModelResponseStream, TextCompletionResponse

if TYPE_CHECKING:
    import asyncio


def deliver(future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    """Settles a future on its own loop; the core calls it from its threads through `call_soon_threadsafe`."""
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(value)


class CustomStreamWrapper:
    """Chunks of a chat reply, as they come.

    Iterate it (`for`, `async for`), or use it as a context manager. Closing it, leaving the context, or dropping the
    last reference ends the upstream call. `chunks` holds what was given so far; `_hidden_params` what is about the
    call (`custom_llm_provider`, `api_base`, `additional_headers`, ...).
    """

    _chunk: type[Any] = ModelResponseStream
    _maker: _gateway.ChunkMaker | None = _gateway.ChunkMaker(ModelResponseStream)

    def __init__(self, stream: _gateway.Stream, model: str, provider: str, hidden: dict[str, Any]) -> None:
        self.completion_stream = stream
        self.model = model
        self.custom_llm_provider = provider
        self.chunks: list[Any] = []
        self.sent_last_chunk = False
        self.received_finish_reason: str | None = None
        self._hidden_params = hidden
        self._response_headers: dict[str, str] | None = hidden.get("_response_headers")
        self._waiting: deque[Any] = deque()

    def _take(self) -> Any:
        chunk = self._waiting.popleft()
        if type(chunk) is bytes:
            chunk = self._chunk.model_validate_json(chunk)
            chunk.__dict__["_hidden_params"] = self._hidden_params
        self.chunks.append(chunk)
        return chunk

    def _end(self) -> None:
        """The stream is over: its last chunk carries the usage, for `stream_chunk_builder`."""
        self.sent_last_chunk = True
        usage = self.completion_stream.usage
        if usage is not None and self.chunks:
            self.chunks[-1].__dict__["_hidden_params"] = {**self._hidden_params, "usage": json.loads(usage)}

    def _broken(self, error: _gateway.CoreError) -> Exception:
        """The exception for a stream that broke. What a retry elsewhere may mend is a MidStreamFallbackError."""
        from gateway.exceptions import MidStreamFallbackError, from_core

        cause: Any = from_core(error.args[0])
        status = error.args[0]["status"]
        if 400 <= status < 500 and status != 429:
            return cause  # type: ignore[no-any-return]
        text = "".join(
            c.choices[0].delta.content or "" for c in self.chunks if c.choices and self._chunk is ModelResponseStream
        )
        broken = MidStreamFallbackError(
            message=str(cause),
            model=cause.model or self.model,
            llm_provider=cause.llm_provider or self.custom_llm_provider,
            original_exception=cause,
            generated_content=text,
            is_pre_first_chunk=not self.chunks,
        )
        broken.status_code = cause.status_code
        return broken

    def __iter__(self) -> CustomStreamWrapper:
        return self

    def __next__(self) -> Any:
        if not self._waiting:
            try:
                batch = self.completion_stream.next_batch(self._maker, self._hidden_params)
            except _gateway.CoreError as error:
                raise self._broken(error) from None
            if batch is None:
                self._end()
                raise StopIteration
            self._waiting.extend(batch)
        return self._take()

    def __aiter__(self) -> CustomStreamWrapper:
        return self

    async def _ready(self) -> list[Any] | None:
        """The chunks that have come, at least one; None at the end. Leaving the wait ends the stream."""
        import asyncio

        stream = self.completion_stream
        loop = asyncio.get_running_loop()
        waited = False
        try:
            # A batch may hold nothing but the end mark.
            while (batch := stream.ready_batch(self._maker, self._hidden_params)) is not None and not batch:
                future: asyncio.Future[None] = loop.create_future()
                stream.when_ready(loop, future, deliver)
                await future
                waited = True
            if not waited:
                # What came ahead of its reader is there at once; the others on the loop have their turn all the same.
                await asyncio.sleep(0)
            return batch
        except asyncio.CancelledError:
            self.close()
            raise

    async def __anext__(self) -> Any:
        if not self._waiting:
            try:
                batch = await self._ready()
            except _gateway.CoreError as error:
                raise self._broken(error) from None
            if batch is None:
                self._end()
                raise StopAsyncIteration
            self._waiting.extend(batch)
        return self._take()

    def close(self) -> None:
        """Ends the stream and the upstream call. Closing twice does nothing."""
        self.completion_stream.close()

    async def aclose(self) -> None:
        """As `close`."""
        self.close()

    def __enter__(self) -> CustomStreamWrapper:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> CustomStreamWrapper:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class TextCompletionStreamWrapper(CustomStreamWrapper):
    """Chunks of a text completion."""

    _chunk = TextCompletionResponse
    _maker = None
