"""Results in agents: whose words they are, how they come together, and what beside ours may happen to them."""

from __future__ import annotations

import ast
import json
from typing import Any

import contextprune as cp
import pytest
from agents import FAILURE, LONG, OTHER, Scripted, calls, engine, read_log, results
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    ClearToolUsesEdit,
    ContextEditingMiddleware,
    HumanInTheLoopMiddleware,
)
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from langchain_contextprune import ContextPruneMiddleware, Savings

CONFIG: Any = {"configurable": {"thread_id": "1"}}
ASKED: Any = {"messages": [("user", "Which order failed?")]}
ONE_LOG = [calls(("read_log", {"name": "orders"}, "c1")), AIMessage("48777")]
TWICE = [calls(("read_log", {"name": "orders"}, "c1"), ("read_log", {"name": "orders"}, "c2")), AIMessage("48777")]


@pytest.mark.parametrize("replies", [ONE_LOG, TWICE], ids=["one result", "parallel results that share text"])
def test_an_update_in_a_stream_is_a_dict_whose_first_message_is_the_reply(replies: list[AIMessage]) -> None:
    agent = create_agent(Scripted(replies=replies), [read_log], middleware=[ContextPruneMiddleware(engine())])
    updates = [update for chunk in agent.stream(ASKED, stream_mode="updates") for update in chunk.items()]
    assert all(isinstance(update, dict) for _, update in updates)
    assert [update["messages"][0].type for node, update in updates if node == "model"] == ["ai", "ai"]


def test_parallel_results_that_share_text_are_one_message_each_in_the_state() -> None:
    agent = create_agent(Scripted(replies=TWICE), [read_log], middleware=[ContextPruneMiddleware(engine())])
    kinds = [message.type for message in agent.invoke(ASKED)["messages"]]
    assert kinds == ["human", "ai", "tool", "tool", "ai"]


def test_what_a_tool_returns_to_the_user_is_whole() -> None:
    @tool(return_direct=True)
    def show() -> str:
        """Show it to the user."""
        return LONG

    agent = create_agent(
        Scripted(replies=[calls(("show", {}, "c1"))]), [show], middleware=[ContextPruneMiddleware(engine())]
    )
    assert agent.invoke(ASKED)["messages"][-1].content == LONG


def test_what_a_tool_returns_to_the_user_is_whole_where_the_model_reads_it_too() -> None:
    @tool(return_direct=True)
    def show() -> str:
        """Show it to the user."""
        return LONG

    both = calls(("show", {}, "c1"), ("read_log", {"name": "items"}, "c2"))
    model = Scripted(replies=[both, AIMessage("done")])
    agent = create_agent(model, [show, read_log], middleware=[ContextPruneMiddleware(engine())])
    out = results(agent.invoke(ASKED)["messages"])
    assert out[0].content == LONG == results(model.seen[1])[0].content
    assert len(str(out[1].content)) < len(OTHER) / 2


DECISIONS = [{"type": "respond", "message": LONG}, {"type": "reject", "message": LONG}]


@pytest.mark.parametrize("decision", DECISIONS, ids=["respond", "reject"])
@pytest.mark.parametrize("mode", [{}, {"interrupt_mode": "per_call"}], ids=["of a batch", "of one call"])
@pytest.mark.parametrize("ours_first", [True, False])
def test_a_persons_answer_in_place_of_a_result_is_whole(decision: Any, mode: Any, ours_first: bool) -> None:
    allowed: Any = {"allowed_decisions": ["approve", "reject", "respond"]}
    try:
        asks = HumanInTheLoopMiddleware({"read_log": allowed}, **mode)
    except TypeError:
        pytest.skip("this version of LangChain asks for a batch alone")
    ours = ContextPruneMiddleware(engine())
    model = Scripted(replies=ONE_LOG)
    order: list[Any] = [ours, asks] if ours_first else [asks, ours]
    agent = create_agent(model, [read_log], middleware=order, checkpointer=InMemorySaver())
    agent.invoke(ASKED, CONFIG)
    out = agent.invoke(Command(resume=decision if mode else {"decisions": [decision]}), CONFIG)
    kept, sent = results(out["messages"])[0].content, results(model.seen[-1])[0].content
    assert kept == sent
    assert str(kept).endswith(LONG)


