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
