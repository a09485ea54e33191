"""The Responses API: `responses`, what asks about stored responses, and their asynchronous forms.

A provider that has this API is asked in it; any other is asked through chat completions, and the answer is told as a
response. https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.calls import acall as _acall
from gateway.calls import bound as _bound
from gateway.calls import call as _call
from gateway.responses_types import DeleteResponseResult, ResponsesAPIResponse, event, is_terminal
from gateway.streaming import CustomStreamWrapper

if TYPE_CHECKING:
    from gateway import _gateway


class BaseResponsesAPIStreamingIterator(CustomStreamWrapper):
    """Events of a response, as they come.

    Iterate it, or use it as a context manager; closing it ends the upstream call. `completed_response` is the last
    event, once it came.
    """

    def __init__(self, stream: _gateway.Stream, model: str, provider: str, hidden: dict[str, Any]) -> None:
        super().__init__(stream, model, provider, hidden)
        self.completed_response: Any = None
        self.finished = False
        # Who hears of the call, if anybody does.
        self.observation: Any = None

    def _take(self) -> Any:
        told = event(self._waiting.popleft())
        if is_terminal(told):
            self.completed_response = told
            told.response._hidden_params = self._hidden_params
        return told

    def _end(self) -> None:
        if not self.finished and self.observation is not None:
            completed = self.completed_response
            self.observation.succeeded(completed.response if completed is not None else None)
        self.finished = True

    def _broken(self, error: _gateway.CoreError) -> Exception:
        broken = super()._broken(error)
        if self.observation is not None:
            self.observation.failed(broken)
        return broken


class ResponsesAPIStreamingIterator(BaseResponsesAPIStreamingIterator):
    """Of a provider that has the API, asynchronous."""


class SyncResponsesAPIStreamingIterator(BaseResponsesAPIStreamingIterator):
    """Of a provider that has the API."""


class MockResponsesAPIStreamingIterator(BaseResponsesAPIStreamingIterator):
    """Of a model that answers whole: its answer in pieces."""


class LiteLLMCompletionStreamingIterator(ResponsesAPIStreamingIterator):
    """Of a provider that is asked through chat completions."""


def made(op: str, reply: _gateway.Reply, hidden: dict[str, Any], observation: Any) -> Any:
    """A reply of the core as the object that callers get."""
    if reply.stream is not None:
        asked: type[BaseResponsesAPIStreamingIterator] = LiteLLMCompletionStreamingIterator
        if reply.native:
            asked = MockResponsesAPIStreamingIterator if reply.sliced else SyncResponsesAPIStreamingIterator
        stream = asked(reply.stream, reply.model, reply.provider, hidden)
        stream.observation = observation
        return stream
    if op in ("list_input_items", "count_response_input_tokens"):
        import json

        return json.loads(reply.body or b"{}")
    kind_of: Any = DeleteResponseResult if op == "delete_responses" else ResponsesAPIResponse
    whole = kind_of.model_validate_json(reply.body)
    whole._hidden_params = hidden
    return whole


def _asked(given: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `responses`: a class as `text_format` is its schema."""
    given.update(given.pop("kwargs"))
    given["kwargs"] = {}
    text_format = given.pop("text_format", None)
    if text_format is not None and given.get("text") is None:
        given["text"] = {"format": _format(text_format)}
    query = given.pop("extra_query", None)
    if query:
        raise ValueError("`extra_query` is not supported: put it into `api_base`")
    given["input"] = _plain(given["input"])
    return given


def _format(given: Any) -> Any:
    from gateway.response_format import as_response_format

    made_of = as_response_format(given)
    if isinstance(made_of, dict) and isinstance(made_of.get("json_schema"), dict):
        return {"type": "json_schema", **made_of["json_schema"]}
    return made_of