@pytest.mark.parametrize("ours_first", [True, False])
def test_what_a_tool_returns_after_a_person_approved_it_is_short(ours_first: bool) -> None:
    asks = HumanInTheLoopMiddleware({"read_log": True})
    order: list[Any] = [ContextPruneMiddleware(engine()), asks]
    agent = create_agent(
        Scripted(replies=ONE_LOG), [read_log], middleware=order if ours_first else order[::-1],
        checkpointer=InMemorySaver(),
    )  # fmt: skip
    agent.invoke(ASKED, CONFIG)
    out = agent.invoke(Command(resume={"decisions": [{"type": "approve"}]}), CONFIG)
    assert len(str(results(out["messages"])[0].content)) < len(LONG) / 2


def test_what_a_person_answers_to_a_tool_is_whole() -> None:
    @tool
    def ask(question: str) -> str:
        """Ask a person."""
        return f"They said: {interrupt(question)}"

    model = Scripted(replies=[calls(("ask", {"question": "Which?"}, "c1")), AIMessage("thanks")])
    agent = create_agent(model, [ask], middleware=[ContextPruneMiddleware(engine())], checkpointer=InMemorySaver())
    agent.invoke(ASKED, CONFIG)
    agent.invoke(Command(resume=LONG), CONFIG)
    assert results(model.seen[-1])[0].content == f"They said: {LONG}"


def clearing() -> ContextEditingMiddleware:
    return ContextEditingMiddleware(edits=[ClearToolUsesEdit(trigger=100, keep=1)])


REPEATED = [calls(("read_log", {"name": "orders"}, f"c{i}")) for i in range(3)]


@pytest.mark.parametrize("order", ["ours first", "ours last", "one between"])
@pytest.mark.parametrize("recall_tool", [True, False])
def test_no_result_points_to_one_that_was_cleared(order: str, recall_tool: bool) -> None:
    class Between(AgentMiddleware[Any, Any, Any]):
        """Does nothing."""

        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            return handler(request)

    ours = ContextPruneMiddleware(engine(), recall_tool=recall_tool)
    lists: dict[str, list[Any]] = {
        "ours first": [ours, clearing()],
        "ours last": [clearing(), ours],
        "one between": [ours, Between(), clearing()],
    }
    model = Scripted(replies=[*REPEATED, AIMessage("done")])
    create_agent(model, [read_log], middleware=lists[order]).invoke(ASKED)
    for sent in model.seen[1:]:
        *cleared, last = [str(message.content) for message in results(sent)]
        assert all(content == "[cleared]" or FAILURE in content for content in cleared)
        assert FAILURE in last
        assert len(last) < len(LONG) / 2


def test_no_result_points_to_another_where_the_provider_clears_them() -> None:
    class Managed(Scripted):
        """Asks its provider to clear old results."""

        context_management: Any = None

    asked = {"edits": [{"type": "clear_tool_uses_20250919"}]}
    model = Managed(replies=[*REPEATED, AIMessage("done")], context_management=asked)
    create_agent(model, [read_log], middleware=[ContextPruneMiddleware(engine())]).invoke(ASKED)
    assert all(FAILURE in str(message.content) for message in results(model.seen[-1]))


def test_elsewhere_a_text_that_is_read_again_is_a_reference() -> None:
    model = Scripted(replies=[*REPEATED, AIMessage("done")])
    create_agent(model, [read_log], middleware=[ContextPruneMiddleware(engine())]).invoke(ASKED)
    assert "as above" in str(results(model.seen[-1])[-1].content)


def rows(count: int = 200) -> list[dict[str, Any]]:
    """What a server of MCP returns as a list."""
    return [
        {
            "order": 48000 + i,
            "state": "failed: TimeoutError" if i == 77 else "packed",
            "van": f"to be sent on day {i % 9}",
        }
        for i in range(count)
    ]


@pytest.mark.parametrize("fields", [{}, {"annotations": [], "extras": {}, "index": 0}], ids=["bare", "empty fields"])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("on_arrival", [True, False])
def test_a_list_of_texts_is_shortened_as_one(indent: int | None, on_arrival: bool, fields: dict[str, Any]) -> None:
    texts = [json.dumps(row, indent=indent) for row in rows()]

    @tool
    def list_orders() -> list[Any]:
        """List the orders."""
        return [{"type": "text", "text": text, "id": f"lc_{i}", **fields} for i, text in enumerate(texts)]

    model = Scripted(replies=[calls(("list_orders", {}, f"c{i}")) for i in range(2)] + [AIMessage("48077")])
    middleware = ContextPruneMiddleware(engine(), on_arrival=on_arrival)
    out = create_agent(model, [list_orders], middleware=[middleware]).invoke(ASKED)
    first, again = (message.content for message in results(model.seen[2]))
    assert texts[77] in str(first[0]["text"])  # type: ignore[index]
    assert len(str(first)) < len("".join(texts)) / 2
    assert "as above" in str(again)
    assert results(model.seen[1])[0].content == first
    assert len(results(out["messages"])[0].content) == (1 if on_arrival else 200)


