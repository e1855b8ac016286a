"""Facts about goals for functions."""

from __future__ import annotations

from pathlib import Path
from random import Random

from contextprune.training.executed.material import module
from contextprune.training.executed.symbols import about, alone


def test_a_function_is_asked_for_by_name_and_in_other_words(folder: Path) -> None:
    found = module(folder / "json" / "__init__.py")
    assert found is not None
    goals = about(Random(1), next(s for s in found.symbols if s.name == "dumps"))
    assert {plain for _, plain in goals} == {True, False}


def test_what_shares_a_name_is_not_asked_for(folder: Path) -> None:
    found = module(folder / "json" / "__init__.py")
    assert found is not None
    twice = [(0, found.symbols[0]), (1, found.symbols[0]), (2, found.symbols[1])]
    assert [row for row, _ in alone(twice)] == [2]
