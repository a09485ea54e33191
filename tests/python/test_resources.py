"""Files, batches and fine-tuning jobs, in process: what is asked, and the classes that answer."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import gateway as litellm
import openai
import pytest

FILE = {"id": "file-1", "object": "file", "bytes": 3, "created_at": 1, "filename": "a.jsonl", "purpose": "batch"}
BATCH = {
    "id": "batch_1",
    "object": "batch",
    "endpoint": "/v1/chat/completions",
    "input_file_id": "file-1",
    "completion_window": "24h",
    "status": "validating",
    "created_at": 1,
    "request_counts": {"total": 2, "completed": 1, "failed": 0},
}
JOB = {"id": "ftjob-1", "object": "fine_tuning.job", "model": "gpt-4o-mini", "status": "queued", "created_at": 1}


@pytest.fixture
def there(mock: Any) -> dict[str, Any]:
    """Arguments that send any call to the scripted upstream."""
    return {"api_base": mock.base + "/v1", "api_key": "sk-test"}


def lines(mock: Any) -> list[str]:
    """Verb and path of what was asked."""
    return [f"{asked['method']} {asked['target']}" for asked in mock.captured()]


def sent(mock: Any) -> Any:
    """The JSON that was sent first."""
    return json.loads(base64.b64decode(mock.captured()[0]["body_b64"]))


def test_a_file_is_uploaded_told_read_and_deleted(mock: Any, there: dict[str, Any]) -> None:
    mock.script(
        [
            {"json": FILE},
            {"json": FILE},
            {"text": "line", "headers": {"content-type": "application/octet-stream"}},
            {"json": {"id": "file-1", "object": "file", "deleted": True}},
        ]
    )
    made = litellm.create_file(file=("a.jsonl", b"{}\n"), purpose="batch", **there)
    assert isinstance(made, litellm.OpenAIFileObject) and isinstance(made, openai.types.FileObject)
    assert (made.id, made.purpose, made.status_details) == ("file-1", "batch", None)
    assert made._hidden_params["response_cost"] == 0.0
    assert litellm.file_retrieve(file_id="file-1", **there).filename == "a.jsonl"
    assert litellm.file_content(file_id="file-1", **there).content == b"line"
    assert litellm.file_delete(file_id="file-1", **there).deleted is True
    assert lines(mock) == [
        "POST /v1/files",
        "GET /v1/files/file-1",
        "GET /v1/files/file-1/content",
        "DELETE /v1/files/file-1",
    ]


def test_a_batch_is_started_watched_and_ended(mock: Any, there: dict[str, Any]) -> None:
    mock.script([{"json": BATCH}] * 3)

    async def awaited() -> Any:
        started = await litellm.acreate_batch(
            completion_window="24h",
            endpoint="/v1/chat/completions",
            input_file_id="file-1",
            metadata={"team": "a"},
            **there,
        )
        assert isinstance(started, litellm.LiteLLMBatch)
        assert started.request_counts is not None and started.request_counts.completed == 1
        await litellm.aretrieve_batch(batch_id="batch_1", **there)
        return await litellm.acancel_batch(batch_id="batch_1", **there)

    assert asyncio.run(awaited()).status == "validating"
    assert lines(mock) == ["POST /v1/batches", "GET /v1/batches/batch_1", "POST /v1/batches/batch_1/cancel"]
    assert sent(mock)["metadata"] == {"team": "a"}


def test_a_list_goes_on_with_its_next_part(mock: Any, there: dict[str, Any]) -> None:
    first = {"object": "list", "data": [BATCH], "has_more": True}
    last = {"object": "list", "data": [{**BATCH, "id": "batch_2"}], "has_more": False}
    mock.script([{"json": first}, {"json": last}] * 2)
    assert [batch.id for batch in litellm.list_batches(limit=1, **there)] == ["batch_1", "batch_2"]

    async def awaited() -> list[str]:
        return [batch.id async for batch in await litellm.alist_batches(limit=1, **there)]

    assert asyncio.run(awaited()) == ["batch_1", "batch_2"]
    assert lines(mock) == ["GET /v1/batches?limit=1", "GET /v1/batches?after=batch_1&limit=1"] * 2


def test_a_job_trains_the_model_that_is_named(mock: Any, there: dict[str, Any]) -> None:
    mock.script([{"json": JOB}] * 2)
    job = litellm.create_fine_tuning_job(model="gpt-4o-mini", training_file="file-1", suffix="s", **there)
    assert isinstance(job, litellm.LiteLLMFineTuningJob)
    litellm.cancel_fine_tuning_job(fine_tuning_job_id="ftjob-1", **there)
    assert lines(mock) == ["POST /v1/fine_tuning/jobs", "POST /v1/fine_tuning/jobs/ftjob-1/cancel"]
    expected = {"model": "gpt-4o-mini", "training_file": "file-1", "suffix": "s", "hyperparameters": {}}
    assert sent(mock) == expected


def test_a_refusal_is_the_class_of_its_status(mock: Any, there: dict[str, Any]) -> None:
    mock.script([{"status": 404, "json": {"error": {"message": "No such File object: x", "type": "invalid_request"}}}])
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        litellm.file_retrieve(file_id="x", max_retries=0, **there)


def test_a_provider_without_them_says_so() -> None:
    with pytest.raises(litellm.BadRequestError, match="provider `cohere` has no `file_retrieve`"):
        litellm.file_retrieve(file_id="x", custom_llm_provider="cohere", api_key="k")


def test_a_groups_provider_keeps_a_routers_files(mock: Any, there: dict[str, Any]) -> None:
    mock.script([{"json": FILE}, {"json": BATCH}])
    router = litellm.Router(model_list=[{"model_name": "g", "litellm_params": {"model": "openai/gpt-4o", **there}}])

    async def awaited() -> None:
        await router.acreate_file(model="g", file=b"{}\n", purpose="batch")
        await router.acreate_batch(
            model="g", completion_window="24h", endpoint="/v1/chat/completions", input_file_id="file-1"
        )

    asyncio.run(awaited())
    assert lines(mock) == ["POST /v1/files", "POST /v1/batches"]
    with pytest.raises(TypeError, match="missing `model`"):
        router.list_batches()


def test_a_group_makes_images_and_writes_recordings_down(mock: Any, there: dict[str, Any]) -> None:
    mock.script([{"json": {"created": 1, "data": [{"url": "http://x"}]}}, {"json": {"text": "hello"}}])
    params = {"model": "openai/gpt-image-1", **there}
    router = litellm.Router(model_list=[{"model_name": "g", "litellm_params": params}])
    assert router.image_generation(prompt="a cat", model="g").data[0].url == "http://x"
    assert asyncio.run(router.atranscription(file=b"RIFF", model="g")).text == "hello"
    assert lines(mock) == ["POST /v1/images/generations", "POST /v1/audio/transcriptions"]
