"""Shapes of OpenAI's chat messages and tools, for type checkers: `litellm.types.llms.openai`.

They are plain TypedDicts: at run time each is a dict. https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypedDict


class ChatCompletionCachedContent(TypedDict):
    """Where the provider's prompt cache may end."""

    type: Literal["ephemeral"]


class ChatCompletionTextObject(TypedDict, total=False):
    """A part of text."""

    type: Literal["text"]
    text: str
    cache_control: ChatCompletionCachedContent


class ChatCompletionImageUrlObject(TypedDict, total=False):
    """Where an image is: an address or a data URL."""

    url: str
    detail: str
    format: str


class ChatCompletionImageObject(TypedDict, total=False):
    """A part that is an image."""

    type: Literal["image_url"]
    image_url: str | ChatCompletionImageUrlObject


class ChatCompletionVideoUrlObject(TypedDict, total=False):
    """Where a video is."""

    url: str
    detail: str


class ChatCompletionVideoObject(TypedDict, total=False):
    """A part that is a video."""

    type: Literal["video_url"]
    video_url: str | ChatCompletionVideoUrlObject


class ChatCompletionInputAudio(TypedDict, total=False):
    """Audio, in base64."""

    data: str
    format: Literal["wav", "mp3"]


class ChatCompletionAudioObject(TypedDict):
    """A part that is audio."""

    type: Literal["input_audio"]
    input_audio: ChatCompletionInputAudio


class DocumentObject(TypedDict, total=False):
    """A document's text."""

    type: Literal["text"]
    media_type: str
    data: str


class CitationsObject(TypedDict):
    """Whether to cite a document."""

    enabled: bool


class ChatCompletionDocumentObject(TypedDict, total=False):
    """A part that is a document (Anthropic)."""

    type: Literal["document"]
    source: DocumentObject
    title: str
    context: str
    citations: CitationsObject


class ChatCompletionFileObjectFile(TypedDict, total=False):
    """A file: its id, or its content in base64."""

    file_data: str
    file_id: str
    filename: str
    format: str


class ChatCompletionFileObject(TypedDict):
    """A part that is a file."""

    type: Literal["file"]
    file: ChatCompletionFileObjectFile


class ChatCompletionThinkingBlock(TypedDict, total=False):
    """A thought, with the provider's signature."""

    type: Literal["thinking"]
    thinking: str
    signature: str
    cache_control: dict[str, Any] | ChatCompletionCachedContent


class ChatCompletionRedactedThinkingBlock(TypedDict, total=False):
    """A thought that the provider hides."""

    type: Literal["redacted_thinking"]
    data: str
    cache_control: dict[str, Any] | ChatCompletionCachedContent


class ChatCompletionReasoningSummaryTextBlock(TypedDict):
    """A part of a summary of thoughts."""

    type: Literal["summary_text"]
    text: str


class ChatCompletionReasoningItem(TypedDict, total=False):
    """Thoughts as the Responses API has them."""

    type: Literal["reasoning"]
    id: str
    summary: list[ChatCompletionReasoningSummaryTextBlock]
    encrypted_content: str


class ChatCompletionToolCallFunctionChunk(TypedDict, total=False):
    """Name and arguments (JSON text), or a fragment of them."""

    name: str | None
    arguments: str
    provider_specific_fields: dict[str, Any]


class ChatCompletionAssistantToolCall(TypedDict, total=False):
    """A tool call of an assistant's message."""

    id: str | None
    type: Literal["function"]
    function: ChatCompletionToolCallFunctionChunk


class ChatCompletionToolCallChunk(TypedDict, total=False):
    """A fragment of a tool call; fragments of one call share `index`."""

    id: str | None
    type: Literal["function"]
    function: ChatCompletionToolCallFunctionChunk
    index: int


class ChatCompletionDeltaToolCallChunk(ChatCompletionToolCallChunk, total=False):
    """The same, in a delta."""


