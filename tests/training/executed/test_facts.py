"""Facts about the table of true statements."""

from __future__ import annotations

import importlib
from random import Random

import pytest

from contextprune.training.executed.facts import FACTS, evaluate, fill


def test_what_should_work_works() -> None:
    for fact in FACTS:
        if fact.package in {"json", "stdlib", "urllib", "email"}:
            evaluate(fill(Random(1), fact))


def test_what_should_fail_fails() -> None:
    for fact in FACTS:
        if fact.package in {"json", "stdlib"}:
            filled = fill(Random(1), fact)
            names = {name: importlib.import_module(name) for name in filled.imports}
            with pytest.raises(Exception):  # noqa: B017, PT011 - each fails in its own way
                eval(filled.bad, dict(names))
