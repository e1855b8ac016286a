from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from contextprune.proxy.dashboard.overview import View, overview
from contextprune.proxy.options import Options
from contextprune.proxy.telemetry.monitor import Monitor
from contextprune.proxy.telemetry.peers import Peers
from contextprune.proxy.telemetry.summary import summarise
from tests.proxy.telemetry.sample_traffic import Clock, finished, passed

EXACT = {"dollars": (0.5, 0.25), "overhead": 0.03125, "first_byte": 1.0, "total": 4.0, "seconds": {"fold": 0.5}}
"""Floats whose sums are the same in any order."""


def several(folder: Path, count: int) -> tuple[list[Monitor], Clock]:
    """As many processes of one server, on one machine and so with one clock."""
    clock = Clock()
    return [Monitor(Options(), clock, (), clock, Peers(folder)) for _ in range(count)], clock


def test_each_process_shows_what_all_have_counted(tmp_path: Path) -> None:
    monitors, clock = several(tmp_path, 3)
    for number, monitor in enumerate(monitors):
        for _ in range(number + 1):
            finished(monitor, **EXACT)
        passed(monitor, "late", **EXACT)
        clock.now += 60
        asyncio.run(monitor.publish())
    wholes = [monitor.snapshot().with_peers() for monitor in monitors]
    told = [summarise(whole.total) for whole in wholes]
    assert told[0] == told[1] == told[2]
    assert (told[0].requests, told[0].shortened, told[0].reasons) == (9, 6, {"late": 3})
    assert [sum(step.numbers.get(("shortened",), 0) for step in whole.hour) for whole in wholes] == [6, 6, 6]
    assert [sum(step.numbers.get(("shortened",), 0) for step in whole.day) for whole in wholes] == [6, 6, 6]
    assert monitors[0].metrics() == monitors[1].metrics()


def test_what_is_under_way_is_added_while_its_process_lives(tmp_path: Path) -> None:
    (first, second), _ = several(tmp_path, 2)
    first.begin()
    second.begin()
    asyncio.run(second.publish())
    assert first.snapshot().with_peers().in_flight == 2


def test_a_process_that_ended_stays_counted(tmp_path: Path) -> None:
    (first, second), _ = several(tmp_path, 2)
    finished(second)
    asyncio.run(second.publish())
    del second
    assert summarise(first.snapshot().with_peers().total).requests == 1


@pytest.mark.parametrize("left", ["", "{", "[]", "null", "{}", '{"total": [1], "fine": [], "coarse": []}'])
def test_what_cannot_be_read_does_not_count(tmp_path: Path, left: str) -> None:
    (monitor,), _ = several(tmp_path, 1)
    (tmp_path / "broken.json").write_text(left, encoding="utf-8")
    finished(monitor)
    assert summarise(monitor.snapshot().with_peers().total).requests == 1


def test_a_folder_that_is_gone_harms_nothing(tmp_path: Path) -> None:
    (monitor,), _ = several(tmp_path / "none", 1)
    asyncio.run(monitor.publish())
    finished(monitor)
    assert summarise(monitor.snapshot().with_peers().total).requests == 1


def test_a_process_alone_publishes_nothing(tmp_path: Path) -> None:
    monitor = Monitor(Options())
    asyncio.run(monitor.publish())
    assert monitor.snapshot().with_peers().peers is None
    assert list(tmp_path.iterdir()) == []


def test_the_page_says_what_is_of_one_process_alone(tmp_path: Path) -> None:
    (monitor,), _ = several(tmp_path, 1)
    finished(monitor)
    assert "Of the one of several processes" in overview(monitor.snapshot().with_peers(), View())
