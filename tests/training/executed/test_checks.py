"""Facts about checks: a table row makes outputs with goals, and says which program is missing."""

from __future__ import annotations

from itertools import islice
from random import Random

import pytest

from contextprune.training.executed.checks import Check, Project, made_in, redrawn_times
from contextprune.training.executed.findings import Form
from contextprune.training.executed.language_table import C
from contextprune.training.executed.workbench import MissingTool, Workbench

FORM = Form(r"(?P<file>\w+\.txt):(?P<line>\d+):", more=r"(?!)", summary="done")


def faults(_bench: Workbench) -> Project:
    return Project("made", {"a.txt": "\n".join(["good"] * 9 + ["bad"] + ["good"] * 9) + "\n"})


def test_a_row_makes_outputs_whose_goals_are_the_lines_of_its_findings(bench: Workbench) -> None:
    check = Check("words", ("grep",), (("seq 9; grep -Hn bad {files}; echo done", FORM),), faults)
    (output,) = islice(check(bench), 1)
    assert (output.kind, output.package, output.failed) == ("words", "made", True)
    assert {output.text[a:b] for goal in output.goals for a, b in goal.ranges} == {"a.txt:10:bad", "done"}
    assert "{files}" not in str(output.call)


def test_a_setup_is_run_and_not_shown(bench: Workbench) -> None:
    check = Check("words", (), (("seq 9; cat made.txt", FORM),), faults, setup="echo made.txt:1: here > made.txt")
    (output,) = islice(check(bench), 1)
    assert output.text.endswith("made.txt:1: here")
    assert "echo" not in str(output.call)


def test_a_program_that_is_not_installed_is_named(bench: Workbench) -> None:
    check = Check("none", ("no-such-program",), (), faults)
    with pytest.raises(MissingTool, match="no-such-program"):
        next(iter(check(bench)))


def test_a_single_file_may_be_asked_for(bench: Workbench) -> None:
    assert all(len(made_in(C, single=True)(bench).files) == 1 for _ in range(5))


def test_durations_are_drawn_anew_and_nothing_else_is() -> None:
    text = redrawn_times(Random(1), "ran 3 tests in 0.21s, line 17 took 8 ms")
    assert text != "ran 3 tests in 0.21s, line 17 took 8 ms"
    assert text.startswith("ran 3 tests in ")
    assert "line 17 took " in text
