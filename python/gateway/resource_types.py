"""Files, batches and fine-tuning jobs as users import them: openai's own classes, with what LiteLLM adds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Generic, TypeVar

from openai.pagination import AsyncCursorPage, SyncCursorPage
from openai.types import Batch, FileDeleted, FileObject
from openai.types.fine_tuning import FineTuningJob
from pydantic import PrivateAttr

_T = TypeVar("_T")


class OpenAIFileObject(FileObject):
    """A file at a provider."""

    _hidden_params: dict[str, Any] = PrivateAttr(default_factory=lambda: {"response_cost": 0.0})


class LiteLLMBatch(Batch):
    """A batch at a provider."""

    _hidden_params: dict[str, Any] = PrivateAttr(default_factory=dict)


class LiteLLMFineTuningJob(FineTuningJob):
    """A training at a provider."""

    _hidden_params: dict[str, Any] = PrivateAttr(default_factory=dict)


class Page(SyncCursorPage[_T], Generic[_T]):
    """A part of a list; iterating it goes on with the parts behind it."""

    _again: Callable[[str], Any] | None = PrivateAttr(default=None)

    def iter_pages(self) -> Iterator[Any]:
        """This part and those behind it."""
        page: Any = self
        while True:
            yield page
            if not (page.has_more and page.data and page._again is not None):
                return
            page = page._again(page.data[-1].id)


class AsyncPage(AsyncCursorPage[_T], Generic[_T]):
    """The same, iterated with `async for`."""

    _again: Callable[[str], Any] | None = PrivateAttr(default=None)

    async def iter_pages(self) -> AsyncIterator[Any]:
        """This part and those behind it."""
        page: Any = self
        while True:
            yield page
            if not (page.has_more and page.data and page._again is not None):
                return
            page = await page._again(page.data[-1].id)


_WHOLE: dict[str, Any] = {
    "create_file": OpenAIFileObject,
    "file_retrieve": OpenAIFileObject,
    "file_delete": FileDeleted,
    "create_batch": LiteLLMBatch,
    "retrieve_batch": LiteLLMBatch,
    "cancel_batch": LiteLLMBatch,
    "create_fine_tuning_job": LiteLLMFineTuningJob,
    "retrieve_fine_tuning_job": LiteLLMFineTuningJob,
    "cancel_fine_tuning_job": LiteLLMFineTuningJob,
}
_LISTED: dict[str, Any] = {
    "file_list": OpenAIFileObject,
    "list_batches": LiteLLMBatch,
    "list_fine_tuning_jobs": LiteLLMFineTuningJob,
}


def made(op: str, told: dict[str, Any], hidden: dict[str, Any]) -> Any:
    """What a provider told, as an object; members that it left out are None, as with openai's client."""
    if op in _LISTED:
        data = [_LISTED[op].construct(**item) for item in told.get("data") or []]
        return Page.construct(**{**told, "data": data})
    one = _WHOLE[op].construct(**told)
    if op != "file_delete":
        one._hidden_params = hidden
    return one
