"""Nothing that goes wrong in this package ends a run: it is counted, said once, and the run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import contextprune as cp
import pytest
from agents import LONG, Scripted, calls, engine, read_log, results
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from langchain_contextprune import (
    ContextPruneCallbackHandler,
    ContextPruneCompressor,
    ContextPruneExampleSelector,
    ContextPruneMiddleware,
    ContextPruneNode,
    Savings,
)

CONFIG: Any = {"configurable": {"thread_id": "1"}}
ASKED: Any = {"messages": [("user", "Which order failed?")]}
TOWN = "The town lies on a river. The bridge was built in 1874. The market is held on Tuesdays. Trains stop twice."


class OutOfMemory:
    """A scorer whose GPU is full."""

    name = "out-of-memory.v1"

    def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:
        raise RuntimeError("CUDA out of memory")


def broken() -> cp.Pruner:
    return cp.Pruner(cp.Policy(), OutOfMemory(), cp.Tiktoken(), cp.MemoryStore())


@pytest.mark.parametrize("on_arrival", [True, False])
def test_an_agent_goes_on_with_whole_results_and_counts_the_failure_with_its_reason(on_arrival: bool) -> None:
    model = Scripted(replies=[calls(("read_log", {"name": "orders"}, "c1")), AIMessage("48777")])
    middleware = ContextPruneMiddleware(broken(), on_arrival=on_arrival)
    agent = create_agent(model, [read_log], middleware=[middleware], checkpointer=InMemorySaver())
    out = agent.invoke(ASKED, CONFIG)
    assert results(out["messages"])[0].content == LONG
    assert results(model.seen[1])[0].content == LONG
    savings = Savings.of(agent.get_state(CONFIG).values)
    assert savings.failures > 0
    assert savings.reason == "RuntimeError: CUDA out of memory"
    assert "CUDA out of memory" in str(savings)


async def test_an_asynchronous_agent_goes_on_as_well() -> None:
    model = Scripted(replies=[calls(("read_log", {"name": "orders"}, "c1")), AIMessage("48777")])
    agent = create_agent(model, [read_log], middleware=[ContextPruneMiddleware(broken())])
    out = await agent.ainvoke(ASKED)
    assert results(out["messages"])[0].content == LONG


def test_documents_come_back_as_they_are() -> None:
    compressor = ContextPruneCompressor(budget=0.5, pruner=broken())
    documents = [Document(TOWN, id="a")]
    assert compressor.compress_documents(documents, "When was the bridge built?") == documents
    assert (compressor.failures, compressor.reason) == (1, "RuntimeError: CUDA out of memory")


def test_a_prompt_gets_the_first_examples_that_fit() -> None:
    rows = [{"q": f"question {i}", "a": "word " * 40} for i in range(10)]
    selector = ContextPruneExampleSelector(rows, 120, pruner=broken())
    assert selector.select_examples({"q": "question 7"}) == rows[:2]
    assert selector.failures == 1


def test_a_graph_goes_on() -> None:
    node = ContextPruneNode(broken())
    history = [HumanMessage("Which?"), calls(("read_log", {}, "c")), ToolMessage(LONG, tool_call_id="c")]
    assert node({"messages": history}) == {"llm_input_messages": history}
    assert (node.failures, node.reason) == (1, "RuntimeError: CUDA out of memory")


def test_a_handler_counts_what_it_could_not_audit() -> None:
    watch = ContextPruneCallbackHandler(broken())
    history = [
        HumanMessage("Which?"),
        calls(("read_log", {}, "c")),
        ToolMessage(LONG, tool_call_id="c"),
        AIMessage("x"),
    ]
    agent = create_agent(Scripted(replies=[AIMessage("y")]), [], middleware=[])
    asked: Any = {"messages": [*history, HumanMessage("And now?")]}
    agent.invoke(asked, {"callbacks": [watch]})
    assert watch.usage.failures == 1


def test_a_store_that_cannot_be_read_is_an_answer_for_the_model() -> None:
    class Unreadable(cp.MemoryStore):
        """A store that cannot be read."""

        def get(self, key: str) -> str | None:
            raise OSError("stale file handle")

    pruner = cp.Pruner(cp.Policy(), cp.load_scorer("lexical"), cp.Tiktoken(), Unreadable())
    (recall,) = ContextPruneMiddleware(pruner).tools
    told = recall.invoke({"name": recall.name, "args": {"key": "abcdefgh2345"}, "id": "c", "type": "tool_call"})
    assert told.status == "error"
    assert "stale file handle" in told.content


def test_counters_of_another_version_are_read_as_far_as_they_are_known() -> None:
    assert Savings.of({"contextprune": {"requests": 3, "invented": 1}}).requests == 3
    assert engine().policy == cp.Policy()
