from __future__ import annotations

import pytest

from contextprune.context import Context, Kind, Segment, Span, Unit
from contextprune.policy import PROTECTED, Policy
from contextprune.selection.constraints import closure, movable, protection


@pytest.mark.parametrize("kind", sorted(PROTECTED))
def test_protected_kinds_say_so(kind: Kind) -> None:
    assert protection(Segment(kind, "a", ()), Policy()) == f"protected: {kind}"


@pytest.mark.parametrize("kind", sorted(set(Kind) - PROTECTED))
def test_other_kinds_may_change(kind: Kind) -> None:
    assert protection(Segment(kind, "a", ()), Policy()) is None


@pytest.mark.parametrize(
    "segment",
    [
        Segment(Kind.TOOL_RESULT, "a", (), editable=False),
        Segment(Kind.TOOL_RESULT, "", (), cost=85),
    ],
)
def test_what_cannot_be_edited_is_protected(segment: Segment) -> None:
    assert protection(segment, Policy()) == "protected: not editable"


def test_results_of_excluded_tools_are_protected() -> None:
    policy = Policy(exclude_tools=("read_file",))
    assert protection(Segment(Kind.TOOL_RESULT, "a", (), name="read_file"), policy) == "protected: tool read_file"
    assert protection(Segment(Kind.TOOL_RESULT, "a", (), name="run_shell"), policy) is None


def test_frozen_segments_do_not_move() -> None:
    context = Context(tuple(Segment(Kind.TOOL_RESULT, "a", (i,)) for i in range(3)))
    assert movable(context, Policy(), frozen={1}) == [0, 2]


def spans(*anchors: tuple[int, ...]) -> list[Span]:
    return [Span(0, i, i + 1, Unit.LINE, "a", anchors=found) for i, found in enumerate(anchors)]


@pytest.mark.parametrize(
    ("anchors", "start", "closed"),
    [
        (((), (0,), (1,)), 2, {0, 1, 2}),
        (((1,), (2,), (0,)), 1, {0, 1, 2}),  # a ring
        (((2,), (), ()), 0, {0, 2}),  # forwards
        (((), (), ()), 1, {1}),
        (((), (0, 0), (1, 0)), 2, {0, 1, 2}),
    ],
)
def test_the_closure_holds_whatever_is_needed(
    anchors: tuple[tuple[int, ...], ...], start: int, closed: set[int]
) -> None:
    found = closure(start, spans(*anchors), [False] * 3)
    assert set(found) == closed
    assert len(found) == len(closed)


def test_what_is_kept_already_is_not_named_again() -> None:
    assert closure(2, spans((), (0,), (1,)), [False, True, False]) == [2]
