"""Whatever clears or trims old results, in whichever place: no result that is sent points to one that is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from agents import FAILURE, LONG, Scripted, calls, engine, read_log, results
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, PIIMiddleware, SummarizationMiddleware
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, RemoveMessage, ToolMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from langchain_contextprune import ContextPruneMiddleware
from langchain_contextprune.editors import is_edited_on_the_way
from langchain_contextprune.figures import Sent

ASKED: Any = {"messages": [("user", "Which order failed?")]}
REPEATED = [calls(("read_log", {"name": "orders"}, f"c{i}")) for i in range(4)]


class OfState(AgentMiddleware[Any, Any, Any]):
    """Drops all but the last call and its result from the state, as LangChain's pages show."""

    def before_model(self, state: Any, runtime: Any) -> dict[str, Any]:
        first, *others = state["messages"]
        return {"messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), first, *others[-2:]]}


class OfRequest(AgentMiddleware[Any, Any, Any]):
    """Drops the same from each request."""

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        first, *others = request.messages
        return handler(request.override(messages=[first, *others[-2:]]))


class Asks(AgentMiddleware[Any, Any, Any]):
    """Asks the provider to clear old results."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        self.settings = settings

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        return handler(request.override(model_settings=self.settings))


def sent(other: Any, *, ours_first: bool, recall_tool: bool = True) -> list[list[str]]:
    """The results of each request of an agent that reads a log again and again."""
    model = Scripted(replies=[*REPEATED, AIMessage("done")])
    order: list[Any] = [ContextPruneMiddleware(engine(), recall_tool=recall_tool), other]
    create_agent(model, [read_log], middleware=order if ours_first else order[::-1]).invoke(ASKED)
    return [[str(message.content) for message in results(request)] for request in model.seen[1:]]


in_either_order = pytest.mark.parametrize("ours_first", [True, False])


@in_either_order
@pytest.mark.parametrize("recall_tool", [True, False])
def test_no_result_points_to_one_that_was_trimmed_from_the_state(ours_first: bool, recall_tool: bool) -> None:
    requests = sent(OfState(), ours_first=ours_first, recall_tool=recall_tool)
    assert all(len(shown) == 1 and FAILURE in shown[0] and len(shown[0]) < len(LONG) / 2 for shown in requests)


@pytest.mark.parametrize("recall_tool", [True, False])
def test_no_result_points_to_one_that_was_trimmed_before_ours(recall_tool: bool) -> None:
    assert all(
        FAILURE in text for shown in sent(OfRequest(), ours_first=False, recall_tool=recall_tool) for text in shown
    )


def test_what_is_trimmed_behind_ours_is_seen_and_from_then_on_nothing_points_to_it() -> None:
    first, second, *others = sent(OfRequest(), ours_first=True)
    assert FAILURE in first[0]
    assert "as above" in second[0], "nobody could know"
    assert len(others) == 2
    assert all(FAILURE in text for shown in others for text in shown)


@in_either_order
def test_no_result_points_to_one_that_was_summarised(ours_first: bool) -> None:
    class Teller(Scripted):
        """Sums up."""

        def invoke(self, *args: Any, **kwargs: Any) -> AIMessage:
            return AIMessage("what happened so far")

    summary = SummarizationMiddleware(Teller(replies=[]), trigger=("messages", 4), keep=("messages", 2))
    for shown in sent(summary, ours_first=ours_first):
        assert FAILURE in shown[0], "what the others point to"


EDITS = {"edits": [{"type": "clear_tool_uses_20250919"}]}


@in_either_order
@pytest.mark.parametrize(
    "settings",
    [
        {"context_management": EDITS},
        {"extra_body": {"context_management": EDITS}},
        {"model_kwargs": {"context_management": EDITS}},
        {"truncation": "auto"},
    ],
    ids=str,
)
def test_no_result_points_to_another_where_a_call_lets_its_provider_clear(
    settings: dict[str, Any], ours_first: bool
) -> None:
    assert all(FAILURE in text for shown in sent(Asks(settings), ours_first=ours_first) for text in shown)


@in_either_order
@pytest.mark.parametrize(
    "other",
    [Asks({"truncation": "disabled", "temperature": 0}), PIIMiddleware("email", apply_to_tool_results=True)],
    ids=["other settings", "redacts"],
)
def test_beside_what_clears_nothing_a_text_that_is_read_again_is_a_reference(other: Any, ours_first: bool) -> None:
    assert all("as above" in text for text in sent(other, ours_first=ours_first)[-1][1:])


HANDED_ON = [HumanMessage("Which?"), calls(("read_log", {}, "c")), ToolMessage(LONG, tool_call_id="c")]


@pytest.mark.parametrize(
    ("messages", "cleared"),
    [
        (HANDED_ON, False),
        ([*HANDED_ON[:2], ToolMessage([{"type": "text", "text": LONG, "cache_control": {}}], tool_call_id="c")], False),
        ([*HANDED_ON[:2], ToolMessage(LONG.replace("order", "***"), tool_call_id="c")], False),
        ([*HANDED_ON[:2], ToolMessage("[cleared]", tool_call_id="c")], True),
        (HANDED_ON[:1], True),
    ],
    ids=["as it is", "marked", "redacted", "cleared", "left out"],
)
def test_a_mark_or_a_redacted_name_clears_nothing(messages: Sequence[BaseMessage], cleared: bool) -> None:
    assert is_edited_on_the_way(HANDED_ON, Sent(messages, "", {})) is cleared
