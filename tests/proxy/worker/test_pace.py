"""Which blocks there is time for."""

from __future__ import annotations

import pytest

from contextprune.context import Kind, Segment
from contextprune.proxy.worker.pace import Abandoned, Deadline, Pace


def result(size: int) -> Segment:
    return Segment(Kind.TOOL_RESULT, "x" * size, ())


def never() -> bool:
    return False


def test_a_block_that_fits_into_the_time_is_decided() -> None:
    deadline = Deadline(10.0, never, Pace(1e-6))
    assert not deadline(result(1000))
    assert deadline.skipped == 0


def test_a_block_that_does_not_fit_stands_and_a_smaller_one_after_it_may_not() -> None:
    deadline = Deadline(10.0, never, Pace(1e-3))
    assert deadline(result(20_000))
    assert not deadline(result(100))
    assert deadline.skipped == 1
    assert (deadline.decided, deadline.undecided) == (100, 20_000)


def test_what_is_only_counted_is_taken_to_cost_no_time() -> None:
    deadline = Deadline(10.0, never, Pace(1e-3))
    assert not deadline(Segment(Kind.USER, "x" * 20_000, ()))


def test_without_time_nothing_is_decided() -> None:
    deadline = Deadline(0.0, never, Pace())
    assert deadline(result(1))
    assert deadline(Segment(Kind.USER, "x", ()))
    assert deadline.skipped == 1


def test_when_nobody_waits_any_more_it_ends() -> None:
    with pytest.raises(Abandoned):
        Deadline(10.0, lambda: True, Pace())(result(1))


def test_the_pace_is_learnt_from_blocks_that_were_decided() -> None:
    pace = Pace(1e-6)
    for _ in range(100):
        pace.learn(10_000, 0.04)
    assert pace.seconds == pytest.approx(4e-6, rel=0.05)


def test_blocks_that_were_only_counted_teach_nothing() -> None:
    pace = Pace(1e-6)
    pace.learn(10_000, 0.0001)
    pace.learn(10, 1.0)
    assert pace.seconds == 1e-6


def test_one_stall_does_not_spoil_the_pace() -> None:
    pace = Pace(1e-6)
    pace.learn(10_000, 100.0)
    assert pace.seconds < 4e-6


def test_small_blocks_that_were_interrupted_say_little_of_a_large_one() -> None:
    pace = Pace(2e-6)
    for _ in range(5):
        pace.learn(600, 0.02)  # 3e-5 a character
    assert not Deadline(0.9, never, pace)(result(40_000))


def test_what_was_slow_once_is_tried_again_after_a_while() -> None:
    pace = Pace(1.0)
    tries = 0
    while Deadline(1.0, never, pace)(result(1000)):
        tries += 1
        assert tries < 200
