"""Blocks that were late: they stay whole while the provider's cache holds them, and are shortened where it does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import contextprune as cp
from contextprune.session.sent import REFERS
from tests.session.test_sent import conversation, head, pruner, session, turn
from tests.tool_outputs import listing, log

CONTEXT = conversation(3, *head("0"))


def late(engine: cp.Pruner, *, prepared: bool = False) -> None:
    """A session whose third request came too late for its decision."""
    session(engine, 2)
    engine.sent_unchanged(CONTEXT)
    if prepared:
        engine(CONTEXT, as_sent=True)
        engine.prepare_next(CONTEXT, enough=lambda: False)


def test_a_late_block_stays_whole_while_the_cache_holds_it() -> None:
    engine = pruner()
    late(engine, prepared=True)
    assert ("m", 3, 1) not in engine(conversation(4), as_sent=True).edits


@pytest.mark.parametrize("prepared", [True, False])
@pytest.mark.parametrize("terms", [{"uncached": True}, {"cold": True}], ids=str)
def test_where_no_cache_holds_it_it_is_shortened_after_all(terms: dict[str, bool], *, prepared: bool) -> None:
    engine = pruner()
    late(engine, prepared=prepared)
    done = engine(conversation(4), as_sent=True, **terms)  # type: ignore[arg-type]
    assert ("m", 3, 1) in done.edits
    assert done.edits[("m", 3, 1)] == pruner()(conversation(3)).edits[("m", 3, 1)]
    assert engine(conversation(5), as_sent=True).edits.items() > done.edits.items()


def test_another_process_sends_it_so_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite3"
    first, second = pruner(cp.SQLiteStore(path)), pruner(cp.SQLiteStore(path))
    late(first)
    second(CONTEXT, as_sent=True)
    done = first(conversation(4), as_sent=True, uncached=True)
    assert ("m", 3, 1) in done.edits
    assert second.replay(conversation(4)) == done.edits
    assert second(conversation(5), as_sent=True).edits.items() > done.edits.items()


def test_a_cache_that_another_process_may_have_kept_warm_is_not_cold(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite3"
    first, second = pruner(cp.SQLiteStore(path)), pruner(cp.SQLiteStore(path))
    late(first, prepared=True)
    second(conversation(4), as_sent=True)
    assert ("m", 3, 1) not in first(conversation(5), as_sent=True, cold=True).edits


def test_where_there_is_no_time_it_waits() -> None:
    engine = pruner()
    late(engine)
    done = engine(conversation(4), as_sent=True, uncached=True, enough=lambda s: s.ref == ("m", 3, 1))
    assert ("m", 3, 1) not in done.edits


def test_an_older_block_that_the_cache_holds_is_left_where_the_last_request_failed() -> None:
    engine = pruner()
    late(engine)
    engine(conversation(4), as_sent=True)
    assert ("m", 3, 1) not in engine(conversation(5), as_sent=True, uncached=True).edits


@pytest.mark.parametrize("prepared", [True, False])
def test_in_a_long_session_it_is_shortened_where_that_pays(*, prepared: bool) -> None:
    engine = pruner()
    session(engine, 9)
    big = (*conversation(9).segments, *turn(10, listing(60, 77)))
    engine.sent_unchanged(cp.Context(big))
    if prepared:
        engine(cp.Context(big), as_sent=True)
        engine.prepare_next(cp.Context(big), enough=lambda: False)
    done = engine(cp.Context((*big, *turn(11))), as_sent=True)
    assert ("m", 10, 1) in done.edits
    assert done.epoch


def test_what_a_later_block_refers_to_stays() -> None:
    engine = pruner()
    session(engine, 2)
    text = log(60, 3)
    first, again = turn(3, text), turn(3, text)
    again = tuple(replace(s, ref=("n", i), pair="x", turn=4) for i, s in enumerate(again))  # type: ignore[assignment]
    context = cp.Context((*conversation(2).segments, *first, *again))
    engine(context, as_sent=True, enough=lambda segment: segment.ref == first[1].ref)
    done = engine(cp.Context((*context.segments, *turn(5))), as_sent=True, cold=True)
    assert REFERS in done.edits[("n", 1)]
    assert first[1].ref not in done.edits
