"""Callbacks: who is told what, in which order, on which thread, and that nobody is held up or failed by it."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import gateway as litellm
import pytest
from conftest import REPLY, stream
from gateway.custom_logger import CustomLogger
from gateway.worker import flush
from test_process import run

FAILURE = {"status": 400, "json": {"error": {"message": "no", "type": "t", "code": None}}}


def sent(mock: Any) -> dict[str, Any]:
    """The body of the first request that the upstream got."""
    body: dict[str, Any] = json.loads(base64.b64decode(mock.captured()[0]["body_b64"]))
    return body


class Recorder(CustomLogger):
    """Notes what it is told, and where."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str]] = []
        self.kwargs: dict[str, dict[str, Any]] = {}

    def note(self, what: str, kwargs: dict[str, Any] | None = None) -> None:
        main = threading.current_thread() is threading.main_thread()
        self.told.append((what, "here" if main else "thread"))
        if kwargs is not None:
            self.kwargs[what] = kwargs

    def log_pre_api_call(self, model: str, messages: Any, kwargs: dict[str, Any]) -> None:
        self.note("pre", kwargs)

    def log_post_api_call(self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        self.note("post")

    def log_success_event(self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        self.note("success", {**kwargs, "response_obj": response_obj})

    def log_failure_event(self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any) -> None:
        self.note("failure", kwargs)

    async def async_log_stream_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        self.note("chunk")

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        self.note("async success", {**kwargs, "response_obj": response_obj})

    async def async_log_failure_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        self.note("async failure", kwargs)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()

    def function(kwargs: dict[str, Any], result: Any, start: Any, end: Any) -> None:
        made.note("function")

    async def async_function(kwargs: dict[str, Any], result: Any, start: Any, end: Any) -> None:
        made.note("async function")

    monkeypatch.setattr(litellm, "callbacks", [made])
    monkeypatch.setattr(litellm, "success_callback", [function, async_function])
    monkeypatch.setattr(litellm, "failure_callback", [function, async_function])
    monkeypatch.setattr(litellm, "input_callback", [lambda kwargs: made.note("input")])
    return made


def test_a_blocking_call_is_told_once_and_in_order(mock: Any, at: dict[str, Any], recorder: Recorder) -> None:
    mock.script([{"json": REPLY}])
    litellm.completion(**at, temperature=0.5, metadata={"tags": ["t"]}, user="u")
    assert flush()
    assert recorder.told == [
        ("input", "here"),
        ("pre", "here"),
        ("post", "here"),
        ("function", "thread"),
        ("success", "thread"),
    ]


def test_a_blocking_call_that_fails_is_told_at_once(mock: Any, at: dict[str, Any], recorder: Recorder) -> None:
    mock.script([FAILURE])
    with pytest.raises(litellm.BadRequestError) as caught:
        litellm.completion(**at, max_retries=0)
    assert [what for what, _ in recorder.told] == ["input", "pre", "post", "function", "failure"]
    assert recorder.kwargs["failure"]["exception"] is caught.value


def test_a_blocking_stream_is_told_when_it_has_been_read(mock: Any, at: dict[str, Any], recorder: Recorder) -> None:
    mock.script([{"sse": stream("a", "b")}])
    chunks = litellm.completion(**at, stream=True)
    assert flush() and "success" not in [what for what, _ in recorder.told]
    assert len(list(chunks)) == len([what for what, _ in recorder.told if what == "chunk"]) or flush()
    assert flush()
    assert [what for what, _ in recorder.told] == ["input", "pre", "post", *["chunk"] * 4, "function", "success"]
    whole = recorder.kwargs["success"]["complete_streaming_response"]
    assert whole.choices[0].message.content == "ab"
    assert recorder.kwargs["success"]["response_obj"] is whole


def test_an_asynchronous_call_is_told_on_its_loop(mock: Any, at: dict[str, Any], recorder: Recorder) -> None:
    mock.script([{"json": REPLY}])

    async def call() -> None:
        await litellm.acompletion(**at)
        while ("async function", "here") not in recorder.told:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(call(), 10))
    assert recorder.told == [
        ("input", "thread"),
        ("pre", "thread"),
        ("post", "thread"),
        ("async success", "here"),
        ("async function", "here"),
    ]


def test_an_asynchronous_call_that_fails_is_told(mock: Any, at: dict[str, Any], recorder: Recorder) -> None:
    mock.script([FAILURE])

    async def call() -> None:
        with pytest.raises(litellm.BadRequestError):
            await litellm.acompletion(**at, max_retries=0)
        while ("async function", "here") not in recorder.told:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(call(), 10))
    assert recorder.told == [
        ("input", "thread"),
        ("pre", "thread"),
        ("function", "thread"),
        ("async failure", "here"),
        ("async function", "here"),
    ]


