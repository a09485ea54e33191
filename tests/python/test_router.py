"""`Router`: LiteLLM's constructor and methods over the core's routes."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
from collections import Counter
from typing import Any

import gateway as litellm
import pytest
from conftest import REPLY, stream

ASK = [{"role": "user", "content": "Say hi."}]
BROKEN = {"status": 500, "json": {"error": {"message": "broken"}}}


@pytest.fixture
def to(mock: Any) -> Any:
    """Makes a deployment at the scripted upstream."""

    def deployment(group: str, model: str = "gpt-4o", id: str | None = None, **params: Any) -> dict[str, Any]:
        where = {"model": f"openai/{model}", "api_base": mock.base + "/v1", "api_key": "sk-test"}
        info = {"model_info": {"id": id}} if id else {}
        return {"model_name": group, "litellm_params": {**where, **params}, **info}

    return deployment


def of(model: str, **answer: Any) -> dict[str, Any]:
    """An answer for requests that name `model`."""
    return {"match": {"body": f'"model":"{model}"'}, **answer}


def asked(mock: Any) -> list[str]:
    """The models that the upstream was asked for."""
    return [json.loads(base64.b64decode(request["body_b64"]))["model"] for request in mock.captured()]


def test_a_call_goes_to_a_deployment_of_its_group(mock: Any, to: Any) -> None:
    router = litellm.Router(model_list=[to("g", id="one")])
    mock.script([{"json": REPLY}])
    reply = router.completion(model="g", messages=ASK)
    assert reply.choices[0].message.content == "Hello"
    assert reply._hidden_params["model_id"] == "one"
    headers = reply._hidden_params["additional_headers"]
    assert headers["x-litellm-model-group"] == "g" and headers["x-litellm-attempted-fallbacks"] == 0
    assert reply._hidden_params["response_cost"] == pytest.approx(5.25e-05)


def test_every_form_of_call(mock: Any, to: Any) -> None:
    router = litellm.Router(model_list=[to("g")])
    embedded = {"object": "list", "model": "e", "data": [{"embedding": [0.5], "index": 0, "object": "embedding"}]}
    text = {**REPLY, "object": "text_completion", "choices": [{"text": "T", "index": 0, "finish_reason": "stop"}]}
    mock.script(
        [
            {"json": REPLY},
            {"sse": stream("a", "b")},
            {"sse": stream("a", "b")},
            {"json": embedded},
            {"json": embedded},
            {"json": text},
            {"json": text},
        ]
    )
    ask: dict[str, Any] = {"model": "g", "messages": ASK}
    assert asyncio.run(router.acompletion(**ask)).choices[0].message.content == "Hello"
    assert "".join(c.choices[0].delta.content or "" for c in router.completion(**ask, stream=True)) == "ab"

    async def read() -> str:
        return "".join([c.choices[0].delta.content or "" async for c in await router.acompletion(**ask, stream=True)])

    assert asyncio.run(read()) == "ab"
    assert router.embedding(model="g", input=["x"]).data[0]["embedding"] == [0.5]
    assert asyncio.run(router.aembedding(model="g", input=["x"])).data[0]["embedding"] == [0.5]
    assert router.text_completion(model="g", prompt="x").choices[0].text == "T"
    assert asyncio.run(router.atext_completion(model="g", prompt="x")).choices[0].text == "T"


def test_a_group_that_fails_falls_back(mock: Any, to: Any) -> None:
    router = litellm.Router(
        model_list=[to("g", "gpt-4o"), to("h", "gpt-4o-mini")], fallbacks=[{"g": ["h"]}], num_retries=0
    )
    mock.script([of("gpt-4o-mini", json=REPLY), BROKEN])
    reply = router.completion(model="g", messages=ASK)
    assert reply._hidden_params["additional_headers"]["x-litellm-attempted-fallbacks"] == 1
    assert asked(mock) == ["gpt-4o", "gpt-4o-mini"]


def test_fallbacks_may_be_given_with_a_call(mock: Any, to: Any) -> None:
    router = litellm.Router(model_list=[to("g", "gpt-4o"), to("h", "gpt-4o-mini")], num_retries=0)
    mock.script([of("gpt-4o-mini", json=REPLY), BROKEN])
    assert router.completion(model="g", messages=ASK, fallbacks=["h"]).choices[0].message.content == "Hello"


def test_a_full_context_has_fallbacks_of_its_own(mock: Any, to: Any) -> None:
    router = litellm.Router(
        model_list=[to("g", "gpt-4o"), to("long", "gpt-4.1")], context_window_fallbacks=[{"g": ["long"]}], num_retries=0
    )
    full = {"message": "This model's maximum context length is 10 tokens.", "code": "context_length_exceeded"}
    mock.script([of("gpt-4.1", json=REPLY), {"status": 400, "json": {"error": full}}])
    assert router.completion(model="g", messages=ASK).choices[0].message.content == "Hello"


def test_retries_and_their_policy(mock: Any, to: Any) -> None:
    router = litellm.Router(model_list=[to("g")], num_retries=2, disable_cooldowns=True)
    mock.script([BROKEN, BROKEN, {"json": REPLY}])
    assert router.completion(model="g", messages=ASK).choices[0].message.content == "Hello"
    assert len(mock.captured()) == 3
    policy = litellm.RetryPolicy(InternalServerErrorRetries=0)
    router = litellm.Router(model_list=[to("g")], num_retries=2, retry_policy=policy, disable_cooldowns=True)
    mock.script([BROKEN])
    with pytest.raises(litellm.InternalServerError):
        router.completion(model="g", messages=ASK)
    assert len(mock.captured()) == 1


def test_a_deployment_that_fails_cools(mock: Any, to: Any) -> None:
    router = litellm.Router(
        model_list=[to("g", "gpt-4o", id="bad"), to("g", "gpt-4o-mini", id="good")],
        allowed_fails=0,
        cooldown_time=60,
        num_retries=3,
    )
    mock.script([of("gpt-4o", **BROKEN), *[of("gpt-4o-mini", json=REPLY)] * 3])
    for _ in range(12):
        mock.script([of("gpt-4o", **BROKEN), of("gpt-4o-mini", json=REPLY)])
        assert router.completion(model="g", messages=ASK)._hidden_params["model_id"] == "good"
    assert {router.get_available_deployment("g")["model_info"]["id"] for _ in range(20)} == {"good"}


def test_weights_decide(to: Any) -> None:
    router = litellm.Router(model_list=[to("g", id="heavy", weight=9), to("g", id="light", weight=1)])
    picked = Counter(router.get_available_deployment("g")["model_info"]["id"] for _ in range(400))
    assert picked["heavy"] > 280 and picked["light"] > 5


def test_order_decides_before_weight(to: Any) -> None:
    router = litellm.Router(model_list=[to("g", id="second", order=2, weight=9), to("g", id="first", order=1)])
    assert {router.get_available_deployment("g")["model_info"]["id"] for _ in range(20)} == {"first"}


def test_tags_decide(mock: Any, to: Any) -> None:
    router = litellm.Router(
        model_list=[to("g", id="free", tags=["free"]), to("g", id="paid", tags=["paid"])], enable_tag_filtering=True
    )
    mock.script([{"json": REPLY}])
    reply = router.completion(model="g", messages=ASK, metadata={"tags": ["paid"]})
    assert reply._hidden_params["model_id"] == "paid"


def test_aliases_lead_to_groups(mock: Any, to: Any) -> None:
    aliases = {"a": "g", "b": {"model": "g", "hidden": True}}
    router = litellm.Router(model_list=[to("g", id="one")], model_group_alias=aliases)
    mock.script([{"json": REPLY}, {"json": REPLY}])
    for alias in aliases:
        assert router.completion(model=alias, messages=ASK)._hidden_params["model_id"] == "one"
    assert router.get_model_names() == ["g", "a"]


def test_an_unknown_group_is_told_as_litellm_tells_it(to: Any) -> None:
    router = litellm.Router(model_list=[to("g")])
    with pytest.raises(litellm.BadRequestError, match=r"You passed in model=z\. There are no healthy deployments"):
        router.completion(model="z", messages=ASK)
    with pytest.raises(litellm.BadRequestError, match="no healthy deployments"):
        router.get_available_deployment("z")


def test_deployments_come_and_go(mock: Any, to: Any) -> None:
    router = litellm.Router(model_list=[to("g", id="one")])
    added = router.add_deployment(litellm.Deployment(**to("h", "gpt-4o-mini", id="two")))
    assert added is not None and added.model_name == "h"
    assert router.add_deployment(to("h", id="two")) is None
    assert router.get_model_ids() == ["one", "two"] and router.get_model_ids("h") == ["two"]
    mock.script([{"json": REPLY}])
    assert router.completion(model="h", messages=ASK)._hidden_params["model_id"] == "two"
    router.upsert_deployment(to("h", "gpt-4.1", id="two"))
    found = router.get_deployment("two")
    assert found is not None and found.litellm_params.model == "openai/gpt-4.1"
    assert router.delete_deployment("two") is not None and router.get_model_ids() == ["one"]
    assert router.delete_deployment("two") is None
    router.set_model_list([to("z", id="three")])
    assert [entry["model_name"] for entry in router.get_model_list() or []] == ["z"]
    assert router.has_model_id("three") and not router.has_model_id("one")


def test_a_group_tells_what_it_can_do(to: Any) -> None:
    router = litellm.Router(model_list=[to("g", "gpt-4o", rpm=5), to("g", "gpt-4o-mini", rpm=7)])
    info = router.get_model_group_info("g")
    assert info is not None
    assert info.providers == ["openai"] and info.rpm == 12
    assert info.max_input_tokens == 128000 and info.supports_function_calling


def test_wildcards_take_what_they_match(mock: Any, to: Any) -> None:
    entry = to("openai/*", "*")
    router = litellm.Router(model_list=[entry])
    mock.script([{"json": REPLY}])
    router.completion(model="openai/gpt-4o-mini", messages=ASK)
    assert asked(mock) == ["gpt-4o-mini"]


def test_settings_can_be_changed(mock: Any, to: Any) -> None:
    router = litellm.Router(model_list=[to("g", "gpt-4o"), to("h", "gpt-4o-mini")], num_retries=0)
    router.update_settings(fallbacks=[{"g": ["h"]}])
    mock.script([of("gpt-4o-mini", json=REPLY), BROKEN])
    assert router.completion(model="g", messages=ASK).choices[0].message.content == "Hello"
    assert router.get_settings()["fallbacks"] == [{"g": ["h"]}]


def test_callbacks_hear_of_a_routers_calls(mock: Any, to: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.worker import flush

    told: list[dict[str, Any]] = []
    monkeypatch.setattr(litellm, "success_callback", [lambda kwargs, *rest: told.append(kwargs)])
    router = litellm.Router(model_list=[to("g", id="one")])
    mock.script([{"json": REPLY}])
    router.completion(model="g", messages=ASK)
    assert flush()
    (kwargs,) = told
    assert kwargs["standard_logging_object"]["model_id"] == "one"
    assert kwargs["standard_logging_object"]["model_group"] == "g"
    assert kwargs["model"] == "gpt-4o" and kwargs["custom_llm_provider"] == "openai"


def test_several_groups_at_once(mock: Any, to: Any) -> None:
    router = litellm.Router(model_list=[to("g", "gpt-4o"), to("h", "gpt-4o-mini")], num_retries=0)
    mock.script([of("gpt-4o-mini", json=REPLY), of("gpt-4o", **BROKEN), of("gpt-4o", **BROKEN)])
    good, bad = asyncio.run(router.abatch_completion(models=["h", "g"], messages=ASK))
    assert good.choices[0].message.content == "Hello" and isinstance(bad, litellm.InternalServerError)
    mock.script([of("gpt-4o-mini", json=REPLY), of("gpt-4o", **BROKEN)])
    reply = asyncio.run(router.abatch_completion_fastest_response(model="g, h", messages=ASK))
    assert reply.choices[0].message.content == "Hello"


def test_what_cannot_be_is_refused_by_place() -> None:
    with pytest.raises(ValueError, match="model_name"):
        litellm.Router(model_list=[{"litellm_params": {"model": "openai/x"}}])


def test_what_is_not_obeyed_is_named(to: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="LiteLLM Router"):
        litellm.Router(model_list=[to("g")], alerting_config={"webhook_url": "x"})
    assert "`alerting_config` is not supported" in caplog.text


def test_a_router_can_be_subclassed(mock: Any, to: Any) -> None:
    class Mine(litellm.Router):
        def completion(self, model: str, messages: list[Any], **kwargs: Any) -> Any:
            return super().completion("g", messages, **kwargs)

    mock.script([{"json": REPLY}])
    assert Mine(model_list=[to("g")]).completion("other", ASK).choices[0].message.content == "Hello"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_router_works_in_a_forked_child(mock: Any, to: Any) -> None:
    router = litellm.Router(model_list=[to("g")])
    mock.script([{"json": REPLY}, {"json": REPLY}])
    router.completion(model="g", messages=ASK)
    child = os.fork()
    if child == 0:
        os._exit(0 if router.completion(model="g", messages=ASK).choices[0].message.content == "Hello" else 1)
    assert os.waitpid(child, 0)[1] == 0
