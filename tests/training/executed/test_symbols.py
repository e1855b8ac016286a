"""Facts about goals for functions."""

from __future__ import annotations

from pathlib import Path
from random import Random

from contextprune.training.executed.material import parse_module
from contextprune.training.executed.symbols import goals_about, unambiguous


def test_a_function_is_asked_for_by_name_and_in_other_words(folder: Path) -> None:
    module = parse_module(folder / "json" / "__init__.py")
    assert module is not None
    goals = goals_about(Random(1), next(s for s in module.symbols if s.name == "dumps"))
    assert {plain for _, plain in goals} == {True, False}


def test_what_shares_a_name_is_not_asked_for(folder: Path) -> None:
    module = parse_module(folder / "json" / "__init__.py")
    assert module is not None
    twice = [(0, module.symbols[0]), (1, module.symbols[0]), (2, module.symbols[1])]
    assert [row for row, _ in unambiguous(twice)] == [2]
