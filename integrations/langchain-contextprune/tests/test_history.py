"""Messages in a chain: what is short, what is not, and under a budget."""

from __future__ import annotations

from typing import Any

import contextprune as cp
import pytest
from agents import FAILURE, LONG, OTHER, Scripted, calls, engine
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

from langchain_contextprune import ContextPruneMessages

HISTORY = [
    HumanMessage("Which order failed?"),
    calls(("read_log", {"name": "orders"}, "c1")),
    ToolMessage(LONG, tool_call_id="c1", name="read_log"),
]


def test_results_in_a_chain_are_short_and_all_else_is_the_callers_own() -> None:
    sent = ContextPruneMessages(engine()).invoke(HISTORY)
    assert sent[:2] == HISTORY[:2]
    assert sent[0] is HISTORY[0]
    assert FAILURE in str(sent[2].content)
    assert len(str(sent[2].content)) < len(LONG) / 2
    assert HISTORY[2].content == LONG


def test_it_stands_between_a_prompt_and_a_model() -> None:
    prompt = ChatPromptTemplate.from_messages([("system", "Be brief."), MessagesPlaceholder("history")])
    model = Scripted(replies=[AIMessage("48777")])
    assert (prompt | ContextPruneMessages(engine()) | model).invoke({"history": HISTORY}).content == "48777"
    assert model.seen[0][0].content == "Be brief."
    assert FAILURE in str(model.seen[0][-1].content)
    assert len(str(model.seen[0][-1].content)) < len(LONG) / 2


async def test_asynchronously_and_in_batches_it_gives_the_same() -> None:
    prune = ContextPruneMessages(engine())
    assert await prune.ainvoke(HISTORY) == prune.invoke(HISTORY) == prune.batch([HISTORY])[0]


def test_what_was_sent_is_sent_again() -> None:
    prune = ContextPruneMessages(engine())
    longer: list[Any] = [*HISTORY, AIMessage("48777"), calls(("read_log", {"name": "items"}, "c2"))]
    longer.append(ToolMessage(OTHER, tool_call_id="c2", name="read_log"))
    assert prune.invoke(longer)[:3] == prune.invoke(HISTORY)


@pytest.mark.parametrize("budget", [cp.Budget(tokens=600), 0.1])
def test_a_budget_holds_for_all_of_it(budget: Any) -> None:
    pruner = engine()
    longer: list[Any] = [*HISTORY, calls(("read_log", {"name": "items"}, "c2"))]
    longer.append(ToolMessage(OTHER, tool_call_id="c2", name="read_log"))
    sent = ContextPruneMessages(pruner, budget=budget).invoke(longer)
    most = 600 if isinstance(budget, cp.Budget) else pruner.counter(LONG) + pruner.counter(OTHER)
    assert sum(pruner.counter(str(m.content)) for m in sent) <= most
    assert FAILURE in str(sent[2].content)


def test_other_spellings_of_messages_are_read() -> None:
    (sent,) = ContextPruneMessages(engine()).invoke([("user", "hello")])
    assert sent == HumanMessage("hello")


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves nothing"):
        ContextPruneMessages(engine(), budget=0)


def test_without_a_pruner_markers_name_keys_only_for_a_model_that_can_ask() -> None:
    assert "recall=" not in str(ContextPruneMessages().invoke(HISTORY)[2].content)
    assert "recall=" in str(ContextPruneMessages(recall_tool=True).invoke(HISTORY)[2].content)
