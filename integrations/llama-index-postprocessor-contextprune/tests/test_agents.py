"""Real agents of LlamaIndex with a scripted model: what it is sent is what counts.

No postponed annotations here: LlamaIndex finds the tools that want its context by the annotation itself.
"""

import asyncio
import re
from typing import Any

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent, ToolCallResult
from llama_index.core.llms import ChatMessage
from llama_index.core.llms.mock import MockLLM
from llama_index.core.memory import Memory
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context, HumanResponseEvent, InputRequiredEvent, JsonSerializer

from llama_index.postprocessor.contextprune import ContextPruneMemory, prune_tools
from tests.scenes import COUNT, CRASH, LOG, Script, call, pruner, reply

GOAL = "Why did the worker crash?"


def read_log(path: str) -> str:
    """Read a log."""
    return f"{path}:\n{LOG}"


def fail(path: str) -> str:
    """Fail."""
    raise OSError(f"{path} is gone")


def ask(agent: Any, question: str = GOAL, **settings: Any) -> Any:
    async def go() -> Any:
        return await agent.run(question, **settings)

    return asyncio.run(go())


@pytest.mark.parametrize("streaming", [True, False])
def test_the_model_of_a_function_agent_sees_short_results_that_stay_the_same(streaming: bool) -> None:
    calls = reply(call("1", "read_log", path="a")), reply(call("2", "read_log", path="b"))
    script = Script(*calls, reply(text="memory"))
    agent = FunctionAgent(tools=prune_tools([read_log], pruner()), llm=script.llm(), streaming=streaming)
    assert str(ask(agent)) == "memory"
    first, second = script.results()
    assert COUNT(first) < 0.8 * COUNT(LOG)
    assert CRASH in first
    assert script.seen[2][: len(script.seen[1])] == script.seen[1]
    assert "as above" in second


def numbered_log(path: str) -> str:
    """Read a log that says nothing twice."""
    rows = [
        f"2026-01-01 12:00:{i % 60:02d} INFO job {i * 7919 % 10007} of queue {i * 31 % 97} finished" for i in range(400)
    ]
    return "\n".join([path, *rows[:300], CRASH, *rows[300:]])


@pytest.mark.parametrize("goal", [GOAL, "How many jobs are there?"])
def test_a_file_that_is_read_again_is_sent_once(goal: str) -> None:
    replies = [reply(call(str(i), "numbered_log", path="a")) for i in range(4)]
    script = Script(*replies, reply(text="memory"))
    ask(FunctionAgent(tools=prune_tools([numbered_log], pruner()), llm=script.llm()), goal)
    first, *again = script.results()
    assert CRASH in first
    assert COUNT(first) < COUNT(numbered_log("a"))
    assert all("as above" in text and COUNT(text) < 40 for text in again)
    for i in range(1, 5):
        assert script.seen[i][: len(script.seen[i - 1])] == script.seen[i - 1]


def test_results_of_parallel_calls_keep_no_more_than_they_may_at_once() -> None:
    calls = [call(str(i), "numbered_log", path=f"file {i}") for i in range(3)]
    script = Script(reply(*calls), reply(text="all"))
    ask(FunctionAgent(tools=prune_tools([numbered_log], pruner(), at_once=600), llm=script.llm()))
    assert len(script.results()) == 3
    assert sum(map(COUNT, script.results())) <= 600
    assert all(CRASH in text for text in script.results())


def test_a_long_error_reaches_the_model_shortened_with_what_failed() -> None:
    def explode(path: str) -> str:
        """Explode."""
        raise OSError(numbered_log(path))

    script = Script(reply(call("1", "explode", path="a")), reply(text="gone"))
    ask(FunctionAgent(tools=prune_tools([explode], pruner()), llm=script.llm()))
    (result,) = script.results()
    assert CRASH in result
    assert COUNT(result) < 0.8 * COUNT(numbered_log("a"))


