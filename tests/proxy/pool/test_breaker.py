"""The breaker, with a clock that the test turns."""

from __future__ import annotations

from dataclasses import dataclass

from contextprune.proxy.pool.breaker import LONGEST, MOST, PAUSE, Breaker


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def may_go(breaker: Breaker) -> bool:
    return breaker.allows


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        breaker.begin()
        breaker.failed()


def test_it_is_closed_until_it_has_failed_often_enough() -> None:
    breaker = Breaker(Clock())
    fail(breaker, MOST - 1)
    assert may_go(breaker)
    assert breaker.state == "closed"
    fail(breaker)
    assert not may_go(breaker)
    assert breaker.state == "open"


def test_failures_in_a_row_open_it_however_far_apart_since_a_start_may_take_long() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(MOST):
        assert may_go(breaker)
        fail(breaker)
        clock.now += 60
    assert breaker.state == "half-open"  # it was open meanwhile


def test_after_the_pause_one_probe_may_go_and_no_second() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    fail(breaker, MOST)
    clock.now += PAUSE
    assert breaker.state == "half-open"
    assert may_go(breaker)
    breaker.begin()
    assert not may_go(breaker)


def test_a_probe_that_works_closes_it_and_clears_what_was() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    fail(breaker, MOST)
    clock.now += PAUSE
    breaker.begin()
    breaker.worked()
    assert breaker.state == "closed"
    fail(breaker, MOST - 1)
    assert may_go(breaker)


def test_each_probe_that_fails_doubles_the_pause_up_to_the_longest() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    fail(breaker, MOST)
    pause = PAUSE
    for _ in range(8):
        clock.now += pause
        fail(breaker)
        pause = min(2 * pause, LONGEST)
        clock.now += pause - 0.1
        assert not may_go(breaker)
        clock.now += 0.1
        assert may_go(breaker)
        clock.now -= pause
    assert pause == LONGEST


def test_after_it_has_worked_the_pause_is_short_again() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    fail(breaker, MOST)
    clock.now += PAUSE
    fail(breaker)
    clock.now += 2 * PAUSE
    breaker.begin()
    breaker.worked()
    fail(breaker, MOST)
    clock.now += PAUSE
    assert may_go(breaker)


def test_a_process_that_works_now_and_then_stays_in_use() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(50):
        fail(breaker)
        breaker.begin()
        breaker.worked()
        clock.now += 3
    assert may_go(breaker)
