"""What was sent stays sent: under another head, another model, other settings, and behind a message that changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import contextprune as cp
from contextprune.session.ledger import Entry, Ledger
from contextprune.session.sent import REFERS
from tests.strategies import COUNTER, LEXICAL
from tests.tool_outputs import listing

GOAL = cp.Segment(cp.Kind.USER, "Why does orders fail?", ("m", 0))
THOUGHT = cp.Segment(cp.Kind.REASONING, "Let me look.", ("m", 2, "r"), turn=2, editable=False)


def head(nonce: str, tools: str = "Read") -> tuple[cp.Segment, cp.Segment]:
    """Tools and a system text as a client sends them."""
    return (
        cp.Segment(cp.Kind.TOOLS, f'[{{"name": "{tools}"}}]', ("tools",)),
        cp.Segment(cp.Kind.SYSTEM, f"x-anthropic-billing-header: cch={nonce}\nYou are an agent.", ("system",)),
    )


def turn(n: int, text: str | None = None) -> tuple[cp.Segment, cp.Segment]:
    """A call and its result, of some hundred tokens."""
    call = cp.Segment(cp.Kind.TOOL_CALL, f'{{"q": {n}}}', ("m", n, 0), turn=n, pair=f"c{n}", name="search")
    text = listing(30, n) if text is None else text
    return call, cp.Segment(cp.Kind.TOOL_RESULT, text, ("m", n, 1), turn=n, pair=f"c{n}", name="search")


def conversation(turns: int, *before: cp.Segment) -> cp.Context:
    return cp.Context((*before, GOAL, *(segment for n in range(1, turns + 1) for segment in turn(n))))


def pruner(store: Any = None, *, lasting: bool = True, **policy: Any) -> cp.Pruner:
    policy = {"min_tokens": 50, "recall": 0.5, **policy}
    return cp.Pruner(cp.Policy(**policy), LEXICAL, COUNTER, store or cp.MemoryStore(), lasting=lasting)


def session(engine: cp.Pruner, turns: int = 4) -> dict[Any, str]:
    """What is sent in the end of a session of which every request goes through the engine."""
    edits: dict[Any, str] = {}
    for n in range(1, turns + 1):
        edits = dict(engine(conversation(n, *head("0")), as_sent=True).edits)
    return edits


@pytest.mark.parametrize(
    "now",
    [
        head("1"), head("0", tools="Read, WebFetch"), (), head("0")[1:],
        (*head("0"), cp.Segment(cp.Kind.USER, "<system-reminder>It is Tuesday.</system-reminder>", ("m", 0, 0))),
    ],
    ids=["nonce", "tools", "no head", "no tools", "reminder"],
)  # fmt: skip
@pytest.mark.parametrize("store", ["memory", "file"])
def test_a_changed_head_changes_nothing_about_what_was_decided(
    now: tuple[cp.Segment, ...], store: str, tmp_path: Path
) -> None:
    path = tmp_path / "s.sqlite3"
    first = pruner(cp.SQLiteStore(path) if store == "file" else None)
    sent = session(first)
    assert len(sent) == 4
    again = pruner(cp.SQLiteStore(path)) if store == "file" else first
    assert again.replay(conversation(5, *now)) == sent
    assert again(conversation(5, *now), as_sent=True).edits.items() > sent.items()


def test_other_settings_leave_what_was_sent_and_decide_what_is_new(tmp_path: Path) -> None:
    sent = session(pruner(cp.SQLiteStore(tmp_path / "s.sqlite3")))
    other = pruner(cp.SQLiteStore(tmp_path / "s.sqlite3"), min_tokens=100_000)
    assert other(conversation(5), as_sent=True).edits == sent


def test_whoever_tries_settings_gets_what_these_settings_decide(tmp_path: Path) -> None:
    session(pruner(cp.SQLiteStore(tmp_path / "s.sqlite3"), lasting=False))
    other = pruner(cp.SQLiteStore(tmp_path / "s.sqlite3"), lasting=False, min_tokens=100_000)
    assert other(conversation(5), as_sent=True).edits == {}


def test_reasoning_that_a_client_drops_or_adds_leaves_what_was_sent() -> None:
    engine = pruner()
    sent = session(engine)
    context = conversation(5, *head("0"))
    thinking = replace(context, segments=(*context.segments[:5], THOUGHT, *context.segments[5:]), bound=True)
    assert engine(thinking, as_sent=True).edits.items() > sent.items()
    assert engine.replay(conversation(5)).items() > sent.items()


def test_blocks_behind_a_changed_message_are_sent_as_before() -> None:
    engine = pruner()
    sent = session(engine)
    call, result = turn(1, "[Old tool result content cleared]")
    whole = conversation(5, *head("0"))
    cleared = replace(whole, segments=(*whole.segments[:3], call, result, *whole.segments[5:]))
    expected = {ref: text for ref, text in sent.items() if ref != result.ref and REFERS not in text}
    assert expected
    assert engine.replay(cleared) == expected
    assert engine(cleared, as_sent=True).edits.items() > expected.items()


def test_a_session_that_began_elsewhere_with_the_same_words_shares_nothing() -> None:
    engine = pruner()
    session(engine)
    other = cp.Context((replace(GOAL, text="What is new?"), *conversation(4).segments[1:]))
    assert engine.replay(other) == {}
    assert set(engine(other, as_sent=True).edits) == {("m", 4, 1)}


def test_tokens_of_the_head_are_counted_as_they_are_now() -> None:
    engine = pruner()
    engine(conversation(2, *head("0")), as_sent=True)
    grown = engine(conversation(3, *head("1" * 400)), as_sent=True)
    before, after = grown.report.by_kind[cp.Kind.SYSTEM]
    assert before == after == COUNTER(head("1" * 400)[1].text)
    assert sum(before for before, _ in grown.sizes) == grown.report.before


def test_the_ledger_looks_late_blocks_up_again(tmp_path: Path) -> None:
    here, there = (Ledger(cp.SQLiteStore(tmp_path / "s.sqlite3")) for _ in range(2))
    early, late, shortened = Entry("x", 2, 1, ()), Entry(None, 9, 9, (), late=True), Entry("y", 9, 3, ())
    here.keep({b"1": early, b"2": late})
    there.keep({b"2": shortened})
    assert here.find([b"1", b"2"]) == [early, shortened]


def test_results_of_earlier_requests_of_which_nothing_is_known_are_counted_once() -> None:
    engine = pruner()
    assert engine(conversation(4), as_sent=True).unknown == 3
    assert engine(conversation(5), as_sent=True).unknown == 0
    assert session(engine, 4)
