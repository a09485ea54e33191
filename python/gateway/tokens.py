"""Token counts, with LiteLLM's names and signatures. The counting is the core's (tiktoken's encodings).

LiteLLM counts some models with tokenizers that it fetches from the internet; here those are counted with tiktoken, as
LiteLLM itself does offline.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from pydantic_core import to_json

from gateway import _gateway

# How often a message is cut shorter before it is taken as it is.
_MAX_CUTS = 10


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(exclude_none=True)
    return str(value)


def _json(value: Any) -> bytes:
    return to_json(value, fallback=_plain)


def _messages(messages: Sequence[Any]) -> list[Any]:
    plain = [message if isinstance(message, Mapping) else _plain(message) for message in messages]
    return [{key: value for key, value in message.items() if value is not None} for message in plain]


def token_counter(
    model: str = "",
    custom_tokenizer: Any = None,
    text: str | list[str] | None = None,
    messages: Sequence[Any] | None = None,
    count_response_tokens: bool | None = False,
    tools: list[Any] | None = None,
    tool_choice: Any = None,
    use_default_image_token_count: bool | None = False,
    default_token_count: int | None = None,
) -> int:
    """Tokens of a text, or of messages with the tools offered.

    Args:
        model: whose encoding counts; models that are not OpenAI's are counted with `cl100k_base`.
        text: a text, or texts that are counted as one.
        messages: OpenAI-shaped messages, instead of `text`.
        count_response_tokens: count the messages alone, without the tokens that open a reply.
        use_default_image_token_count: 250 tokens an image, whatever its size.
        default_token_count: what a message counts whose content cannot be counted.

    Raises:
        ValueError: both or neither of `text` and `messages`; content of an unknown kind.
    """
    if custom_tokenizer is not None:
        _no_tokenizer("custom_tokenizer")
    if text is not None and messages is not None:
        raise ValueError("text and messages cannot both be set")
    if text is not None:
        if tools or tool_choice:
            raise ValueError("tools or tool_choice cannot be set if using text")
        joined = text if isinstance(text, str) else "".join(part for part in text if isinstance(part, str))
        return _gateway.count_text(model or "", joined)
    if messages is None:
        raise ValueError("Either text or messages must be provided")
    return _gateway.count_messages(
        model or "",
        _json(_messages(messages)),
        None if tools is None else _json(tools),
        None if tool_choice is None else _json(tool_choice),
        not count_response_tokens,
        bool(use_default_image_token_count),
        default_token_count,
    )


def encode(model: str = "", text: str = "", custom_tokenizer: Any = None) -> list[int]:
    """Token ids of a text, in `cl100k_base` whatever the model, as in LiteLLM."""
    if custom_tokenizer is not None:
        _no_tokenizer("custom_tokenizer")
    return _gateway.encode_text(text)


def decode(
    model: str = "", tokens: Sequence[int] = (), custom_tokenizer: Any = None, skip_special_tokens: bool = True
) -> str:
    """The text of token ids in `cl100k_base`."""
    if custom_tokenizer is not None:
        _no_tokenizer("custom_tokenizer")
    return _gateway.decode_ids(list(tokens))


def create_pretrained_tokenizer(identifier: str, revision: str = "main", auth_token: str | None = None) -> NoReturn:
    """Not supported: it would fetch a tokenizer from the internet."""
    _no_tokenizer("create_pretrained_tokenizer")


def create_tokenizer(json: str) -> NoReturn:
    """Not supported yet."""
    _no_tokenizer("create_tokenizer")


def _no_tokenizer(name: str) -> NoReturn:
    raise NotImplementedError(f"`{name}` is not supported yet: tokens are counted with tiktoken's encodings only")


def trim_messages(
    messages: Sequence[Any],
    model: str | None = None,
    trim_ratio: float = 0.75,
    return_response_tokens: bool = False,
    max_tokens: int | None = None,
) -> Any:
    """Messages cut to fit: the newest stay, a message that is too long loses its middle, tool replies at the end stay.

    Args:
        model: whose context window to fit into; unknown ones leave the messages as they are.
        trim_ratio: share of the window to fill.
        max_tokens: the limit itself, instead of a model's.
        return_response_tokens: give a pair, the second of which is what is left for the reply.
    """
    trimmed = copy.deepcopy(list(messages))
    try:
        if max_tokens is None:
            import gateway

            entry = gateway.model_cost.get(model or "")
            if entry is None:
                return trimmed
            max_tokens = int(entry["max_input_tokens"] * trim_ratio)
        return _trimmed(trimmed, model, max_tokens, return_response_tokens)
    except Exception:
        # As in LiteLLM: messages that cannot be trimmed are given back.
        return messages


def _trimmed(messages: list[Any], model: str | None, limit: int, with_rest: bool) -> Any:
    system = "\n".join(m["content"] for m in messages if m["role"] == "system")
    tail: list[Any] = []
    while messages and messages[-1]["role"] == "tool":
        tail.insert(0, messages.pop())
    if _count(messages, model) < limit:
        return messages + tail
    head: dict[str, Any] | None = None
    if system:
        head = {"role": "system", "content": system}
        used = _count([head], model)
        if used > limit:
            used = _count([_shortened(head, limit, model)], model)
        limit -= used
        if limit == 0:
            return [head]
        messages = [m for m in messages if m["role"] != "system"]
    kept = _newest(messages, limit, model)
    final = ([head] if head else []) + kept + tail
    return (final, limit - _count(final, model)) if with_rest else final


def _newest(messages: list[Any], limit: int, model: str | None) -> list[Any]:
    kept: list[Any] = []
    for message in reversed(messages):
        left = limit - _count(kept, model)
        if left <= 3:
            break
        if _count([message, *kept], model) <= limit:
            kept = [message, *kept]
        elif "function_call" not in message:
            shorter = _shortened(message, left, model)
            if _count([*kept, shorter], model) <= limit:
                kept = [shorter, *kept]
    return kept


def _shortened(message: dict[str, Any], wanted: int, model: str | None) -> dict[str, Any]:
    """The message without the middle of its content, in place."""
    if model is not None and "gpt" in model and wanted <= 10:
        return message
    content = message["content"]
    for _ in range(_MAX_CUTS):
        total = _count([message], model)
        if total <= wanted:
            break
        half = max(0, int(len(content) * (wanted / total)) - 1) // 2
        content = content[:half] + ".." + content[-half:]
        message["content"] = content
    return message


def _count(messages: list[Any], model: str | None) -> int:
    return token_counter(model=model or "", messages=messages)
