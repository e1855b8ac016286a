"""The fold: what was decided is replayed, whoever remembers it, and only what is new is decided."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import contextprune as cp
from contextprune.pruner import Pruned
from contextprune.session.conversations import MOST_STATES
from contextprune.session.ledger import Ledger
from tests import tool_outputs as outputs
from tests.strategies import COUNTER, LEXICAL

GOAL = cp.Segment(cp.Kind.USER, "Why does orders fail?", ("m", 0))


class Counting:
    """The lexical scorer, which tells how often it was asked."""

    name = LEXICAL.name

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:
        self.calls += 1
        return LEXICAL(context, spans)


def turn(n: int, text: str | None = None) -> tuple[cp.Segment, cp.Segment]:
    """A call and its result, of some hundred tokens."""
    call = cp.Segment(cp.Kind.TOOL_CALL, f'{{"q": {n}}}', ("m", n, 0), turn=n, pair=f"c{n}", name="search")
    text = outputs.listing(30, n) if text is None else text
    return call, cp.Segment(cp.Kind.TOOL_RESULT, text, ("m", n, 1), turn=n, pair=f"c{n}", name="search")


def conversation(turns: int, first: cp.Segment = GOAL) -> cp.Context:
    return cp.Context((first, *(segment for n in range(1, turns + 1) for segment in turn(n))))


def pruner(scorer: cp.Scorer = LEXICAL, store: Any = None, **policy: Any) -> cp.Pruner:
    policy = {"min_tokens": 50, "recall": 0.5, **policy}
    return cp.Pruner(cp.Policy(**policy), scorer, COUNTER, store or cp.MemoryStore())


def test_only_what_is_new_is_scored() -> None:
    scorer = Counting()
    engine = pruner(scorer)
    engine(conversation(5))
    assert scorer.calls == 5
    engine(conversation(6))
    assert scorer.calls == 6
    engine(conversation(6))
    assert scorer.calls == 6


def test_a_shorter_beginning_is_known_whole() -> None:
    scorer = Counting()
    engine = pruner(scorer)
    long, short = engine(conversation(6)), engine(conversation(3))
    assert scorer.calls == 6
    assert short.edits.items() <= long.edits.items()


def test_a_branch_shares_what_stands_before_it() -> None:
    scorer = Counting()
    engine = pruner(scorer)
    first = engine(conversation(4))
    call, result = turn(4, outputs.csv(30, 9))
    other = cp.Context((*conversation(3).segments, call, result))
    second = engine(other)
    assert scorer.calls == 5
    assert [first.edits[ref] for ref in list(first.edits)[:3]] == [second.edits[ref] for ref in list(first.edits)[:3]]
    assert engine(conversation(4)).edits == first.edits
    assert scorer.calls == 5


def test_a_breakpoint_that_moves_along_changes_nothing() -> None:
    scorer = Counting()
    engine = pruner(scorer)
    context = conversation(4)
    marked = replace(context, segments=(*context.segments[:-1], replace(context.segments[-1], marked=True)))
    done = engine(marked)
    assert context.segments[-1].ref in done.edits
    assert engine(context).edits == done.edits
    assert scorer.calls == 4


def test_another_model_goes_on_with_what_was_sent() -> None:
    scorer = Counting()
    engine = pruner(scorer)
    sent = engine(conversation(3)).edits
    assert engine(replace(conversation(3), model="gpt-4o")).edits == sent
    assert scorer.calls == 3


def test_the_first_signed_reasoning_leaves_what_was_sent_as_it_was() -> None:
    scorer = Counting()
    engine = pruner(scorer)
    sent = engine(conversation(3)).edits
    assert engine(replace(conversation(3), bound=True)).edits == sent
    assert scorer.calls == 3


class TestWhatOthersSent:
    """Histories that the ledger does not know, and answers that came too late."""

    def test_an_unknown_history_stays_as_it_was_sent(self) -> None:
        done = pruner()(conversation(4), as_sent=True)
        assert set(done.edits) == {("m", 4, 1)}

    def test_it_stays_so_on_every_later_turn(self) -> None:
        engine = pruner()
        first = engine(conversation(4), as_sent=True).edits
        later = engine(conversation(6), as_sent=True).edits
        assert set(later) == {("m", 4, 1), ("m", 6, 1)}
        assert later.items() >= first.items()

    def test_a_history_that_is_known_is_replayed_all_the_same(self) -> None:
        engine = pruner()
        sent = engine(conversation(4)).edits
        assert engine(conversation(5), as_sent=True).edits.items() >= sent.items()

    def test_what_a_caller_knows_to_be_cached_is_replayed_or_stands(self) -> None:
        engine = pruner()
        sent = engine(conversation(2)).edits
        later = engine(conversation(4), frozen=7).edits
        assert later.items() >= sent.items()
        assert set(later) == {*sent, ("m", 4, 1)}

    def test_it_stays_so_where_the_caller_no_longer_says_it(self) -> None:
        engine = pruner()
        first = engine(conversation(4), frozen=7).edits
        assert engine(conversation(4)).edits == first

    def test_no_epoch_rewrites_what_a_caller_knows_to_be_cached(self) -> None:
        small: dict[str, Any] = {"window": 4000, "high_water": 0.4, "low_water": 0.2}
        free, frozen = pruner(**small), pruner(**small)
        assert any(free(conversation(n)).epoch for n in range(1, 31))
        assert not any(frozen(conversation(n), frozen=2 * n - 1).epoch for n in range(1, 31))

    def test_a_replay_has_what_was_sent_and_decides_nothing(self) -> None:
        scorer = Counting()
        engine = pruner(scorer)
        sent = engine(conversation(4)).edits
        assert engine.replay(conversation(6)) == sent
        assert scorer.calls == 4

    def test_what_passed_after_all_stays_whole_and_the_rest_as_it_was(self) -> None:
        engine = pruner()
        sent = engine(conversation(3)).edits
        engine(conversation(4))
        engine.sent_unchanged(conversation(4))
        assert engine(conversation(4)).edits == sent
        assert set(engine(conversation(5)).edits) == {*sent, ("m", 5, 1)}

    def test_a_refused_conversation_stays_whole(self) -> None:
        engine = pruner()
        engine(conversation(4))
        engine.sent_unchanged(conversation(4), whole=True)
        assert set(engine(conversation(5), as_sent=True).edits) == {("m", 5, 1)}

    def test_another_process_knows_it_too(self, path: Path) -> None:
        engine = pruner(store=cp.SQLiteStore(path))
        engine(conversation(4))
        engine.sent_unchanged(conversation(4), whole=True)
        assert pruner(store=cp.SQLiteStore(path))(conversation(4)).edits == {}

    def test_where_there_is_no_time_blocks_stand_and_go_on_to(self) -> None:
        engine = pruner()
        done = engine(conversation(3), enough=lambda segment: segment.ref == ("m", 2, 1))
        assert set(done.edits) == {("m", 1, 1), ("m", 3, 1)}
        assert engine(conversation(3)).edits == done.edits
        assert set(engine(conversation(4)).edits) == {*done.edits, ("m", 4, 1)}

    def test_only_what_is_new_is_asked_about(self) -> None:
        engine, seen = pruner(), list[object]()

        def note(segment: cp.Segment) -> bool:
            seen.append(segment.ref)
            return False

        engine(conversation(3))
        engine(conversation(4), enough=note)
        assert seen == [("m", 4, 0), ("m", 4, 1)]

    def test_what_is_broken_off_is_not_remembered(self) -> None:
        scorer = Counting()
        engine = pruner(scorer)

        def stop(segment: cp.Segment) -> bool:
            if segment.turn == 3:
                raise KeyboardInterrupt
            return False

        with pytest.raises(KeyboardInterrupt):
            engine(conversation(4), enough=stop)
        assert engine(conversation(4)).edits == pruner()(conversation(4)).edits

    @pytest.mark.parametrize("enough", [True, False])
    def test_what_was_prepared_changes_no_decision(self, *, enough: bool) -> None:
        engine = pruner()
        for turns in range(1, 6):
            assert engine(conversation(turns)).edits == pruner()(conversation(turns)).edits
            engine.prepare_next(conversation(turns), enough=lambda: enough)
        pruner().prepare_next(conversation(3), enough=lambda: enough)

    @pytest.mark.parametrize("whole", [True, False])
    def test_an_empty_conversation_passes(self, *, whole: bool) -> None:
        pruner().sent_unchanged(cp.Context(()), whole=whole)


def test_without_hints_markers_name_no_key_and_the_original_is_kept_all_the_same() -> None:
    store = cp.MemoryStore()
    engine = cp.Pruner(cp.Policy(min_tokens=50, recall=0.5), LEXICAL, COUNTER, store, hints=False)
    context = conversation(3)
    edits = engine(context).edits
    assert edits
    assert not any("recall=" in text for text in edits.values())
    assert any("cut" in text for text in edits.values())
    for segment in context.segments:
        assert segment.ref not in edits or store.get(store.key(segment.text)) == segment.text


def test_another_query_starts_anew() -> None:
    scorer = Counting()
    engine = pruner(scorer)
    engine(conversation(3))
    engine(conversation(3), query="what is wrong with billing")
    assert scorer.calls == 6


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.sqlite3"


def test_a_second_pruner_on_the_same_file_continues_without_scoring_again(path: Path) -> None:
    first = pruner(Counting(), cp.SQLiteStore(path))(conversation(8))
    scorer = Counting()
    second = pruner(scorer, cp.SQLiteStore(path))
    assert second(conversation(8)).edits == first.edits
    assert scorer.calls == 0
    assert second(conversation(9)).edits.items() > first.edits.items()
    assert scorer.calls == 1


OTHER = """
import json, sys
import contextprune as cp
from tests.session.test_conversations import Counting, conversation, pruner
scorer = Counting()
done = pruner(scorer, cp.SQLiteStore(sys.argv[1]))(conversation(8))
print(json.dumps([scorer.calls, sorted(done.edits.values())]))
"""


def test_another_process_continues_without_scoring_again(path: Path) -> None:
    scorer = Counting()
    first = pruner(scorer, cp.SQLiteStore(path))(conversation(8))
    command = [sys.executable, "-c", OTHER, str(path)]
    environ = {**os.environ, "PYTHONHASHSEED": "1"}  # the order of sets differs between processes
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    assert scorer.calls == 8
    assert json.loads(done.stdout) == [0, sorted(first.edits.values())]


def test_another_policy_on_the_same_file_decides_for_itself(path: Path) -> None:
    pruner(store=cp.SQLiteStore(path))(conversation(3))
    scorer = Counting()
    pruner(scorer, cp.SQLiteStore(path), recall=0.6)(conversation(3))
    assert scorer.calls == 3


@pytest.mark.parametrize("change", ["DELETE FROM notes", "UPDATE notes SET body = zeroblob(40) WHERE rowid % 2"])
def test_what_the_notes_lost_is_decided_again_and_comes_out_equal(path: Path, change: str) -> None:
    store = cp.SQLiteStore(path)
    first = pruner(store=store)(conversation(8))
    store.close()
    connection = sqlite3.connect(path)
    with connection:
        assert connection.execute(change).rowcount > 5
    connection.close()
    scorer = Counting()
    assert pruner(scorer, store)(conversation(8)).edits == first.edits
    assert scorer.calls == 8


def test_a_memory_that_holds_nothing_gives_the_same_bytes() -> None:
    engine, forgetful = pruner(), pruner()
    forgetful._conversations._ledger = Ledger(max_bytes=0)  # no setting says so
    for n in range(1, 8):
        assert engine(conversation(n)).edits == forgetful(conversation(n)).edits


def test_more_conversations_than_are_held_keep_their_bytes() -> None:
    scorer = Counting()
    engine = pruner(scorer)
    goals = [replace(GOAL, text=f"What fails in part {k}?") for k in range(MOST_STATES + 4)]
    first = [engine(conversation(3, goal)).edits for goal in goals]
    assert scorer.calls == 3 * len(goals)
    for goal, edits in zip(goals, first, strict=True):
        assert engine(conversation(4, goal)).edits.items() >= edits.items()
    assert scorer.calls == 4 * len(goals)


def test_threads_that_send_one_conversation_get_the_same_bytes() -> None:
    engine, expected = pruner(), pruner()(conversation(7)).edits
    found: list[Pruned] = []

    def work(turns: int) -> None:
        for n in range(1, turns + 1):
            engine(conversation(n))
        found.append(engine(conversation(7)))

    threads = [threading.Thread(target=work, args=(n,)) for n in (3, 5, 7, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [done.edits for done in found] == [expected] * 4


def test_the_plan_tells_what_was_decided_now_and_what_was_sent_before() -> None:
    engine = pruner()
    engine(conversation(2))
    plan = engine(conversation(3)).plan
    said = {span.segment: decision.reason for span, decision in zip(plan.spans, plan.decisions, strict=True)}
    assert said[2] == said[4] == "as it was sent before"
    assert said[6] != "as it was sent before"
    assert "".join(span.text for span in plan.spans) == "".join(s.text for s in conversation(3).segments)


def test_an_original_that_was_lost_is_kept_again_when_the_conversation_is_decided_anew() -> None:
    store = cp.MemoryStore()
    edits = pruner(store=cp.MemoryStore())(conversation(2)).edits
    assert pruner(store=store)(conversation(2)).edits == edits
    for segment in conversation(2).segments:
        if segment.ref in edits:
            assert store.get(store.key(segment.text)) == segment.text


def test_an_empty_conversation_is_nothing() -> None:
    done = pruner()(cp.Context(()))
    assert (done.edits, done.sizes, done.epoch) == ({}, (), False)