def test_texts_that_carry_citations_are_no_list_and_stay() -> None:
    cited = [{"type": "text", "text": json.dumps(row), "annotations": [{"type": "citation"}]} for row in rows()]

    @tool
    def look_up() -> list[Any]:
        """Look up."""
        return cited

    model = Scripted(replies=[calls(("look_up", {}, "c1")), AIMessage("48077")])
    create_agent(model, [look_up], middleware=[ContextPruneMiddleware(engine())]).invoke(ASKED)
    assert results(model.seen[1])[0].content == cited


@pytest.mark.parametrize("spelled", [lambda value: value, str, json.dumps], ids=["as it is", "printed", "as JSON"])
def test_a_value_that_a_tool_returns_is_cut_between_its_rows(spelled: Any) -> None:
    value = {"orders": rows()}

    @tool
    def list_orders() -> Any:
        """List the orders."""
        return spelled(value)

    model = Scripted(replies=[calls(("list_orders", {}, "c1")), AIMessage("48077")])
    create_agent(model, [list_orders], middleware=[ContextPruneMiddleware(engine())]).invoke(ASKED)
    sent = str(results(model.seen[1])[0].content)
    assert len(sent) < len(str(value)) / 2
    read = ast.literal_eval(sent) if spelled is str else json.loads(sent)
    assert rows()[77] in read["orders"]


def test_what_a_list_of_texts_lost_comes_back() -> None:
    texts = [json.dumps(row) for row in rows()]

    @tool
    def list_orders() -> ToolMessage:
        """List the orders."""
        return ToolMessage([{"type": "text", "text": text} for text in texts], tool_call_id="c1")

    middleware = ContextPruneMiddleware(engine())
    model = Scripted(replies=[calls(("list_orders", {}, "c1")), AIMessage("48077")])
    (kept,) = results(create_agent(model, [list_orders], middleware=[middleware]).invoke(ASKED)["messages"])
    key = kept.response_metadata["contextprune"]["keys"]["0"]
    assert cp.recall(key, pruner=middleware.pruner) == "\n".join(texts)


BATCH = [calls(("read_log", {"name": "orders"}, "c1"), ("read_log", {"name": "items"}, "c2")), AIMessage("48777")]


def test_results_that_come_together_keep_no_more_than_they_may() -> None:
    pruner = engine(recall=1.0)
    model = Scripted(replies=[*BATCH[:1], calls(("read_log", {"name": "items"}, "c3")), AIMessage("48777")])
    agent = create_agent(
        model, [read_log], middleware=[ContextPruneMiddleware(pruner, at_once=1500)], checkpointer=InMemorySaver()
    )
    out = agent.invoke(ASKED, CONFIG)
    sent = results(model.seen[1])
    assert sum(pruner.counter(str(message.content)) for message in sent) <= 1500
    assert FAILURE in str(sent[0].content)
    assert [m.content for m in results(out["messages"])[:2]] == [m.content for m in sent]
    assert [m.content for m in results(model.seen[2])[:2]] == [m.content for m in sent], "and they stay"
    savings = Savings.of(agent.get_state(CONFIG).values)
    assert savings.after < savings.before / 2
    kept = results(out["messages"])[:2]
    keys = [message.response_metadata["contextprune"]["keys"]["0"] for message in kept]
    assert [cp.recall(key, pruner=pruner) for key in keys] == [LONG, OTHER]


def test_results_that_fit_are_as_without_a_limit() -> None:
    seen = []
    for at_once in (None, 100_000):
        model = Scripted(replies=BATCH)
        create_agent(model, [read_log], middleware=[ContextPruneMiddleware(engine(), at_once=at_once)]).invoke(ASKED)
        seen.append([m.content for m in results(model.seen[1])])
    assert seen[0] == seen[1]


