"""Facts about goals of a run: a failure is needed whatever the goal, a fault is known by what was put in."""

from __future__ import annotations

from random import Random

from contextprune.training.executed.finding_goals import Planted, goals_of_run
from contextprune.training.executed.findings import Finding
from contextprune.training.executed.output import Goal, GoalCollector, Lines

TEXT = "\n".join(f"line {i} of the run" for i in range(40))


def goals(findings: list[Finding], planted: list[Planted] | None = None) -> list[Goal]:
    collector = GoalCollector(Lines(TEXT))
    goals_of_run(Random(1), collector, findings, planted or [], command="make", outcome=[39])
    return collector.collected


def needed(goal: Goal) -> str:
    return "|".join(TEXT[start:end] for start, end in goal.ranges)


def test_any_task_needs_the_errors_and_not_the_warnings() -> None:
    found = goals([Finding((3, 4), "a.c", 7, level="error"), Finding((9,), "a.c", 8, level="warning")])
    assert [needed(goal) for goal in found[:4]] == ["line 3 of the run\nline 4 of the run"] * 4


def test_a_run_that_is_fine_needs_its_outcome_alone() -> None:
    assert {needed(goal) for goal in goals([])} == {"line 39 of the run"}


def test_a_fault_in_words_is_answered_by_the_finding_at_its_place_or_with_its_name() -> None:
    findings = [Finding((3,), "a.c", 7), Finding((5,), "b.c", 1, names=("odd_name",))]
    planted = [Planted("a lost semicolon", "src/a.c", 6, reach=1), Planted("an unknown name", "b.c", 30, "odd_name")]
    words = {goal.text: needed(goal) for goal in goals(findings, planted)}
    assert {rows for text, rows in words.items() if "lost semicolon" in text} == {"line 3 of the run"}
    assert {rows for text, rows in words.items() if "unknown name" in text} == {"line 5 of the run"}


def test_a_fault_that_the_tool_does_not_report_has_no_goal() -> None:
    assert not [goal for goal in goals([Finding((3,), "a.c", 7)], [Planted("a typo", "b.c", 7)]) if "typo" in goal.text]
