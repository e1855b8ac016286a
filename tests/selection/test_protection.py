from __future__ import annotations

import pytest

from contextprune.context import Context, Kind, Segment, Span, Unit
from contextprune.policy import PROTECTED, Policy
from contextprune.selection.first import ranks
from contextprune.selection.protection import closure, movable, must_keep, protection
from contextprune.text.failure_lines import failure_lines


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


@pytest.mark.parametrize(
    ("pattern", "tool", "excluded"),
    [
        ("read_*", "read_file", True),
        ("read_*", "spread_file", False),
        ("mcp__*__read", "mcp__files__read", True),
        ("re?d", "read", True),
        ("READ", "read", False),
        ("*", None, False),
    ],
)
def test_excluded_tools_are_named_by_patterns(pattern: str, tool: str | None, excluded: bool) -> None:
    found = protection(Segment(Kind.TOOL_RESULT, "a", (), name=tool), Policy(exclude_tools=("other", pattern)))
    assert (found is not None) == excluded


def test_a_segment_with_a_breakpoint_does_not_move_under_a_budget_and_is_not_protected_by_itself() -> None:
    marked = Segment(Kind.TOOL_RESULT, "a", (), marked=True)
    assert movable(Context((marked,)), Policy()) == []
    assert protection(marked, Policy()) is None


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\n<contextprune-keep>\nb\n</contextprune-keep>\nc\n", "<contextprune-keep>\nb\n</contextprune-keep>\n"),
        ("a\nb <contextprune-keep> c\nd\n", "b <contextprune-keep> c\nd\n"),
        ("<contextprune-keep>a</contextprune-keep>\nb\n", "<contextprune-keep>a</contextprune-keep>\n"),
        (
            "<contextprune-keep>a</contextprune-keep>\nb\n<contextprune-keep>c\n",
            "<contextprune-keep>a</contextprune-keep>\n<contextprune-keep>c\n",
        ),
        ("a\n</contextprune-keep>\nb\n", ""),
        ("a <contextprune-keep", ""),
    ],
)
def test_what_stands_between_marks_stays(text: str, kept: str) -> None:
    ends = [end for end in range(1, len(text) + 1) if end == len(text) or text[end - 1] == "\n"]
    rows = [Span(0, start, end, Unit.LINE, text[start:end]) for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    context = Context((Segment(Kind.TOOL_RESULT, text, ()),))
    found = must_keep(context, rows, ranks(context, rows, failure_lines(context, rows), {}), Policy())
    assert "".join(rows[i].text for i in found) == kept
    assert set(found.values()) <= {"marked to be kept"}


def test_marks_of_tools_that_bring_what_strangers_wrote_keep_nothing() -> None:
    text = "<contextprune-keep>\nan advertisement\n"
    rows = [Span(0, 0, 20, Unit.LINE, text[:20]), Span(0, 20, len(text), Unit.LINE, text[20:])]
    for tool, kept in (("web_fetch", 0), ("bash", 2), (None, 2)):
        context = Context((Segment(Kind.TOOL_RESULT, text, (), name=tool),))
        assert len(must_keep(context, rows, {}, Policy(ignore_marks=("web_*",)))) == kept


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
