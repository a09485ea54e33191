"""The Responses API in process, over chat and natively: whole and streamed, sync and async."""

from __future__ import annotations

import asyncio
from typing import Any

import gateway as litellm

TOLD = [
    {"type": "response.created", "sequence_number": 0, "response": {"id": "resp_1", "status": "in_progress"}},
    {"type": "response.output_text.delta", "sequence_number": 1, "item_id": "msg_1", "delta": "Hel"},
    {"type": "response.output_text.delta", "sequence_number": 2, "item_id": "msg_1", "delta": "lo"},
    {"type": "response.completed", "sequence_number": 3, "response": {"id": "resp_1", "status": "completed"}},
]


def test_events_over_chat_are_objects_in_order() -> None:
    told = list(litellm.responses(model="mock/echo", input="hello there", stream=True))
    assert [event.sequence_number for event in told] == list(range(len(told)))
    assert (told[0].type, told[-1].type) == ("response.created", "response.completed")
    text = "".join(event.delta for event in told if event.type == "response.output_text.delta")
    assert text and told[-1].response.output[0].content[0].text == text


def test_a_providers_own_events_are_objects(mock: Any, at: dict[str, Any]) -> None:
    mock.script([{"sse": [{"$event": event["type"], "$data": event} for event in TOLD]}] * 2)
    asked = {key: value for key, value in at.items() if key != "messages"} | {"input": "hi", "stream": True}

    async def read() -> list[Any]:
        return [event async for event in await litellm.aresponses(**asked)]

    for told in list(litellm.responses(**asked)), asyncio.run(read()):
        assert [event.type for event in told] == [event["type"] for event in TOLD]
        assert "".join(event.delta for event in told[1:3]) == "Hello"