class ChatCompletionAudioDelta(TypedDict, total=False):
    """A fragment of spoken audio."""

    data: str
    transcript: str
    expires_at: int
    id: str


class ChatCompletionAnnotationURLCitation(TypedDict, total=False):
    """Where a quoted page is, and which characters quote it."""

    start_index: int
    end_index: int
    title: str
    url: str


class ChatCompletionAnnotation(TypedDict, total=False):
    """A citation."""

    type: Literal["url_citation"]
    url_citation: ChatCompletionAnnotationURLCitation


class ChatCompletionToolReferenceObject(TypedDict, total=False):
    """A tool's result that names another tool (Anthropic)."""

    type: Literal["tool_reference"]
    tool_name: str


OpenAIMessageContentListBlock = (
    ChatCompletionTextObject
    | ChatCompletionImageObject
    | ChatCompletionAudioObject
    | ChatCompletionDocumentObject
    | ChatCompletionVideoObject
    | ChatCompletionFileObject
)
OpenAIMessageContent = str | Iterable[OpenAIMessageContentListBlock]


class OpenAIChatCompletionTextObject(TypedDict):
    """A part of text, as OpenAI has it."""

    type: Literal["text"]
    text: str


class OpenAIChatCompletionUserMessage(TypedDict, total=False):
    """What the user says."""

    role: Literal["user"]
    content: OpenAIMessageContent
    name: str


class ChatCompletionUserMessage(OpenAIChatCompletionUserMessage, total=False):
    """The same, with a mark for the prompt cache."""

    cache_control: ChatCompletionCachedContent


class OpenAITextCompletionUserMessage(TypedDict, total=False):
    """What the user says, as tokens too."""

    role: Literal["user"]
    content: str | Iterable[str] | Iterable[int] | Iterable[Iterable[int]]
    name: str


class OpenAIChatCompletionAssistantMessage(TypedDict, total=False):
    """What the assistant said."""

    role: Literal["assistant"]
    content: str | Iterable[Any] | None
    name: str | None
    tool_calls: list[ChatCompletionAssistantToolCall] | None
    function_call: ChatCompletionToolCallFunctionChunk | None
    reasoning_content: str | None


class ChatCompletionAssistantMessage(OpenAIChatCompletionAssistantMessage, total=False):
    """The same, with what providers need back."""

    cache_control: ChatCompletionCachedContent
    thinking_blocks: list[ChatCompletionThinkingBlock | ChatCompletionRedactedThinkingBlock] | None
    reasoning_items: list[ChatCompletionReasoningItem] | None
    provider_specific_fields: dict[str, Any]


class ChatCompletionToolMessage(TypedDict, total=False):
    """A tool's result."""

    role: Literal["tool"]
    content: str | Iterable[Any]
    tool_call_id: str


class ChatCompletionFunctionMessage(TypedDict, total=False):
    """A function's result (the older form)."""

    role: Literal["function"]
    content: str | Iterable[ChatCompletionTextObject] | None
    name: str
    tool_call_id: str | None


class OpenAIChatCompletionSystemMessage(TypedDict, total=False):
    """What the model is told first."""

    role: Literal["system"]
    content: str | list[Any]
    name: str


class OpenAIChatCompletionDeveloperMessage(TypedDict, total=False):
    """The same, as newer models have it."""

    role: Literal["developer"]
    content: str | list[Any]
    name: str


class ChatCompletionSystemMessage(OpenAIChatCompletionSystemMessage, total=False):
    """The same, with a mark for the prompt cache."""

    cache_control: ChatCompletionCachedContent


class ChatCompletionDeveloperMessage(OpenAIChatCompletionDeveloperMessage, total=False):
    """The same, with a mark for the prompt cache."""

    cache_control: ChatCompletionCachedContent


class GenericChatCompletionMessage(TypedDict, total=False):
    """A message of any role."""

    role: str
    content: str | list[Any]


