"""A guard of linear time that no busy machine trips: the same work at two sizes is compared with itself.

What levels out, or costs something once, has a smaller part in larger inputs; what is quadratic has a larger one. So a
growth that is too large is believed only where it is found again at twice and at four times the size.
"""

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
SCALES = (1, 2, 4)  # of both sizes, before the growth is believed


def assert_linear(work: Callable[[T], R], make: Callable[[int], T], size: int) -> R:
    """The result of `work(make(TIMES * size))`, whose CPU time is at most `BOUND` times what `make(size)` foretells.

    The quickest of a few runs counts, and one run is enough where it is quick already. `work` must keep no memory of
    what it has read, or later runs measure that.
    """
    results: list[R] = []
    for scale in SCALES:
        growth, result = _growth(work, make(scale * size), make(scale * TIMES * size))
        results.append(result)
        if growth < BOUND:
            return results[0]
    raise AssertionError(f"{TIMES} times the size takes {TIMES * growth:.1f} times as long")


def _growth(work: Callable[[T], R], small: T, large: T) -> tuple[float, R]:
    """The time per size of the large input over that of the small one, and the result for the large one."""
    shortest, longest = _seconds(work, small)[0], float("inf")
    for _ in range(RUNS):
        seconds, result = _seconds(work, large)
        longest = min(longest, seconds)
        shortest = min(shortest, _seconds(work, small)[0])
        if longest < BOUND * TIMES * shortest:
            break
    return longest / (TIMES * shortest), result


def _seconds(work: Callable[[T], R], given: T) -> tuple[float, R]:
    """CPU seconds of one run, without the garbage of earlier tests, and its result."""
    gc.disable()
    try:
        began = process_time()
        result = work(given)
        return process_time() - began, result
    finally:
        gc.enable()
