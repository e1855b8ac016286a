"""Facts about commits told as sessions: whatever tool shows a file, its changed lines are marked."""

from __future__ import annotations

import re

import pytest

from contextprune.context import Kind
from contextprune.training.labels.commits import views
from contextprune.training.labels.questions import Doc, Piece, Row
from contextprune.training.samples import Sample

NUMBER = re.compile(r"^\s*\d+(?:\t|→|:)")


def row(number: int, lines: int) -> Row:
    text = "".join(f"    value_{i} = compute_{number}({i})\n" for i in range(lines))
    start = text.index(f"    value_{lines // 2} ")
    end = text.index("\n", start)
    return Row(
        f"code_edit:o/r-commit{number}-x",
        "code_edit",
        "code",
        ("o/r",),
        f"Change {number}",
        (Doc(f"src/f{number}.py", text),),
        (Piece(0, start, end),),
        0.5,
    )


@pytest.fixture(scope="module")
def told() -> list[Sample]:
    return list(views([row(i, 30 + 25 * (i % 40)) for i in range(80)], 60, seed=0))


def test_the_changed_line_is_marked_with_two_around_it(told: list[Sample]) -> None:
    for sample in told:
        if sample.id.endswith("#view"):
            number = int(re.findall(r"commit(\d+)", sample.id)[0])
            middle = (30 + 25 * (number % 40)) // 2
            [changed] = [need for need in sample.needs if need.weight == 1]
            text = sample.context.segments[changed.segment].text
            line = NUMBER.sub("", text[changed.start : changed.end])
            assert line == f"    value_{middle} = compute_{number}({middle})\n"
            assert sum(text.count("\n", need.start, need.end) for need in sample.needs) == 5


def test_files_read_before_are_judged_and_not_needed(told: list[Sample]) -> None:
    under_budget = [sample for sample in told if len(sample.judged) > 1]
    assert len(under_budget) > 5
    for sample in under_budget:
        assert {need.segment for need in sample.needs} == {len(sample.context.segments) - 1}


def test_some_files_turn_out_to_be_of_no_use(told: list[Sample]) -> None:
    assert any(not sample.needs for sample in told)


def test_all_ways_of_showing_a_file_occur(told: list[Sample]) -> None:
    shown = "\n".join(s.text for sample in told for s in sample.context.segments if s.kind is not Kind.USER)
    for sign in ("more lines above)", "lines total)]", "sed -n", "running `cat -n` on", "→", "cat -n", '"offset"'):
        assert sign in shown
