"""What libraries use of LiteLLM, by the paths and in the ways in which they do; what is not tested by its own file."""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import logging
from collections.abc import Iterator
from typing import Any

import gateway as litellm
import openai
import pytest
from conftest import REPLY, chunk, stream
from gateway.http_handler import httpx

FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def sent(mock: Any, nth: int = -1) -> dict[str, Any]:
    """The body of an upstream request."""
    body: dict[str, Any] = json.loads(base64.b64decode(mock.captured()[nth]["body_b64"]))
    return body


def name_at(path: str, name: str) -> Any:
    return getattr(importlib.import_module(f"gateway.{path}"), name)


# Errors


@pytest.mark.parametrize(
    ("status", "body", "kind", "base"),
    [
        (408, {"message": "late"}, "Timeout", openai.APITimeoutError),
        (500, {"message": "ill"}, "InternalServerError", openai.InternalServerError),
        (502, {"message": "ill"}, "BadGatewayError", openai.APIStatusError),
        (418, {"message": "tea"}, "APIError", openai.APIError),
        (
            400,
            {"message": "This model's maximum context length is 9 tokens", "code": "context_length_exceeded"},
            "ContextWindowExceededError",
            openai.BadRequestError,
        ),
        (
            400,
            {"message": "invalid_request_error: content_policy_violation", "code": "content_policy_violation"},
            "ContentPolicyViolationError",
            openai.BadRequestError,
        ),
    ],
)
def test_errors_are_litellms_and_openais(
    mock: Any, at: dict[str, Any], status: int, body: dict[str, Any], kind: str, base: type[Exception]
) -> None:
    mock.script([{"status": status, "json": {"error": {"type": "t", **body}}}])
    with pytest.raises(base) as caught:
        litellm.completion(**at, max_retries=0)
    error: Any = caught.value
    assert type(error) is getattr(litellm, kind) is name_at("exceptions", kind)
    assert isinstance(error, openai.OpenAIError)
    assert (error.llm_provider, error.model) == ("openai", "gpt-4o")


def test_what_is_forbidden_and_what_was_not_sent(mock: Any, at: dict[str, Any], monkeypatch: Any) -> None:
    forbidden = {"type": "error", "error": {"type": "permission_error", "message": "no"}}
    mock.script([{"status": 403, "json": forbidden}])
    with pytest.raises(name_at("exceptions", "PermissionDeniedError")) as denied:
        litellm.completion(**{**at, "model": "anthropic/claude-sonnet-4-5"})
    assert isinstance(denied.value, openai.PermissionDeniedError)
    monkeypatch.delenv("FIREWORKS_API_KEY", raising=False)
    with pytest.raises(name_at("exceptions", "APIConnectionError")) as unsent:
        litellm.completion(model="fireworks_ai/llama-v3", messages=at["messages"])
    assert isinstance(unsent.value, openai.APIConnectionError)


def test_a_stream_that_breaks_tells_what_had_come(mock: Any, at: dict[str, Any]) -> None:
    told = []
    mock.script([{"sse": stream("Hel", "lo")[:-2], "end": "rst"}])
    with pytest.raises(name_at("exceptions", "MidStreamFallbackError")) as caught:
        for part in litellm.completion(**at, stream=True):
            told.append(part.choices[0].delta.content or "")
    assert "".join(told) == caught.value.generated_content == "Hello"
    assert caught.value.is_pre_first_chunk is False


def test_openai_error_wraps_another() -> None:
    cause = ValueError("tea")
    error = litellm.OpenAIError(original_exception=cause)
    assert isinstance(error, openai.OpenAIError)
    assert (error.llm_provider, error.original_exception) == ("openai", cause)


def test_a_budget_that_is_used_up_says_by_how_much() -> None:
    error = litellm.BudgetExceededError(current_cost=2.0, max_budget=1.5)
    assert (error.current_cost, error.max_budget) == (2.0, 1.5)
    assert "2.0" in str(error) and "1.5" in str(error)


# Settings


