"""What the epochs task measures: joined sessions, what the one under way still uses, and the rival of the same size."""

from __future__ import annotations

from typing import Any

from contextprune.bench.data import Session
from contextprune.bench.sessions.epochs import Conversation, EpochJob, conversations, measure_epochs, replay_epochs
from tests.session.conversations import source


def call(number: int, text: str) -> dict[str, Any]:
    function = {"name": "sh", "arguments": text}
    return {"role": "assistant", "content": "", "tool_calls": [{"id": f"c{number}", "function": function}]}


def session(name: str, turns: int = 12, uses: str = "order_4711") -> Session:
    """One whose first result brings an order number that only the last call uses; none shows a file."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Look at the worker."},
    ]
    for n in range(turns):
        brought = f"the order is {uses}\n" if not n else ""
        messages += [
            call(n, f"./orders --page {n}"),
            {"role": "tool", "tool_call_id": f"c{n}", "content": brought + source(n)},
        ]
    messages += [call(turns, f"refund {uses}"), {"role": "tool", "tool_call_id": f"c{turns}", "content": "done"}]
    return Session(name, "shop", tuple(messages))


def test_sessions_of_a_set_are_joined_until_they_are_long_and_each_pauses_by_itself() -> None:
    sessions = [session(f"s{n}", turns=60) for n in range(9)]
    found = list(conversations(sessions))
    assert [each.id for each in found if each.cause == "pause"] == [f"s{n}" for n in range(9)]
    joined = [each for each in found if each.cause == "window"]
    assert joined
    first = joined[0]
    assert first.firsts[:2] == (0, len(sessions[0].messages))
    assert [m["content"] for m in first.messages if m["role"] == "system"] == ["Be brief."]
    ids = [each["id"] for m in first.messages for each in m.get("tool_calls") or ()]
    assert len(ids) == len(set(ids))


def test_a_pause_opens_an_epoch_after_which_a_value_needed_later_is_looked_for() -> None:
    one = session("s")
    (found,) = replay_epochs(Conversation("shop", "s", one.messages, (0,), "pause"), "ours-lexical")
    assert (found.request, found.cause) == (7, "pause")  # of 13, and one that nobody answered
    assert found.sent < found.was + 2_000
    assert found.kept.values == found.arrived.values == found.cleared.values == 1
    assert found.arrived.seen_values == 1


def test_what_another_session_uses_is_not_looked_for() -> None:
    one, other = session("s"), session("t", uses="order_1234")
    joined = (*other.messages, *one.messages[1:])
    firsts = (0, len(other.messages))
    for found in replay_epochs(Conversation("shop", "both", joined, firsts, "pause"), "ours-lexical"):
        assert found.kept.values <= 1


def test_a_session_too_short_for_an_epoch_has_no_result() -> None:
    short = session("s", turns=2)
    assert measure_epochs(EpochJob(Conversation("shop", "s", short.messages, (0,), "pause"), ("ours-lexical",))) == []
