"""Originals in LangGraph's store: what comes back, who shares it, and what happens where it fails."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import contextprune as cp
import pytest
from agents import FAILURE, LONG, Scripted, calls, read_log, results
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.store.memory import InMemoryStore

from langchain_contextprune import ContextPruneMiddleware, LangGraphStore


def engine(store: cp.Store) -> cp.Pruner:
    return cp.Pruner(cp.Policy(), cp.load_scorer("lexical"), cp.Tiktoken(), store)


@pytest.mark.parametrize("text", ["plain", "Zoë \ud800 \x00 end", ""])
def test_a_text_comes_back_byte_for_byte(text: str) -> None:
    store = LangGraphStore(InMemoryStore())
    store.put({store.key(text): text})
    assert store.get(store.key(text)) == text
    assert store.get("abcdefgh2345") is None


def test_decisions_come_back() -> None:
    store = LangGraphStore(InMemoryStore())
    store.note({b"\x00k": b"\xff", b"l": b""})
    assert store.noted([b"l", b"\x00k", b"m"]) == {b"l": b"", b"\x00k": b"\xff"}


def test_another_process_sends_the_same_and_recalls_the_same() -> None:
    shared = InMemoryStore()
    first = ContextPruneMiddleware(engine(LangGraphStore(shared)))
    model = Scripted(replies=[calls(("read_log", {"name": "orders"}, "c1")), AIMessage("48777")])
    history = create_agent(model, [read_log], middleware=[first], store=shared).invoke(
        {"messages": [HumanMessage("Which order failed?")]}
    )["messages"]
    second = ContextPruneMiddleware(engine(LangGraphStore(shared)))
    again = Scripted(replies=[AIMessage("fine")])
    create_agent(again, [read_log], middleware=[second], store=shared).invoke(
        {"messages": [*history, HumanMessage("And now?")]}
    )
    assert [m.content for m in results(again.seen[0])] == [m.content for m in results(model.seen[1])]
    key = results(history)[0].response_metadata["contextprune"]["keys"]["0"]
    assert second.tools[0].invoke({"key": key, "lines": "201"}) == FAILURE


def test_namespaces_are_kept_apart() -> None:
    shared = InMemoryStore()
    one, other = (LangGraphStore(shared, ("tenants", name)) for name in ("a", "b"))
    one.put({one.key("x"): "x"})
    assert other.get(one.key("x")) is None
    assert other.key("x") != one.key("x")
    with pytest.raises(ValueError, match="namespace"):
        LangGraphStore(shared, ())


class Down(InMemoryStore):
    """A database that is away."""

    def batch(self, ops: Any) -> Any:
        raise ConnectionError("away")


def test_a_store_that_is_away_is_a_failure_that_stops_nobody() -> None:
    store = LangGraphStore(Down())
    uses: list[Callable[[], object]] = [
        lambda: store.get("a"), lambda: store.put({"a": "b"}), lambda: store.key("a"),
    ]  # fmt: skip
    for use in uses:
        with pytest.raises(cp.StoreError, match="away"):
            use()
    model = Scripted(replies=[calls(("read_log", {"name": "orders"}, "c1")), AIMessage("48777")])
    agent = create_agent(model, [read_log], middleware=[ContextPruneMiddleware(engine(store))])
    out = agent.invoke({"messages": [HumanMessage("Which order failed?")]})
    assert results(out["messages"])[0].content == LONG


def test_nothing_of_it_turns_up_in_a_search() -> None:
    shared = InMemoryStore(index={"dims": 2, "embed": lambda texts: [[1.0, 0.0] for _ in texts]})
    store = LangGraphStore(shared)
    store.put({store.key(LONG): LONG})
    assert [item.score for item in shared.search(("contextprune",), query="orders")] in ([], [None] * 2)


def test_a_deep_copy_is_the_same_one() -> None:
    store = LangGraphStore(InMemoryStore())
    assert copy.deepcopy(store) is store
    with pytest.raises((TypeError, AttributeError), match="pickle"):
        pickle.dumps(store)  # no more than the store behind it
