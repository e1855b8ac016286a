"""Facts about lines, goals and crops."""

from __future__ import annotations

from random import Random

from contextprune.training.executed.output import GoalCollector, Lines, Output, crop


def test_neighbouring_lines_are_joined_and_empty_ones_left_out() -> None:
    lines = Lines("a\n\nb\nc\nd")
    assert lines.ranges([0, 1, 2, 4]) == ((0, 4), (7, 8))
    assert lines.ranges([1]) == ()


def test_a_crop_keeps_the_answers_inside() -> None:
    text = "\n".join(f"line {i:04d} of many" for i in range(900))
    goals = GoalCollector(Lines(text))
    for i in range(900):
        goals.add(f"line {i:04d}?", [i], f"{i:04d}")
    output = Output("made", "bash", {"command": "cat many"}, text, "made", goals.collected)
    for seed in range(9):
        part, cut_off = crop(output, Random(seed))
        assert len(part.goals) + len(cut_off) == 900
        assert str(part.call["command"]).startswith("cat many | ")
        assert all(str(goal.key) in part.text[slice(*goal.ranges[0])] for goal in part.goals)
        assert not any(str(goal.key) in part.text for goal in cut_off)
