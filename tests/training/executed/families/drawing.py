"""Outputs of one row of a table of checks; a program that is not here skips the test."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import pytest

from contextprune.training.executed.checks import Check
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import MissingTool, Workbench, names_this_machine


def outputs_of(checks: Iterable[Check], kind: str, bench: Workbench, count: int) -> list[Output]:
    """The first outputs of a kind, none of which names this machine."""
    check = next(check for check in checks if check.kind == kind)
    try:
        outputs = list(islice(check(bench), count))
    except MissingTool as missing:
        pytest.skip(f"{missing} is not installed")
    assert not any(names_this_machine(output.text, bench.folder) for output in outputs)
    return outputs
