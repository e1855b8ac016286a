"""The /stats of a proxy, of this version or of another, as values."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from contextprune._version import __version__
from contextprune.cli.stats import Silence, Stats, Traffic
from contextprune.proxy.dashboard.respond import respond
from tests.proxy.telemetry.sample_traffic import busy_day, finished, monitor_of, passed


def test_the_stats_of_this_version_are_read() -> None:
    monitor, _ = monitor_of()
    finished(monitor)
    passed(monitor, "late")
    response = asyncio.run(respond("/stats", "", monitor))
    assert response is not None
    stats = Stats.of(json.loads(response[2]))
    assert stats is not None
    assert (stats.version, stats.mode, stats.recall, stats.in_flight) == (__version__, "on", "off", 0)
    assert stats.traffic == Traffic(2, 1, 80_000, 54_000, 2, 0.16, 0.13, {"late": 1})
    assert (stats.trouble, stats.breaker, stats.silence) == ("", "closed", None)


def test_a_warning_is_read_with_its_first_reason() -> None:
    monitor, clock = monitor_of()
    for _ in range(20):
        passed(monitor, "late")
    clock.now += 31 * 60
    response = asyncio.run(respond("/stats", "", monitor))
    assert response is not None
    stats = Stats.of(json.loads(response[2]))
    assert stats is not None
    assert stats.silence == Silence(31 * 60.0, "late")


def test_dollars_are_those_saved() -> None:
    response = asyncio.run(respond("/stats", "", busy_day()))
    assert response is not None
    stats = Stats.of(json.loads(response[2]))
    assert stats is not None
    assert stats.traffic is not None
    assert stats.traffic.dollars == stats.traffic.dollars_before - stats.traffic.dollars_after > 0


@pytest.mark.parametrize("data", [None, [], "alive", 3])
def test_what_is_no_object_is_none(data: Any) -> None:
    assert Stats.of(data) is None


@pytest.mark.parametrize(
    "data",
    [
        {"all": None, "scorers": None, "warning": None, "in_flight": None},
        {"all": [], "scorers": "up", "warning": 1, "in_flight": "many"},
    ],
)
def test_fields_that_are_absent_or_of_another_type_have_their_defaults(data: Any) -> None:
    assert Stats.of(data) == Stats.of({}) == Stats()


@pytest.mark.parametrize("reasons", [None, [], ["late"], [[]], {"late": 3}])
def test_a_warning_without_reasons_has_none(reasons: Any) -> None:
    stats = Stats.of({"warning": {"seconds": 60, "reasons": reasons}})
    assert stats is not None
    assert stats.silence == Silence(60.0, "")
