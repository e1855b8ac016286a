"""The calls that a request leads to: which model replied, what it was really sent, and whether it takes tools."""

from __future__ import annotations

from typing import Any

import pytest
from agents import LONG, Scripted, calls, engine, ping, read_log, results
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelFallbackMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver

from langchain_contextprune import ContextPruneMiddleware, Savings
from langchain_contextprune.metadata import model_of

CONFIG: Any = {"configurable": {"thread_id": "1"}}
ASKED: Any = {"messages": [("user", "Which order failed?")]}
ONE_LOG = [calls(("read_log", {"name": "orders"}, "c1")), AIMessage("48777")]


class Away(Scripted):
    """A model whose provider is away."""

    model: str = "first"

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise TimeoutError("the provider is away")


@pytest.mark.parametrize("ours_first", [True, False])
@pytest.mark.parametrize("streamed", [True, False])
def test_a_reply_of_a_fallback_is_stamped_with_the_name_of_the_model_that_gave_it(
    ours_first: bool, streamed: bool
) -> None:
    order: list[Any] = [ContextPruneMiddleware(engine()), ModelFallbackMiddleware(Scripted(replies=ONE_LOG))]
    agent = create_agent(Away(replies=[]), [read_log], middleware=order if ours_first else order[::-1])
    out = list(agent.stream(ASKED, stream_mode="values"))[-1] if streamed else agent.invoke(ASKED)
    replies = [message for message in out["messages"] if isinstance(message, AIMessage)]
    assert [reply.response_metadata["contextprune"]["model"] for reply in replies] == ["scripted", "scripted"]
    assert model_of(out["messages"]) == "scripted"


async def test_so_it_is_asynchronously() -> None:
    order = [ContextPruneMiddleware(engine()), ModelFallbackMiddleware(Scripted(replies=ONE_LOG))]
    out = await create_agent(Away(replies=[]), [read_log], middleware=order).ainvoke(ASKED)
    assert model_of(out["messages"]) == "scripted"


def test_a_model_that_judges_the_reply_changes_neither_counters_nor_stamps() -> None:
    judge = Scripted(replies=[AIMessage("fine")] * 2, model="judge")

    class Judged(AgentMiddleware[Any, Any, Any]):
        """Has another model read each reply."""

        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            response = handler(request)
            judge.invoke([HumanMessage(f"Is this polite? {response.result[0].text}")])
            return response

    def run(*behind: AgentMiddleware[Any, Any, Any]) -> tuple[Savings, str]:
        order = [ContextPruneMiddleware(engine()), *behind]
        agent = create_agent(Scripted(replies=ONE_LOG), [read_log], middleware=order, checkpointer=InMemorySaver())
        out = agent.invoke(ASKED, CONFIG)
        return Savings.of(agent.get_state(CONFIG).values), model_of(out["messages"])

    (plain, name), (judged, name_beside_a_judge) = run(), run(Judged())
    assert (judged.before, judged.after) == (plain.before, plain.after)
    assert name_beside_a_judge == name == "scripted"


class NoTools(BaseChatModel):
    """A model that cannot be told of tools."""

    @property
    def _llm_type(self) -> str:
        return "no-tools"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(f"{len(messages)} messages"))])


def test_an_agent_without_tools_needs_no_model_that_takes_them() -> None:
    agent = create_agent(NoTools(), middleware=[ContextPruneMiddleware(engine())])
    assert agent.invoke(ASKED)["messages"][-1].content == "1 messages"


def test_that_a_model_takes_no_tools_is_not_hidden_where_the_agent_has_some() -> None:
    agent = create_agent(NoTools(), [ping], middleware=[ContextPruneMiddleware(engine())])
    with pytest.raises(NotImplementedError):
        agent.invoke(ASKED)


@pytest.mark.parametrize("name", ["show", "view", "open", "fetch"])
def test_a_tool_of_the_users_own_is_no_view_of_a_file_whatever_its_name(name: str) -> None:
    from langchain_core.tools import StructuredTool

    def history(order: int) -> str:
        """Tell all about an order."""
        return "".join(f"{order}-{i}: step {i * 7919 % 1007} took {i * 3} minutes of work\n" for i in range(300))

    own = StructuredTool.from_function(history, name=name)
    model = Scripted(replies=[calls((name, {"order": 48}, "c1")), AIMessage("done")])
    create_agent(model, [own], middleware=[ContextPruneMiddleware(engine())]).invoke(ASKED)
    assert len(str(results(model.seen[1])[0].content)) < len(history(48)) / 2


def test_what_a_tool_returns_that_has_the_name_of_ours_is_whole() -> None:
    from langchain_core.tools import StructuredTool

    own = StructuredTool.from_function(lambda: LONG, name="contextprune_recall", description="Something else.")
    model = Scripted(replies=[calls(("contextprune_recall", {}, "c1")), AIMessage("done")])
    middleware = ContextPruneMiddleware(engine(), recall_tool=False)
    create_agent(model, [own], middleware=[middleware]).invoke(ASKED)
    assert results(model.seen[1])[0].content == LONG