def test_a_limit_for_what_comes_together_needs_a_state_that_holds_it() -> None:
    with pytest.raises(ValueError, match="at_once"):
        ContextPruneMiddleware(engine(), at_once=1000, on_arrival=False)


def test_one_tool_may_keep_no_more_than_its_rule_says() -> None:
    middleware = ContextPruneMiddleware(engine(tools={"read_*": cp.Rule(max_tokens=200)}))
    model = Scripted(replies=ONE_LOG)
    (kept,) = results(create_agent(model, [read_log], middleware=[middleware]).invoke(ASKED)["messages"])
    assert middleware.pruner.counter(str(kept.content)) <= 200
    assert FAILURE in str(kept.content)


class Metadata(BaseCallbackHandler):
    """Keeps the metadata of the model's runs, as tracers do."""

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = []

    def on_chat_model_start(self, *args: Any, metadata: dict[str, Any] | None = None, **kwargs: Any) -> None:
        self.runs.append(metadata or {})


@pytest.mark.parametrize("as_async", [True, False])
async def test_tracers_find_the_figures_with_the_models_run(as_async: bool) -> None:
    trace, model = Metadata(), Scripted(replies=ONE_LOG)
    agent = create_agent(model, [read_log], middleware=[ContextPruneMiddleware(engine())])
    config: Any = {"callbacks": [trace], "metadata": {"mine": 1}}
    await agent.ainvoke(ASKED, config) if as_async else agent.invoke(ASKED, config)
    last = trace.runs[-1]
    assert last["mine"] == 1
    assert 0 < last["contextprune_tokens_after"] < last["contextprune_tokens_before"]


@pytest.mark.parametrize("events", [True, False])
def test_a_stream_tells_the_figures_where_that_is_asked_for(events: bool) -> None:
    model = Scripted(replies=ONE_LOG)
    agent = create_agent(model, [read_log], middleware=[ContextPruneMiddleware(engine(), events=events)])
    told = list(agent.stream(ASKED, stream_mode="custom"))
    assert len(told) == (2 if events else 0)
    assert all(set(event["contextprune"]) == {"before", "after", "failed"} for event in told)


def test_a_shortened_message_says_so_with_its_key_and_sizes() -> None:
    model = Scripted(replies=ONE_LOG)
    middleware = ContextPruneMiddleware(engine())
    (kept,) = results(create_agent(model, [read_log], middleware=[middleware]).invoke(ASKED)["messages"])
    note = kept.response_metadata["contextprune"]
    assert note["shortened"] is True
    assert note["keys"] == {"0": middleware.pruner.store.key(LONG)}
    assert (note["before"], note["after"]) == (
        middleware.pruner.counter(LONG), middleware.pruner.counter(str(kept.content)),
    )  # fmt: skip


def test_one_that_is_whole_says_nothing_of_the_kind() -> None:
    model = Scripted(replies=ONE_LOG)
    middleware = ContextPruneMiddleware(engine(exclude_tools=("read_log",)))
    (kept,) = results(create_agent(model, [read_log], middleware=[middleware]).invoke(ASKED)["messages"])
    assert kept.response_metadata["contextprune"] == {"tool": True}


class Chooses(AgentMiddleware[Any, Any, Any]):
    """Sends the tool that is needed alone, as LangChain's pages show."""

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        return handler(request.override(tools=[each for each in request.tools if each.name == "read_log"]))


def test_the_recall_tool_is_offered_where_another_middleware_dropped_it_and_keys_are_named() -> None:
    model = Scripted(replies=ONE_LOG)
    create_agent(model, [read_log], middleware=[Chooses(), ContextPruneMiddleware(engine())]).invoke(ASKED)
    assert "recall=" in str(results(model.seen[1])[0].content)
    assert model.offered == ["contextprune_recall", "read_log"]


def test_a_result_that_no_tool_made_stays_whole_whoever_made_it() -> None:
    class Answers(AgentMiddleware[Any, Any, Any]):
        """Answers in place of the tool."""

        def wrap_tool_call(self, request: Any, handler: Any) -> Any:
            return ToolMessage(LONG, tool_call_id=request.tool_call["id"], name="read_log")

    model = Scripted(replies=ONE_LOG)
    create_agent(model, [read_log], middleware=[Answers(), ContextPruneMiddleware(engine())]).invoke(ASKED)
    assert results(model.seen[1])[0].content == LONG
