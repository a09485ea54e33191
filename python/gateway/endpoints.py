"""The calls that are not chats: `rerank` and its asynchronous form, with LiteLLM's arguments.

As in `gateway.main`, arguments that are not named in a signature are taken as keyword arguments too.
"""

from __future__ import annotations

from typing import Any

from gateway.calls import acall as _acall
from gateway.calls import call as _call
from gateway.types import RerankResponse


def rerank(
    model: str,
    query: str,
    documents: list[Any],
    custom_llm_provider: str | None = None,
    top_n: int | None = None,
    rank_fields: list[str] | None = None,
    return_documents: bool | None = True,
    max_chunks_per_doc: int | None = None,
    max_tokens_per_doc: int | None = None,
    **kwargs: Any,
) -> RerankResponse:
    """Orders documents by how well they answer a query.

    Args:
        model: `provider/model`, for example `cohere/rerank-v3.5`.
        documents: texts, or objects with a `text`.
        top_n: how many results are wanted; default: all.
        return_documents: whether results carry their documents, where the provider can.

    Returns:
        RerankResponse: `results[i]["index"]` and `["relevance_score"]`, best first.
    """
    reply: RerankResponse = _call("rerank", locals())
    return reply


async def arerank(
    model: str,
    query: str,
    documents: list[Any],
    custom_llm_provider: str | None = None,
    top_n: int | None = None,
    rank_fields: list[str] | None = None,
    return_documents: bool | None = None,
    max_chunks_per_doc: int | None = None,
    **kwargs: Any,
) -> RerankResponse:
    """As `rerank`, on the running event loop; documents are returned only when asked for."""
    reply: RerankResponse = await _acall("rerank", locals())
    return reply
