"""Facts about the table of true statements."""

from __future__ import annotations

import importlib
from random import Random

import pytest

from contextprune.training.executed.facts import FACTS, filled, value


def test_what_should_work_works() -> None:
    for fact in FACTS:
        if fact.package in {"json", "stdlib", "urllib", "email"}:
            value(filled(Random(1), fact))


def test_what_should_fail_fails() -> None:
    for fact in FACTS:
        if fact.package in {"json", "stdlib"}:
            made = filled(Random(1), fact)
            names = {name: importlib.import_module(name) for name in made.imports}
            with pytest.raises(Exception):  # noqa: B017, PT011 - each fails in its own way
                eval(made.bad, dict(names))