def _plain(value: Any) -> Any:
    """Items that are objects (an earlier output, sent back) as what they are made of, without empty members."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if hasattr(value, "model_dump"):
        return value.model_dump(exclude_none=True, by_alias=True)
    return value


def responses(
    input: Any,
    model: str,
    include: list[str] | None = None,
    instructions: str | None = None,
    max_output_tokens: int | None = None,
    prompt: Any = None,
    metadata: dict[str, Any] | None = None,
    parallel_tool_calls: bool | None = None,
    previous_response_id: str | None = None,
    reasoning: Any = None,
    store: bool | None = None,
    background: bool | None = None,
    stream: bool | None = None,
    temperature: float | None = None,
    text: Any = None,
    text_format: Any = None,
    tool_choice: Any = None,
    tools: Any = None,
    top_p: float | None = None,
    truncation: str | None = None,
    user: str | None = None,
    service_tier: str | None = None,
    safety_identifier: str | None = None,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: Any = None,
    allowed_openai_params: list[str] | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> Any:
    """Asks a model for a response and waits for it.

    Args:
        input: a text, or a list of items (messages, calls of tools and their results, reasoning).
        model: as for `completion`.
        instructions: the system's message.
        previous_response_id: goes on from a response that the provider stores.
        text_format: a pydantic class that the text has to fit.
        stream: give events as they come.
        **kwargs: settings of the call (`api_key`, `api_base`, `drop_params`, ...) and members of the provider's own.

    Returns:
        ResponsesAPIResponse, or an iterator of events with `stream=True`.
    """
    return _call("responses", _asked(locals()))


async def aresponses(*args: Any, **kwargs: Any) -> Any:
    """As `responses`, on the running event loop. Cancelling the task ends the upstream call."""
    given = _bound(responses, args, kwargs)
    given["kwargs"]["aresponses"] = True
    answer: Any = await _acall("responses", _asked(given))
    # The same stream, under LiteLLM's name for it.
    if type(answer) is SyncResponsesAPIStreamingIterator:
        object.__setattr__(answer, "__class__", ResponsesAPIStreamingIterator)
    return answer


def _about(given: dict[str, Any]) -> dict[str, Any]:
    given.update(given.pop("kwargs"))
    given["kwargs"] = {}
    given["model"] = given.get("custom_llm_provider") or "openai"
    if given.pop("extra_query", None):
        raise ValueError("`extra_query` is not supported: put it into `api_base`")
    return given


def get_responses(
    response_id: str,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: Any = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> Any:
    """A response that the provider stores. Its id tells the provider, else `custom_llm_provider` does."""
    return _call("get_responses", _about(locals()))


async def aget_responses(*args: Any, **kwargs: Any) -> Any:
    """As `get_responses`, on the running event loop."""
    return await _acall("get_responses", _about(_bound(get_responses, args, kwargs)))


def delete_responses(
    response_id: str,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: Any = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> Any:
    """Deletes a response that the provider stores."""
    return _call("delete_responses", _about(locals()))


async def adelete_responses(*args: Any, **kwargs: Any) -> Any:
    """As `delete_responses`, on the running event loop."""
    return await _acall("delete_responses", _about(_bound(delete_responses, args, kwargs)))


def cancel_responses(
    response_id: str,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: Any = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> Any:
    """Cancels a response that the provider makes in the background."""
    return _call("cancel_responses", _about(locals()))


async def acancel_responses(*args: Any, **kwargs: Any) -> Any:
    """As `cancel_responses`, on the running event loop."""
    return await _acall("cancel_responses", _about(_bound(cancel_responses, args, kwargs)))


def list_input_items(
    response_id: str,
    after: str | None = None,
    before: str | None = None,
    include: list[str] | None = None,
    limit: int = 20,
    order: str = "desc",
    extra_headers: dict[str, Any] | None = None,
    timeout: Any = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> Any:
    """The input items of a response that the provider stores, as a dict."""
    return _call("list_input_items", _about(locals()))


async def alist_input_items(*args: Any, **kwargs: Any) -> Any:
    """As `list_input_items`, on the running event loop."""
    return await _acall("list_input_items", _about(_bound(list_input_items, args, kwargs)))


def compact_responses(
    input: Any,
    model: str,
    instructions: str | None = None,
    previous_response_id: str | None = None,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: Any = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> Any:
    """A long conversation made short by the provider."""
    return _call("compact_responses", _asked(locals()))


async def acompact_responses(*args: Any, **kwargs: Any) -> Any:
    """As `compact_responses`, on the running event loop."""
    return await _acall("compact_responses", _asked(_bound(compact_responses, args, kwargs)))
