"""Proxies of the environment, in process: the scripted upstream takes the place of one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from conftest import REPLY

CALL = """
import gateway as litellm
asked = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "hi"}], "api_key": "k"}
reply = litellm.completion(api_base="http://upstream.invalid:8000/v1", **asked)
assert reply.choices[0].message.content == "Hello"
"""


def called(mock: Any, **variables: str) -> subprocess.CompletedProcess[str]:
    mock.script([{"json": REPLY}])
    names = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    inherited = {name: value for name, value in os.environ.items() if name.lower() not in names}
    return subprocess.run(
        [sys.executable, "-c", CALL], env=inherited | variables, capture_output=True, text=True, check=False
    )


def test_a_call_is_given_to_the_proxy(mock: Any) -> None:
    done = called(mock, HTTP_PROXY=mock.base.replace("//", "//user:word@"))
    assert done.returncode == 0, done.stderr
    (sent,) = mock.captured()
    assert sent["target"] == "http://upstream.invalid:8000/v1/chat/completions", sent
    assert sent["headers"]["host"] == "upstream.invalid:8000"
    assert sent["headers"]["proxy-authorization"] == "Basic dXNlcjp3b3Jk"


def test_an_address_that_is_none_is_said_without_its_password(mock: Any) -> None:
    done = called(mock, HTTP_PROXY="ftp://user:secret-word@proxy")
    assert done.returncode != 0 and "`HTTP_PROXY` is no address of a proxy" in done.stderr
    assert "secret-word" not in done.stderr
