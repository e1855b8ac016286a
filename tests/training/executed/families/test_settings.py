"""Facts about configurations."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contextprune.training.executed.families import settings
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench

Draw = Callable[[Callable[[Workbench], Iterator[Output]], int], list[Output]]


def test_a_key_is_answered_with_its_section(draw: Draw) -> None:
    for output in draw(settings.settings, 4):
        assert output.kind == "config"


def test_a_parameter_is_described_in_each_style() -> None:
    assert settings.describe_parameter("x\n\nwait : int\n    Seconds to wait. More.\n", "wait") == "Seconds to wait"
    assert settings.describe_parameter("x\n\nArgs:\n    wait (int): Seconds to wait.\n", "wait") == "Seconds to wait"
    assert settings.describe_parameter("x\n\n:param wait: Seconds to wait.\n", "wait") == "Seconds to wait"