def test_the_recall_tool_is_offered_and_its_result_stays_whole() -> None:
    engine = pruner()
    script = Script(reply(call("1", "read_log", path="a")), reply(), reply(text="done"))
    llm = script.llm()
    answer = llm.response_generator

    def recalling(messages: Any, **settings: Any) -> ChatMessage:
        found = re.search(r"recall=(\w{12})", str(messages[-1].content))
        if found:
            script.replies[len(script.seen)] = reply(call("2", "contextprune_recall", key=found[1]))
        said = answer(messages, **settings)
        assert isinstance(said, ChatMessage)
        return said

    llm.response_generator = recalling
    agent = FunctionAgent(tools=prune_tools([read_log], engine), llm=llm)
    assert str(ask(agent)) == "done"
    assert script.results()[1] == read_log("a")


def test_parallel_calls_keep_their_ids() -> None:
    script = Script(reply(call("1", "read_log", path="a"), call("2", "read_log", path="b")), reply(text="both"))
    ask(FunctionAgent(tools=prune_tools([read_log], pruner()), llm=script.llm()))
    results = [message for message in script.seen[-1] if message.role.value == "tool"]
    found = {message.additional_kwargs["tool_call_id"]: str(message.content)[:1] for message in results}
    assert found == {"1": "a", "2": "b"}


def test_an_error_reaches_the_model_and_an_unknown_tool_does_no_harm() -> None:
    script = Script(reply(call("1", "fail", path="a.log"), call("2", "nothing")), reply(text="gone"))
    ask(FunctionAgent(tools=prune_tools([fail], pruner()), llm=script.llm()))
    assert any("a.log is gone" in result for result in script.results())


def seen_after(answer: str) -> list[str]:
    """What a model sees of a tool that waits for a person's answer and then reads a log."""

    async def ask_a_person(ctx: Context[Any], then: str) -> str:
        """Ask a person, or read a log once they agree."""
        question: Any = {"prefix": "Which worker?"}
        event = await ctx.wait_for_event(HumanResponseEvent, waiter_event=InputRequiredEvent(**question))
        return numbered_log(then) if then else f"They said: {event.response}"

    then = "" if answer != "yes" else "a.log"
    fields: Any = {"response": answer}  # events take any
    script = Script(reply(call("1", "ask_a_person", then=then)), reply(text="done"))
    agent = FunctionAgent(tools=prune_tools([ask_a_person], pruner()), llm=script.llm())

    async def go() -> None:
        handler = agent.run(GOAL)
        async for event in handler.stream_events():
            if isinstance(event, InputRequiredEvent):
                handler.ctx.send_event(HumanResponseEvent(**fields))
        await handler

    asyncio.run(go())
    return script.results()


def test_what_a_person_answers_to_a_tool_is_whole() -> None:
    assert seen_after(LOG) == [f"They said: {LOG}"]


def test_what_a_tool_returns_after_a_person_agreed_is_short() -> None:
    (result,) = seen_after("yes")
    assert CRASH in result
    assert COUNT(result) < 0.8 * COUNT(numbered_log("a.log"))


def test_a_direct_return_comes_whole_to_the_user() -> None:
    direct = FunctionTool.from_defaults(read_log, return_direct=True)
    script = Script(reply(call("1", "read_log", path="a")))
    output = ask(FunctionAgent(tools=prune_tools([direct], pruner()), llm=script.llm()))
    assert str(output) == read_log("a")


def test_a_tool_reads_and_writes_the_agents_context() -> None:
    async def count(ctx: Context[Any], step: int) -> str:
        """Count."""
        await ctx.store.set("count", step + await ctx.store.get("count", default=0))
        return f"count is {await ctx.store.get('count')}"

    script = Script(reply(call("1", "count", step=2)), reply(call("2", "count", step=3)), reply(text="5"))
    ask(FunctionAgent(tools=prune_tools([count], pruner()), llm=script.llm()))
    assert script.results() == ["count is 2", "count is 5"]


def test_a_workflow_of_agents_hands_over_and_every_result_is_short() -> None:
    script = Script(
        reply(call("1", "read_log", path="a")),
        reply(call("2", "handoff", to_agent="writer", reason="write it up")),
        reply(call("3", "read_log", path="b")),
        reply(text="written"),
    )
    llm, tools = script.llm(), prune_tools([read_log], pruner())
    reader = FunctionAgent(name="reader", description="reads", tools=tools, llm=llm, can_handoff_to=["writer"])
    writer = FunctionAgent(name="writer", description="writes", tools=tools, llm=llm)
    workflow = AgentWorkflow(agents=[reader, writer], root_agent="reader")
    assert str(ask(workflow)) == "written"
    reads = [result for result in script.results() if "INFO" in result or "as above" in result]
    assert len(reads) == 2
    assert all(COUNT(result) < 0.8 * COUNT(LOG) for result in reads)