def test_keys_and_addresses_of_the_module_are_those_of_calls(mock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm, "api_key", "sk-of-the-module")
    monkeypatch.setattr(litellm, "api_base", mock.base + "/v1")
    mock.script([{"json": REPLY}])
    litellm.completion(model="openai/gpt-4o", messages=[{"role": "user", "content": "hi"}])
    asked = mock.captured()[-1]
    assert (asked["target"], asked["headers"]["authorization"]) == ("/v1/chat/completions", "Bearer sk-of-the-module")


def test_modify_params_makes_a_call_valid(mock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    at = {
        "model": "bedrock/anthropic.claude-3-haiku-20240307-v1:0",
        "aws_bedrock_runtime_endpoint": mock.base,
        "aws_access_key_id": "a",
        "aws_secret_access_key": "s",
        "aws_region_name": "us-east-1",
        "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "1"},
        ],
    }
    reply = {"output": {"message": {"role": "assistant", "content": [{"text": "y"}]}}, "stopReason": "end_turn"}
    mock.script([{"json": reply | {"usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}}}])
    with pytest.raises(litellm.UnsupportedParamsError):
        litellm.completion(**at)
    monkeypatch.setattr(litellm, "modify_params", True)
    litellm.completion(**at)
    assert [tool["toolSpec"]["name"] for tool in sent(mock)["toolConfig"]["tools"]] == ["dummy_tool"]


def test_another_proxy_can_serve_every_model(mock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITELLM_PROXY_API_BASE", mock.base)
    monkeypatch.setenv("LITELLM_PROXY_API_KEY", "sk-proxy")
    asked = {"model": "gemini/gemini-2.5-pro", "messages": [{"role": "user", "content": "hi"}]}
    mock.script([{"json": REPLY}] * 3)
    litellm.completion(**asked, use_litellm_proxy=True)
    monkeypatch.setattr(litellm, "use_litellm_proxy", True)
    assert litellm.get_llm_provider("gemini/gemini-2.5-pro")[:3] == (
        "gemini/gemini-2.5-pro",
        "litellm_proxy",
        "sk-proxy",
    )
    litellm.completion(**asked)
    monkeypatch.setattr(litellm, "use_litellm_proxy", False)
    monkeypatch.setenv("USE_LITELLM_PROXY", "True")
    litellm.completion(**asked)
    for nth in range(-3, 0):
        assert sent(mock, nth)["model"] == "gemini/gemini-2.5-pro"
        assert mock.captured()[nth]["headers"]["authorization"] == "Bearer sk-proxy"


def test_what_is_said_about_errors_can_be_silenced(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def ask() -> tuple[str, str]:
        with pytest.raises(litellm.BadRequestError):
            litellm.completion(model="whose-is-this", messages=[])
        return tuple(capsys.readouterr())

    # LiteLLM prints its list of providers and where to complain; nothing of that is printed here to begin with.
    assert ask() == ("", "")
    monkeypatch.setattr(litellm, "suppress_debug_info", True)
    assert ask() == ("", "")


def test_set_verbose_prints(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    litellm.print_verbose("not now")
    monkeypatch.setattr(litellm, "set_verbose", True)
    litellm.print_verbose("now")
    assert capsys.readouterr().out.split() == ["now"]


def test_the_logger_is_one_and_can_be_silenced(caplog: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    logger = name_at("_logging", "verbose_logger")
    assert logger is litellm.verbose_logger and isinstance(logger, logging.Logger)
    monkeypatch.setattr(logger, "disabled", True)
    litellm.integrations.named("no-such-service")
    assert caplog.text == ""


def test_switches_without_a_meaning_here_are_kept(mock: Any, at: dict[str, Any], monkeypatch: Any) -> None:
    """No telemetry leaves this package, and it has no aiohttp: calls go as they would."""
    mock.script([{"json": REPLY}])
    for name in ("telemetry", "disable_aiohttp_transport"):
        assert getattr(litellm, name) is False
        monkeypatch.setattr(litellm, name, True)
    assert litellm.completion(**at).choices[0].message.content == "Hello"
    assert len(mock.captured()) == 1


# What is known of models


def test_the_price_map_is_a_dict_that_calls_go_by(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"input_cost_per_token": 1.0, "output_cost_per_token": 2.0, "litellm_provider": "openai", "mode": "chat"}
    assert litellm.model_cost["gpt-4o"]["litellm_provider"] == "openai"
    assert set(litellm.model_cost) >= {"gpt-4o", "claude-sonnet-4-5"}
    litellm.register_model({"a-model-of-mine": {**entry, "max_tokens": 7, "supports_vision": True}})
    try:
        assert litellm.cost_per_token("a-model-of-mine", prompt_tokens=3, completion_tokens=2) == (3.0, 4.0)
        assert name_at("utils", "get_max_tokens")("a-model-of-mine") == 7
        assert litellm.supports_vision("a-model-of-mine") is True
        assert litellm.supports_reasoning("a-model-of-mine") is False
        reply = litellm.ModelResponse(
            model="a-model-of-mine", usage=litellm.Usage(prompt_tokens=1, completion_tokens=1)
        )
        assert litellm.completion_cost(reply, custom_llm_provider="openai") == 3.0
    finally:
        litellm.model_cost.pop("a-model-of-mine")
    with pytest.raises(Exception, match="isn't mapped"):
        litellm.get_model_info("a-model-of-mine")


def test_capabilities_are_the_maps() -> None:
    assert litellm.supports_reasoning("o3") and not litellm.supports_reasoning("gpt-4o")
    assert litellm.supports_response_schema("gpt-4o") and not litellm.supports_response_schema("gpt-4")
    assert litellm.supports_function_calling("gpt-4o") and not litellm.supports_function_calling(
        "gpt-3.5-turbo-instruct"
    )
    assert litellm.supports_vision("gpt-4o") and not litellm.supports_vision("gpt-3.5-turbo")
    assert name_at("utils", "supports_response_schema") is litellm.supports_response_schema


def test_lists_of_models_and_providers() -> None:
    assert {"openai", "anthropic", "bedrock"} <= {str(getattr(p, "value", p)) for p in litellm.provider_list}
    assert {"gpt-4o", "claude-sonnet-4-5"} <= set(litellm.model_list)
    assert litellm.LlmProviders("openai") is litellm.LlmProviders.OPENAI


def test_what_the_environment_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert litellm.validate_environment("gpt-4o") == {"keys_in_environment": False, "missing_keys": ["OPENAI_API_KEY"]}
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert litellm.validate_environment("gpt-4o") == {"keys_in_environment": True, "missing_keys": []}


def test_texts_are_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = litellm.encode(model="gpt-4o", text="Hello, world")
    assert tokens == [9906, 11, 1917]
    assert litellm.decode(model="gpt-4o", tokens=tokens) == "Hello, world"


# Types


def test_types_are_made_by_hand() -> None:
    delta_call = name_at("types.utils", "ChatCompletionDeltaToolCall")
    function = name_at("types.utils", "Function")(name="f", arguments={"a": 1})
    assert json.loads(function.arguments) == {"a": 1}
    call = delta_call(id="c", function=function, index=0, type="function")
    choice = name_at("types.utils", "StreamingChoices")(
        index=0, finish_reason="stop", delta=litellm.types.utils.Delta(role="assistant", tool_calls=[call])
    )
    assert choice.delta.tool_calls[0].function.name == "f" and choice.finish_reason == "stop"
    vector = {"object": "embedding", "index": 0, "embedding": [0.5]}
    made = litellm.EmbeddingResponse(model="m", data=[vector], usage=litellm.Usage(prompt_tokens=1, total_tokens=1))
    assert made.data[0]["embedding"] == [0.5] and made.usage.prompt_tokens == 1 and made.object == "list"


def test_a_response_is_typed_down_to_its_events() -> None:
    events = name_at("types.llms.openai", "ResponsesAPIStreamEvents")
    usage = name_at("types.llms.openai", "ResponseAPIUsage")(input_tokens=1, output_tokens=2, total_tokens=3)
    response = litellm.ResponsesAPIResponse(
        id="resp_1", created_at=1, output=[], usage=usage, model="m", object="response", status="completed"
    )
    assert response.usage.total_tokens == 3 and response["id"] == "resp_1"
    done = name_at("types.llms.openai", "ResponseCompletedEvent")(type=events.RESPONSE_COMPLETED, response=response)
    assert done.type == "response.completed" and done.response.usage.output_tokens == 2
    delta = name_at("types.llms.openai", "OutputTextDeltaEvent")(
        type=events.OUTPUT_TEXT_DELTA, item_id="msg_1", output_index=0, content_index=0, delta="hi"
    )
    assert (delta.type, delta.delta) == ("response.output_text.delta", "hi")
    assert events.OUTPUT_ITEM_DONE == "response.output_item.done"


def test_parameters_of_tools_are_typed() -> None:
    param = litellm.ChatCompletionToolParam(type="function", function={"name": "f"})
    assert param == {"type": "function", "function": {"name": "f"}}


def test_chunks_become_the_reply_that_they_are_parts_of() -> None:
    parts = [chunk({"role": "assistant", "content": "Hel"}), chunk({"content": "lo"}), chunk({}, "stop")]
    whole = litellm.stream_chunk_builder([litellm.ModelResponseStream(**part) for part in parts])
    assert whole.choices[0].message.content == "Hello" and whole.choices[0].finish_reason == "stop"
    assert isinstance(whole, litellm.ModelResponse)


def test_a_recording_becomes_text(mock: Any) -> None:
    at = {"model": "openai/whisper-1", "api_base": mock.base + "/v1", "api_key": "k"}
    mock.script([{"json": {"text": "spoken"}}] * 2)
    assert litellm.transcription(file=("a.wav", b"RIFF"), **at).text == "spoken"
    assert asyncio.run(litellm.atranscription(file=("a.wav", b"RIFF"), **at)).text == "spoken"
    assert {asked["target"] for asked in mock.captured()} == {"/v1/audio/transcriptions"}


# Where calls go


@pytest.mark.parametrize(
    ("model", "provider", "asked", "over_responses"),
    [
        ("gpt-4o", "openai", {"tools": [FUNCTION], "reasoning_effort": "low"}, False),
        ("gpt-5.4", "openai", {"tools": [FUNCTION], "reasoning_effort": "low"}, True),
        ("gpt-5.4", "openai", {"tools": [FUNCTION]}, True),
        ("gpt-5.4", "openai", {"tools": [FUNCTION], "api_base": "http://mine.test"}, False),
        ("gpt-5.4", "openai", {"tools": [FUNCTION], "reasoning_effort": "none"}, False),
        ("gpt-5.4", "openai", {}, False),
        ("gpt-5", "openai", {"reasoning_effort": "low", "reasoning_summary": "auto"}, True),
        ("gpt-5", "openai", {"tools": [FUNCTION], "reasoning_effort": "low"}, False),
        ("gpt-35-turbo", "azure", {"tools": [FUNCTION], "reasoning_effort": "low"}, False),
        ("responses/gpt-4o", "openai", {}, True),
        ("o3-pro", "openai", {}, True),
        ("gpt-4o", "openai", {"deployment_model_info": {"mode": "responses"}}, True),
        ("grok-4", "xai", {"web_search_options": {}}, True),
        ("claude-sonnet-4-5", "anthropic", {"tools": [FUNCTION], "reasoning_effort": "low"}, False),
    ],
)
def test_a_chat_says_over_which_api_it_goes(
    mock: Any, model: str, provider: str, asked: dict[str, Any], over_responses: bool
) -> None:
    info, named = name_at("main", "responses_api_bridge_check")(model=model, custom_llm_provider=provider, **asked)
    assert (info.get("mode") == "responses") is over_responses
    assert named == model.removeprefix("responses/")


def test_what_the_check_says_is_what_a_call_does(mock: Any, at: dict[str, Any]) -> None:
    at["model"] = "openai/gpt-5"
    answer = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": []}
    mock.script([{"json": answer}])
    litellm.completion(**at, reasoning_effort="low", reasoning_summary="auto")
    assert mock.captured()[-1]["target"] == "/v1/responses"
    assert sent(mock)["reasoning"] == {"effort": "low", "summary": "auto"}


def test_a_provider_says_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = name_at("utils", "ProviderConfigManager")
    assert manager is litellm.ProviderConfigManager
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-env")
    monkeypatch.delenv("ANTHROPIC_API_BASE", raising=False)
    info = manager.get_provider_model_info(model="claude-sonnet-4-5", provider=litellm.LlmProviders.ANTHROPIC)
    assert (info.get_api_base(), info.get_api_key()) == ("https://api.anthropic.com", "sk-env")
    assert info.get_api_base("http://mine.test") == "http://mine.test"
    assert manager.get_provider_model_info(model="m", provider=litellm.LlmProviders.GROQ) is None


@pytest.mark.parametrize(
    ("provider", "model", "url"),
    [
        ("openai", "gpt-4o", "https://api.openai.com/v1/responses"),
        ("perplexity", "sonar", "https://api.perplexity.ai/v1/responses"),
        ("openrouter", "a/b", "https://openrouter.ai/api/v1/responses"),
        ("anthropic", "claude-sonnet-4-5", None),
        ("groq", "llama-3.3-70b-versatile", None),
        ("databricks", "databricks-claude-sonnet-4", None),
    ],
)
def test_a_provider_says_whether_it_has_the_responses_api(provider: str, model: str, url: str | None) -> None:
    config = litellm.ProviderConfigManager.get_provider_responses_api_config(provider=provider, model=model)
    assert (config is None) is (url is None)
    assert config is None or config.get_complete_url(api_base=None, litellm_params={}) == url


def test_loggers_that_were_named_can_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    loggers = name_at("litellm_core_utils.litellm_logging", "_in_memory_loggers")
    monkeypatch.setenv("GENERIC_LOGGER_ENDPOINT", "http://127.0.0.1:9")
    made = litellm.integrations.named("webhook")
    assert made in loggers and litellm.integrations.named("webhook") is made
    loggers.clear()
    again = litellm.integrations.named("webhook")
    assert again is not made and loggers == [again]


# LiteLLM's HTTP client


@pytest.fixture
def handler() -> Iterator[Any]:
    made = name_at("llms.custom_httpx.http_handler", "AsyncHTTPHandler")(timeout=httpx.Timeout(5.0))
    yield made
    assert made.client.is_closed is False


def test_the_http_client_asks_and_tells_errors_without_keys(mock: Any, handler: Any) -> None:
    mock.script([{"json": {"a": 1}}, {"json": {"b": 2}}, {"status": 429, "json": {"error": "slow"}}])

    async def ask() -> Any:
        got = await handler.get(mock.base + "/x", params={"q": "1"})
        posted = await handler.post(mock.base + "/y", data=json.dumps({"z": 1}), headers={"a": "b"})
        assert (got.json(), posted.json()) == ({"a": 1}, {"b": 2})
        with pytest.raises(httpx.HTTPStatusError) as caught:
            await handler.put(mock.base + "/y?key=sk-secret&w=1", json={"z": 1})
        await handler.close()
        return caught.value

    error = asyncio.run(ask())
    assert error.status_code == 429 and "slow" in error.message
    assert "sk-secret" not in f"{error} {error.request.url} {error.response.request.url}"
    first, second, third = mock.captured()
    assert (first["target"], second["target"]) == ("/x?q=1", "/y")
    assert base64.b64decode(second["body_b64"]) == b'{"z": 1}' and second["headers"]["user-agent"].startswith(
        "litellm/"
    )
    assert third["method"] == "PUT"


def test_the_http_client_tells_time_outs_as_litellm_does(mock: Any, handler: Any) -> None:
    mock.script([{"json": {}, "delay_ms": 3000}])

    async def ask() -> None:
        with pytest.raises(litellm.Timeout, match=r"Read timed out\. Timeout passed=0\.1"):
            await handler.post(mock.base + "/y", json={}, timeout=0.1)
        await handler.close()

    asyncio.run(ask())


def test_the_http_client_sends_once_more_what_was_not_sent(handler: Any) -> None:
    asked = []

    def answer(request: Any) -> Any:
        asked.append(request.method)
        if len(asked) == 1:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json={"n": len(asked)})

    async def ask() -> Any:
        client = type(handler)(transport=httpx.MockTransport(answer))
        reply = await client.delete("http://up.test/y")
        await client.close()
        return reply.json()

    assert asyncio.run(ask()) == {"n": 2}
    assert asked == ["DELETE", "DELETE"]
    with pytest.raises(NotImplementedError, match="shared_session"):
        type(handler)(shared_session=object())
