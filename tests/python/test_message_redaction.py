"""`turn_off_message_logging`: no word of a call reaches a callback, and everything else does."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import gateway as litellm
import pytest
from conftest import REPLY, stream
from gateway.custom_logger import CustomLogger
from gateway.worker import flush
from test_callbacks import FAILURE, Recorder

ASKED, ANSWERED = "tangerine", "persimmon"


@pytest.fixture
def secretive(at: dict[str, Any]) -> dict[str, Any]:
    """A call whose words must not be told."""
    return {**at, "messages": [{"role": "user", "content": ASKED}]}


def reply() -> dict[str, Any]:
    told = copy.deepcopy(REPLY)
    told["choices"][0]["message"]["content"] = ANSWERED
    return told


def heard(recorder: Recorder) -> str:
    """All that was told, as text."""
    flush()
    assert recorder.kwargs, "nobody was told anything"
    return repr(recorder.kwargs)


def make_all(mock: Any, asked: dict[str, Any]) -> None:
    """One call of each kind, whole, streamed and failed, blocking and awaited."""
    mock.script([{"json": reply()}, {"sse": stream(ANSWERED)}, FAILURE, {"json": reply()}, {"sse": stream(ANSWERED)}])
    assert litellm.completion(**asked).choices[0].message.content == ANSWERED
    list(litellm.completion(**asked, stream=True))
    with pytest.raises(litellm.BadRequestError):
        litellm.completion(**asked)

    async def awaited() -> None:
        assert (await litellm.acompletion(**asked)).choices[0].message.content == ANSWERED
        async for _ in await litellm.acompletion(**asked, stream=True):
            pass
        await asyncio.sleep(0.1)

    asyncio.run(awaited())


def test_the_setting_keeps_words_from_all(
    mock: Any, secretive: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, told = Recorder(), list[Any]()
    monkeypatch.setattr(litellm, "callbacks", [recorder])
    monkeypatch.setattr(litellm, "success_callback", [lambda *given: told.append(given)])
    # The control: without the setting, they are told.
    make_all(mock, secretive)
    assert ASKED in heard(recorder) and ANSWERED in heard(recorder) and ASKED in repr(told)
    recorder.kwargs.clear()
    told.clear()
    monkeypatch.setattr(litellm, "turn_off_message_logging", True)
    make_all(mock, secretive)
    text = heard(recorder) + repr(told)
    assert ASKED not in text and ANSWERED not in text
    kwargs = recorder.kwargs["success"]
    assert kwargs["response_cost"] > 0
    assert kwargs["messages"] == [{"role": "user", "content": "redacted-by-litellm"}]
    assert kwargs["response_obj"].choices[0].message.content == "redacted-by-litellm"
    assert kwargs["standard_logging_object"]["total_tokens"] == kwargs["response_obj"].usage.total_tokens


def test_a_logger_may_ask_for_it_alone(mock: Any, secretive: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    shy, open_minded = Recorder(), Recorder()
    shy.turn_off_message_logging = True
    monkeypatch.setattr(litellm, "callbacks", [shy, open_minded])
    make_all(mock, secretive)
    assert ASKED not in heard(shy) and ANSWERED not in heard(shy)
    assert ASKED in heard(open_minded) and ANSWERED in heard(open_minded)


def test_a_call_may_ask_for_it(mock: Any, secretive: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(litellm, "callbacks", [recorder])
    make_all(mock, {**secretive, "turn_off_message_logging": True})
    assert ASKED not in heard(recorder) and ANSWERED not in heard(recorder)


def test_a_logger_says_so_when_it_is_made() -> None:
    assert CustomLogger(turn_off_message_logging=True).turn_off_message_logging is True
    assert CustomLogger(message_logging=False).message_logging is False
