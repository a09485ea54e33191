"""What a provider keeps for its callers, in OpenAI's API: files, batches and fine-tuning jobs.

Each function asks `openai`, or the provider that `custom_llm_provider` names: Azure, and every provider of OpenAI's
form that has this part of it. `extra_body` and arguments that are not named in a signature go upstream as they are.
https://platform.openai.com/docs/api-reference/files, `/batch` and `/fine-tuning`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from gateway.calls import acall as _acall
from gateway.calls import bound as _bound
from gateway.calls import call as _call

if TYPE_CHECKING:
    from openai.pagination import AsyncCursorPage, SyncCursorPage
    from openai.types import Batch, FileDeleted, FileObject
    from openai.types.fine_tuning import FineTuningJob

    from gateway import _gateway
    from gateway.media_types import HttpxBinaryResponseContent
    from gateway.resource_types import LiteLLMBatch, LiteLLMFineTuningJob, OpenAIFileObject

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _asked(given: dict[str, Any]) -> dict[str, Any]:
    """The arguments, at OpenAI where nobody is named; none of these asks a model but a fine-tuning job."""
    given = {"model": "", **given, **given["kwargs"], "kwargs": {}}
    given["custom_llm_provider"] = given.get("custom_llm_provider") or "openai"
    given["model"] = given["model"] or ""
    # How the file is handed over, which is no matter of the provider's.
    given.pop("chunk_size", None)
    if given.pop("stream", False):
        raise ValueError("`stream=True` is not supported here: `iter_bytes()` of the reply gives the file in pieces")
    return given


def _awaited(function: Callable[_P, _T]) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """The same function on the running event loop, under its name with an `a` before it."""

    async def awaited(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        reply: _T = await _acall(function.__name__, _asked(_bound(function, args, kwargs)))
        return reply

    functools.update_wrapper(awaited, function)
    awaited.__name__ = awaited.__qualname__ = f"a{function.__name__}"
    awaited.__doc__ = f"As `{function.__name__}`, on the running event loop."
    return awaited


def create_file(
    file: Any,
    purpose: str,
    expires_after: dict[str, Any] | None = None,
    custom_llm_provider: str | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, Any] | None = None,
    **kwargs: Any,
) -> OpenAIFileObject:
    """Uploads a file.

    Args:
        file: bytes, a path, an open file, or a tuple of name, content and type.
        purpose: `batch`, `fine-tune`, `assistants` and the like.
        expires_after: `{"anchor": "created_at", "seconds": n}`.
    """
    reply: OpenAIFileObject = _call("create_file", _asked(locals()))
    return reply


def file_retrieve(
    file_id: str,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, Any] | None = None,
    **kwargs: Any,
) -> FileObject:
    """Says what a file is: its name, size, purpose and state."""
    reply: FileObject = _call("file_retrieve", _asked(locals()))
    return reply


def file_delete(
    file_id: str,
    model: str | None = None,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, Any] | None = None,
    **kwargs: Any,
) -> FileDeleted:
    """Deletes a file."""
    reply: FileDeleted = _call("file_delete", _asked(locals()))
    return reply


def file_list(
    custom_llm_provider: str = "openai",
    purpose: str | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, Any] | None = None,
    **kwargs: Any,
) -> SyncCursorPage[FileObject]:
    """The files, or those of one purpose: a page that goes on by itself when it is iterated."""
    reply: SyncCursorPage[FileObject] = _call("file_list", _asked(locals()))
    return _going_on(reply, file_list, locals())


def file_content(
    file_id: str,
    model: str | None = None,
    custom_llm_provider: str | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, Any] | None = None,
    chunk_size: int = 1 << 20,
    stream: bool = False,
    **kwargs: Any,
) -> HttpxBinaryResponseContent:
    """What is in a file.

    Returns:
        HttpxBinaryResponseContent: `content`, `text`, `iter_bytes()`, `stream_to_file(path)`.
    """
    reply: HttpxBinaryResponseContent = _call("file_content", _asked(locals()))
    return reply


def create_batch(
    completion_window: str,
    endpoint: str,
    input_file_id: str,
    custom_llm_provider: str = "openai",
    metadata: dict[str, str] | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, Any] | None = None,
    output_expires_after: dict[str, Any] | None = None,
    **kwargs: Any,
) -> LiteLLMBatch:
    """Starts the requests of a file, to be answered within a time.

    Args:
        completion_window: `24h`.
        endpoint: what each line asks, for example `/v1/chat/completions`.
        input_file_id: a file of purpose `batch`, one request a line.
    """
    reply: LiteLLMBatch = _call("create_batch", _asked(locals()))
    return reply


def retrieve_batch(
    batch_id: str,
    custom_llm_provider: str = "openai",
    metadata: dict[str, str] | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, Any] | None = None,
    **kwargs: Any,
) -> LiteLLMBatch:
    """Says how far a batch is; `output_file_id` has its answers, once it is `completed`."""
    reply: LiteLLMBatch = _call("retrieve_batch", _asked(locals()))
    return reply


def cancel_batch(
    batch_id: str,
    model: str | None = None,
    custom_llm_provider: str = "openai",
    metadata: dict[str, str] | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, Any] | None = None,
    **kwargs: Any,
) -> LiteLLMBatch:
    """Ends a batch; what was answered stays."""
    reply: LiteLLMBatch = _call("cancel_batch", _asked(locals()))
    return reply


def list_batches(
    after: str | None = None,
    limit: int | None = None,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, Any] | None = None,
    **kwargs: Any,
) -> SyncCursorPage[Batch]:
    """The batches: a page that goes on by itself when it is iterated."""
    reply: SyncCursorPage[Batch] = _call("list_batches", _asked(locals()))
    return _going_on(reply, list_batches, locals())


def create_fine_tuning_job(
    model: str,
    training_file: str,
    hyperparameters: dict[str, Any] | None = {},  # noqa: B006 (LiteLLM's default, never changed)
    suffix: str | None = None,
    validation_file: str | None = None,
    integrations: list[Any] | None = None,
    seed: int | None = None,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, Any] | None = None,
    **kwargs: Any,
) -> LiteLLMFineTuningJob:
    """Starts the training of a model on a file of purpose `fine-tune`."""
    reply: LiteLLMFineTuningJob = _call("create_fine_tuning_job", _asked(locals()))
    return reply


def retrieve_fine_tuning_job(
    fine_tuning_job_id: str,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, Any] | None = None,
    **kwargs: Any,
) -> LiteLLMFineTuningJob:
    """Says how far a training is; `fine_tuned_model` is its model, once it `succeeded`."""
    reply: LiteLLMFineTuningJob = _call("retrieve_fine_tuning_job", _asked(locals()))
    return reply


def cancel_fine_tuning_job(
    fine_tuning_job_id: str,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, Any] | None = None,
    **kwargs: Any,
) -> LiteLLMFineTuningJob:
    """Ends a training."""
    reply: LiteLLMFineTuningJob = _call("cancel_fine_tuning_job", _asked(locals()))
    return reply


def list_fine_tuning_jobs(
    after: str | None = None,
    limit: int | None = None,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, Any] | None = None,
    **kwargs: Any,
) -> SyncCursorPage[FineTuningJob]:
    """The trainings: a page that goes on by itself when it is iterated."""
    reply: SyncCursorPage[FineTuningJob] = _call("list_fine_tuning_jobs", _asked(locals()))
    return _going_on(reply, list_fine_tuning_jobs, locals())


acreate_file = _awaited(create_file)
afile_retrieve = _awaited(file_retrieve)
afile_delete = _awaited(file_delete)
afile_content = _awaited(file_content)
acreate_batch = _awaited(create_batch)
aretrieve_batch = _awaited(retrieve_batch)
acancel_batch = _awaited(cancel_batch)
acreate_fine_tuning_job = _awaited(create_fine_tuning_job)
aretrieve_fine_tuning_job = _awaited(retrieve_fine_tuning_job)
acancel_fine_tuning_job = _awaited(cancel_fine_tuning_job)


def _going_on(page: _T, function: Callable[..., Any], given: dict[str, Any]) -> _T:
    """A page that asks for the next one as it was asked for itself."""
    asked = {name: value for name, value in given.items() if name not in ("reply", "kwargs", "after")}
    again = functools.partial(function, **asked, **given["kwargs"])
    own: Any = page
    own._again = lambda last: again(after=last)
    return page


def _listed(function: Callable[_P, SyncCursorPage[_T]]) -> Callable[_P, Coroutine[Any, Any, AsyncCursorPage[_T]]]:
    """The same for a function that lists: its page is iterated with `async for`."""
    ask = _awaited(function)

    async def awaited(*args: _P.args, **kwargs: _P.kwargs) -> AsyncCursorPage[_T]:
        from gateway.resource_types import AsyncPage

        page = await ask(*args, **kwargs)
        own: Any = AsyncPage.construct(data=page.data, has_more=page.has_more)
        own._again = lambda last: awaited(*args, **{**kwargs, "after": last})
        listed: AsyncCursorPage[_T] = own
        return listed

    functools.update_wrapper(awaited, ask)
    return awaited


afile_list = _listed(file_list)
alist_batches = _listed(list_batches)
alist_fine_tuning_jobs = _listed(list_fine_tuning_jobs)


def made(op: str, reply: _gateway.Reply, hidden: dict[str, Any]) -> Any:
    """A reply of the core as the object that callers get."""
    from gateway import resource_types

    if op == "file_content":
        from gateway.media_types import HttpxBinaryResponseContent

        content = HttpxBinaryResponseContent(reply.body or b"", hidden["_response_headers"])
        content._hidden_params = hidden
        return content
    # None of these is billed by itself.
    return resource_types.made(op, json.loads(reply.body or b"{}"), {**hidden, "response_cost": 0.0})
