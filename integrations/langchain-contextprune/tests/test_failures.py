"""Nothing that goes wrong in this package ends a run: it is counted, said once, and the run goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import contextprune as cp
import pytest
from agents import LONG, OTHER, Scripted, calls, engine, read_log, results
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from langchain_contextprune import (
    ContextPruneCallbackHandler,
    ContextPruneCompressor,
    ContextPruneExampleSelector,
    ContextPruneMessages,
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


class Diverged:
    """A scorer whose weights are broken."""

    name = "diverged.v1"

    def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:
        return [float("nan")] * len(spans)


class Uncounted:
    """A counter that fails."""

    name = "uncounted"

    def __call__(self, text: str) -> int:
        raise ValueError("no such encoding")


class Full(cp.MemoryStore):
    """A store whose disk is full."""

    def put(self, texts: Mapping[str, str]) -> None:
        raise OSError("no space left on device")


def broken(fault: str = "scorer") -> cp.Pruner:
    scorers: Mapping[str, cp.Scorer] = {"scorer": OutOfMemory(), "scores": Diverged()}
    counter: Any = Uncounted() if fault == "counter" else cp.Tiktoken()
    store = Full() if fault == "store" else cp.MemoryStore()
    return cp.Pruner(cp.Policy(), scorers.get(fault) or cp.load_scorer("lexical"), counter, store)


every_fault = pytest.mark.parametrize("fault", ["scorer", "scores", "counter", "store"])
HISTORY = [
    HumanMessage("Which?"),
    calls(("read_log", {"name": "orders"}, "c")),
    ToolMessage(LONG, tool_call_id="c", name="read_log"),
]


@every_fault
@pytest.mark.parametrize("settings", [{}, {"on_arrival": False}, {"at_once": 100}, {"recall_tool": False}], ids=str)
def test_no_agent_ends_whatever_fails(fault: str, settings: Any) -> None:
    replies = [calls(("read_log", {"name": "orders"}, "c1"), ("read_log", {"name": "items"}, "c2")), AIMessage("48777")]
    model = Scripted(replies=replies)
    agent = create_agent(
        model,
        [read_log],
        middleware=[ContextPruneMiddleware(broken(fault), **settings)],
        checkpointer=InMemorySaver(),
    )
    agent.invoke(ASKED, CONFIG)
    assert [m.content for m in results(model.seen[1])] == [LONG, OTHER]
    assert Savings.of(agent.get_state(CONFIG).values).failures > 0


@every_fault
def test_no_graph_ends_whatever_fails(fault: str) -> None:
    node = ContextPruneNode(broken(fault))
    assert node({"messages": HISTORY}) == {"llm_input_messages": HISTORY}
    tools = ToolNode([read_log], wrap_tool_call=node.wrap_tool_call)
    graph = StateGraph(MessagesState).add_node("tools", tools).add_edge(START, "tools").compile()
    asked: Any = {"messages": HISTORY[:2]}
    assert graph.invoke(asked)["messages"][-1].content == LONG
    assert node.failures == 2


@every_fault
@pytest.mark.parametrize("budget", [None, cp.Budget(tokens=500)])
def test_no_chain_ends_whatever_fails(fault: str, budget: cp.Budget | None) -> None:
    chain = ContextPruneMessages(broken(fault), budget=budget) | Scripted(replies=[AIMessage("48777")])
    assert chain.invoke(HISTORY).content == "48777"
    assert ContextPruneMessages(broken(fault), budget=budget).invoke(HISTORY) == HISTORY


@every_fault
def test_no_tool_ends_whatever_fails_in_a_handler(fault: str) -> None:
    watch = ContextPruneCallbackHandler(broken(fault), mutate=True)
    call: Any = {"type": "tool_call", "name": "read_log", "args": {"name": "orders"}, "id": "c1"}
    assert read_log.invoke(call, {"callbacks": [watch]}).content == LONG
    assert watch.usage.failures == 1


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
