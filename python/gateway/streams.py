"""What becomes of a stream's chunks: `stream_chunk_builder`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway import _gateway

__all__ = ["stream_chunk_builder"]


def _plain(chunk: Any) -> dict[str, Any]:
    """A chunk as JSON-able members. Its usage may only be in `_hidden_params`, where the last chunk carries it."""
    members: dict[str, Any] = dict(chunk) if isinstance(chunk, Mapping) else chunk.model_dump()
    if members.get("usage") is None:
        hidden = getattr(chunk, "_hidden_params", None)
        usage = hidden.get("usage") if isinstance(hidden, Mapping) else None
        if usage is not None:
            members["usage"] = usage
    return members


def _jsonable(value: Any) -> Any:
    return value.model_dump() if hasattr(value, "model_dump") else str(value)


def stream_chunk_builder(
    chunks: list[Any],
    messages: Sequence[Any] | None = None,
    start_time: object = None,
    end_time: object = None,
    logging_obj: Any = None,
    count_prompt_tokens: Callable[[], int] | None = None,
) -> Any:
    """The whole reply that a stream's chunks make: a `ModelResponse`, or a `TextCompletionResponse`.

    Counts that no chunk reported are estimated from `messages` and the text. Returns `None` for no chunks.

    Raises:
        APIError: the chunks are none of a stream.
    """
    import gateway as litellm

    def failure() -> Exception:
        error: Exception = litellm.APIError(
            status_code=500,
            message="Error building chunks for logging/streaming usage calculation",
            llm_provider="",
            model="",
        )
        return error

    if chunks is None:
        raise failure()
    if not chunks:
        return None
    try:
        plain = [_plain(chunk) for chunk in chunks]
        model = plain[0].get("model") or ""

        def count_prompt() -> int:
            if count_prompt_tokens is not None:
                return count_prompt_tokens()
            return int(litellm.token_counter(model=model, messages=messages))

        def count_completion(text: str) -> int:
            return int(litellm.token_counter(model=model, text=text, count_response_tokens=True))

        def count_reasoning(text: str) -> int:
            return int(litellm.token_counter(text=text, count_response_tokens=True))

        folded = _gateway.fold_stream(
            json.dumps(plain, default=_jsonable).encode(),
            int(time.time()),
            count_prompt,
            count_completion,
            count_reasoning,
        )
        if folded is None:
            return None
        if json.loads(folded)["object"] == "text_completion":
            return litellm.TextCompletionResponse.model_validate_json(folded)
        response = litellm.ModelResponse.model_validate_json(folded)
    except Exception as error:
        raise failure() from error
    try:
        response._hidden_params["response_cost"] = litellm.completion_cost(completion_response=response)
    except Exception:
        # A model without a price has no cost; the reply stands.
        response._hidden_params.setdefault("response_cost", None)
    return response
