"""Bodies that nobody wrote by hand hold all laws, and the oracles that say so can tell when one is broken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import contextprune as cp
from contextprune.dialects import apply, read
from contextprune.dialects.splice import splice
from tests.laws.bodies import Body, body_of, tiny_messages
from tests.laws.changes import changes
from tests.laws.oracles import Sent, broken_laws
from tests.laws.sessions import run_session
from tests.laws.talks import Free, free_text
from tests.laws.texts import Made
from tests.laws.trials import run_trial
from tests.nightly import NIGHTLY
from tests.strategies import COUNTER, LEXICAL

SHARDS, BODIES, SESSIONS = 8, 25, 1
TINY = 50_000 if NIGHTLY else 2_000
LINES = "".join(f"{n} gates were open in the morning of day {n * 7 % 100}\n" for n in range(60))
FAILURE = "error: gate 12 is stuck"
TEXT = f"{LINES}{FAILURE}\n{LINES}"


@pytest.mark.parametrize("shard", range(SHARDS))
def test_fresh_bodies_break_no_law_on_arrival_and_under_a_budget(shard: int) -> None:
    trials = [run_trial(seed, LEXICAL, COUNTER, size=300) for seed in range(shard * BODIES, (shard + 1) * BODIES)]
    assert [(trial.seed, trial.wire, trial.broken) for trial in trials if trial.broken] == []


@pytest.mark.parametrize("shard", range(4))
def test_sessions_with_late_decisions_restarts_replicas_and_forks_break_no_law(shard: int, tmp_path: Path) -> None:
    for seed in range(shard * SESSIONS, (shard + 1) * SESSIONS):
        assert run_session(seed, LEXICAL, COUNTER, tmp_path if seed % 2 else None) == []


def test_very_many_tiny_messages_come_back_as_the_very_same_object() -> None:
    payload = tiny_messages(TINY).tree
    assert cp.compress(payload, pruner=pruner()).payload is payload


@pytest.mark.parametrize("budget", [None, cp.Budget(ratio=0.999)])
def test_a_result_behind_very_many_tiny_messages_breaks_no_law(budget: cp.Budget | None) -> None:
    engine = pruner()
    assert list(broken_laws(sent(engine, budget, tiny_messages(TINY).tree["messages"]), engine)) == []


@pytest.mark.parametrize("budget", [None, cp.Budget(ratio=0.9)])
def test_very_many_tiny_results_break_no_law(budget: cp.Budget | None) -> None:
    engine = pruner()
    calls = [{"id": f"t{n}", "type": "function", "function": {"name": "one", "arguments": "{}"}} for n in range(TINY)]
    results = [{"role": "tool", "tool_call_id": f"t{n}", "content": free_text(Made(f"gate {n}"))} for n in range(TINY)]
    said: list[dict[str, Any]] = [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": None, "tool_calls": calls},
    ]
    assert list(broken_laws(sent(engine, budget, [*said, *results]), engine)) == []


def test_nasty_text_in_fields_leaves_ids_in_pairs_and_roles_as_they_are() -> None:
    bodies = [body_of(seed, wire="openai-chat") for seed in range(60)]
    whole = [body.tree["messages"] for body in bodies if not body.broken]
    for messages in whole:
        calls = {call["id"] for message in messages for call in message.get("tool_calls", ())}
        answers = {message["tool_call_id"] for message in messages if message["role"] == "tool"}
        assert len(answers - calls) <= 1  # of nobody
        assert {message["role"] for message in messages} <= {"system", "user", "developer", "assistant", "tool"}
    assert any("recall=" in json.dumps(messages[0]) for messages in whole)


def pruner() -> cp.Pruner:
    return cp.Pruner(cp.Policy(), LEXICAL, COUNTER, cp.MemoryStore())


def sent(engine: cp.Pruner, budget: cp.Budget | None = None, earlier: Sequence[dict[str, Any]] = ()) -> Sent:
    """A body with one long result, sent as it should be."""
    free = Free(TEXT)
    free.made, free.marked = Made(TEXT, (), (FAILURE,)), False
    call = {"id": "c", "type": "function", "function": {"name": "gates", "arguments": "{}"}}
    tree: dict[str, Any] = {"messages": [
        *earlier,
        {"role": "user", "content": "Which gate is stuck?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": free},
    ]}  # fmt: skip
    raw = json.dumps(tree).encode()
    old = json.loads(raw)
    done = engine(read(old), budget)
    new = apply(old, done.edits)
    ceiling = None if budget is None else budget.resolve(done.report.before)
    body = Body("openai-chat", tree, "messages")
    changed = list(changes(tree, old, new))
    before, after = done.report.before, done.report.after
    return Sent(body, old, new, raw, splice(raw, done.edits), changed, before, after, ceiling, done.report.key)


def tampered(request: Sent, old: str, new: str) -> Sent:
    """The same request with another text in place of one that was sent."""
    literal = json.dumps(request.new).replace(old, new)
    assert literal != json.dumps(request.new)
    tree = json.loads(literal)
    raw = request.raw_new.replace(old.encode(), new.encode())
    return replace(request, new=tree, raw_new=raw, changed=list(changes(request.body.tree, request.old, tree)))


@pytest.mark.parametrize("budget", [None, cp.Budget(ratio=0.3)])
def test_a_request_that_was_sent_as_it_should_be_breaks_no_law(budget: cp.Budget | None) -> None:
    engine = pruner()
    assert list(broken_laws(sent(engine, budget), engine)) == []


@pytest.mark.parametrize(
    ("old", "new", "law"),
    [
        ("Which gate", "What gate", "5"),
        ('"tool_call_id": "c"', '"tool_call_id": "d"', "5"),
        (FAILURE, "all is well", "14"),
        ("gates were", "gates where", "verbatim"),
        ("recall=", "recull=", "12"),
        ("gates were", "gates were all", "3"),
    ],
)
def test_an_oracle_tells_when_a_law_is_broken(old: str, new: str, law: str) -> None:
    engine = pruner()
    laws = {
        sentence.split(":")[0]
        for sentence in broken_laws(tampered(sent(engine, cp.Budget(ratio=0.3)), old, new), engine)
    }
    assert law in laws
