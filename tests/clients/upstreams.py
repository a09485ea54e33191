"""Answers of providers, for the scripted upstream."""

from __future__ import annotations

import json
from typing import Any

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def chat(content: str | None = "Hello there", **message: Any) -> dict[str, Any]:
    """A chat completion of OpenAI's."""
    finish = "tool_calls" if "tool_calls" in message else "stop"
    return {
        "json": {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1700000000,
            "model": "gpt-4o-2024-08-06",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content, "refusal": None, **message},
                    "finish_reason": finish,
                    "logprobs": None,
                }
            ],
            "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
        }
    }


def chat_stream(*deltas: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    """The same as a stream."""
    head = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-4o-2024-08-06",
    }
    chunks: list[Any] = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in ({"role": "assistant", "content": ""}, *deltas)
    ]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    chunks.append({**head, "choices": [], "usage": usage})
    return {"sse": [*chunks, "[DONE]"]}


def response(output: list[Any] | None = None, status: str = "completed") -> dict[str, Any]:
    """A response of OpenAI's."""
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "Hello there", "annotations": []}],
    }
    return {
        "id": "resp_up1",
        "object": "response",
        "created_at": 1700000000,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": "gpt-4o-2024-08-06",
        "output": [message] if output is None else output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": 9,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 3,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 12,
        },
    }


def reasoning(thought: str) -> list[dict[str, Any]]:
    """The events of an item of reasoning."""
    place = {"item_id": "rs_1", "output_index": 0}
    part = {"type": "summary_text", "text": ""}
    item: dict[str, Any] = {"id": "rs_1", "type": "reasoning", "summary": []}
    done = {**item, "summary": [{**part, "text": thought}], "encrypted_content": "gAAAAB"}
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.reasoning_summary_part.added", **place, "summary_index": 0, "part": part},
        {"type": "response.reasoning_summary_text.delta", **place, "summary_index": 0, "delta": thought},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
    ]


def response_stream(*pieces: str, thought: str = "") -> dict[str, Any]:
    """The same as a stream of one message, a thought before it."""
    text = "".join(pieces)
    part = {"type": "output_text", "text": "", "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    done = {**item, "status": "completed", "content": [{**part, "text": text}]}
    begun = {**response([], "in_progress"), "usage": None}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        *(reasoning(thought) if thought else []),
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **place, "part": part},
        *({"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []} for piece in pieces),
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": {**part, "text": text}},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": response([done])},
    ]
    for number, event in enumerate(events):
        event["sequence_number"] = number
    return {"sse": [{"$event": event["type"], "$data": event} for event in events]}


def claude(*blocks: dict[str, Any], stop: str = "end_turn") -> dict[str, Any]:
    """A message of Anthropic's."""
    return {
        "json": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5-20250929",
            "content": list(blocks) or [{"type": "text", "text": "Hello there"}],
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {"input_tokens": 9, "output_tokens": 3},
        }
    }


def claude_stream(*blocks: dict[str, Any], stop: str = "end_turn") -> dict[str, Any]:
    """The same as a stream: thinking with its signature, text in two pieces, calls of tools in two pieces."""
    events: list[tuple[str, Any]] = [
        (
            "message_start",
            {
                "message": {
                    "id": "msg_1",
                    "type": "message",
                    "role": "assistant",
                    "model": "claude-sonnet-4-5-20250929",
                    "content": [],
                    "stop_reason": None,
                    "stop_sequence": None,
                    "usage": {"input_tokens": 9, "output_tokens": 1},
                }
            },
        )
    ]
    for index, block in enumerate(blocks):
        opened = {**block, "text": ""} if block["type"] == "text" else dict(block)
        deltas: list[dict[str, Any]] = []
        if block["type"] == "text":
            half = len(block["text"]) // 2
            deltas = [
                {"type": "text_delta", "text": block["text"][:half]},
                {"type": "text_delta", "text": block["text"][half:]},
            ]
        elif block["type"] == "thinking":
            opened = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [
                {"type": "thinking_delta", "thinking": block["thinking"]},
                {"type": "signature_delta", "signature": block["signature"]},
            ]
        elif block["type"] == "tool_use":
            opened["input"] = {}
            written = json.dumps(block["input"])
            deltas = [
                {"type": "input_json_delta", "partial_json": written[:5]},
                {"type": "input_json_delta", "partial_json": written[5:]},
            ]
        events.append(("content_block_start", {"index": index, "content_block": opened}))
        events += [("content_block_delta", {"index": index, "delta": delta}) for delta in deltas]
        events.append(("content_block_stop", {"index": index}))
    ended = {"delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 3}}
    events += [("message_delta", ended), ("message_stop", {})]
    return {"sse": [{"$event": name, "$data": {"type": name, **data}} for name, data in events]}


def gemini_stream(*parts: dict[str, Any]) -> dict[str, Any]:
    """A streamed answer of Gemini's."""
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}
    chunks: list[dict[str, Any]] = [
        {
            "candidates": [{"index": 0, "content": {"role": "model", "parts": [part]}}],
            "modelVersion": "gemini-2.5-flash",
            "responseId": "r1",
            "usageMetadata": usage,
        }
        for part in parts
    ]
    chunks[-1]["candidates"][0]["finishReason"] = "STOP"
    return {"sse": chunks}
