"""A marker that says "as above" is right as long as it is sent."""

from __future__ import annotations

import contextprune as cp
from contextprune.context import Context
from contextprune.money.payback import Meter, tables
from contextprune.session.epoch import run_epoch
from contextprune.session.ledger import Entry
from contextprune.session.references import keep_sources, references
from contextprune.session.state import State
from tests.session.conversations import Step, said, source, state_of, step, talk, tools, work

POLICY = cp.Policy(recall=0.3, prices="openai")
READ = step(source(900, 40), "read_file", '{"path": "src/billing.py"}')
AGAIN = step(source(900, 40), "shell", '{"command": "cat src/billing.py"}')


def state(*steps: Step) -> tuple[Context, State]:
    context = talk(said("Look."), *steps, said("Go on."))
    return context, state_of(tools(POLICY), context)


def epoch(*steps: Step) -> dict[int, str]:
    """What each segment is sent as after an epoch with a cold cache."""
    using = tools(POLICY)
    context = talk(said("Look."), *steps, said("Go on."))
    before = state_of(using, context)
    changed = {at: text for at, text, _ in run_epoch(using, before, context, cold=True)}
    assert changed
    return {at: changed.get(at, before.text(at)) for at in range(len(context.segments))}


def test_a_reading_that_was_had_before_needs_the_earlier_one() -> None:
    _, known = state(READ, *work(4), AGAIN)
    refers = next(at for at, text in enumerate(known.texts) if text is not None and "as above" in text)
    assert references(known) == {refers: {2}}


def test_what_was_read_for_references_is_not_read_again_as_a_conversation_grows() -> None:
    context = talk(said("Look."), READ, *work(2), AGAIN, *work(2, seed=5), AGAIN, said("Go on."))
    grown, using = State(Meter(tables("", "", {}))), tools(POLICY)
    at_once = state_of(using, context)
    needed: list[dict[int, set[int]]] = []
    for at, segment in enumerate(context.segments):
        grown.add(segment, Entry(at_once.texts[at], at_once.before[at], at_once.after[at]))
        needed.append(references(grown))

    assert needed[-1] == references(at_once)
    first = min(needed[-1])
    assert len({id(sources[first]) for sources in needed if first in sources}) == 1


def test_an_epoch_keeps_what_a_late_reference_points_to() -> None:
    texts = epoch(READ, *work(40), AGAIN)
    assert any("as above" in text for text in texts.values())
    assert texts[2] == source(900, 40)


def test_an_old_reference_to_what_shrinks_says_that_its_lines_are_cut() -> None:
    texts = epoch(READ, AGAIN, *work(44, seed=3))
    assert texts[2] != source(900, 40)
    assert "[80 lines cut, recall=" in texts[4]


def test_a_block_that_stays_for_a_later_one_keeps_its_own_sources() -> None:
    loses = {1: 100, 2: 100, 3: 100}
    keep_sources({9: {2}, 2: {1}}, loses, ())
    assert loses == {3: 100}


def test_a_block_that_is_decided_anew_needs_nothing_any_more() -> None:
    loses = {1: 100, 2: 100}
    keep_sources({2: {1}}, loses, ())
    keep_sources({5: {1}}, loses, (5,))
    assert loses == {1: 100, 2: 100}
