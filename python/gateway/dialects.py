"""Calls in the dialects of Anthropic and Gemini, at any provider: Messages, and `generate_content`.

`anthropic.messages.create` and `acreate` are the same as `anthropic_messages_handler` and `anthropic_messages`.
As in `gateway.main`, arguments that are not named in a signature are taken as keyword arguments too.
"""

from __future__ import annotations

from typing import Any

from gateway.calls import acall as _acall
from gateway.calls import call as _call


def anthropic_messages_handler(
    max_tokens: int,
    messages: list[Any],
    model: str,
    metadata: dict[str, Any] | None = None,
    stop_sequences: list[str] | None = None,
    stream: bool | None = False,
    system: Any = None,
    temperature: float | None = None,
    thinking: dict[str, Any] | None = None,
    tool_choice: dict[str, Any] | None = None,
    tools: list[Any] | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    container: Any = None,
    api_key: str | None = None,
    api_base: str | None = None,
    client: Any = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> Any:
    """Asks a model in Anthropic's dialect and waits for it.

    Args:
        max_tokens: most tokens of the answer.
        messages: turns as Anthropic has them: text, images, documents, tools' calls and results, thoughts.
        model: `provider/model`. Anthropic, and Claude at Bedrock and Vertex AI, are asked as they are; any other
            provider is asked through chat.

    Returns:
        The message as a dict; with `stream=True`, an iterator of server-sent events as bytes.

    Raises:
        A class of `gateway.exceptions`.
    """
    return _call("anthropic_messages", locals())


async def anthropic_messages(
    max_tokens: int,
    messages: list[Any],
    model: str,
    metadata: dict[str, Any] | None = None,
    stop_sequences: list[str] | None = None,
    stream: bool | None = False,
    system: Any = None,
    temperature: float | None = None,
    thinking: dict[str, Any] | None = None,
    tool_choice: dict[str, Any] | None = None,
    tools: list[Any] | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    api_key: str | None = None,
    api_base: str | None = None,
    client: Any = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> Any:
    """As `anthropic_messages_handler`, on the running event loop. Cancelling the task ends the upstream call."""
    return await _acall("anthropic_messages", locals())


create = anthropic_messages_handler
acreate = anthropic_messages


def _generating(given: dict[str, Any], stream: bool) -> dict[str, Any]:
    """The arguments of `generate_content` as members of Gemini's request."""
    kwargs: dict[str, Any] = given["kwargs"]
    config = given.pop("config", None)
    config = kwargs.pop("generationConfig", None) if config is None else config
    if hasattr(config, "model_dump"):
        config = config.model_dump(exclude_none=True, by_alias=True, mode="json")
    settings = dict(config or {})
    # google-genai keeps in its config what the request has beside it.
    for name, member in _BESIDE.items():
        if settings.get(name) is not None:
            kwargs.setdefault(member, settings[name])
        settings.pop(name, None)
    if settings:
        given["generationConfig"] = settings
    system = kwargs.pop("system_instruction", None)
    if system is not None:
        kwargs.setdefault("systemInstruction", system)
    instruction = kwargs.get("systemInstruction")
    if isinstance(instruction, str):
        kwargs["systemInstruction"] = {"parts": [{"text": instruction}]}
    contents = given["contents"]
    if isinstance(contents, str):
        contents = [{"role": "user", "parts": [{"text": contents}]}]
    given["contents"] = contents if isinstance(contents, list) else [contents]
    given.pop("extra_query", None)
    if stream:
        given["stream"] = True
    return given


_BESIDE = {
    "system_instruction": "systemInstruction",
    "systemInstruction": "systemInstruction",
    "safety_settings": "safetySettings",
    "safetySettings": "safetySettings",
    "tool_config": "toolConfig",
    "toolConfig": "toolConfig",
    "cached_content": "cachedContent",
    "cachedContent": "cachedContent",
    "tools": "tools",
    "labels": "labels",
}


def generate_content(
    model: str,
    contents: Any,
    config: Any = None,
    tools: Any = None,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: Any = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> Any:
    """Asks a model in Gemini's dialect and waits for it.

    Args:
        model: `provider/model`. Gemini at AI Studio and Vertex AI is asked as it is; any other through chat.
        contents: a text, a content, or a list of them.
        config: google-genai's `GenerateContentConfig` as a dict, in either spelling.

    Returns:
        Gemini's `GenerateContentResponse` as a dict.
    """
    return _call("generate_content", _generating(locals(), stream=False))


async def agenerate_content(
    model: str,
    contents: Any,
    config: Any = None,
    tools: Any = None,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: Any = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> Any:
    """As `generate_content`, on the running event loop."""
    return await _acall("generate_content", _generating(locals(), stream=False))


def generate_content_stream(
    model: str,
    contents: Any,
    config: Any = None,
    tools: Any = None,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: Any = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> Any:
    """As `generate_content`, as an iterator of server-sent events: bytes, one event each."""
    return _call("generate_content", _generating(locals(), stream=True))


async def agenerate_content_stream(
    model: str,
    contents: Any,
    config: Any = None,
    tools: Any = None,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: Any = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> Any:
    """As `generate_content_stream`, on the running event loop."""
    return await _acall("generate_content", _generating(locals(), stream=True))
