from __future__ import annotations

import pytest

from contextprune.text.states import unwell
from tests.growth import assert_linear

WELL = [f"Name: tide-{i}\nStatus: Running" for i in range(20)]


@pytest.mark.parametrize(
    "line",
    [
        "Status:           Pending",
        "    State:          Waiting",
        '  "health_status": "unhealthy",',
        "   Active: inactive (dead) since Tue 2026-12-01 06:12:41 UTC",
        'Task "render" is "dead"',
        "phase: Failed",
        "| status | degraded |",
        "Sync Status: OutOfSync",
        "PowerState = stopped",
        "State: CrashLoopBackOff",
    ],
)
def test_a_state_that_is_not_well_is_told(line: str) -> None:
    assert unwell([*WELL, line]) == [20]


@pytest.mark.parametrize(
    "line",
    [
        "Status: Running",
        "the state is pending review by the ship's owner",
        "result: 12",
        "failed = 0",
        "available: true",
    ],
)
def test_what_is_well_or_no_state_is_not(line: str) -> None:
    assert unwell([*WELL, line]) == []


def test_where_many_are_not_well_it_is_a_table() -> None:
    assert unwell([f"job {i} status: failed" for i in range(40)]) == []


@pytest.mark.parametrize("piece", ["status ", "is ' ", 'state"""    ', "status: pendin "])
def test_it_takes_time_in_proportion(piece: str) -> None:
    assert_linear(lambda text: unwell([text] * 4), lambda size: piece * size, 200)
