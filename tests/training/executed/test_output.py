"""Facts about lines, goals and crops."""

from __future__ import annotations

from random import Random

from contextprune.training.executed.output import Asks, Lines, Output, cropped


def test_neighbouring_lines_are_joined_and_empty_ones_left_out() -> None:
    lines = Lines("a\n\nb\nc\nd")
    assert lines.ranges([0, 1, 2, 4]) == ((0, 4), (7, 8))
    assert lines.ranges([1]) == ()


def test_a_crop_keeps_the_answers_inside() -> None:
    text = "\n".join(f"line {i:04d} of many" for i in range(900))
    asks = Asks(Lines(text))
    for i in range(900):
        asks.add(f"line {i:04d}?", [i], f"{i:04d}")
    whole = Output("made", "bash", {"command": "cat many"}, text, "made", asks.found)
    for seed in range(9):
        part, outside = cropped(whole, Random(seed))
        assert len(part.asks) + len(outside) == 900
        assert str(part.call["command"]).startswith("cat many | ")
        assert all(str(ask.key) in part.text[slice(*ask.ranges[0])] for ask in part.asks)
        assert not any(str(ask.key) in part.text for ask in outside)
