"""OpenAI's Python client and its Agents SDK: the Responses API, native and over other providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import upstreams
from pydantic import BaseModel

openai = pytest.importorskip("openai", reason="the openai package is missing: requirements-clients.txt")

if TYPE_CHECKING:
    from conftest import Server

TOOL: Any = {"type": "function", "name": "get_weather", "parameters": upstreams.WEATHER, "strict": False}
THINKING: dict[str, Any] = {"type": "thinking", "thinking": "Hm.", "signature": "Sig+/=="}
CALLING: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}}


class Event(BaseModel):
    """What the model has to fill in."""

    title: str


@pytest.fixture
def client(server: Server) -> Any:
    return openai.OpenAI(base_url=server.base, api_key=server.key, max_retries=0)


def test_plain(server: Server, client: Any) -> None:
    server.upstream({"json": upstreams.response()})
    made = client.responses.create(model="gpt", input="Hi")
    assert made.output_text == "Hello there"
    assert made.model == "gpt"
    assert made.usage.total_tokens == 12


def test_stream(server: Server, client: Any) -> None:
    server.upstream(upstreams.response_stream("Hel", "lo"))
    events = list(client.responses.create(model="gpt", input="Hi", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].response.output_text == "Hello"
    assert events[0].response.id == events[-1].response.id


def test_the_stream_helper_and_parse(server: Server, client: Any) -> None:
    server.upstream(upstreams.response_stream('{"title": ', '"Lunch"}'))
    with client.responses.stream(model="gpt", input="Hi", text_format=Event) as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_parsed == Event(title="Lunch")
    text = {"type": "output_text", "text": '{"title": "Lunch"}', "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
    server.upstream({"json": upstreams.response([item])})
    assert client.responses.parse(model="gpt", input="Hi", text_format=Event).output_parsed == Event(title="Lunch")


def test_what_is_stored(server: Server, client: Any) -> None:
    server.upstream({"json": upstreams.response()})
    made = client.responses.create(model="gpt", input="Hi")
    server.upstream({"json": upstreams.response()})
    assert client.responses.retrieve(made.id).id == made.id
    assert server.sent()[0]["path"] == "/v1/responses/resp_up1"
    client.responses.create(model="gpt", input="And?", previous_response_id=made.id)
    assert server.sent()[-1]["body"]["previous_response_id"] == "resp_up1"
    client.responses.cancel(made.id)
    assert server.sent()[-1]["path"] == "/v1/responses/resp_up1/cancel"
    listed = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    server.upstream({"json": listed})
    assert list(client.responses.input_items.list(made.id)) == []
    server.upstream({"json": {"id": "resp_up1", "object": "response", "deleted": True}})
    client.responses.delete(made.id)
    assert server.sent()[-1]["method"] == "DELETE"
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_of_nobody")


def test_claude_thinks_speaks_and_calls(server: Server, client: Any) -> None:
    text = {"type": "text", "text": "I look it up."}
    server.upstream(upstreams.claude_stream(THINKING, text, CALLING, stop="tool_use"))
    with client.responses.stream(model="claude", input="Weather?", tools=[TOOL], reasoning={"effort": "low"}) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]
    assert final.output_text == "I look it up."
    assert final.output[2].arguments == '{"city": "Oslo"}'
    # What closes comes in the order in which it opened.
    closed = [event.output_index for event in events if event.type == "response.output_item.done"]
    assert closed == [0, 1, 2]
    # And goes back as it came, signature and all.
    sent_back = [item.model_dump(exclude_none=True) for item in final.output]
    output = {"type": "function_call_output", "call_id": "toolu_1", "output": "21"}
    server.upstream(upstreams.claude())
    again = client.responses.create(model="claude", input=[*sent_back, output], tools=[TOOL])
    assert again.output_text == "Hello there"
    messages = server.sent()[0]["body"]["messages"]
    assistant = next(message for message in messages if message["role"] == "assistant")
    assert assistant["content"][0] == THINKING
    assert assistant["content"][-1]["id"] == "toolu_1"


def test_gemini_streams(server: Server, client: Any) -> None:
    server.upstream(upstreams.gemini_stream({"text": "Hm.", "thought": True}, {"text": "Hel"}, {"text": "lo"}))
    events = list(client.responses.create(model="gemini", input="Hi", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].response.output_text == "Hello"


def test_a_chat_of_a_model_that_has_responses_only(server: Server, client: Any) -> None:
    server.upstream({"json": upstreams.response()})
    chat = client.chat.completions.create(model="o1-pro", messages=[{"role": "user", "content": "Hi"}])
    assert chat.choices[0].message.content == "Hello there"
    assert server.sent()[0]["path"] == "/v1/responses"


def test_a_stream_that_breaks_off(server: Server, client: Any) -> None:
    server.upstream({**upstreams.response_stream("Hel", "lo"), "abort_after": 5})
    events = list(client.responses.create(model="gpt", input="Hi", stream=True))
    assert events[-1].type == "response.failed"
    assert events[-1].response.id == events[0].response.id
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_the_agents_sdk_runs_a_tool_on_claude(server: Server) -> None:
    agents = pytest.importorskip("agents", reason="the openai-agents package is missing: requirements-clients.txt")
    agents.set_tracing_disabled(True)

    @agents.function_tool
    def get_weather(city: str) -> str:
        """Says the weather of a city."""
        return f"21 in {city}"

    client = openai.AsyncOpenAI(base_url=server.base, api_key=server.key, max_retries=0)
    model = agents.OpenAIResponsesModel(model="claude", openai_client=client)
    agent = agents.Agent(name="a", model=model, tools=[get_weather])
    server.upstream(upstreams.claude(CALLING, stop="tool_use"), upstreams.claude())
    result = agents.Runner.run_sync(agent, "Weather in Oslo?")
    assert result.final_output == "Hello there"
    last = server.sent()[-1]["body"]["messages"][-1]
    assert "21 in Oslo" in str(last)
