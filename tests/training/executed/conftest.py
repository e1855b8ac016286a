"""A workbench over a few small packages, and what every output must keep to."""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from contextprune.training.executed.material import packages
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Bench, tells

STANDARD = Path(sysconfig.get_paths()["stdlib"])


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("material")
    for name in ("asyncio", "email", "json", "logging", "urllib", "concurrent"):
        shutil.copytree(STANDARD / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    return place


@pytest.fixture
def bench(folder: Path, tmp_path: Path) -> Bench:
    return Bench(Random(3), packages([folder]), tmp_path)


@pytest.fixture
def draw(bench: Bench) -> Callable[[Callable[[Bench], Iterator[Output]], int], list[Output]]:
    """The first outputs of a family, each checked."""

    def drawn(family: Callable[[Bench], Iterator[Output]], count: int) -> list[Output]:
        outputs = list(islice(family(bench), count))
        for output in outputs:
            assert output.text.strip()
            assert not tells(output.text, bench.folder)
            assert any(ask.ranges for ask in output.asks)
            for ask in output.asks:
                ends = [-1, *(place for start, end in ask.ranges for place in (start, end))]
                assert ends == sorted(ends)
                assert ends[-1] <= len(output.text)
                assert all(output.text[start:end].strip() for start, end in ask.ranges)
                assert all(output.text[:start][-1:] in ("", "\n") for start, _ in ask.ranges)
        return outputs

    return drawn


@pytest.fixture
def answers() -> Callable[[Output, str], list[str]]:
    """What answers the goals that hold these words."""

    def found(output: Output, words: str) -> list[str]:
        return [
            "\n".join(output.text[start:end] for start, end in ask.ranges) for ask in output.asks if words in ask.goal
        ]

    return found
