"""Replies of the Responses API as objects, with LiteLLM's names: `litellm.types.llms.openai`.

A response and its events are validated straight from the core's JSON. The items of an output are the classes of the
`openai` package, as users of LiteLLM check for them with `isinstance`; an item that is none of these is one of the
generic classes here. Members are attributes and items alike.
"""

from __future__ import annotations

import functools
from enum import Enum
from typing import Any

import pydantic
from pydantic import ConfigDict, PrivateAttr, field_validator


class BaseLiteLLMOpenAIResponseObject(pydantic.BaseModel):
    """What all objects of the Responses API share: unknown members are kept, and members are items."""

    model_config = ConfigDict(extra="allow", protected_namespaces=(), defer_build=True)

    def __getitem__(self, key: str) -> Any:
        try:
            return getattr(self, key)
        except AttributeError:
            raise KeyError(key) from None

    def get(self, key: str, default: Any = None) -> Any:
        """The member, or `default` when it is absent."""
        return getattr(self, key, default)

    def __contains__(self, key: str) -> bool:
        return key in self.__dict__ or key in (self.__pydantic_extra__ or {})

    def items(self) -> Any:
        """Members and their values."""
        return {**self.__dict__, **(self.__pydantic_extra__ or {})}.items()


_Base = BaseLiteLLMOpenAIResponseObject


class InputTokensDetails(_Base):
    """What the input was made of."""

    audio_tokens: int | None = None
    cached_tokens: int = 0
    cached_tokens_details: Any = None
    image_tokens: int | None = None
    text_tokens: int | None = None
    video_tokens: int | None = None


class OutputTokensDetails(_Base):
    """What the output was made of."""

    audio_tokens: int | None = None
    reasoning_tokens: int | None = None
    text_tokens: int | None = None


class ResponseAPIUsage(_Base):
    """Tokens of a response; `cost` in USD, where it is known."""

    input_tokens: int
    input_tokens_details: InputTokensDetails | None = None
    output_tokens: int
    output_tokens_details: OutputTokensDetails | None = None
    total_tokens: int
    cost: float | None = None


class GenericResponseOutputItemContentAnnotation(_Base):
    """What a text cites."""

    type: str | None = None
    start_index: int | None = None
    end_index: int | None = None
    url: str | None = None
    title: str | None = None


class OutputText(_Base):
    """A text of the assistant's."""

    type: str | None = None
    text: str | None = None
    annotations: list[GenericResponseOutputItemContentAnnotation] | None = None


class GenericResponseOutputItem(_Base):
    """An item of an output that OpenAI's classes do not have."""

    type: str
    id: str | None = None
    status: str | None = None
    role: str | None = None
    content: list[OutputText] | None = None
    phase: str | None = None


class OutputFunctionToolCall(_Base):
    """A call of a function."""

    arguments: str | None = None
    call_id: str | None = None
    name: str | None = None
    type: str | None = None
    id: str | None = None
    status: str | None = None


class CustomToolCallOutputItem(_Base):
    """A call of a tool that takes free text."""

    type: str = "custom_tool_call"
    call_id: str
    id: str | None = None
    name: str
    input: str
    status: str | None = None


class OutputImageGenerationCall(_Base):
    """An image, in base64."""

    type: str = "image_generation_call"
    id: str
    status: str | None = None
    result: str | None = None


class OutputCodeInterpreterCallLog(_Base):
    """What a program wrote."""

    type: str = "logs"
    logs: str


class OutputCodeInterpreterCall(_Base):
    """A program that the provider ran."""

    type: str = "code_interpreter_call"
    id: str
    code: str | None = None
    container_id: str | None = None
    status: str | None = None
    outputs: list[OutputCodeInterpreterCallLog] | None = None


_GENERIC: dict[str, type[_Base]] = {
    "function_call": OutputFunctionToolCall,
    "custom_tool_call": CustomToolCallOutputItem,
    "image_generation_call": OutputImageGenerationCall,
    "code_interpreter_call": OutputCodeInterpreterCall,
}


@functools.cache
def _openai_items() -> Any:
    from openai.types.responses import ResponseOutputItem

    adapter: Any = pydantic.TypeAdapter(ResponseOutputItem)
    return adapter


def output_item(item: Any) -> Any:
    """An item of an output as an object: OpenAI's class where it is one, else a generic one."""
    if not isinstance(item, dict):
        return item
    # LiteLLM's reasoning of a chat has its text in `content`, which OpenAI's class has no place for.
    if not (item.get("type") == "reasoning" and "summary" not in item):
        try:
            return _openai_items().validate_python(item)
        except pydantic.ValidationError:
            pass
    kind = _GENERIC.get(item.get("type") or "", GenericResponseOutputItem)
    try:
        return kind.model_validate(item)
    except pydantic.ValidationError:
        return _Base.model_validate(item)


