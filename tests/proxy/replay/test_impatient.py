"""The store as the front uses it: one that keeps a request waiting is left alone for a while."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from contextprune.errors import StoreError
from contextprune.proxy.replay.impatient import PAUSE, SLOW, ImpatientStore
from contextprune.storage.sqlite import SQLiteStore


class Locked(SQLiteStore):
    """A store that fails after some seconds of a clock, and counts how often it was asked."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__(path)
        self.now, self.seconds, self.asked = 100.0, seconds, 0

    def noted(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        self.asked, self.now = self.asked + 1, self.now + self.seconds
        raise StoreError(f"locked: {len(keys)}")


def fails(ask: Callable[[], object]) -> None:
    with pytest.raises(StoreError):
        ask()


def asked_twice(store: Locked, pause: float = 0.0) -> int:
    """How often a store is asked that is to be asked twice."""
    impatient = ImpatientStore(store, store, lambda: store.now)
    fails(lambda: impatient.noted([b"a"]))
    store.now += pause
    fails(lambda: impatient.noted([b"a"]))
    return store.asked


def test_after_a_slow_failure_it_is_left_alone(tmp_path: Path) -> None:
    assert asked_twice(Locked(tmp_path / "s", 2 * SLOW)) == 1


def test_after_a_while_it_is_tried_again(tmp_path: Path) -> None:
    assert asked_twice(Locked(tmp_path / "s", 2 * SLOW), 2 * PAUSE) == 2


def test_a_quick_failure_costs_nobody_time(tmp_path: Path) -> None:
    assert asked_twice(Locked(tmp_path / "s", 0.0)) == 2


def test_one_that_works_works(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "s")
    impatient = ImpatientStore(store, store)
    assert impatient.note_first({b"a": b"1"})
    assert not impatient.note_first({b"a": b"2"})
    assert impatient.noted([b"a"]) == {b"a": b"1"}
