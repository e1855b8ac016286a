from __future__ import annotations

import io

from rich.console import Console

from contextprune.context import Context, Kind, Segment, Span, Unit
from contextprune.display.terminal import CUT, Run, cut_before, plain, runs, show_decisions, show_report
from contextprune.money.cost import Prompt
from contextprune.plan import Action, Decision, Plan
from contextprune.report import Report, summarise

LINES = ("one\n", "two\n", "three\n", "four\n")
ACTIONS = (Action.KEEP, Action.DROP, Action.DROP, Action.KEEP)


def a_plan(name: str = "[red]bash") -> Plan:
    spans = [Span(0, 0, len(line), Unit.LINE, line) for line in LINES]
    decisions = [Decision(action, 0.1 * i, 2, "because") for i, action in enumerate(ACTIONS)]
    segment = Segment(Kind.TOOL_RESULT, "".join(LINES), (0,), name=name)
    return Plan(Context((segment,)), tuple(spans), tuple(decisions))


def a_report() -> Report:
    prompt = Prompt("", (0, 0), (0, 0), (8, 5))
    return summarise(a_plan(), [8], [5], {"split": 0.25, "score": 0.5}, "o200k_base", "lexical.v1", prompts=(prompt,))


def written(*, terminal: bool, report: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100, color_system=None)
    if report:
        show_report(console, a_report(), "/home/me/[originals]")
    else:
        show_decisions(console, a_plan())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_neighbours_that_went_the_same_way_are_one_run() -> None:
    found = [(run.first, run.last, run.action, run.tokens, round(run.score or 0.0, 1)) for run in runs(a_plan())]
    assert found == [(1, 1, Action.KEEP, 2, 0.0), (2, 3, Action.DROP, 4, 0.2), (4, 4, Action.KEEP, 2, 0.3)]


def test_a_block_that_was_cut_before_is_a_row_with_its_markers() -> None:
    segment = Segment(Kind.TOOL_RESULT, "".join(LINES), (0,), name="bash")
    whole = Span(0, 0, len(segment.text), Unit.WHOLE, segment.text)
    plan = Plan(Context((segment,)), (whole,), (Decision(Action.KEEP, 1.0, 3, "as it was sent before"),))
    text = "one\n[lines 2-3 cut, recall=bcdefghi3456]\nfour\n"
    (row,) = cut_before(plan, {0: text}, count=lambda words: 9 if words == segment.text else 5)
    reason = "as it was sent before: [lines 2-3 cut, recall=bcdefghi3456]"
    assert row == Run(0, 1, 4, CUT, 4, None, reason)


def test_a_block_whose_spans_the_plan_has_is_no_row_of_those_cut_before() -> None:
    assert list(cut_before(a_plan(), {0: "one\n[lines 2-3 cut]\nfour\n"}, len)) == []


def test_a_report_says_the_same_on_a_terminal_and_in_a_file() -> None:
    for terminal in (False, True):
        said = written(terminal=terminal, report=True)
        for fact in (
            "tool_result",
            "62.5%",
            "total",
            "drop",
            "no model",
            "o200k_base",
            "lexical.v1",
            "/home/me/[originals]",
        ):
            assert fact in said


def test_decisions_show_what_did_not_stay_with_names_as_they_are() -> None:
    for terminal in (False, True):
        said = written(terminal=terminal, report=False)
        assert "tool_result [red]bash" in said
        assert "2-3" in said
        assert "keep" not in said


def test_control_characters_of_a_name_never_reach_the_terminal() -> None:
    assert plain("a\x1b[31m\nb\ud800") == "a\ufffd[31m\ufffdb\ufffd"
