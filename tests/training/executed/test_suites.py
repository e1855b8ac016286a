"""Facts about generated test projects."""

from __future__ import annotations

import ast
from random import Random

from contextprune.training.executed.suites import cases, pytest_file, unittest_file, wrong


def test_the_sources_parse_and_hold_each_test_once() -> None:
    found = cases(Random(1), 12, 4, "json")
    assert sum(case.fate not in {"ok", "skip", "xfail"} for case in found) == 4
    for text in (pytest_file(found, told=True), unittest_file(found, "JsonTests")):
        ast.parse(text)
        assert all(text.count(f"def {case.name}(") == 1 for case in found)


def test_a_wrong_expectation_differs() -> None:
    assert all(ast.literal_eval(wrong(value)) != value for value in (1, 2.5, True, "word", "", [1, 2], [], {"a": 1}))
