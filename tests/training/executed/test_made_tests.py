"""Facts about made test suites."""

from __future__ import annotations

from contextprune.training.executed.families.runners import CHECKS
from contextprune.training.executed.made_tests import Suite
from contextprune.training.executed.workbench import Workbench


def test_a_wrong_expectation_is_planted_under_the_name_of_its_function(bench: Workbench) -> None:
    suite = next(check.project for check in CHECKS if check.kind == "go_test")
    assert isinstance(suite, Suite)
    planted = 0
    for _ in range(6):
        project = suite(bench)
        text = "\n".join(project.files.values())
        planted += len(project.planted)
        assert all(fault.name in text for fault in project.planted)
        assert any(name.endswith("_test.go") for name in project.files)
    assert planted
