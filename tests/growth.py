"""A guard of linear time that no busy machine trips: the same work at two sizes is compared with itself."""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import process_time
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

TIMES = 4  # how much larger the large input is
BOUND = 2.5  # of time per size at the large input over that at the small one: 1 where time is linear, 4 where quadratic
RUNS = 6  # before a noisy machine is believed


def assert_linear(work: Callable[[T], R], make: Callable[[int], T], size: int) -> R:
    """The result of `work(make(TIMES * size))`, whose CPU time is at most `BOUND` times what `make(size)` foretells.

    The quickest of a few runs counts, and one run is enough where it is quick already. `work` must keep no memory of
    what it has read, or later runs measure that.
    """
    small, large = make(size), make(TIMES * size)
    shortest, longest = _seconds(work, small)[0], float("inf")
    for _ in range(RUNS):
        seconds, result = _seconds(work, large)
        longest = min(longest, seconds)
        shortest = min(shortest, _seconds(work, small)[0])
        if longest < BOUND * TIMES * shortest:
            return result
    growth = longest / (TIMES * shortest)
    raise AssertionError(f"{TIMES} times the size takes {TIMES * growth:.1f} times as long")


def _seconds(work: Callable[[T], R], given: T) -> tuple[float, R]:
    """CPU seconds of one run, without the garbage of earlier tests, and its result."""
    gc.disable()
    try:
        began = process_time()
        result = work(given)
        return process_time() - began, result
    finally:
        gc.enable()
