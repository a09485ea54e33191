"""Streams of dialects other than OpenAI's: server-sent events, as bytes, whole ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.streaming import CustomStreamWrapper

if TYPE_CHECKING:
    from gateway import _gateway
    from gateway.observe import Observation


class EventStream(CustomStreamWrapper):
    """Events as they come: each item is the bytes of one event. Iterate it (`for`, `async for`), or use it as a context
    manager. Closing it ends the upstream call.

    An error that a provider tells in its own dialect is the last event, as LiteLLM hands it on; any other is raised.
    """

    # Who hears of it, if anybody does.
    observation: Observation | None = None
    _maker = None

    def _take(self) -> Any:
        event = self._waiting.popleft()
        self.chunks.append(event)
        return event

    def _end(self) -> None:
        self.sent_last_chunk = True
        if self.observation is not None:
            self.observation.succeeded(None)
            self.observation = None

    def _broken(self, error: _gateway.CoreError) -> Exception:
        from gateway.exceptions import from_core

        failed: Exception = from_core(error.args[0])
        if self.observation is not None:
            self.observation.failed(failed)
            self.observation = None
        return failed

    def _told(self, error: _gateway.CoreError) -> bytes | None:
        """The event by which the provider told the error."""
        return None

    def __next__(self) -> Any:
        from gateway import _gateway

        if not self._waiting and not self.sent_last_chunk:
            try:
                batch = self.completion_stream.next_batch(self._maker, self._hidden_params)
            except _gateway.CoreError as error:
                batch = self._last(error)
            if batch is None:
                self._end()
            else:
                self._waiting.extend(batch)
        if not self._waiting:
            raise StopIteration
        return self._take()

    async def __anext__(self) -> Any:
        from gateway import _gateway

        if not self._waiting and not self.sent_last_chunk:
            try:
                batch = await self._ready()
            except _gateway.CoreError as error:
                batch = self._last(error)
            if batch is None:
                self._end()
            else:
                self._waiting.extend(batch)
        if not self._waiting:
            raise StopAsyncIteration
        return self._take()

    def _last(self, error: _gateway.CoreError) -> list[bytes]:
        told = self._told(error)
        failed = self._broken(error)
        if told is None:
            raise failed from None
        self.sent_last_chunk = True
        return [told]


class AnthropicSSEStream(EventStream):
    """Anthropic's events, translated from another provider's stream."""


class AnthropicMessagesStreamingResponse(EventStream):
    """Anthropic's events, as the provider sends them."""

    def _told(self, error: _gateway.CoreError) -> bytes | None:
        body: bytes | None = error.args[0].get("body")
        return b"event: error\ndata: " + body + b"\n\n" if body else None


class GoogleGenAIGenerateContentStreamingIterator(EventStream):
    """Gemini's events."""