AllMessageValues = (
    ChatCompletionUserMessage
    | ChatCompletionAssistantMessage
    | ChatCompletionToolMessage
    | ChatCompletionSystemMessage
    | ChatCompletionFunctionMessage
    | ChatCompletionDeveloperMessage
)


class ChatCompletionToolChoiceFunctionParam(TypedDict):
    """A function's name."""

    name: str


class ChatCompletionToolChoiceObjectParam(TypedDict):
    """The one tool that must be called."""

    type: Literal["function"]
    function: ChatCompletionToolChoiceFunctionParam


ChatCompletionToolChoiceStringValues = Literal["none", "auto", "required"]
ChatCompletionToolChoiceValues = ChatCompletionToolChoiceStringValues | ChatCompletionToolChoiceObjectParam


class ChatCompletionNamedToolChoiceParam(TypedDict):
    """The one tool that must be called."""

    type: Literal["function"]
    function: ChatCompletionToolChoiceFunctionParam


class ChatCompletionToolParamFunctionChunk(TypedDict, total=False):
    """A function: its name, and the JSON schema of its arguments."""

    name: str
    description: str
    parameters: dict[str, Any]
    strict: bool


class OpenAIChatCompletionToolParam(TypedDict):
    """A tool."""

    type: Literal["function"] | str
    function: ChatCompletionToolParamFunctionChunk


class ChatCompletionToolParam(OpenAIChatCompletionToolParam, total=False):
    """A tool, with a mark for the prompt cache."""

    cache_control: ChatCompletionCachedContent


class WebSearchOptionsUserLocationApproximate(TypedDict, total=False):
    """Where the user is, about."""

    city: str
    country: str
    region: str
    timezone: str


class WebSearchOptionsUserLocation(TypedDict):
    """Where the user is."""

    type: Literal["approximate"]
    approximate: WebSearchOptionsUserLocationApproximate


class WebSearchOptions(TypedDict, total=False):
    """How the model may search the web."""

    search_context_size: Literal["low", "medium", "high"]
    user_location: WebSearchOptionsUserLocation | None


OpenAIWebSearchUserLocationApproximate = WebSearchOptionsUserLocationApproximate
OpenAIWebSearchUserLocation = WebSearchOptionsUserLocation
OpenAIWebSearchOptions = WebSearchOptions


class AnthropicThinkingParam(TypedDict, total=False):
    """How much a Claude model thinks."""

    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: int


class ChatCompletionRequest(TypedDict, total=False):
    """The body of a chat request."""

    model: str
    messages: list[AllMessageValues]
    frequency_penalty: float
    logit_bias: dict[str, Any]
    logprobs: bool
    top_logprobs: int
    max_tokens: int
    n: int
    presence_penalty: float
    response_format: dict[str, Any]
    seed: int
    service_tier: str
    stop: str | list[str]
    stream_options: dict[str, Any]
    temperature: float
    top_p: float
    tools: list[ChatCompletionToolParam]
    tool_choice: ChatCompletionToolChoiceValues
    parallel_tool_calls: bool
    function_call: str | dict[str, Any]
    functions: list[Any]
    user: str
    metadata: dict[str, Any]


class ChatCompletionDeltaChunk(TypedDict, total=False):
    """What a chunk adds."""

    content: str | None
    tool_calls: list[ChatCompletionDeltaToolCallChunk]
    role: str


class ChatCompletionResponseMessage(TypedDict, total=False):
    """What the model said."""

    content: str | None
    tool_calls: list[ChatCompletionToolCallChunk] | None
    role: Literal["assistant"]
    function_call: ChatCompletionToolCallFunctionChunk | None
    provider_specific_fields: dict[str, Any] | None
    reasoning_content: str | None
    thinking_blocks: list[Any] | None


class ChatCompletionUsageBlock(TypedDict, total=False):
    """Tokens used."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: dict[str, Any] | None
    completion_tokens_details: dict[str, Any] | None
