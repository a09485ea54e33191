"""Names and import paths: what libraries import of LiteLLM is here, under the same paths, and one and the same."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path
from typing import Any

import gateway
import pytest
from gateway.absent import NAMES as ABSENT
from gateway.names import ELSEWHERE, HOMES, MODULES, PATHS
from test_process import run

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(HOMES))
def test_every_name_of_the_table_is_there(name: str) -> None:
    assert getattr(gateway, name) is getattr(gateway, name)


@pytest.mark.parametrize("path", sorted(PATHS))
def test_every_path_of_the_table_can_be_imported(path: str) -> None:
    try:
        module = importlib.import_module(f"gateway.{path}")
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] in {"langfuse", "opentelemetry", "prometheus_client"}:
            pytest.skip(f"{error.name} is not installed: the integration is loaded with its client")
        raise
    assert isinstance(module, types.ModuleType)
    assert module.__spec__ is not None and module.__spec__.name == f"gateway.{path}"


@pytest.mark.parametrize("place", sorted(ELSEWHERE))
def test_a_path_may_mean_something_else_by_a_name(place: str) -> None:
    path, _, name = place.partition(":")
    home, _, attribute = ELSEWHERE[place].partition(":")
    there = getattr(importlib.import_module(f"gateway.{path}"), name)
    assert there is getattr(importlib.import_module(f"gateway.{home}"), attribute)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("types.utils", "ModelResponse"),
        ("types.utils", "Delta"),
        ("utils", "token_counter"),
        ("utils", "get_llm_provider"),
        ("exceptions", "BadRequestError"),
        ("main", "ModelResponse"),
        ("main", "acompletion"),
        ("cost_calculator", "completion_cost"),
        ("litellm_core_utils.get_supported_openai_params", "get_supported_openai_params"),
        ("litellm_core_utils.get_llm_provider_logic", "get_llm_provider"),
        ("litellm_core_utils.streaming_handler", "CustomStreamWrapper"),
        ("types.llms.openai", "ChatCompletionToolParam"),
        ("_logging", "verbose_logger"),
        ("secret_managers.main", "get_secret"),
    ],
)
def test_a_path_leads_to_the_name_itself(path: str, name: str) -> None:
    assert getattr(importlib.import_module(f"gateway.{path}"), name) is getattr(gateway, name)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_modules_are_attributes_before_they_are_imported(name: str) -> None:
    printed = run(f"import gateway; print(type(gateway.{name}).__name__)")
    assert printed.strip() == "module"


def test_a_module_does_not_take_its_functions_place() -> None:
    importlib.import_module("gateway.batch_completion.main")
    assert callable(gateway.batch_completion)


def test_a_name_that_is_not_built_can_be_imported_and_says_so_when_used() -> None:
    absent: Any = gateway.VertexLLM
    with pytest.raises(NotImplementedError, match=r"litellm\.VertexLLM"):
        absent()
    called: Any = gateway.create_assistants
    with pytest.raises(NotImplementedError, match=r"litellm\.create_assistants"):
        called()


def test_no_name_is_both_here_and_absent() -> None:
    assert not ABSENT & set(HOMES)


def test_what_litellm_does_not_have_is_no_name() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = gateway.no_such_name
    with pytest.raises(ImportError):
        importlib.import_module("gateway.no_such_module")


def test_settings_can_be_read_and_assigned() -> None:
    printed = run(
        """
        import gateway
        print(gateway.max_budget, gateway.post_call_rules, gateway.ssl_verify, gateway.langfuse_default_tags)
        gateway.max_budget = 3
        gateway.post_call_rules.append(1)
        print(gateway.max_budget, gateway.post_call_rules)
        """
    )
    assert printed.split("\n")[:2] == ["0.0 [] True None", "3 [1]"]


def test_functions_can_be_reassigned() -> None:
    printed = run(
        """
        import gateway
        original = gateway.completion
        gateway.completion = lambda *args, **kwargs: ("wrapped", original(*args, **kwargs).choices[0].message.content)
        from gateway import completion
        print(completion(model="mock/echo", messages=[{"role": "user", "content": "x"}], mock_response="m"))
        """
    )
    assert printed.strip() == "('wrapped', 'm')"


def test_the_stub_has_every_name() -> None:
    sys.path.insert(0, str(ROOT / "python"))
    stub = importlib.import_module("stub")
    told = (ROOT / "python" / "gateway" / "__init__.pyi").read_text(encoding="utf-8")
    assert told == stub.stub(), "names changed: python python/stub.py > python/gateway/__init__.pyi"
