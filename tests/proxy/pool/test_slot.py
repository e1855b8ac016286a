"""Whether any place for a scorer process will take a job in time."""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest

from contextprune.proxy.pool.breaker import Breaker
from contextprune.proxy.pool.slot import Slot, unavailable


def slot(**state: Any) -> Slot:
    return Slot(0, small=False, breaker=Breaker(monotonic), **state)


def test_a_process_that_is_up_takes_a_job() -> None:
    assert unavailable([slot(), slot(ready=True)], 0.0, monotonic()) is None


def test_where_no_start_is_under_way_nobody_waits() -> None:
    assert unavailable([slot()], 0.0, monotonic() + 60) == "starting"


@pytest.mark.parametrize(("took", "waits"), [(0.0, True), (1.0, True), (3.0, False)])
def test_a_start_is_waited_for_where_it_is_likely_to_end_in_time(took: float, *, waits: bool) -> None:
    now = monotonic()
    reason = unavailable([slot(start_began=now)], took, now + 2.0)
    assert (reason is None) is waits


def test_a_start_that_takes_longer_than_the_last_one_is_waited_for() -> None:
    now = monotonic()
    assert unavailable([slot(start_began=now - 5.0)], 1.0, now + 2.0) is None
