"""The middleware in real agents: what the state holds, what is sent, and what stays as it was sent."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import contextprune as cp
import pytest
from agents import FAILURE, FOLDER_OF_EXAMPLES, LONG, OTHER, Scripted, calls, engine, ping, read_log, report, results
from langchain.agents import create_agent
from langchain.tools import InjectedToolCallId
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage, convert_to_messages
from langchain_core.tools import ToolException, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from langchain_contextprune import ContextPruneMiddleware, Savings
from langchain_contextprune.compress import view

CONFIG: Any = {"configurable": {"thread_id": "1"}, "recursion_limit": 200}
ASKED: Any = {"messages": [("user", "Which order failed?")]}


def run(replies: list[AIMessage], *, middleware: ContextPruneMiddleware, tools: Any = (read_log, ping)) -> Any:
    """The model, what the agent returned, and its state."""
    model = Scripted(replies=replies)
    agent = create_agent(model, list(tools), middleware=[middleware], checkpointer=InMemorySaver())
    out = agent.invoke(ASKED, CONFIG)
    return model, out, agent.get_state(CONFIG).values


ONE_LOG = [calls(("read_log", {"name": "orders"}, "c1")), AIMessage("48777")]


def test_checkpoint_history_and_request_hold_the_same_short_text() -> None:
    model, out, state = run(ONE_LOG, middleware=ContextPruneMiddleware(engine()))
    (kept,) = results(out["messages"])
    (sent,) = results(model.seen[1])
    (saved,) = results(state["messages"])
    assert kept.content == sent.content == saved.content
    assert len(str(kept.content)) < len(LONG) / 2
    assert FAILURE in str(kept.content)


def test_what_was_taken_out_comes_back_byte_for_byte() -> None:
    middleware = ContextPruneMiddleware(engine())
    _, out, _ = run(ONE_LOG, middleware=middleware)
    (kept,) = results(out["messages"])
    key = kept.response_metadata["contextprune"]["keys"]["0"]
    assert f"recall={key}" in str(kept.content)
    assert cp.recall(key, pruner=middleware.pruner) == LONG
    assert middleware.tools[0].invoke({"key": key, "lines": "201"}) == FAILURE


def test_the_model_is_offered_the_recall_tool_and_can_call_it() -> None:
    middleware = ContextPruneMiddleware(engine())
    key = middleware.pruner.store.key(LONG)
    ask = calls(("contextprune_recall", {"key": key, "lines": "1-300"}, "c2"))
    model, out, state = run([ONE_LOG[0], ask, AIMessage("done")], middleware=middleware)
    assert "contextprune_recall" in model.offered
    assert results(out["messages"])[1].content == "".join(LONG.splitlines(keepends=True)[:300])
    assert Savings.of(state).recalls == 1


def test_without_the_recall_tool_markers_name_no_keys() -> None:
    middleware = ContextPruneMiddleware(policy=cp.Policy(), recall_tool=False)
    model, out, _ = run(ONE_LOG, middleware=middleware)
    (kept,) = results(out["messages"])
    assert "contextprune_recall" not in model.offered
    assert "recall=" not in str(kept.content)
    assert len(str(kept.content)) < len(LONG) / 2


def test_counters_are_kept_in_the_state_and_left_out_of_the_result() -> None:
    _, out, state = run(ONE_LOG, middleware=ContextPruneMiddleware(engine()))
    savings = Savings.of(state)
    assert set(out) == {"messages"}
    assert (savings.requests, savings.failures, savings.epochs) == (2, 0, 0)
    assert 0 < savings.after < savings.before
    assert savings.saved == savings.before - savings.after
    assert "2 requests" in str(savings)


def test_counters_go_on_over_the_turns_of_a_thread() -> None:
    agent = create_agent(
        Scripted(replies=[*ONE_LOG, AIMessage("you are welcome")]),
        [read_log],
        middleware=[ContextPruneMiddleware(engine())],
        checkpointer=InMemorySaver(),
    )
    agent.invoke(ASKED, CONFIG)
    agent.invoke({"messages": [HumanMessage("Thanks")]}, CONFIG)
    assert Savings.of(agent.get_state(CONFIG).values).requests == 3


async def test_asynchronous_runs_do_the_same() -> None:
    async def once(*, as_async: bool) -> list[BaseMessage]:
        model = Scripted(replies=ONE_LOG)
        agent = create_agent(model, [read_log], middleware=[ContextPruneMiddleware(engine())])
        await agent.ainvoke(ASKED) if as_async else agent.invoke(ASKED)
        return model.seen[1]

    told, asked = await once(as_async=True), await once(as_async=False)
    assert [m.content for m in told] == [m.content for m in asked]


def test_parallel_results_are_kept_as_they_are_sent_and_know_of_one_another() -> None:
    both = calls(("read_log", {"name": "orders"}, "c1"), ("read_log", {"name": "orders"}, "c2"))
    model, out, _ = run([both, AIMessage("done")], middleware=ContextPruneMiddleware(engine()))
    kept, sent = results(out["messages"]), results(model.seen[1])
    assert [m.content for m in kept] == [m.content for m in sent]
    assert [m.tool_call_id for m in kept] == ["c1", "c2"]
    assert len(str(kept[1].content)) <= len(str(kept[0].content))


def test_what_was_sent_is_sent_again_byte_for_byte() -> None:
    names = ["orders", "items", "orders", "items", "orders"]
    replies = [calls(("read_log", {"name": name}, f"c{i}"), ("ping", {}, f"p{i}")) for i, name in enumerate(names)]
    model, _, _ = run([*replies, AIMessage("done")], middleware=ContextPruneMiddleware(engine(epochs=False)))
    for before, after in zip(model.seen, model.seen[1:], strict=False):
        assert [m.content for m in after[: len(before)]] == [m.content for m in before]


def test_without_arrival_the_state_keeps_the_original_and_the_request_is_short() -> None:
    model, out, _ = run(ONE_LOG, middleware=ContextPruneMiddleware(engine(), on_arrival=False))
    assert results(out["messages"])[0].content == LONG
    assert len(str(results(model.seen[1])[0].content)) < len(LONG) / 2


def test_with_and_without_arrival_the_same_is_sent() -> None:
    seen = []
    for on_arrival in (True, False):
        middleware = ContextPruneMiddleware(engine(), on_arrival=on_arrival)
        model, _, _ = run(ONE_LOG, middleware=middleware)
        seen.append([m.content for m in model.seen[-1]])
    assert seen[0] == seen[1]


def test_a_client_that_holds_the_history_itself_sends_the_same_bytes_again() -> None:
    middleware = ContextPruneMiddleware(engine())
    model = Scripted(replies=[*ONE_LOG, AIMessage("fine")])
    agent = create_agent(model, [read_log], middleware=[middleware])
    first = agent.invoke(ASKED)
    agent.invoke({"messages": [*first["messages"], HumanMessage("And now?")]})
    assert [m.content for m in model.seen[2][:3]] == [m.content for m in model.seen[1][:3]]


def test_another_process_without_our_store_leaves_what_it_cannot_restore() -> None:
    first = create_agent(Scripted(replies=ONE_LOG), [read_log], middleware=[ContextPruneMiddleware(engine())])
    history = first.invoke(ASKED)["messages"]
    model = Scripted(replies=[AIMessage("fine")])
    fresh = create_agent(model, [read_log], middleware=[ContextPruneMiddleware(engine())])
    fresh.invoke({"messages": [*history, HumanMessage("And now?")]})
    assert results(model.seen[0])[0].content == results(history)[0].content


def test_what_was_sent_before_the_middleware_came_stays() -> None:
    old: list[Any] = [
        HumanMessage("Which order failed?"),
        calls(("read_log", {"name": "orders"}, "c0")),
        ToolMessage(LONG, tool_call_id="c0", name="read_log"),
        AIMessage("48777"),
    ]
    model = Scripted(replies=[calls(("read_log", {"name": "items"}, "c1")), AIMessage("done")])
    agent = create_agent(model, [read_log], middleware=[ContextPruneMiddleware(engine())])
    agent.invoke({"messages": [*old, HumanMessage("And the items?")]})
    for sent in model.seen:
        assert results(sent)[0].content == LONG
    assert len(str(results(model.seen[1])[1].content)) < len(OTHER)


SIGNED = {"type": "thinking", "thinking": "Hm, which one?", "signature": "c2lnbmVk"}


@pytest.mark.parametrize(
    "thought",
    [
        SIGNED,
        {"type": "redacted_thinking", "data": "c2VjcmV0"},
        {"type": "reasoning", "reasoning": "Hm", "extras": {"signature": "c2lnbmVk"}},
        {"type": "reasoning_content", "reasoning_content": {"text": "Hm", "signature": "c2lnbmVk"}},
        {"type": "non_standard", "value": {"type": "redacted_thinking", "data": "c2VjcmV0"}},
    ],
    ids=lambda thought: str(thought["type"]),
)
def test_where_signed_reasoning_binds_the_history_no_earlier_message_changes(thought: dict[str, Any]) -> None:
    replies = []
    for i in range(40):
        reply = calls(("report", {"day": i + 1}, f"c{i}"))
        replies.append(reply.model_copy(update={"content": [thought]}))
    middleware = ContextPruneMiddleware(engine(window=12_000))
    model, out, state = run([*replies, AIMessage("done")], middleware=middleware, tools=[report])
    for before, after in zip(model.seen, model.seen[1:], strict=False):
        assert [m.content for m in after[: len(before)]] == [m.content for m in before]
    assert all(m.content == [thought] for m in out["messages"] if isinstance(m, AIMessage) and m.tool_calls)
    assert Savings.of(state).epochs == 0


def test_without_signatures_a_window_that_fills_up_begins_an_epoch_in_the_view_alone() -> None:
    replies = [calls(("report", {"day": i + 1}, f"c{i}")) for i in range(40)]
    middleware = ContextPruneMiddleware(engine(window=12_000))
    model, out, state = run([*replies, AIMessage("done")], middleware=middleware, tools=[report])
    savings = Savings.of(state)
    changed = [
        before
        for before, after in zip(model.seen, model.seen[1:], strict=False)
        if [m.content for m in after[: len(before)]] != [m.content for m in before]
    ]
    assert 0 < savings.epochs == len(changed) < 20
    assert results(out["messages"])[0].content == results(model.seen[1])[0].content, "the state is as it was"
    assert len(str(results(model.seen[-1])[0].content)) < len(str(results(out["messages"])[0].content))


@tool
def screenshot(n: int) -> list[Any]:
    """Look at the screen."""
    return [
        {"type": "image", "base64": f"{n}" * 4000, "mime_type": "image/png"},
        {"type": "text", "text": f"screen {n}"},
    ]


def test_after_a_long_pause_old_screens_become_notes_and_those_of_a_person_stay() -> None:
    epochs = []
    own = {"type": "image", "base64": "A" * 4000, "mime_type": "image/png"}
    for pause in (None, 60.0):
        model = Scripted(
            replies=[*(calls(("screenshot", {"n": i}, f"c{i}")) for i in range(9)), *[AIMessage("done")] * 2]
        )
        middleware = ContextPruneMiddleware(engine(), cache_seconds=pause)
        agent = create_agent(model, [screenshot], middleware=[middleware], checkpointer=InMemorySaver())
        agent.invoke({"messages": [HumanMessage(["Book it, as here:", own])]}, CONFIG)
        held = Savings.of(agent.get_state(CONFIG).values)
        agent.update_state(CONFIG, {"contextprune": {**held.as_state(), "last": time.time() - 3600}})
        agent.invoke({"messages": [HumanMessage("Anything else?")]}, CONFIG)
        epochs.append(Savings.of(agent.get_state(CONFIG).values).epochs)
    assert epochs == [0, 1]
    sent = model.seen[-1]
    assert sent[0].content == ["Book it, as here:", own]
    first, last = (results(sent)[i].content for i in (0, -1))
    assert isinstance(first[0], dict)
    assert first[0]["type"] == "text"
    assert "[image cut" in first[0]["text"]
    assert first[1] == {"type": "text", "text": "screen 0"}
    assert last == screenshot.invoke({"n": 8})


def test_a_command_of_a_tool_is_passed_on_with_its_result_shortened() -> None:
    @tool
    def load(call: Annotated[str, InjectedToolCallId]) -> Command[Any]:
        """Load and remember."""
        return Command(update={"messages": [ToolMessage(LONG, tool_call_id=call, name="load")]})

    model, out, _ = run(
        [calls(("load", {}, "c1")), AIMessage("48777")], middleware=ContextPruneMiddleware(engine()), tools=[load]
    )
    (kept,) = results(out["messages"])
    assert FAILURE in str(kept.content)
    assert len(str(kept.content)) < len(LONG) / 2
    assert results(model.seen[1])[0].content == kept.content


def test_the_artifact_of_a_result_is_left_alone() -> None:
    @tool(response_format="content_and_artifact")
    def load() -> tuple[str, list[str]]:
        """Load."""
        return LONG, [LONG]

    _, out, _ = run(
        [calls(("load", {}, "c1")), AIMessage("48777")], middleware=ContextPruneMiddleware(engine()), tools=[load]
    )
    (kept,) = results(out["messages"])
    assert kept.artifact == [LONG]
    assert kept.content != LONG


def test_a_failed_result_keeps_its_status_and_its_failure() -> None:
    @tool
    def fail() -> str:
        """Fail."""
        raise ToolException(LONG)

    fail.handle_tool_error = True
    _, out, _ = run(
        [calls(("fail", {}, "c1")), AIMessage("sorry")], middleware=ContextPruneMiddleware(engine()), tools=[fail]
    )
    (kept,) = results(out["messages"])
    assert kept.status == "error"
    assert FAILURE in str(kept.content)
    assert len(str(kept.content)) < len(LONG) / 2


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_of_a_list_of_parts_only_the_texts_change() -> None:
    image = {"type": "image", "base64": PIXEL, "mime_type": "image/png"}

    @tool
    def look() -> list[Any]:
        """Look."""
        return [{"type": "text", "text": LONG, "id": "t1"}, image, {"type": "text", "text": "short"}]

    _, out, _ = run(
        [calls(("look", {}, "c1")), AIMessage("nice")], middleware=ContextPruneMiddleware(engine()), tools=[look]
    )
    (kept,) = results(out["messages"])
    first, second, third = list(kept.content)
    assert isinstance(first, dict)
    assert (first["type"], first["id"]) == ("text", "t1")
    assert len(first["text"]) < len(LONG) / 2
    assert second == image
    assert third == {"type": "text", "text": "short"}


def test_documents_in_a_message_are_shortened_in_what_is_sent_alone() -> None:
    parts: list[str | dict[Any, Any]] = [
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": LONG}},
        {"type": "text", "text": "Which order failed?"},
    ]
    model = Scripted(replies=[AIMessage("48777")])
    agent = create_agent(model, [ping], middleware=[ContextPruneMiddleware(engine())])
    out = agent.invoke({"messages": [HumanMessage(parts)]})
    document, words = list(model.seen[0][0].content)
    assert isinstance(document, dict)
    assert FAILURE in document["source"]["data"]
    assert len(document["source"]["data"]) < len(LONG) / 2
    assert words == parts[1]
    assert out["messages"][0].content == parts


def test_a_persons_words_stay_unless_pastes_are_asked_for() -> None:
    question = f"Which order failed?\n```\n{LONG}```\n"
    sent = []
    for pastes in (None, 2000):
        model = Scripted(replies=[AIMessage("48777")])
        agent = create_agent(model, [ping], middleware=[ContextPruneMiddleware(engine(), pastes=pastes)])
        agent.invoke({"messages": [HumanMessage(question)]})
        sent.append(str(model.seen[0][0].content))
    assert sent[0] == question
    assert sent[1].startswith("Which order failed?\n```\n")
    assert sent[1].endswith("```\n")
    assert FAILURE in sent[1]
    assert len(sent[1]) < len(question) / 2


def test_tools_can_be_left_alone() -> None:
    _, out, _ = run(ONE_LOG, middleware=ContextPruneMiddleware(policy=cp.Policy(exclude_tools=("read_*",))))
    assert results(out["messages"])[0].content == LONG


@pytest.mark.parametrize("mode", ["updates", "values", "messages"])
def test_streams_show_the_short_text(mode: Any) -> None:
    agent = create_agent(Scripted(replies=ONE_LOG), [read_log], middleware=[ContextPruneMiddleware(engine())])
    shown = str(list(agent.stream(ASKED, stream_mode=mode)))
    assert "recall=" in shown
    assert LONG[-300:] not in shown


class Broken(cp.MemoryStore):
    """A store whose disk is full."""

    def put(self, texts: Any) -> None:
        raise cp.StoreError("no space left")


def test_where_nothing_can_be_stored_everything_goes_through_whole() -> None:
    pruner = cp.Pruner(cp.Policy(), cp.load_scorer("lexical"), cp.Tiktoken(), Broken())
    model, out, state = run(ONE_LOG, middleware=ContextPruneMiddleware(pruner))
    assert results(out["messages"])[0].content == LONG
    assert results(model.seen[1])[0].content == LONG
    assert Savings.of(state).failures > 0


def test_a_pruner_and_a_policy_are_one_too_many() -> None:
    with pytest.raises(ValueError, match="a pruner or a policy"):
        ContextPruneMiddleware(engine(), policy=cp.Policy())


def test_a_run_without_messages_or_tools_goes_through() -> None:
    model = Scripted(replies=[AIMessage("hello")])
    agent = create_agent(model, [], middleware=[ContextPruneMiddleware(engine(), recall_tool=False)])
    assert agent.invoke({"messages": []})["messages"][-1].content == "hello"


def test_a_recorded_session_comes_out_the_same_in_every_process() -> None:
    body = json.loads((FOLDER_OF_EXAMPLES / "data" / "airline.json").read_bytes())
    messages = convert_to_messages(body["messages"])
    seen = [view(engine(), messages, from_start=True).messages for _ in range(2)]
    assert [m.content for m in seen[0]] == [m.content for m in seen[1]]
    assert sum(len(str(m.content)) for m in seen[0]) < sum(len(str(m.content)) for m in messages)
