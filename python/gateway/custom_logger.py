"""`CustomLogger`: subclass it, override what you want to hear of, and put an instance into `litellm.callbacks`.

`kwargs` describes the call (`model`, `messages`, `optional_params`, `litellm_params`, `response_cost`, `exception`,
`standard_logging_object`, ...). What is called, and in which order, is in [`observe`](observe.py).
"""

from __future__ import annotations

import enum
from typing import Any


class CallTypes(str, enum.Enum):
    """Which function was called."""

    completion = "completion"
    acompletion = "acompletion"
    text_completion = "text_completion"
    atext_completion = "atext_completion"
    embedding = "embedding"
    aembedding = "aembedding"
    responses = "responses"
    aresponses = "aresponses"
    image_generation = "image_generation"
    aimage_generation = "aimage_generation"
    image_edit = "image_edit"
    aimage_edit = "aimage_edit"
    moderation = "moderation"
    amoderation = "amoderation"
    transcription = "transcription"
    atranscription = "atranscription"
    speech = "speech"
    aspeech = "aspeech"
    rerank = "rerank"
    arerank = "arerank"
    anthropic_messages = "anthropic_messages"


class CustomLogger:
    """Hears of calls. Every method does nothing until it is overridden; one that raises is logged, and fails no call.

    Blocking calls tell the `log_*` methods, asynchronous ones the `async_log_*` methods; `log_pre_api_call` and
    `log_post_api_call` are told by both. Times are naive local datetimes.
    """

    def __init__(self, turn_off_message_logging: bool = False, message_logging: bool = True, **kwargs: Any) -> None:
        self.message_logging = message_logging
        self.turn_off_message_logging = turn_off_message_logging

    def log_pre_api_call(self, model: str, messages: Any, kwargs: dict[str, Any]) -> None:
        """Before the request is sent."""

    def log_post_api_call(self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        """After the provider has answered; `response_obj` and `end_time` are None."""

    def log_stream_event(self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Not called, as in LiteLLM; see `async_log_stream_event`."""

    def log_success_event(self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        """A blocking call has succeeded; for a stream, it has been read to its end."""

    def log_failure_event(self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        """A blocking call has failed: `kwargs["exception"]`."""

    async def async_log_pre_api_call(self, model: str, messages: Any, kwargs: dict[str, Any]) -> None:
        """Not called, as in LiteLLM; see `log_pre_api_call`."""

    async def async_log_stream_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Each chunk of a blocking stream."""

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """An asynchronous call has succeeded; for a stream, it has been read to its end."""

    async def async_log_failure_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """An asynchronous call has failed: `kwargs["exception"]`."""

    def logging_hook(self, kwargs: dict[str, Any], result: Any, call_type: str) -> tuple[dict[str, Any], Any]:
        """What the other callbacks of a call are told may be changed here."""
        return kwargs, result

    async def async_logging_hook(
        self, kwargs: dict[str, Any], result: Any, call_type: str
    ) -> tuple[dict[str, Any], Any]:
        """The same, for asynchronous calls."""
        return kwargs, result

    async def async_pre_call_deployment_hook(
        self, kwargs: dict[str, Any], call_type: CallTypes | None
    ) -> dict[str, Any] | None:
        """Before an asynchronous call: other arguments for it, or None."""

    async def async_post_call_success_deployment_hook(
        self, request_data: dict[str, Any], response: Any, call_type: CallTypes | None
    ) -> Any:
        """After an asynchronous call: another reply for the caller, or None."""
