"""Reply objects as LiteLLM's users know them."""

from __future__ import annotations

import copy
import json
import pickle
import warnings

import gateway as litellm
import pytest

BODY = json.dumps(
    {
        "id": "chatcmpl-1",
        "created": 1,
        "model": "m",
        "object": "chat.completion",
        "choices": [
            {
                "finish_reason": "tool_calls",
                "index": 0,
                "message": {
                    "role": "assistant",
                    "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                },
            }
        ],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 4,
            "total_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 2},
        },
    }
)


def test_absent_members_are_absent() -> None:
    message = litellm.Message(content="x")
    assert not hasattr(message, "reasoning_content")
    with pytest.raises(AttributeError):
        _ = message.reasoning_content
    assert "reasoning_content" not in message.model_dump()
    assert message.get("reasoning_content", "none") == "none"
    message.reasoning_content = "because"
    assert message.model_dump()["reasoning_content"] == "because"


def test_a_reply_survives_pickle_and_copies_and_dumps_without_warnings() -> None:
    reply = litellm.ModelResponse.model_validate_json(BODY)
    reply._hidden_params["response_cost"] = 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for twin in (pickle.loads(pickle.dumps(reply)), copy.deepcopy(reply), reply.model_copy(deep=True)):
            assert twin == reply and twin._hidden_params == {"response_cost": 1.0}
            assert twin.model_dump_json() == reply.model_dump_json()
    assert reply.json()["usage"]["prompt_tokens_details"]["cached_tokens"] == 2


def test_hidden_params_belong_to_one_object() -> None:
    one, two = litellm.ModelResponse(), litellm.ModelResponse()
    one._hidden_params["a"] = 1
    assert two._hidden_params == {}


def test_tool_calls_are_objects_however_they_come() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    by_hand = litellm.Message(content=None, tool_calls=[call]).tool_calls[0]
    assert isinstance(by_hand, litellm.ChatCompletionMessageToolCall)
    assert json.loads(by_hand.function.arguments) == {"a": 1}
    parsed = litellm.ModelResponse.model_validate_json(BODY).choices[0].message.tool_calls[0]
    assert isinstance(parsed, litellm.ChatCompletionMessageToolCall) and parsed["function"]["name"] == "f"


def test_usage_by_hand_derives_its_details() -> None:
    usage = litellm.Usage(prompt_tokens=9, completion_tokens=5, total_tokens=14, reasoning_tokens=2)
    assert usage.completion_tokens_details.text_tokens == 3
    usage = litellm.Usage(prompt_tokens=9, cache_creation_input_tokens=2, cache_read_input_tokens=3)
    assert usage.prompt_tokens_details.cached_tokens == 3
    assert usage.prompt_tokens_details.cache_creation_tokens == 2
    assert usage["cache_read_input_tokens"] == 3


@pytest.mark.parametrize(
    ("said", "mapped"), [("end_turn", "stop"), ("MAX_TOKENS", "length"), ("tool_use", "tool_calls")]
)
def test_finish_reasons_are_openais(said: str, mapped: str) -> None:
    choice = litellm.Choices(finish_reason=said)
    assert choice.finish_reason == mapped
    assert choice.provider_specific_fields == {"native_finish_reason": said}
