"""Facts about generated test projects."""

from __future__ import annotations

import ast
from random import Random

from contextprune.training.executed.suites import draw_cases, pytest_file, unittest_file, wrong_expectation


def test_the_sources_parse_and_hold_each_test_once() -> None:
    cases = draw_cases(Random(1), 12, 4, "json")
    assert sum(case.outcome not in {"ok", "skip", "xfail"} for case in cases) == 4
    for text in (pytest_file(cases, described=True), unittest_file(cases, "JsonTests")):
        ast.parse(text)
        assert all(text.count(f"def {case.name}(") == 1 for case in cases)


def test_a_wrong_expectation_differs() -> None:
    assert all(
        ast.literal_eval(wrong_expectation(value)) != value
        for value in (1, 2.5, True, "word", "", [1, 2], [], {"a": 1})
    )
