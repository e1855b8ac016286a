"""Plain LangGraph: a node before the model, and results shortened as a ToolNode returns them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from agents import FAILURE, LONG, Scripted, calls, engine, read_log, results
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command, interrupt

from langchain_contextprune import ContextPruneNode


class State(MessagesState):
    """The conversation, and what is sent of it."""

    llm_input_messages: list[AnyMessage]


def graph(model: Scripted, node: ContextPruneNode, *, arrival: bool, tools: Sequence[BaseTool] = (read_log,)) -> Any:
    """A loop of a model and tools, without create_agent."""

    def ask(state: State) -> dict[str, Any]:
        return {"messages": [model.invoke(state["llm_input_messages"])]}

    wrapped: Any = {"wrap_tool_call": node.wrap_tool_call, "awrap_tool_call": node.awrap_tool_call} if arrival else {}
    made = StateGraph(State)
    made.add_node("prune", node)
    made.add_node("model", ask)
    made.add_node("tools", ToolNode(list(tools), **wrapped))
    made.add_edge(START, "prune")
    made.add_edge("prune", "model")
    made.add_conditional_edges("model", tools_condition, ["tools", END])
    made.add_edge("tools", "prune")
    return made.compile(checkpointer=InMemorySaver() if len(tools) > 1 else None)


def replies() -> list[AIMessage]:
    return [*(calls(("read_log", {"name": n}, f"c-{n}")) for n in ("orders", "items")), AIMessage("48777")]


ASKED: Any = {"messages": [("user", "Which order failed?")]}


def test_the_model_reads_the_short_text_and_the_conversation_stays_whole() -> None:
    model = Scripted(replies=replies())
    out = graph(model, ContextPruneNode(engine()), arrival=False).invoke(ASKED)
    assert results(out["messages"])[0].content == LONG
    sent = str(results(model.seen[1])[0].content)
    assert FAILURE in sent
    assert len(sent) < len(LONG) / 2


def test_with_wrapped_calls_the_conversation_holds_what_is_sent() -> None:
    model = Scripted(replies=replies())
    out = graph(model, ContextPruneNode(engine()), arrival=True).invoke(ASKED)
    assert [m.content for m in results(out["messages"])] == [m.content for m in results(model.seen[-1])]
    assert len(str(results(out["messages"])[0].content)) < len(LONG) / 2


@pytest.mark.parametrize("arrival", [True, False])
async def test_what_was_sent_is_sent_again_as_it_was(arrival: bool) -> None:
    model = Scripted(replies=replies())
    await graph(model, ContextPruneNode(engine()), arrival=arrival).ainvoke(ASKED)
    for before, after in zip(model.seen, model.seen[1:], strict=False):
        assert [m.content for m in after[: len(before)]] == [m.content for m in before]


def test_what_is_a_persons_or_for_a_person_is_whole_where_calls_are_wrapped() -> None:
    @tool
    def ask(question: str) -> str:
        """Ask a person."""
        return f"They said: {interrupt(question)}"

    @tool(return_direct=True)
    def show() -> str:
        """Show it to the user."""
        return LONG

    both = calls(("ask", {"question": "Which?"}, "c1"), ("show", {}, "c2"), ("read_log", {"name": "items"}, "c3"))
    model = Scripted(replies=[both, AIMessage("done")])
    agent = graph(model, ContextPruneNode(engine()), arrival=True, tools=[ask, show, read_log])
    config: Any = {"configurable": {"thread_id": "1"}}
    agent.invoke(ASKED, config)
    kept = [message.content for message in results(agent.invoke(Command(resume=LONG), config)["messages"])]
    assert [message.content for message in results(model.seen[1])] == kept
    assert kept[:2] == [f"They said: {LONG}", LONG]
    assert len(str(kept[2])) < len(LONG) / 2


def test_other_keys_and_states_that_are_objects_work() -> None:
    class Held:
        """A state as an object."""

        talk = (HumanMessage("Which?"), calls(("read_log", {}, "c")), ToolMessage(LONG, tool_call_id="c"))

    out = ContextPruneNode(engine(), key="talk", sent="prompt")(Held())
    assert list(out) == ["prompt"]
    assert len(str(out["prompt"][2].content)) < len(LONG) / 2


def test_the_tool_that_reads_what_was_taken_out_comes_with_the_node() -> None:
    node = ContextPruneNode(engine())
    history = [HumanMessage("Which?"), calls(("read_log", {}, "c")), ToolMessage(LONG, tool_call_id="c")]
    key = str(node({"messages": history})["llm_input_messages"][2].content).partition("recall=")[2][:12]
    assert node.tools[0].invoke({"key": key, "lines": "201"}) == FAILURE


def test_without_that_tool_markers_name_no_keys() -> None:
    node = ContextPruneNode(recall_tool=False)
    history = [HumanMessage("Which?"), calls(("read_log", {}, "c")), ToolMessage(LONG, tool_call_id="c")]
    assert node.tools == []
    assert "recall=" not in str(node({"messages": history}))


def test_the_conversation_is_not_overwritten() -> None:
    with pytest.raises(ValueError, match="another name"):
        ContextPruneNode(engine(), sent="messages")