class ResponsesAPIResponse(_Base):
    """A response. `output_text` is its text, all messages together."""

    id: str
    created_at: int | float
    error: dict[str, Any] | None = None
    incomplete_details: Any = None
    instructions: Any = None
    metadata: dict[str, Any] | None = None
    model: str | None = None
    object: str | None = None
    output: list[Any]
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    tool_choice: Any = None
    tools: list[Any] | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    previous_response_id: str | None = None
    reasoning: dict[str, Any] | None = None
    status: str | None = None
    text: Any = None
    truncation: str | None = None
    usage: ResponseAPIUsage | None = None
    user: str | None = None
    store: bool | None = None

    _hidden_params: dict[str, Any] = PrivateAttr(default_factory=dict)

    @field_validator("output", mode="before")
    @classmethod
    def _items(cls, output: Any) -> Any:
        return [output_item(item) for item in output] if isinstance(output, list) else output

    @field_validator("incomplete_details", mode="before")
    @classmethod
    def _details(cls, details: Any) -> Any:
        return IncompleteDetails.model_validate(details) if isinstance(details, dict) else details

    @property
    def hidden_params(self) -> dict[str, Any]:
        """What is about the call: provider, address, cost, headers."""
        return self._hidden_params

    @hidden_params.setter
    def hidden_params(self, hidden: dict[str, Any]) -> None:
        self._hidden_params = hidden

    @property
    def output_text(self) -> str:
        """The text of all messages."""
        texts = []
        for item in self.output:
            if getattr(item, "type", None) != "message":
                continue
            for part in getattr(item, "content", None) or ():
                if getattr(part, "type", None) == "output_text":
                    texts.append(part.text or "")
        return "".join(texts)


class IncompleteDetails(_Base):
    """Why a response is not whole."""

    reason: str | None = None


class DeleteResponseResult(_Base):
    """What became of a response that was deleted."""

    id: str | None = None
    object: str | None = None
    deleted: bool | None = None

    _hidden_params: dict[str, Any] = PrivateAttr(default_factory=dict)


class ResponsesAPIStreamEvents(str, Enum):
    """Names of events; each is its text, too."""

    RESPONSE_CREATED = "response.created"
    RESPONSE_IN_PROGRESS = "response.in_progress"
    RESPONSE_COMPLETED = "response.completed"
    RESPONSE_FAILED = "response.failed"
    RESPONSE_INCOMPLETE = "response.incomplete"
    RESPONSE_PART_ADDED = "response.reasoning_summary_part.added"
    REASONING_SUMMARY_TEXT_DELTA = "response.reasoning_summary_text.delta"
    REASONING_SUMMARY_TEXT_DONE = "response.reasoning_summary_text.done"
    REASONING_SUMMARY_PART_DONE = "response.reasoning_summary_part.done"
    OUTPUT_ITEM_ADDED = "response.output_item.added"
    OUTPUT_ITEM_DONE = "response.output_item.done"
    CONTENT_PART_ADDED = "response.content_part.added"
    CONTENT_PART_DONE = "response.content_part.done"
    OUTPUT_TEXT_DELTA = "response.output_text.delta"
    OUTPUT_TEXT_ANNOTATION_ADDED = "response.output_text.annotation.added"
    OUTPUT_TEXT_DONE = "response.output_text.done"
    REFUSAL_DELTA = "response.refusal.delta"
    REFUSAL_DONE = "response.refusal.done"
    FUNCTION_CALL_ARGUMENTS_DELTA = "response.function_call_arguments.delta"
    FUNCTION_CALL_ARGUMENTS_DONE = "response.function_call_arguments.done"
    CUSTOM_TOOL_CALL_INPUT_DELTA = "response.custom_tool_call_input.delta"
    CUSTOM_TOOL_CALL_INPUT_DONE = "response.custom_tool_call_input.done"
    FILE_SEARCH_CALL_IN_PROGRESS = "response.file_search_call.in_progress"
    FILE_SEARCH_CALL_SEARCHING = "response.file_search_call.searching"
    FILE_SEARCH_CALL_COMPLETED = "response.file_search_call.completed"
    WEB_SEARCH_CALL_IN_PROGRESS = "response.web_search_call.in_progress"
    WEB_SEARCH_CALL_SEARCHING = "response.web_search_call.searching"
    WEB_SEARCH_CALL_COMPLETED = "response.web_search_call.completed"
    MCP_LIST_TOOLS_IN_PROGRESS = "response.mcp_list_tools.in_progress"
    MCP_LIST_TOOLS_COMPLETED = "response.mcp_list_tools.completed"
    MCP_LIST_TOOLS_FAILED = "response.mcp_list_tools.failed"
    MCP_CALL_IN_PROGRESS = "response.mcp_call.in_progress"
    MCP_CALL_ARGUMENTS_DELTA = "response.mcp_call_arguments.delta"
    MCP_CALL_ARGUMENTS_DONE = "response.mcp_call_arguments.done"
    MCP_CALL_COMPLETED = "response.mcp_call.completed"
    MCP_CALL_FAILED = "response.mcp_call.failed"
    IMAGE_GENERATION_PARTIAL_IMAGE = "image_generation.partial_image"
    SHELL_CALL_IN_PROGRESS = "response.shell_call.in_progress"
    SHELL_CALL_COMPLETED = "response.shell_call.completed"
    SHELL_CALL_OUTPUT = "response.shell_call_output.done"
    ERROR = "error"


