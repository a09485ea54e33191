"""Keys, models and prompts asked about before the real calls; budgets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import gateway as litellm
import pytest
from conftest import REPLY

ILL = {"status": 401, "json": {"error": {"message": "no such key", "type": "invalid_request_error"}}}


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without anybody's keys."""
    import os

    for name in list(os.environ):
        if name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    return monkeypatch


def test_a_key_is_good_when_a_call_goes_through(mock: Any, keys: pytest.MonkeyPatch) -> None:
    keys.setenv("OPENAI_API_BASE", mock.base + "/v1")
    mock.script([{"json": REPLY}, ILL])
    assert litellm.check_valid_key("gpt-4o", "sk-good") is True
    assert litellm.check_valid_key("gpt-4o", "sk-bad") is False
    assert [asked["headers"]["authorization"] for asked in mock.captured()] == ["Bearer sk-good", "Bearer sk-bad"]


def test_models_are_those_of_providers_with_a_key(keys: pytest.MonkeyPatch) -> None:
    assert litellm.get_valid_models() == []
    keys.setenv("GROQ_API_KEY", "k")
    models = litellm.get_valid_models()
    assert models and set(models) == litellm.models_by_provider["groq"] == litellm.groq_models


def test_a_provider_can_be_asked_for_its_models(mock: Any, keys: pytest.MonkeyPatch) -> None:
    mock.script([{"json": {"data": [{"id": "a"}, {"id": "b"}]}}])
    base = mock.base + "/v1"
    asked = {"check_provider_endpoint": True, "api_base": base, "api_key": "k"}
    assert litellm.get_valid_models(custom_llm_provider="groq", **asked) == ["groq/a", "groq/b"]
    assert mock.captured()[0]["target"] == "/v1/models"
    # One that does not answer is known from the map.
    mock.script([{"status": 404, "json": {}}])
    assert set(litellm.get_valid_models(custom_llm_provider="groq", **asked)) == litellm.groq_models


def test_sets_of_names_are_the_providers() -> None:
    assert "gpt-4o" in litellm.open_ai_chat_completion_models
    assert "claude-sonnet-4-5-20250929" in litellm.anthropic_models
    assert litellm.anthropic_models is litellm.anthropic_models
    with pytest.raises(AttributeError):
        litellm.no_such_thing_models  # noqa: B018


def test_a_deployment_that_answers_is_well(mock: Any, at: dict[str, Any]) -> None:
    headers = {"x-ratelimit-remaining-requests": "99", "x-other": "1"}
    mock.script([{"json": REPLY, "headers": headers}, ILL])
    params = {name: value for name, value in at.items() if name != "messages"}
    assert asyncio.run(litellm.ahealth_check(params)) == {"x-ratelimit-remaining-requests": "99"}
    assert "no such key" in asyncio.run(litellm.ahealth_check(params))["error"]
    assert "not supported" in asyncio.run(litellm.ahealth_check(params, mode="weird"))["error"]


def test_tokens_are_counted_with_the_system_prompt() -> None:
    messages = [{"role": "user", "content": "Hello there"}]
    counted = asyncio.run(litellm.acount_tokens("gpt-4o", messages, system="Be brief."))
    whole = [{"role": "system", "content": "Be brief."}, *messages]
    assert counted.total_tokens == litellm.token_counter(model="gpt-4o", messages=whole)
    assert (counted.request_model, counted.error) == ("gpt-4o", False)


def test_a_budget_counts_what_replies_cost_and_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    budget = litellm.BudgetManager(project_name="p")
    budget.create_budget(total_budget=10, user="u", duration="daily", created_at=0)
    reply = litellm.ModelResponse(**REPLY)
    budget.update_cost(user="u", completion_obj=reply)
    cost = litellm.completion_cost(completion_response=reply)
    assert cost > 0 and budget.get_current_cost("u") == pytest.approx(cost)
    messages = [{"role": "user", "content": "hello"}]
    assert budget.projected_cost("gpt-4o", messages, "u") > cost
    again = litellm.BudgetManager(project_name="p")
    assert again.get_users() == ["u"] and again.get_total_budget("u") == 10
    assert again.get_model_cost("u") == {reply.model: pytest.approx(cost)}
    again.update_budget_all_users()
    assert again.get_current_cost("u") == 0
    with pytest.raises(ValueError, match="duration"):
        again.create_budget(total_budget=1, user="v", duration="hourly")  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError, match="hosted"):
        litellm.BudgetManager(project_name="p", client_type="hosted")
