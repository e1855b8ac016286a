"""Subagents of deepagents: with the helper their results are short, too."""

from __future__ import annotations

from typing import Any

import pytest
from agents import FAILURE, LONG, Scripted, calls, engine, read_log, results
from langchain_core.messages import AIMessage

from langchain_contextprune import ContextPruneMiddleware, with_contextprune

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::langchain_core._api.LangChainBetaWarning"
)
deepagents = pytest.importorskip("deepagents")
ASKED: Any = {"messages": [("user", "Which order failed?")]}
RESEARCHER = {"name": "researcher", "description": "Reads logs.", "system_prompt": "Read.", "tools": [read_log]}


def delegated(name: str, count: int = 1) -> Any:
    """What the subagent's model was sent, and the state, where the main agent hands tasks on to `name`."""
    ours = ContextPruneMiddleware(engine())
    tasks = [("task", {"description": "Which order failed?", "subagent_type": name}, f"t{i}") for i in range(count)]
    main = Scripted(replies=[calls(*tasks), AIMessage("48777")])
    read = [calls(("read_log", {"name": "orders"}, "c1")), AIMessage("It is 48777.")]
    inner = [Scripted(replies=read, model=f"inner-{i}") for i in range(count)]
    specs = [{**RESEARCHER, "model": inner[0]}]
    if name == "general-purpose":
        specs = [*with_contextprune([], ours), *specs]
        specs[0]["model"] = inner[0]
        specs[0]["tools"] = [read_log]
    agent = deepagents.create_deep_agent(
        model=main, tools=[read_log], middleware=[ours], subagents=with_contextprune(specs, ours)
    )
    return inner[0], agent.invoke(ASKED), ours


@pytest.mark.parametrize("name", ["researcher", "general-purpose"])
def test_a_subagents_results_are_short_and_can_be_recalled(name: str) -> None:
    model, out, ours = delegated(name)
    (sent,) = results(model.seen[1])
    assert FAILURE in str(sent.content)
    assert len(str(sent.content)) < len(LONG) / 2
    assert "contextprune_recall" in str(model.offered)
    key = str(sent.content).partition("recall=")[2][:12]
    assert ours.tools[0].invoke({"key": key, "lines": "201"}) == FAILURE
    assert out["messages"][-1].content == "48777"


def test_what_has_ours_or_is_made_elsewhere_stays_as_it_is() -> None:
    ours = ContextPruneMiddleware(engine())
    specs: list[dict[str, Any]] = [
        {**RESEARCHER, "middleware": [ours]},
        {"name": "compiled", "description": "", "runnable": None},
        {"name": "remote", "description": "", "graph_id": "g"},
        {"name": "fork", "description": "", "mode": "fork"},
    ]
    assert with_contextprune(specs, ContextPruneMiddleware(engine()), general_purpose=False) == specs


def test_the_specifications_given_do_not_change_and_others_of_their_middleware_stays() -> None:
    other = ContextPruneMiddleware(engine())
    spec: dict[str, Any] = {**RESEARCHER, "middleware": []}
    (covered,) = with_contextprune([spec], other, general_purpose=False)
    assert spec["middleware"] == []
    assert covered["middleware"] == [other]


def test_the_general_purpose_subagent_is_added_unless_there_is_one() -> None:
    ours = ContextPruneMiddleware(engine())
    added = with_contextprune([RESEARCHER], ours, skills=["/skills/"])
    assert [spec["name"] for spec in added] == ["general-purpose", "researcher"]
    assert (added[0]["skills"], added[0]["middleware"]) == (["/skills/"], [ours])
    own = {"name": "general-purpose", "description": "Mine.", "system_prompt": "Do."}
    assert [spec["description"] for spec in with_contextprune([own], ours)] == ["Mine."]
