"""Facts about reading a module's constants and loading it with one of them changed."""

from __future__ import annotations

import subprocess

import pytest

from contextprune.bench.tuning.constants import change, constants
from contextprune.interpreter import command
from contextprune.selection import targets

COPY = "modules['contextprune.selection.on_arrival'].KEPT_PER_ROOT"


def in_fresh_process(change_arguments: str, expression: str) -> str:
    code = (
        f"from contextprune.bench.tuning.constants import change; change({change_arguments})\n"
        "import contextprune\n"
        "from sys import modules\nfrom contextprune.selection import on_arrival, targets\n"
        f"print({expression})"
    )
    return subprocess.run(command("-c", code), capture_output=True, text=True, check=True).stdout.strip()


def test_constants_are_those_of_the_module() -> None:
    assert constants("selection.targets") == {name: value for name, value in vars(targets).items() if name.isupper()}


def test_names_that_share_an_assignment_have_a_value_each() -> None:
    assert constants("scoring.lexical")["ANCHOR"] == 0.3


def test_a_default_of_a_class_has_the_name_of_the_class_before_it() -> None:
    assert constants("policy")["Policy.recall"] == 0.95


def test_modules_that_copied_a_constant_have_the_changed_one() -> None:
    assert in_fresh_process("'selection.targets', 'KEPT_PER_ROOT', 6.0", COPY) == "6.0"


def test_nothing_else_of_the_module_changes() -> None:
    slack = in_fresh_process("'selection.targets', 'KEPT_PER_ROOT', 6.0", "targets.LARGE_RESULT_SLACK")
    assert float(slack) == targets.LARGE_RESULT_SLACK


def test_a_changed_default_of_the_policy_holds() -> None:
    assert in_fresh_process("'policy', 'Policy.recall', 0.5", "contextprune.Policy().recall") == "0.5"


def test_a_module_that_is_loaded_already_cannot_be_changed() -> None:
    with pytest.raises(RuntimeError, match="imported already"):
        change("selection.targets", "KEPT_PER_ROOT", 6.0)


def test_a_name_that_is_not_assigned_cannot_be_changed() -> None:
    with pytest.raises(KeyError, match="NONE_SUCH"):
        change("selection.targets", "NONE_SUCH", 6.0)