def test_an_asynchronous_stream_is_told_when_it_has_been_read(
    mock: Any, at: dict[str, Any], recorder: Recorder
) -> None:
    mock.script([{"sse": stream("a", "b")}])

    async def call() -> None:
        async for _ in await litellm.acompletion(**at, stream=True):
            assert "async success" not in recorder.kwargs
        while ("async function", "here") not in recorder.told:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(call(), 10))
    told = recorder.kwargs["async success"]
    assert told["async_complete_streaming_response"].choices[0].message.content == "ab"
    assert told["response_cost"] > 0


def test_what_a_loop_leaves_behind_is_told_all_the_same(mock: Any, at: dict[str, Any], recorder: Recorder) -> None:
    mock.script([{"json": REPLY}])
    asyncio.run(litellm.acompletion(**at))
    assert flush()
    assert [what for what, _ in recorder.told].count("async success") == 1


def test_what_is_told_describes_the_call(mock: Any, at: dict[str, Any], recorder: Recorder) -> None:
    mock.script([{"json": REPLY, "headers": {"x-request-id": "r"}}])
    litellm.completion(**at, temperature=0.5, metadata={"tags": ["t"], "trace": "x"}, user="u")
    assert flush()
    kwargs = recorder.kwargs["success"]
    assert kwargs["model"] == "gpt-4o" and kwargs["custom_llm_provider"] == "openai"
    assert kwargs["messages"] == at["messages"] and kwargs["optional_params"]["temperature"] == 0.5
    assert kwargs["litellm_params"]["metadata"]["trace"] == "x"
    assert kwargs["response_cost"] == pytest.approx(5.25e-05)
    payload = kwargs["standard_logging_object"]
    assert (payload["status"], payload["call_type"], payload["model"]) == ("success", "completion", "gpt-4o")
    assert (payload["prompt_tokens"], payload["completion_tokens"], payload["total_tokens"]) == (9, 3, 12)
    assert payload["request_tags"] == ["t"] and payload["model_parameters"] == {"temperature": 0.5, "user": "u"}
    assert payload["response"]["choices"][0]["message"]["content"] == "Hello"
    assert payload["endTime"] >= payload["startTime"]
    assert "sk-test" not in json.dumps(kwargs, default=str)


def test_a_failure_is_described(mock: Any, at: dict[str, Any], recorder: Recorder) -> None:
    mock.script([FAILURE])
    with pytest.raises(litellm.BadRequestError):
        litellm.completion(**at, max_retries=0)
    payload = recorder.kwargs["failure"]["standard_logging_object"]
    assert payload["status"] == "failure" and payload["response_cost"] == 0
    assert payload["error_information"]["error_class"] == "BadRequestError"
    assert payload["error_information"]["error_code"] == "400"


def test_a_callback_that_raises_is_logged_and_fails_nothing(
    mock: Any, at: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any) -> None:
        raise ValueError("broken callback")

    monkeypatch.setattr(litellm, "input_callback", [broken])
    monkeypatch.setattr(litellm, "success_callback", [broken])
    mock.script([{"json": REPLY}])
    with caplog.at_level(logging.ERROR, logger="LiteLLM"):
        assert litellm.completion(**at).choices[0].message.content == "Hello"
        assert flush()
    assert caplog.text.count("broken callback") >= 2


def test_callbacks_may_be_given_with_one_call(mock: Any, at: dict[str, Any]) -> None:
    own = Recorder()
    mock.script([{"json": REPLY}, {"json": REPLY}])
    litellm.completion(**at, callbacks=[own])
    litellm.completion(**at)
    assert flush()
    assert [what for what, _ in own.told].count("success") == 1
    assert "callbacks" not in sent(mock)