class GenericEvent(_Base):
    """An event that has no class of its own."""

    type: str


class _OfResponse(_Base):
    type: str
    response: ResponsesAPIResponse


class ResponseCreatedEvent(_OfResponse):
    """The response is there, and empty."""


class ResponseInProgressEvent(_OfResponse):
    """The model is at work."""


class ResponseCompletedEvent(_OfResponse):
    """The response is whole."""

    _hidden_params: dict[str, Any] = PrivateAttr(default_factory=dict)


class ResponseFailedEvent(_OfResponse):
    """The response broke off."""


class ResponseIncompleteEvent(_OfResponse):
    """The response ended before the model was done."""


class _OfItem(_Base):
    type: str
    output_index: int
    item: _Base | None = None


class OutputItemAddedEvent(_OfItem):
    """An item begins."""


class OutputItemDoneEvent(_OfItem):
    """An item is whole."""

    sequence_number: int = 1


class _InItem(_Base):
    type: str
    item_id: str
    output_index: int


class _OfPart(_InItem):
    content_index: int
    part: _Base


class ContentPartAddedEvent(_OfPart):
    """A part of a message begins."""


class ContentPartDoneEvent(_OfPart):
    """A part of a message is whole."""


class _InPart(_InItem):
    content_index: int


class OutputTextDeltaEvent(_InPart):
    """More of a text."""

    delta: str


class OutputTextDoneEvent(_InPart):
    """A text is whole."""

    text: str


class OutputTextAnnotationAddedEvent(_InPart):
    """A text cites something."""

    annotation_index: int
    annotation: dict[str, Any]


class RefusalDeltaEvent(_InPart):
    """More of a refusal."""

    delta: str


class RefusalDoneEvent(_InPart):
    """A refusal is whole."""

    refusal: str


class _InSummary(_InItem):
    summary_index: int = 0


class ResponsePartAddedEvent(_InSummary):
    """A part of a summary begins."""

    part: dict[str, Any]


class ReasoningSummaryTextDeltaEvent(_InSummary):
    """More of what the model thinks."""

    delta: str


class ReasoningSummaryTextDoneEvent(_InSummary):
    """What the model thought."""

    text: str


class ReasoningSummaryPartDoneEvent(_InSummary):
    """A part of a summary is whole."""

    part: _Base


class FunctionCallArgumentsDeltaEvent(_InItem):
    """More of a call's arguments."""

    delta: str


class FunctionCallArgumentsDoneEvent(_InItem):
    """A call's arguments are whole."""

    arguments: str


class ErrorEvent(_Base):
    """The provider tells an error."""

    type: str


_EVENTS: dict[str, type[_Base]] = {
    "response.created": ResponseCreatedEvent,
    "response.in_progress": ResponseInProgressEvent,
    "response.completed": ResponseCompletedEvent,
    "response.failed": ResponseFailedEvent,
    "response.incomplete": ResponseIncompleteEvent,
    "response.output_item.added": OutputItemAddedEvent,
    "response.output_item.done": OutputItemDoneEvent,
    "response.content_part.added": ContentPartAddedEvent,
    "response.content_part.done": ContentPartDoneEvent,
    "response.output_text.delta": OutputTextDeltaEvent,
    "response.output_text.done": OutputTextDoneEvent,
    "response.output_text.annotation.added": OutputTextAnnotationAddedEvent,
    "response.refusal.delta": RefusalDeltaEvent,
    "response.refusal.done": RefusalDoneEvent,
    "response.reasoning_summary_part.added": ResponsePartAddedEvent,
    "response.reasoning_summary_text.delta": ReasoningSummaryTextDeltaEvent,
    "response.reasoning_summary_text.done": ReasoningSummaryTextDoneEvent,
    "response.reasoning_summary_part.done": ReasoningSummaryPartDoneEvent,
    "response.function_call_arguments.delta": FunctionCallArgumentsDeltaEvent,
    "response.function_call_arguments.done": FunctionCallArgumentsDoneEvent,
    "error": ErrorEvent,
}

_TERMINAL = (ResponseCompletedEvent, ResponseIncompleteEvent, ResponseFailedEvent)


def event(data: bytes) -> Any:
    """An event of its JSON: the class of its type, else a generic one."""
    import json

    members = json.loads(data)
    kind = _EVENTS.get(members.get("type") or "", GenericEvent)
    try:
        return kind.model_validate(members)
    except pydantic.ValidationError:
        return GenericEvent.model_validate(members)


def is_terminal(told: Any) -> bool:
    """Whether a stream ends with an event."""
    return isinstance(told, _TERMINAL)
