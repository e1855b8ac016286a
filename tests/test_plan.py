from __future__ import annotations

import dataclasses

import pytest

from contextprune.context import Context, Kind, Segment
from contextprune.plan import Action, Decision, Identifier, Plan
from contextprune.splitting import split


def test_a_plan_has_one_decision_for_each_span() -> None:
    context = Context((Segment(Kind.TOOL_RESULT, "one line\n" * 40, ()),))
    spans = tuple(split(context))
    plan = Plan(context, spans, tuple(Decision(Action.KEEP, 1.0, 3, "chosen") for _ in spans))
    assert len(plan.decisions) == len(plan.spans) == 40


def test_a_decision_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Decision(Action.DROP, 0.0, 1, "").reason = "other"  # type: ignore[misc]


def test_actions_are_the_words_that_reports_show() -> None:
    assert [str(action) for action in Action] == ["keep", "digest", "merge", "drop"]


def test_an_atom_lives_in_the_last_span_that_shows_it() -> None:
    assert Identifier("src/a.py", 0.5, 3, (1, 4)).spans[-1] == 4