def test_hooks_may_change_the_call_and_the_reply(
    mock: Any, at: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hooks(CustomLogger):
        async def async_pre_call_deployment_hook(self, kwargs: dict[str, Any], call_type: Any) -> dict[str, Any]:
            assert call_type == "acompletion"
            return {**kwargs, "temperature": 0.25}

        async def async_post_call_success_deployment_hook(
            self, request_data: dict[str, Any], response: Any, call_type: Any
        ) -> Any:
            response.choices[0].message.content = "changed"
            return response

    monkeypatch.setattr(litellm, "callbacks", [Hooks()])
    mock.script([{"json": REPLY}])
    reply = asyncio.run(litellm.acompletion(**at))
    assert reply.choices[0].message.content == "changed"
    assert sent(mock)["temperature"] == 0.25


def test_callbacks_are_finished_before_the_process_ends(mock: Any, at: dict[str, Any]) -> None:
    printed = run(
        f"""
        import asyncio, time, gateway
        def late(kwargs, result, start, end):
            time.sleep(0.3)
            print("told", result.choices[0].message.content, flush=True)
        async def alate(kwargs, result, start, end):
            print("told asynchronously", flush=True)
        gateway.success_callback = [late, alate]
        at = {dict(at, model="mock/echo", mock_response="m")!r}
        gateway.completion(**at)
        asyncio.run(gateway.acompletion(**at))
        """
    )
    assert sorted(printed.split("\n")[:2]) == ["told asynchronously", "told m"]


def test_without_callbacks_nothing_of_theirs_is_loaded() -> None:
    printed = run(
        """
        import sys, gateway
        gateway.completion(model="mock/echo", messages=[{"role": "user", "content": "x"}])
        print([name for name in ("gateway.observe", "gateway.worker", "gateway.integrations") if name in sys.modules])
        """
    )
    assert printed.strip() == "[]"


def test_a_name_that_is_not_supported_says_so(
    mock: Any, at: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(litellm, "success_callback", ["helicone_of_old"])
    mock.script([{"json": REPLY}])
    with caplog.at_level(logging.ERROR, logger="LiteLLM"):
        litellm.completion(**at)
    assert "'helicone_of_old' is not supported" in caplog.text and "webhook" in caplog.text


@pytest.fixture
def listener() -> Iterator[tuple[str, list[Any]]]:
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.headers.get("x-secret"), json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", got
    server.shutdown()
    server.server_close()


def test_the_webhook_gets_every_call(
    mock: Any, at: dict[str, Any], monkeypatch: pytest.MonkeyPatch, listener: tuple[str, list[Any]]
) -> None:
    from gateway import integrations

    address, got = listener
    monkeypatch.setenv("GENERIC_LOGGER_ENDPOINT", address)
    monkeypatch.setenv("GENERIC_LOGGER_HEADERS", "x-secret=s")
    monkeypatch.setattr(integrations, "_made", {})
    monkeypatch.setattr(litellm, "callbacks", ["webhook"])
    mock.script([{"json": REPLY}, FAILURE])
    litellm.completion(**at)
    with pytest.raises(litellm.BadRequestError):
        litellm.completion(**at, max_retries=0)
    assert flush() and flush()
    calls = [call for secret, batch in got for call in batch if secret == "s"]
    assert [call["status"] for call in calls] == ["success", "failure"]


def test_prometheus_counts_calls(mock: Any, at: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    client = pytest.importorskip("prometheus_client")
    from gateway.integrations.prometheus import PrometheusLogger

    registry = client.CollectorRegistry()
    monkeypatch.setattr(litellm, "callbacks", [PrometheusLogger(registry)])
    mock.script([{"json": REPLY}, FAILURE])
    litellm.completion(**at)
    with pytest.raises(litellm.BadRequestError):
        litellm.completion(**at, max_retries=0)
    assert flush() and flush()
    text = client.generate_latest(registry).decode()
    labels = 'api_provider="openai",end_user="",model="gpt-4o",model_id="",requested_model="gpt-4o",user=""'
    assert f"litellm_requests_metric_total{{{labels}}} 1.0" in text
    assert f"litellm_output_tokens_metric_total{{{labels}}} 3.0" in text
    assert 'exception_class="BadRequestError"' in text


def test_spans_are_made_of_calls(mock: Any, at: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.sdk")
    from gateway.integrations.opentelemetry import OpenTelemetry
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(litellm, "callbacks", [OpenTelemetry(provider)])
    mock.script([{"json": REPLY}, FAILURE])
    litellm.completion(**at)
    with pytest.raises(litellm.BadRequestError):
        litellm.completion(**at, max_retries=0)
    assert flush() and flush()
    good, bad = exporter.get_finished_spans()
    assert good.attributes is not None and bad.attributes is not None
    assert good.attributes["gen_ai.request.model"] == "gpt-4o"
    assert good.attributes["gen_ai.usage.output_tokens"] == 3
    assert "gen_ai.input.messages" not in good.attributes
    assert bad.attributes["error.type"] == "BadRequestError" and not bad.status.is_ok


def test_langfuse_gets_generations(mock: Any, at: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langfuse")
    from gateway.integrations.langfuse import LangfuseLogger

    made: list[dict[str, Any]] = []

    class Generation:
        def end(self) -> None:
            made[-1]["ended"] = True

    class Client:
        def start_observation(self, **given: Any) -> Generation:
            made.append(given)
            return Generation()

    monkeypatch.setattr(litellm, "callbacks", [LangfuseLogger(Client())])
    mock.script([{"json": REPLY}])
    litellm.completion(**at, metadata={"generation_name": "mine", "k": 1})
    assert flush() and flush()
    (generation,) = made
    assert generation["name"] == "mine" and generation["metadata"]["k"] == 1 and generation["ended"]
    assert generation["usage_details"] == {"input": 9, "output": 3, "total": 12}
