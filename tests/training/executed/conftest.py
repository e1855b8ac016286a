"""A workbench over a few small packages, and what every output must keep to."""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from contextprune.training.executed.material import find_packages
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench, names_this_machine

STANDARD = Path(sysconfig.get_paths()["stdlib"])


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("material")
    for name in ("asyncio", "email", "json", "logging", "urllib", "concurrent"):
        shutil.copytree(STANDARD / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def bench(folder: Path, tmp_path: Path) -> Workbench:
    return Workbench(Random(3), find_packages([folder]), tmp_path)


@pytest.fixture
def draw(bench: Workbench) -> Callable[[Callable[[Workbench], Iterator[Output]], int], list[Output]]:
    """The first outputs of a family, each checked."""

    def drawn(family: Callable[[Workbench], Iterator[Output]], count: int) -> list[Output]:
        outputs = list(islice(family(bench), count))
        for output in outputs:
            assert output.text.strip()
            assert not names_this_machine(output.text, bench.folder)
            assert any(goal.ranges for goal in output.goals)
            for goal in output.goals:
                ends = [-1, *(end for start, end in goal.ranges for end in (start, end))]
                assert ends == sorted(ends)
                assert ends[-1] <= len(output.text)
                assert all(output.text[start:end].strip() for start, end in goal.ranges)
                assert all(output.text[:start][-1:] in ("", "\n") for start, _ in goal.ranges)
        return outputs

    return drawn


@pytest.fixture
def answers() -> Callable[[Output, str], list[str]]:
    """What answers the goals that hold these words."""

    def answering(output: Output, words: str) -> list[str]:
        return [
            "\n".join(output.text[start:end] for start, end in goal.ranges)
            for goal in output.goals
            if words in goal.text
        ]

    return answering
