"""Replies as objects: real pydantic models with LiteLLM's names and habits.

A reply comes from the core as canonical JSON without nulls and is validated straight from those bytes. What LiteLLM
leaves out of an object when the provider did not send it (`reasoning_content`, `usage`, `logprobs`, ...) is absent
here too: reading it raises AttributeError, and `model_dump()` has no such key. Such members live in the model's
extras, so that absent means absent without deleting anything.

Objects can also be built by hand (`Message(content="x")`); then LiteLLM's normalisation applies (finish reasons are
mapped, tool calls given as dicts become objects, usage details are derived).
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import pydantic
from pydantic import ConfigDict

from gateway.paths import names_at

# LiteLLM's `types` is a package; its paths are in names.py.
__path__: list[str] = []
__getattr__ = names_at("types")

_F = TypeVar("_F", bound=Callable[..., None])


def _by_hand(init: _F) -> _F:
    """Marks an `__init__` that serves construction by hand only: validation from bytes does not run it."""
    init.__pydantic_base_init__ = True  # type: ignore[attr-defined]
    return init


class BaseModel(pydantic.BaseModel):
    """What all reply objects share: unknown members are kept, and items are attributes."""

    # Schemas are built when a class is first used: a process that only chats never pays for embeddings.
    model_config = ConfigDict(extra="allow", protected_namespaces=(), arbitrary_types_allowed=True, defer_build=True)

    def _build(self, **members: Any) -> None:
        pydantic.BaseModel.__init__(self, **members)

    def __contains__(self, key: str) -> bool:
        return hasattr(self, key)

    def __getitem__(self, key: str) -> Any:
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, key, value)

    def get(self, key: str, default: Any = None) -> Any:
        """The attribute, or `default` when it is absent."""
        return getattr(self, key, default)

    def json(self, **kwargs: Any) -> Any:
        """The object as a dict (LiteLLM's meaning of `.json()`; for text use `model_dump_json`)."""
        return self.model_dump()

    def to_dict(self, **kwargs: Any) -> dict[str, Any]:
        """As openai's models: the members that were set, by name."""
        return self.model_dump(exclude_unset=True)

    def to_json(self, *, indent: int | None = 2, **kwargs: Any) -> str:
        """As openai's models: JSON text of the members that were set."""
        return self.model_dump_json(indent=indent, exclude_unset=True)


class SafeAttributeModel:
    """Deleting an absent attribute is not an error."""

    def __delattr__(self, name: str) -> None:
        try:
            super().__delattr__(name)
        except AttributeError:
            return


class _OwnDict:
    """A dict of each object's own, made when first read; kept out of the model's fields."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        made: dict[str, Any] = {}
        obj.__dict__[self.name] = made
        return made


def _give_own_dicts(*classes: type) -> None:
    for cls in classes:
        for name in ("_hidden_params",):
            own = _OwnDict()
            own.name = name
            setattr(cls, name, own)


# What providers call the end of a generation, by OpenAI's word for it.
FINISH_REASONS: dict[str, str] = {
    reason: mapped
    for mapped, reasons in {
        "stop": "stop stop_sequence end_turn COMPLETE STOP_SEQUENCE ERROR eos_token eos STOP FINISH_REASON_UNSPECIFIED"
        " MALFORMED_FUNCTION_CALL TOO_MANY_TOOL_CALLS MALFORMED_RESPONSE UNEXPECTED_TOOL_CALL"
        " MISSING_THOUGHT_SIGNATURE network_error error",
        "length": "length max_tokens compaction pause_turn model_context_window_exceeded MAX_TOKENS CONTINUATION",
        "tool_calls": "tool_calls tool_use TOOL_CALL",
        "function_call": "function_call",
        "content_filter": "content_filter refusal ERROR_TOXIC SAFETY RECITATION LANGUAGE OTHER BLOCKLIST"
        " PROHIBITED_CONTENT SPII IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT NO_IMAGE IMAGE_RECITATION IMAGE_OTHER"
        " ESCALATION sensitive guardrail_intervened content_filtered",
    }.items()
    for reason in reasons.split()
}


def map_finish_reason(reason: str) -> str:
    """OpenAI's finish reason for a provider's; `stop` for one that is not known."""
    return FINISH_REASONS.get(reason, "stop")


class FunctionCall(BaseModel):
    """The deprecated `function_call` of a message."""

    arguments: str
    name: str | None = None


class Function(BaseModel):
    """Name and arguments (JSON text) of a tool call; in a stream, a fragment of them."""

    arguments: str = ""
    name: str | None = None

    @_by_hand
    def __init__(self, arguments: Any = None, name: str | None = None, **params: Any) -> None:
        if arguments is None:
            parameters = params.pop("parameters", None)
            arguments = json.dumps(parameters) if isinstance(parameters, dict) else ""
        elif isinstance(arguments, dict):
            arguments = json.dumps(arguments)
        self._build(arguments=arguments, name=name)


class ChatCompletionMessageToolCall(BaseModel):
    """One tool call of a whole message. A call of a custom tool has `custom` in place of `function`."""

    function: Function
    id: str
    type: str = "function"

    @_by_hand
    def __init__(self, function: Any, id: str | None = None, type: str | None = None, **params: Any) -> None:
        if isinstance(function, dict):
            function = Function(**function)
        self._build(
            function=function, id=id if id is not None else str(uuid.uuid4()), type=type or "function", **params
        )


class ChatCompletionDeltaToolCall(BaseModel):
    """One fragment of a tool call; fragments of one call share `index`."""

    id: str | None = None
    function: Function
    type: str | None = None
    index: int = 0


class ChatCompletionMessageCustomToolCall(BaseModel):
    """A call of a custom tool."""

    id: str | None = None
    type: str = "custom"
    custom: dict[str, Any]


def _tool_calls(calls: Any, delta: bool) -> list[Any] | None:
    if calls is None:
        return None
    made: list[Any] = []
    for position, call in enumerate(calls):
        if not isinstance(call, Mapping):
            made.append(call)
        elif call.get("type") == "custom" or call.get("custom") is not None:
            made.append(ChatCompletionMessageCustomToolCall.model_validate(dict(call)))
        elif delta:
            index = call.get("index")
            fields = {**call, "index": position if index is None else index, "type": call.get("type") or "function"}
            function = fields.get("function")
            fields["function"] = Function(**function) if isinstance(function, Mapping) else function
            made.append(ChatCompletionDeltaToolCall(**fields))
        else:
            made.append(ChatCompletionMessageToolCall(**call))
    return made


def _given(**members: Any) -> dict[str, Any]:
    """The members that are not None."""
    return {name: value for name, value in members.items() if value is not None}


class Message(SafeAttributeModel, BaseModel):
    """What the model said, whole.

    `refusal`, `audio`, `images`, `reasoning_content`, `thinking_blocks`, `reasoning_items` and `annotations` are
    absent unless the provider sent them.
    """

    content: str | None = None
    role: str = "assistant"
    tool_calls: list[Any] | None = None
    function_call: FunctionCall | None = None
    provider_specific_fields: dict[str, Any] | None = None

    if TYPE_CHECKING:
        refusal: str | None
        audio: Any
        images: list[Any] | None
        reasoning_content: str | None
        thinking_blocks: list[Any] | None
        reasoning_items: list[Any] | None
        annotations: list[Any] | None

    @_by_hand
    def __init__(
        self,
        content: Any = None,
        role: str | None = "assistant",
        function_call: Any = None,
        tool_calls: Any = None,
        audio: Any = None,
        images: Any = None,
        provider_specific_fields: dict[str, Any] | None = None,
        reasoning_content: str | None = None,
        thinking_blocks: Any = None,
        reasoning_items: Any = None,
        annotations: Any = None,
        **params: Any,
    ) -> None:
        optional = _given(
            audio=audio,
            images=images,
            reasoning_content=reasoning_content,
            thinking_blocks=thinking_blocks,
            reasoning_items=reasoning_items,
            annotations=annotations,
        )
        self._build(
            content=content,
            role=role or "assistant",
            tool_calls=_tool_calls(tool_calls, delta=False) or None,
            function_call=function_call,
            provider_specific_fields=provider_specific_fields or None,
            **optional,
            **params,
        )

    def model_post_init(self, context: Any) -> None:
        calls = self.__dict__["tool_calls"]
        if calls and isinstance(calls[0], dict):
            self.__dict__["tool_calls"] = _tool_calls(calls, delta=False)


class Delta(SafeAttributeModel, BaseModel):
    """What a chunk adds to the message. Optional members are absent unless sent, as in `Message`."""

    provider_specific_fields: dict[str, Any] | None = None
    content: str | None = None
    role: str | None = None
    function_call: FunctionCall | None = None
    tool_calls: list[Any] | None = None
    audio: Any = None

    if TYPE_CHECKING:
        reasoning_content: str | None
        thinking_blocks: list[Any] | None

    @_by_hand
    def __init__(
        self,
        content: Any = None,
        role: str | None = None,
        function_call: Any = None,
        tool_calls: Any = None,
        audio: Any = None,
        images: Any = None,
        reasoning_content: str | None = None,
        thinking_blocks: Any = None,
        reasoning_items: Any = None,
        annotations: Any = None,
        **params: Any,
    ) -> None:
        if reasoning_content is None:
            reasoning_content = params.pop("reasoning", None)
        optional = _given(
            images=images or None,
            reasoning_content=reasoning_content,
            thinking_blocks=thinking_blocks,
            reasoning_items=reasoning_items,
            annotations=annotations,
        )
        self._build(
            content=content,
            role=role,
            function_call=function_call,
            tool_calls=_tool_calls(tool_calls, delta=True),
            audio=audio,
            **optional,
            **params,
        )

    def model_post_init(self, context: Any) -> None:
        calls = self.__dict__["tool_calls"]
        if calls and isinstance(calls[0], dict):
            self.__dict__["tool_calls"] = _tool_calls(calls, delta=True)


class TopLogprob(BaseModel):
    """One alternative token."""

    token: str
    bytes: list[int] | None = None
    logprob: float


class ChatCompletionTokenLogprob(BaseModel):
    """One token with its log probability."""

    token: str
    bytes: list[int] | None = None
    logprob: float
    top_logprobs: list[TopLogprob] = []


class ChoiceLogprobs(BaseModel):
    """Log probabilities of a choice's tokens."""

    content: list[ChatCompletionTokenLogprob] | None = None
    refusal: list[ChatCompletionTokenLogprob] | None = None


def _logprobs(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("content"), list):
        try:
            return ChoiceLogprobs.model_validate(value)
        except pydantic.ValidationError:
            return value
    return value


class Choices(SafeAttributeModel, BaseModel):
    """One answer of a whole reply. `logprobs` and `provider_specific_fields` are absent unless sent."""

    finish_reason: str = "stop"
    index: int = 0
    message: Message

    if TYPE_CHECKING:
        logprobs: ChoiceLogprobs | Any
        provider_specific_fields: dict[str, Any] | None

    @_by_hand
    def __init__(
        self,
        finish_reason: str | None = None,
        index: int | None = 0,
        message: Any = None,
        logprobs: Any = None,
        enhancements: Any = None,
        provider_specific_fields: dict[str, Any] | None = None,
        **params: Any,
    ) -> None:
        mapped = "stop" if finish_reason is None else map_finish_reason(finish_reason)
        if finish_reason is not None and mapped != finish_reason:
            provider_specific_fields = {**(provider_specific_fields or {}), "native_finish_reason": finish_reason}
        if message is None:
            message = Message()
        elif isinstance(message, dict):
            message = Message(**message)
        elif not isinstance(message, Message) and isinstance(message, pydantic.BaseModel):
            message = Message(**message.model_dump())
        optional = _given(
            logprobs=logprobs, enhancements=enhancements, provider_specific_fields=provider_specific_fields
        )
        self._build(finish_reason=mapped, index=index or 0, message=message, **optional, **params)

    def model_post_init(self, context: Any) -> None:
        extra = self.__pydantic_extra__
        if extra and "logprobs" in extra:
            extra["logprobs"] = _logprobs(extra["logprobs"])


class StreamingChoices(BaseModel):
    """One answer's part of a chunk."""

    finish_reason: str | None = None
    index: int = 0
    delta: Delta = None  # type: ignore[assignment]
    logprobs: Any = None

    @_by_hand
    def __init__(
        self,
        finish_reason: str | None = None,
        index: int = 0,
        delta: Any = None,
        logprobs: Any = None,
        enhancements: Any = None,
        **params: Any,
    ) -> None:
        if delta is None:
            delta = Delta()
        elif isinstance(delta, dict):
            delta = Delta(**delta)
        if isinstance(logprobs, pydantic.BaseModel):
            logprobs = logprobs.model_dump()
        mapped = map_finish_reason(finish_reason) if finish_reason else None
        optional = _given(enhancements=enhancements)
        self._build(finish_reason=mapped, index=index, delta=delta, logprobs=_logprobs(logprobs), **optional, **params)

    def model_post_init(self, context: Any) -> None:
        if self.__dict__["delta"] is None:
            self.__dict__["delta"] = Delta()
        if isinstance(self.__dict__["logprobs"], dict):
            self.__dict__["logprobs"] = _logprobs(self.__dict__["logprobs"])


class CompletionTokensDetailsWrapper(BaseModel):
    """Completion tokens by kind."""

    accepted_prediction_tokens: int | None = None
    audio_tokens: int | None = None
    reasoning_tokens: int | None = None
    rejected_prediction_tokens: int | None = None
    text_tokens: int | None = None
    image_tokens: int | None = None
    video_tokens: int | None = None


class CacheCreationTokenDetails(BaseModel):
    """Tokens written to the provider's cache, by time to live."""

    ephemeral_5m_input_tokens: int | None = None
    ephemeral_30m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None
    ephemeral_12h_input_tokens: int | None = None


class PromptTokensDetailsWrapper(SafeAttributeModel, BaseModel):
    """Prompt tokens by kind. The cache-writing members are absent unless sent; either name sets both."""

    audio_tokens: int | None = None
    cached_tokens: int | None = None
    image_tokens: int | None = None
    text_tokens: int | None = None
    video_tokens: int | None = None
    initial_prompt_tokens: int | None = None

    def model_post_init(self, context: Any) -> None:
        extra = self.__pydantic_extra__
        if not extra:
            return
        for name in [name for name, value in extra.items() if value is None]:
            del extra[name]
        written = extra.get("cache_write_tokens", extra.get("cache_creation_tokens"))
        if written is None and isinstance(extra.get("cache_creation_input_tokens"), int):
            written = extra["cache_creation_input_tokens"]
        if written is not None:
            extra["cache_write_tokens"] = extra["cache_creation_tokens"] = written
        details = extra.get("cache_creation_token_details")
        if isinstance(details, dict):
            extra["cache_creation_token_details"] = CacheCreationTokenDetails.model_validate(details)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "cache_write_tokens":
            super().__setattr__("cache_creation_tokens", value)
        elif name == "cache_creation_tokens":
            super().__setattr__("cache_write_tokens", value)


class ServerToolUse(BaseModel):
    """Calls of tools that ran on the provider's side."""

    web_search_requests: int | None = None
    tool_search_requests: int | None = None
    browser_open_requests: int | None = None


class Usage(SafeAttributeModel, BaseModel):
    """Tokens of a call. `prompt_tokens` includes cached ones, `completion_tokens` includes reasoning.

    `server_tool_use`, `cost` (USD, as the provider said) and `cache_*_input_tokens` are absent unless sent.
    """

    completion_tokens: int = 0
    prompt_tokens: int = 0
    total_tokens: int = 0
    completion_tokens_details: CompletionTokensDetailsWrapper | None = None
    prompt_tokens_details: PromptTokensDetailsWrapper | None = None

    if TYPE_CHECKING:
        server_tool_use: ServerToolUse | None
        cost: float | None

    @_by_hand
    def __init__(
        self,
        prompt_tokens: int | None = None,
        completion_tokens: int | None = None,
        total_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        prompt_tokens_details: Any = None,
        completion_tokens_details: Any = None,
        server_tool_use: Any = None,
        cost: float | None = None,
        **params: Any,
    ) -> None:
        prompt_details = _details(PromptTokensDetailsWrapper, prompt_tokens_details)
        completion_details = _details(CompletionTokensDetailsWrapper, completion_tokens_details)
        if reasoning_tokens:
            completion_details = _with_reasoning(completion_details, reasoning_tokens, completion_tokens)
        for source, target in _CACHE_MEMBERS.items():
            if isinstance(params.get(source), int):
                prompt_details = prompt_details or PromptTokensDetailsWrapper()
                setattr(prompt_details, target, params[source])
        if isinstance(server_tool_use, dict):
            server_tool_use = ServerToolUse(**server_tool_use)
        self._build(
            prompt_tokens=prompt_tokens or 0,
            completion_tokens=completion_tokens or 0,
            total_tokens=total_tokens or 0,
            prompt_tokens_details=prompt_details,
            completion_tokens_details=completion_details,
            **_given(server_tool_use=server_tool_use, cost=cost),
            **params,
        )

    def model_post_init(self, context: Any) -> None:
        extra = self.__pydantic_extra__
        if extra and isinstance(extra.get("server_tool_use"), dict):
            extra["server_tool_use"] = ServerToolUse.model_validate(extra["server_tool_use"])


# Members of other dialects' usage -> ours of `prompt_tokens_details`.
_CACHE_MEMBERS = {
    "prompt_cache_hit_tokens": "cached_tokens",
    "cache_read_input_tokens": "cached_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
}

_M = TypeVar("_M", bound=BaseModel)


def _details(cls: type[_M], value: Any) -> _M | None:
    if not value:
        return None
    if isinstance(value, cls):
        return value
    return cls(**(value if isinstance(value, dict) else value.model_dump()))


def _with_reasoning(
    details: CompletionTokensDetailsWrapper | None, reasoning: int, completion: int | None
) -> CompletionTokensDetailsWrapper:
    details = details or CompletionTokensDetailsWrapper()
    if details.reasoning_tokens is None:
        details.reasoning_tokens = reasoning
    if details.text_tokens is None and completion is not None:
        other = (details.image_tokens or 0) + (details.audio_tokens or 0)
        details.text_tokens = max(0, completion - reasoning - other)
    return details


class ModelResponseBase(BaseModel):
    """What whole replies and chunks share."""

    id: str
    created: int
    model: str | None = None
    object: str
    system_fingerprint: str | None = None

    if TYPE_CHECKING:
        _hidden_params: dict[str, Any]
        _response_headers: dict[str, str] | None
        _response_ms: float | None


class ModelResponse(ModelResponseBase):
    """A whole chat reply. `usage` is absent when the provider did not say.

    `_hidden_params` holds what is about the call: `response_cost` (USD), `custom_llm_provider`, `api_base`,
    `additional_headers`, `litellm_call_id`, ...; `_response_headers` the upstream's headers.
    """

    object: str = "chat.completion"
    choices: list[Choices]
    usage: Usage | None = None

    @_by_hand
    def __init__(
        self,
        id: str | None = None,
        choices: Any = None,
        created: int | None = None,
        model: str | None = None,
        object: str | None = None,
        system_fingerprint: str | None = None,
        usage: Any = None,
        stream: bool | None = None,
        stream_options: Any = None,
        response_ms: float | None = None,
        hidden_params: dict[str, Any] | None = None,
        _response_headers: dict[str, str] | None = None,
        **params: Any,
    ) -> None:
        made = [choice if isinstance(choice, Choices) else _choice(choice) for choice in choices or []]
        if isinstance(usage, dict):
            usage = Usage(**usage)
        elif usage is not None and not isinstance(usage, Usage):
            usage = Usage(**usage.model_dump())
        self._build(
            id=id or f"chatcmpl-{uuid.uuid4()}",
            created=int(time.time()) if created is None else created,
            model=model,
            object=object or "chat.completion",
            system_fingerprint=system_fingerprint,
            choices=made or [Choices()],
            usage=usage,
            **params,
        )
        if hidden_params:
            self._hidden_params = hidden_params
        if _response_headers:
            self._response_headers = dict(_response_headers)
        if response_ms is not None:
            self._response_ms = response_ms

    def model_post_init(self, context: Any) -> None:
        if self.__dict__["usage"] is None:
            del self.__dict__["usage"]


def _choice(choice: Any) -> Choices:
    return Choices(**(choice if isinstance(choice, dict) else choice.model_dump()))


class ModelResponseStream(ModelResponseBase):
    """One chunk. `usage` is absent but in the last chunk, and there only when asked for."""

    object: str = "chat.completion.chunk"
    choices: list[StreamingChoices]
    provider_specific_fields: dict[str, Any] | None = None
    usage: Usage | None = None

    @_by_hand
    def __init__(
        self,
        choices: Any = None,
        id: str | None = None,
        created: int | str | None = None,
        provider_specific_fields: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if choices is None:
            made = [StreamingChoices()]
        else:
            made = [c if isinstance(c, StreamingChoices) else _streaming_choice(c) for c in choices]
        usage = kwargs.pop("usage", None)
        if isinstance(usage, dict):
            usage = Usage(**usage)
        kwargs["object"] = kwargs.get("object") or "chat.completion.chunk"
        self._build(
            id=id or f"chatcmpl-{uuid.uuid4()}",
            created=int(time.time()) if created is None else int(created),
            choices=made,
            provider_specific_fields=provider_specific_fields,
            usage=usage,
            **kwargs,
        )

    def model_post_init(self, context: Any) -> None:
        if self.__dict__["usage"] is None:
            del self.__dict__["usage"]


def _streaming_choice(choice: Any) -> StreamingChoices:
    return StreamingChoices(**(choice if isinstance(choice, dict) else choice.model_dump()))


class Embedding(BaseModel):
    """One vector."""

    embedding: list[float] | str = []
    index: int = 0
    object: str = "embedding"


class EmbeddingResponse(BaseModel):
    """Vectors, as dicts with `embedding`, `index` and `object`."""

    model: str | None = None
    data: list[Any] = []
    object: str = "list"
    usage: Usage | None = None

    if TYPE_CHECKING:
        _hidden_params: dict[str, Any]
        _response_headers: dict[str, str] | None

    @_by_hand
    def __init__(
        self,
        model: str | None = None,
        usage: Any = None,
        response_ms: float | None = None,
        data: Any = None,
        hidden_params: dict[str, Any] | None = None,
        _response_headers: dict[str, str] | None = None,
        **params: Any,
    ) -> None:
        if isinstance(usage, dict):
            usage = Usage(**usage)
        params["object"] = "list"
        self._build(model=model, data=data or [], usage=usage or Usage(), **params)
        if hidden_params:
            self._hidden_params = hidden_params
        if _response_headers:
            self._response_headers = dict(_response_headers)


class Logprobs(BaseModel):
    """Log probabilities of a text completion."""

    text_offset: list[int] | None = None
    token_logprobs: list[float | None] | None = None
    tokens: list[str] | None = None
    top_logprobs: list[dict[str, float] | None] | None = None


class TextChoices(BaseModel):
    """One text of a text completion."""

    finish_reason: str | None = None
    index: int = 0
    text: str | None = None
    logprobs: Logprobs | None = None

    @_by_hand
    def __init__(
        self,
        finish_reason: str | None = None,
        index: int = 0,
        text: str | None = None,
        logprobs: Any = None,
        **params: Any,
    ) -> None:
        mapped = map_finish_reason(finish_reason) if finish_reason else None
        self._build(finish_reason=mapped, index=index or 0, text=text, logprobs=logprobs, **params)


class TextCompletionResponse(BaseModel):
    """A text completion, whole or one chunk of it."""

    id: str
    object: str = "text_completion"
    created: int
    model: str | None = None
    choices: list[TextChoices]
    usage: Usage | None = None

    if TYPE_CHECKING:
        _hidden_params: dict[str, Any]
        _response_headers: dict[str, str] | None

    @_by_hand
    def __init__(
        self,
        id: str | None = None,
        choices: Any = None,
        created: int | None = None,
        model: str | None = None,
        usage: Any = None,
        stream: bool = False,
        response_ms: float | None = None,
        object: str | None = None,
        **params: Any,
    ) -> None:
        made = [c if isinstance(c, TextChoices) else TextChoices(**c) for c in choices or []] or [TextChoices()]
        if isinstance(usage, dict):
            usage = Usage(**usage)
        self._build(
            id=id or f"chatcmpl-{uuid.uuid4()}",
            object=object or "text_completion",
            created=int(time.time()) if created is None else created,
            model=model,
            choices=made,
            usage=None if stream else usage or Usage(),
            **params,
        )

    def model_post_init(self, context: Any) -> None:
        if self.__dict__["usage"] is None:
            del self.__dict__["usage"]


class TranscriptionResponse(BaseModel):
    """A transcription."""

    text: str | None = None

    @_by_hand
    def __init__(self, text: str | None = None, **params: Any) -> None:
        self._build(text=text, **params)


class LiteLLMBaseModel(pydantic.BaseModel):
    """Base of the models that are LiteLLM's own."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())


class RerankResponse(LiteLLMBaseModel):
    """A reranking: `results` by descending relevance."""

    id: str | None = None
    results: list[dict[str, Any]] | None = None
    meta: dict[str, Any] | None = None


_give_own_dicts(ModelResponseBase, EmbeddingResponse, TextCompletionResponse, TranscriptionResponse, RerankResponse)
ModelResponseBase._response_headers = None
ModelResponseBase._response_ms = None
EmbeddingResponse._response_headers = None
TextCompletionResponse._response_headers = None
