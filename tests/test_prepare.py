"""What is prepared once for every decision, and what is finished in one way after it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import contextprune as cp
from contextprune.context import Context, Kind, Segment
from contextprune.errors import ScorerError
from contextprune.plan import Action, Decision, Plan
from contextprune.prepare import Before, Resources, count, finish, is_shorter, prepare
from contextprune.selection.first import Rank
from contextprune.splitting import split
from tests.strategies import COUNTER, LEXICAL, contexts
from tests.tool_outputs import log

CONTEXT = Context((Segment(Kind.USER, "Why?", ("u",)), Segment(Kind.TOOL_RESULT, log(40, 1), ("r",))))


def resources(*, recallable: bool = True, hints: bool = True, scorer: cp.Scorer = LEXICAL) -> Resources:
    return Resources(cp.Policy(), scorer, COUNTER, cp.MemoryStore(), recallable, hints)


@given(contexts())
def test_the_tokens_of_a_segment_are_those_of_its_spans_and_of_its_text(context: Context) -> None:
    counted = count(COUNTER, context, split(context))
    for i, segment in enumerate(context.segments):
        costs = [cost for span, cost in zip(counted.spans, counted.costs, strict=True) if span.segment == i]
        assert counted.tokens[i] == sum(costs) + (segment.cost or 0) == COUNTER(segment.text) + (segment.cost or 0)


def test_what_was_counted_before_is_not_counted_again() -> None:
    assert count(COUNTER, CONTEXT, split(CONTEXT, start=0)[:1], {0: 7}).costs == [7]


def test_scores_that_are_no_probabilities_are_refused() -> None:
    class Wrong:
        name = "wrong"

        def __call__(self, context: Context, spans: object) -> list[float]:  # noqa: ARG002
            return [2.0]

    counted = count(COUNTER, CONTEXT, split(CONTEXT))
    with pytest.raises(ScorerError):
        prepare(resources(scorer=Wrong()), counted, {1})


def test_without_a_way_back_no_identifier_is_carried() -> None:
    counted = count(COUNTER, CONTEXT, split(CONTEXT))
    assert prepare(resources(recallable=False), counted, {1}).identifiers == []
    assert prepare(resources(), counted, {1}).identifiers != []


def test_what_differs_comes_before_the_repetitions_of_a_failure() -> None:
    rows = [f"12:00:00 ERROR order {i} is gone" for i in range(90)]
    rows[40] = "12:00:00 INFO the stock was counted anew"
    context = Context((Segment(Kind.USER, "Why?", ("u",)), Segment(Kind.TOOL_RESULT, "\n".join(rows), ("r",))))
    prepared = prepare(resources(), count(COUNTER, context, split(context)), {1})
    odd = next(i for i, span in enumerate(prepared.spans) if "counted anew" in span.text)
    assert prepared.ranks[odd] is Rank.NEAR
    assert prepared.why(odd) == "differs from those like it"


def test_what_was_named_comes_before_what_is_only_near_a_failure() -> None:
    rows = [f"Compiling './src/part_{i}.py'..." for i in range(40)]
    rows[20] = "*** Error: expected ':'"
    context = Context((Segment(Kind.TOOL_RESULT, "\n".join(rows), ("r",)),), "Did it reach src/part_7.py?")
    prepared = prepare(resources(), count(COUNTER, context, split(context)), {0})
    at = {span.text.strip(): i for i, span in enumerate(prepared.spans)}
    assert prepared.ranks[at[rows[20]]] < prepared.ranks[at[rows[7]]] < prepared.ranks[at[rows[19]]]


def test_where_much_differs_nothing_comes_early_for_that() -> None:
    text = "\n".join(
        f"12:00:00 INFO order {i} is packed" if i % 7 else f"{'abcdefgh'[i % 8] * 9} {i}" for i in range(90)
    )
    context = Context((Segment(Kind.USER, "Why?", ("u",)), Segment(Kind.TOOL_RESULT, text, ("r",))))
    assert prepare(resources(), count(COUNTER, context, split(context)), {1}).ranks == {}


def test_what_was_shown_before_need_not_be_carried() -> None:
    counted = count(COUNTER, CONTEXT, split(CONTEXT))
    names = {identifier.text for identifier in prepare(resources(), counted, {1}, before=Before()).identifiers}
    again = prepare(resources(), counted, {1}, before=Before(names)).identifiers
    assert names
    assert again == []


@pytest.mark.parametrize(
    ("recallable", "hints", "keys"), [(True, True, "recall="), (True, False, "cut]"), (False, True, "[…")]
)
def test_a_marker_names_a_key_only_for_readers_who_can_redeem_it(recallable: bool, hints: bool, keys: str) -> None:
    spans = split(CONTEXT)
    drop = [Decision(Action.DROP, 0.0, 9, "") if span.segment else Decision(Action.KEEP, 1.0, 9, "") for span in spans]
    drop[-1] = Decision(Action.KEEP, 1.0, 9, "")
    plan = Plan(CONTEXT, tuple(spans), tuple(drop))
    texts = finish(resources(recallable=recallable, hints=hints), plan, lambda i: (CONTEXT.segments[i].text, 10_000))
    assert keys in texts[1][0]


@given(st.text(), st.text(), st.integers(0, 9), st.integers(0, 9))
def test_a_text_takes_anothers_place_only_if_it_is_shorter(text: str, sent: str, tokens: int, sent_tokens: int) -> None:
    shorter = is_shorter(text, tokens, sent, sent_tokens)
    assert shorter == (
        tokens < sent_tokens and len(text.encode("utf-8", "replace")) <= len(sent.encode("utf-8", "replace"))
    )


def test_what_is_no_shorter_than_what_is_sent_is_not_used() -> None:
    spans = split(CONTEXT)
    plan = Plan(CONTEXT, tuple(spans), tuple(Decision(Action.DROP, 0.0, 9, "") for _ in spans))
    assert finish(resources(), plan, lambda _: ("", 10_000)) == {}


def test_a_marker_shows_one_of_alike_lines_where_that_fits() -> None:
    text = "".join(f"12:00:00 INFO order {i} is packed\n" for i in range(40))
    context = Context((Segment(Kind.TOOL_RESULT, text, ("r",)),))
    spans = tuple(split(context))
    decisions = tuple(Decision(Action.DROP if i else Action.KEEP, 0.5, 20, "") for i in range(len(spans)))
    plan = Plan(context, spans, decisions)
    shown = finish(resources(), plan, lambda _: (text, 10_000))[0][0]
    assert 'like "12:00:00 INFO order 1 is packed"' in shown
    without = finish(resources(), plan, lambda _: (text, 10_000), lambda new: "like" not in new[0][0])[0][0]
    assert "like" not in without