def test_what_was_sent_stays_the_same_from_run_to_run() -> None:
    script = Script(reply(call("1", "read_log", path="a")), reply(text="one"), reply(text="two"))
    engine = pruner()
    agent = FunctionAgent(tools=prune_tools([read_log], engine), llm=script.llm())
    memory = ContextPruneMemory.from_defaults(token_limit=100_000, pruner=engine)

    async def both() -> None:
        await agent.run(GOAL, memory=memory)
        await agent.run("And then?", memory=memory)

    asyncio.run(both())
    last = script.seen[-1]
    assert [m.content for m in last[: len(script.seen[1])]] == [m.content for m in script.seen[1]]
    assert "recall=" in script.results()[0]


def test_a_pruned_memory_alone_shortens_what_earlier_runs_returned() -> None:
    script = Script(reply(call("1", "read_log", path="a")), reply(text="one"), reply(text="two"))
    agent = FunctionAgent(tools=[read_log], llm=script.llm())
    memory = ContextPruneMemory(Memory.from_defaults(token_limit=100_000), pruner())

    async def both() -> list[ChatMessage]:
        await agent.run(GOAL, memory=memory)
        await agent.run("And then?", memory=memory)
        return await memory.aget_all()

    kept = asyncio.run(both())
    assert script.results(1) == [read_log("a")]
    assert CRASH in script.results(2)[0]
    assert COUNT(script.results(2)[0]) < 0.8 * COUNT(LOG)
    assert [m.content for m in kept if m.role.value == "tool"] == [read_log("a")]


def test_events_carry_the_short_result_and_the_raw_output() -> None:
    script = Script(reply(call("1", "read_log", path="a")), reply(text="done"))
    agent = FunctionAgent(tools=prune_tools([read_log], pruner()), llm=script.llm())

    async def results() -> list[ToolCallResult]:
        handler = agent.run(GOAL)
        found = [event async for event in handler.stream_events() if isinstance(event, ToolCallResult)]
        await handler
        return found

    (event,) = asyncio.run(results())
    assert event.tool_output.content == script.results()[0]
    assert event.tool_output.raw_output == read_log("a")


def test_the_context_of_a_run_can_be_saved_and_read_back() -> None:
    script = Script(reply(call("1", "read_log", path="a")), reply(text="done"), reply(text="again"))
    agent = FunctionAgent(tools=prune_tools([read_log], pruner()), llm=script.llm())

    async def go() -> Any:
        context: Context[Any] = Context(agent)
        await agent.run(GOAL, ctx=context, memory=ContextPruneMemory.from_defaults(session_id="s", pruner=pruner()))
        saved = context.to_dict(serializer=JsonSerializer())
        again: Context[Any] = Context.from_dict(agent, saved, serializer=JsonSerializer())
        await agent.run("And now?", ctx=again)
        return await again.store.get("memory")

    memory = asyncio.run(go())
    assert isinstance(memory, ContextPruneMemory)
    assert memory.to_dict()["memory"]["session_id"] == "s"


def test_a_react_agent_uses_the_tools_too() -> None:
    said = iter(
        [
            'Thought: I read.\nAction: read_log\nAction Input: {"path": "a"}',
            "Thought: I can answer without using any more tools.\nAnswer: out of memory",
        ]
    )
    seen: list[str] = []

    class Thinker(MockLLM):
        def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
            seen.append(prompt)
            response = super().complete(prompt, formatted, **kwargs)
            return response.model_copy(update={"text": next(said)})

    agent = ReActAgent(tools=prune_tools([read_log], pruner()), llm=Thinker(max_tokens=None), streaming=False)
    assert "out of memory" in str(ask(agent))
    assert CRASH in seen[-1]
    assert "recall=" in seen[-1]
