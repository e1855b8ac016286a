"""Threads that compute side by side with NumPy, each with one thread of BLAS.

How many threads BLAS has is one number of the whole process, and its sums differ in their last bits with it. So it is
one while anything computes here, whoever asked for it, and what it was again behind the last; and there is one pool for
all, with as many threads as BLAS had: no more compute than the process was given.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import TypeVar

from contextprune.scoring.blas import find_blas

T = TypeVar("T")
R = TypeVar("R")


class Threads:
    """The threads of a process; get them from `threads`."""

    def __init__(self) -> None:
        self._blas = find_blas()
        self._given = self._blas.get_threads() if self._blas else 1  # one that cannot be told has threads of its own
        self._begin()

    def _begin(self) -> None:
        self._process, self._lock, self._under_way = os.getpid(), Lock(), 0
        self.count = max(1, min(self._given, _cpus()))
        self._pool = ThreadPoolExecutor(self.count, "contextprune", self._set_own)  # starts no thread yet

    @contextmanager
    def single(self) -> Iterator[None]:
        """Within it, each call of BLAS computes in the thread that makes it."""
        if self._process != os.getpid():  # forked: the parent's threads are not here, and its lock may be held
            self._set(self._given)
            self._begin()
        with self._lock:
            given = self._blas.get_threads() if self._blas else 1
            if not self._under_way:
                self._given = given
            self._under_way += 1
            self._set(1)
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                if self._blas and self._blas.by_thread:
                    self._set(given)
                elif not self._under_way:
                    self._set(self._given)

    def map(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """The results of `work` for each item, in order; `work` must not come here again."""
        if self.count == 1 or len(items) == 1:
            return list(map(work, items))
        return list(self._pool.map(work, items))

    def _set(self, count: int) -> None:
        if self._blas:
            self._blas.set_threads(count)

    def _set_own(self) -> None:
        if self._blas and self._blas.by_thread:
            self._blas.set_threads(1)


@cache
def threads() -> Threads:
    """Those of this process."""
    return Threads()


def _cpus() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
