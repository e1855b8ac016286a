"""Beside other middleware: the documented order works, and what each one does still happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from agents import FAILURE, LONG, Scripted, calls, engine, read_log, report, results
from langchain.agents import create_agent
from langchain.agents.middleware import (
    ClearToolUsesEdit,
    ContextEditingMiddleware,
    ModelRetryMiddleware,
    PIIMiddleware,
    SummarizationMiddleware,
    ToolRetryMiddleware,
)
from langchain_anthropic import ChatAnthropic
from langchain_anthropic.middleware import AnthropicPromptCachingMiddleware
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

from langchain_contextprune import ContextPruneMiddleware, Savings

CONFIG: Any = {"configurable": {"thread_id": "1"}}
ASKED: Any = {"messages": [("user", "Which order failed?")]}


def days(count: int) -> list[AIMessage]:
    return [calls(("report", {"day": i + 1}, f"c{i}")) for i in range(count)]


def contents(messages: Sequence[BaseMessage]) -> list[Any]:
    return [message.content for message in messages]


@pytest.mark.parametrize("ours_first", [True, False])
def test_summaries_are_written_of_the_short_history_in_either_order(ours_first: bool) -> None:
    told: list[str] = []

    def summarise(prompt: Any) -> AIMessage:
        told.append(str(prompt))
        return AIMessage("what happened so far")

    class Teller(Scripted):
        """A model that keeps what it is asked to sum up."""

        def invoke(self, *args: Any, **kwargs: Any) -> AIMessage:
            return summarise(args[0])

    summary = SummarizationMiddleware(Teller(replies=[]), trigger=("messages", 8), keep=("messages", 4))
    ours = ContextPruneMiddleware(engine())
    model = Scripted(replies=[*days(6), AIMessage("done")])
    order = [ours, summary] if ours_first else [summary, ours]
    agent = create_agent(model, [report], middleware=order, checkpointer=InMemorySaver())
    agent.invoke(ASKED, CONFIG)
    assert told
    assert "recall=" in told[0]
    assert "what happened so far" in str(model.seen[-1][0].content)
    assert all(len(str(m.content)) < 6000 for m in results(model.seen[-1]))
    assert Savings.of(agent.get_state(CONFIG).values).failures == 0


def test_context_editing_behind_ours_clears_what_ours_has_sent() -> None:
    edits = ContextEditingMiddleware(edits=[ClearToolUsesEdit(trigger=2000, keep=2)])
    ours = ContextPruneMiddleware(engine())
    model = Scripted(replies=[*days(5), AIMessage("done")])
    agent = create_agent(model, [report], middleware=[ours, edits], checkpointer=InMemorySaver())
    out = agent.invoke(ASKED, CONFIG)
    assert contents(results(model.seen[-1]))[:3] == ["[cleared]"] * 3
    assert contents(results(model.seen[-1]))[3:] == contents(results(out["messages"]))[3:]


def test_counters_tell_of_what_was_sent_and_not_of_what_was_cleared_behind_ours() -> None:
    pruner = engine()
    edits = ContextEditingMiddleware(edits=[ClearToolUsesEdit(trigger=2000, keep=1)])
    model = Scripted(replies=[*days(5), AIMessage("done")])
    agent = create_agent(
        model, [report], middleware=[ContextPruneMiddleware(pruner), edits], checkpointer=InMemorySaver()
    )
    agent.invoke(ASKED, CONFIG)
    sent = sum(pruner.counter(message.text) for request in model.seen for message in results(request))
    savings = Savings.of(agent.get_state(CONFIG).values)
    assert sent <= savings.after <= sent + 100 * savings.requests, "results, and a few words and calls"
    assert savings.before > savings.after


def test_context_editing_before_ours_is_not_undone() -> None:
    edits = ContextEditingMiddleware(edits=[ClearToolUsesEdit(trigger=2000, keep=2)])
    ours = ContextPruneMiddleware(engine())
    model = Scripted(replies=[*days(5), AIMessage("done")])
    out = create_agent(model, [report], middleware=[edits, ours]).invoke(ASKED)
    assert contents(results(model.seen[-1]))[:3] == ["[cleared]"] * 3
    assert all(m.content != "[cleared]" for m in results(out["messages"])), "what it clears is a view, not the state"


class Keyless(ChatAnthropic):
    """The real client up to the point where it would send: the request body is kept, and a scripted reply given."""

    replies: list[AIMessage]
    bodies: list[dict[str, Any]] = []  # noqa: RUF012 - pydantic copies defaults

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("run_manager", None)
        self.bodies.append(self._get_request_payload(messages, **kwargs))
        told = Scripted(replies=[self.replies[len(self.bodies) - 1]])
        return told._generate(messages)


SIGNED: Any = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}


def test_prompt_caching_behind_ours_marks_what_is_really_sent() -> None:
    replies = [reply.model_copy(update={"content": [SIGNED]}) for reply in days(6)]
    settings: Any = {"model": "claude-opus-5-5", "api_key": "none", "replies": [*replies, AIMessage("done")]}
    model = Keyless(**settings)
    agent = create_agent(
        model,
        [report],
        system_prompt="Be brief.",
        middleware=[ContextPruneMiddleware(engine(window=6000)), AnthropicPromptCachingMiddleware()],
    )
    agent.invoke(ASKED)
    for before, after in zip(model.bodies, model.bodies[1:], strict=False):
        assert after["messages"][: len(before["messages"])] == before["messages"]
        assert after["tools"] == before["tools"]
        assert after["system"] == before["system"]
    last = model.bodies[-1]
    assert last["cache_control"] == {"type": "ephemeral", "ttl": "5m"}
    assert last["system"][0]["cache_control"]
    assert [tool["name"] for tool in last["tools"]] == ["contextprune_recall", "report"]
    blocks = [block for m in last["messages"] if isinstance(m["content"], list) for block in m["content"]]
    assert [block for block in blocks if block["type"] == "thinking"] == [SIGNED] * 6
    assert "recall=" in str(last["messages"])


def test_retries_of_tools_and_models_count_one_request() -> None:
    class Flaky(Scripted):
        """Fails the first time."""

        failed: bool = False

        def _generate(self, *args: Any, **kwargs: Any) -> Any:
            if not self.failed:
                self.failed = True
                raise TimeoutError("try again")
            return super()._generate(*args, **kwargs)

    model = Flaky(replies=[calls(("read_log", {"name": "orders"}, "c1")), AIMessage("48777")])
    retry: Any = [
        ModelRetryMiddleware(initial_delay=0, jitter=False),
        ToolRetryMiddleware(initial_delay=0, jitter=False),
    ]
    agent = create_agent(
        model, [read_log], middleware=[*retry, ContextPruneMiddleware(engine())], checkpointer=InMemorySaver()
    )
    out = agent.invoke(ASKED, CONFIG)
    assert FAILURE in str(results(out["messages"])[0].content)
    assert Savings.of(agent.get_state(CONFIG).values).requests == 2


ADDRESS = "ada@example.org"


@tool
def letters() -> str:
    """Read letters."""
    return LONG[:4000] + f"ERROR the letter to {ADDRESS} came back\n" + LONG[4000:]


@pytest.mark.parametrize("ours_first", [True, False])
def test_what_a_middleware_redacts_reaches_the_model_neither_at_once_nor_by_a_recall(ours_first: bool) -> None:
    pruner = engine()
    pii = PIIMiddleware("email", apply_to_tool_results=True)
    replies = [calls(("letters", {}, "c1")), AIMessage("")]

    class Recalls(Scripted):
        """Asks back what the first result lost."""

        def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
            if len(messages) == 3:
                key = pruner.store.key(str(letters.invoke({})))
                self.replies[1] = calls(("contextprune_recall", {"key": key, "query": "ERROR"}, "c2"))
            return super()._generate(messages, *args, **kwargs)

    model = Recalls(replies=[*replies, AIMessage("done")])
    order: list[Any] = [ContextPruneMiddleware(pruner), pii]
    create_agent(model, [letters], middleware=order if ours_first else order[::-1]).invoke(ASKED)
    assert len(results(model.seen[2])) == 2
    assert all("came back" in message.text for message in results(model.seen[2]))
    assert ADDRESS not in str(model.seen)


def test_of_a_tool_that_is_left_alone_no_original_is_kept() -> None:
    pruner = engine(exclude_tools=("letters",))
    model = Scripted(replies=[calls(("letters", {}, "c1")), AIMessage("done")])
    create_agent(model, [letters], middleware=[ContextPruneMiddleware(pruner)]).invoke(ASKED)
    text = str(letters.invoke({}))
    assert results(model.seen[1])[0].content == text
    assert pruner.store.get(pruner.store.key(text)) is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::langchain_core._api.LangChainBetaWarning")
class TestDeepAgents:
    """deepagents puts ours behind its own middleware and before prompt caching."""

    def deep(self, replies: list[AIMessage], tools: Any, **settings: Any) -> tuple[Scripted, Any]:
        """The model, and the agent."""
        deepagents = pytest.importorskip("deepagents")
        model = Scripted(replies=replies)
        ours = ContextPruneMiddleware(engine(), **settings)
        return model, deepagents.create_deep_agent(model=model, tools=tools, middleware=[ours])

    def test_results_are_short_in_the_state_and_in_what_is_sent(self) -> None:
        model, agent = self.deep([calls(("read_log", {"name": "orders"}, "c1")), AIMessage("48777")], [read_log])
        out = agent.invoke(ASKED)
        (kept,) = results(out["messages"])
        assert FAILURE in str(kept.content)
        assert len(str(kept.content)) < len(LONG) / 2
        assert contents(results(model.seen[1])) == [kept.content]
        assert "contextprune_recall" in str(model.offered)

    def test_what_is_shortened_is_not_evicted_to_a_file(self) -> None:
        @tool
        def dump() -> str:
            """Say a lot."""
            return LONG * 4

        model, agent = self.deep([calls(("dump", {}, "c1")), AIMessage("48777")], [dump])
        out = agent.invoke(ASKED)
        assert "/large_tool_results/" not in str(results(model.seen[1])[0].content)
        assert not out.get("files")

    def test_what_was_sent_is_sent_again_as_it_was(self) -> None:
        model, agent = self.deep([*days(5), AIMessage("done")], [report])
        agent.invoke(ASKED)
        for before, after in zip(model.seen, model.seen[1:], strict=False):
            assert contents(after[: len(before)]) == contents(before)
