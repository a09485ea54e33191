"""`turn_off_message_logging`: what callbacks are told of a call, without its words.

The module's setting, an argument of the call of the same name, or a logger's own (`CustomLogger(
turn_off_message_logging=True)`, `message_logging=False`) asks for it. What a call cost and how it went is told all the
same.
"""

from __future__ import annotations

import copy
from typing import Any

# LiteLLM's word in place of every text.
REDACTED = "redacted-by-litellm"

_MESSAGES = [{"role": "user", "content": REDACTED}]

# What an answer says, in a message or in a delta.
_WORDS = ("content", "reasoning_content", "refusal")
_BLOCKS = ("thinking_blocks", "reasoning_items", "annotations", "audio", "images", "tool_calls", "function_call")


def wanted(hearer: Any, details: dict[str, Any]) -> bool:
    """Whether a hearer of a call is told no words."""
    import gateway

    own = (
        getattr(hearer, "turn_off_message_logging", False) is True or getattr(hearer, "message_logging", True) is False
    )
    asked = details.get("turn_off_message_logging") is True
    return own or asked or gateway.turn_off_message_logging is True


def details_of(details: dict[str, Any]) -> dict[str, Any]:
    """A call's details with every text of its caller's and its model's replaced."""
    told = {**details, "messages": _MESSAGES, "input": ""}
    if "prompt" in told:
        told["prompt"] = ""
    if "original_response" in told:
        told["original_response"] = REDACTED
    asked = details["additional_args"]["complete_input_dict"]
    told["additional_args"] = {**details["additional_args"], "complete_input_dict": {**asked, "messages": _MESSAGES}}
    for name in ("complete_streaming_response", "async_complete_streaming_response"):
        if name in told:
            told[name] = result_of(told[name])
    if "standard_logging_object" in told:
        standard = told["standard_logging_object"]
        response = result_of(standard["response"])
        told["standard_logging_object"] = {**standard, "messages": _MESSAGES, "response": response}
    return told


def result_of(result: Any) -> Any:
    """An answer of the same form that says nothing; `{"text": ...}` for one of a form without choices."""
    if result is None or result == {}:
        return result
    choices = result.get("choices") if isinstance(result, dict) else getattr(result, "choices", None)
    if not isinstance(choices, list):
        return {"text": REDACTED}
    told = copy.deepcopy(result)
    for choice in told["choices"]:
        for part in ("message", "delta"):
            said = choice.get(part) if hasattr(choice, "get") else getattr(choice, part, None)
            if said is not None:
                _silence(said)
        if (choice.get("text") if hasattr(choice, "get") else getattr(choice, "text", None)) is not None:
            choice["text"] = REDACTED
    return told


def _silence(said: Any) -> None:
    for name in _WORDS:
        if said.get(name) is not None:
            said[name] = REDACTED
    for name in _BLOCKS:
        if said.get(name) is not None:
            said[name] = None
