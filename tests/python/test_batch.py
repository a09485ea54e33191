"""Several calls at once."""

from __future__ import annotations

import threading
from typing import Any

import gateway as litellm
import pytest


def ask(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_replies_come_in_the_order_of_the_conversations() -> None:
    replies = litellm.batch_completion(model="mock/echo", messages=[ask(f"number {n}") for n in range(8)])
    assert [f"number {n}" in reply.choices[0].message.content for n, reply in enumerate(replies)] == [True] * 8


def test_a_call_that_fails_leaves_its_exception_in_its_place() -> None:
    good, bad = litellm.batch_completion(model="mock/echo", messages=[ask("fine"), [{"role": "user", "content": 0j}]])
    assert "fine" in good.choices[0].message.content
    assert isinstance(bad, TypeError)


def test_calls_run_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(4, timeout=10)

    def meet(**kwargs: Any) -> str:
        together.wait()
        return kwargs["messages"][0]["content"]  # type: ignore[no-any-return]

    monkeypatch.setattr(litellm, "completion", meet)
    assert litellm.batch_completion(model="m", messages=[ask(str(n)) for n in range(4)]) == ["0", "1", "2", "3"]


def test_the_first_model_to_answer_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    late = threading.Event()

    def race(*args: Any, model: str, **kwargs: Any) -> str:
        if model == "slow":
            late.wait(10)
        if model == "broken":
            raise ValueError(model)
        return model

    monkeypatch.setattr(litellm, "completion", race)
    assert litellm.batch_completion_models(models=["slow", "broken", "quick"], messages=ask("x")) == "quick"
    late.set()
    with pytest.raises(ValueError, match="broken"):
        litellm.batch_completion_models(models=["broken"], messages=ask("x"))
    deployments = [{"model": "broken"}, {"model": "quick"}]
    assert litellm.batch_completion_models(deployments=deployments, messages=ask("x")) == "quick"
    assert litellm.batch_completion_models(deployments=deployments[:1], messages=ask("x")) is None
    answers = litellm.batch_completion_models_all_responses(models=["slow", "broken", "quick"], messages=ask("x"))
    assert answers == ["slow", "quick"]
