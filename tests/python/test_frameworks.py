"""Frameworks written for LiteLLM, unmodified, on this package under LiteLLM's name.

Each runs in a process of its own, and says there whose functions it called. Those that are not installed are skipped
(`pip install -r requirements-frameworks.txt`).
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import textwrap
from typing import Any

import pytest
from conftest import REPLY, stream

TOOL_CALL = {
    **REPLY,
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2, "b": 3}'}}
                ],
            },
        }
    ],
}
EMBEDDED = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}],
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
}

HEAD = """
import gateway
gateway.install_as_litellm()
import asyncio, json, sys
import litellm
assert litellm is gateway and litellm.completion.__module__ == "gateway.main"
BASE = sys.argv[1] + "/v1"
"""
FOOT = """
files = [getattr(module, "__dict__", {}).get("__file__") or "" for module in list(sys.modules.values())]
others = [file for file in files if "site-packages/litellm/" in file]
assert not others, others
print("\\nSAID", json.dumps(said), flush=True)
"""


def on_this_package(package: str, code: str, base: str) -> Any:
    """Runs a program on the alias and gives what it left in `said`."""
    pytest.importorskip(package.split(".")[0], reason=f"{package} is not installed (requirements-frameworks.txt)")
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed (requirements-frameworks.txt)")
    done = subprocess.run(
        [sys.executable, "-c", HEAD + textwrap.dedent(code) + FOOT, base], capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr[-4000:]
    # Some print more of their own.
    (said,) = (line for line in done.stdout.splitlines() if line.startswith("SAID "))
    return json.loads(said.removeprefix("SAID "))


def test_dspy(mock: Any) -> None:
    answer = {
        **REPLY,
        "choices": [
            {
                **REPLY["choices"][0],
                "message": {"role": "assistant", "content": "[[ ## answer ## ]]\n4\n\n[[ ## completed ## ]]"},
            }
        ],
    }
    mock.script([{"json": answer}, {"json": answer}, {"json": EMBEDDED}])
    code = """
    import dspy
    lm = dspy.LM("openai/gpt-4o", api_base=BASE, api_key="k", cache=False)
    dspy.configure(lm=lm)
    program = dspy.Predict("question -> answer")
    said = [program(question="2 + 2?").answer, asyncio.run(program.acall(question="2 + 2?")).answer]
    embedder = dspy.Embedder("openai/text-embedding-3-small", api_base=BASE, api_key="k", caching=False)
    said.append([float(x) for x in embedder(["x"])[0]])
    """
    assert on_this_package("dspy", code, mock.base) == ["4", "4", [0.5, 0.25]]


def test_openai_agents(mock: Any) -> None:
    mock.script([{"json": TOOL_CALL}, {"json": REPLY}, {"sse": stream("a", "b")}])
    code = """
    from agents import Agent, Runner, function_tool, set_tracing_disabled
    from agents.extensions.models.litellm_model import LitellmModel
    set_tracing_disabled(True)
    called = []
    @function_tool
    def add(a: int, b: int) -> str:
        called.append([a, b])
        return str(a + b)
    agent = Agent(name="t", tools=[add], model=LitellmModel("openai/gpt-4o", base_url=BASE, api_key="k"))
    async def go():
        first = (await Runner.run(agent, "hi")).final_output
        streamed = Runner.run_streamed(agent, "hi")
        async for event in streamed.stream_events():
            pass
        return [first, called, streamed.final_output]
    said = asyncio.run(go())
    """
    assert on_this_package("agents", code, mock.base) == ["Hello", [[2, 3]], "ab"]


def test_langchain_litellm(mock: Any) -> None:
    mock.script([{"json": REPLY}, {"json": REPLY}, {"sse": stream("a", "b")}, {"json": TOOL_CALL}, {"json": EMBEDDED}])
    code = """
    from langchain_litellm import ChatLiteLLM, LiteLLMEmbeddings
    chat = ChatLiteLLM(model="openai/gpt-4o", api_base=BASE, api_key="k")
    said = [chat.invoke("hi").content, asyncio.run(chat.ainvoke("hi")).content]
    said.append("".join(chunk.content for chunk in chat.stream("hi")))
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
    said.append(chat.bind_tools([tool]).invoke("hi").tool_calls[0]["args"])
    embed = LiteLLMEmbeddings(model="openai/text-embedding-3-small", api_base=BASE, api_key="k")
    said.append(embed.embed_query("x"))
    """
    expected = ["Hello", "Hello", "ab", {"a": 2, "b": 3}, [0.5, 0.25]]
    assert on_this_package("langchain_litellm", code, mock.base) == expected


def test_crewai(mock: Any) -> None:
    mock.script([{"json": REPLY}, {"sse": stream("a", "b")}])
    code = """
    from crewai import LLM
    llm = LLM(model="openai/gpt-4o", base_url=BASE, api_key="k", is_litellm=True)
    said = [llm.call([{"role": "user", "content": "hi"}])]
    llm = LLM(model="openai/gpt-4o", base_url=BASE, api_key="k", is_litellm=True, stream=True)
    said.append(llm.call([{"role": "user", "content": "hi"}]))
    """
    assert on_this_package("crewai", code, mock.base) == ["Hello", "ab"]


def test_google_adk(mock: Any) -> None:
    mock.script([{"json": REPLY}, {"sse": stream("a", "b")}])
    code = """
    from google.adk.models.lite_llm import LiteLlm
    from google.adk.models.llm_request import LlmRequest
    from google.genai import types
    llm = LiteLlm(model="openai/gpt-4o", api_base=BASE, api_key="k")
    ask = LlmRequest(contents=[types.Content(role="user", parts=[types.Part(text="hi")])])
    async def go(stream):
        return [r.content.parts[0].text async for r in llm.generate_content_async(ask, stream=stream)]
    said = [asyncio.run(go(False)), asyncio.run(go(True))[-1]]
    """
    assert on_this_package("google.adk", code, mock.base) == [["Hello"], "ab"]


def test_llama_index(mock: Any) -> None:
    mock.script([{"json": REPLY}, {"json": REPLY}, {"sse": stream("a", "b")}, {"json": EMBEDDED}])
    code = """
    from llama_index.llms.litellm import LiteLLM
    from llama_index.embeddings.litellm import LiteLLMEmbedding
    llm = LiteLLM("openai/gpt-4o", api_base=BASE, api_key="k")
    said = [llm.complete("hi").text, asyncio.run(llm.acomplete("hi")).text]
    said.append([chunk.text for chunk in llm.stream_complete("hi")][-1])
    embed = LiteLLMEmbedding(model_name="openai/text-embedding-3-small", api_base=BASE, api_key="k")
    said.append(embed.get_text_embedding("x"))
    """
    assert on_this_package("llama_index.llms.litellm", code, mock.base) == ["Hello", "Hello", "ab", [0.5, 0.25]]
