"""Failing open: the caller's value comes back, whatever was raised; it is counted, and said once."""

from __future__ import annotations

import copy
import logging
import pickle
from functools import partial
from typing import Never

import pytest

import contextprune as cp

LOG = logging.getLogger("an_integration")


FULL = RuntimeError("CUDA out of memory")


def broken(error: BaseException = FULL) -> Never:
    raise error


def test_what_the_work_returns_is_given_and_nothing_counted() -> None:
    fail_open = cp.FailOpen(LOG)
    assert fail_open("nothing happens", lambda: 7, 0) == 7
    assert (fail_open.count, fail_open.reason) == (0, "")


def test_where_it_raises_the_other_value_is_given_and_the_reason_kept() -> None:
    fail_open = cp.FailOpen(LOG)
    assert [fail_open("nothing happens", broken, i) for i in range(3)] == [0, 1, 2]
    assert (fail_open.count, fail_open.reason) == (3, "RuntimeError: CUDA out of memory")


def test_a_reason_is_a_warning_with_its_traceback_once(caplog: pytest.LogCaptureFixture) -> None:
    fail_open = cp.FailOpen(LOG)
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            fail_open("a result is left as it is", broken, None)
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.DEBUG, logging.DEBUG]
    assert [bool(record.exc_info) for record in caplog.records] == [True, False, False]
    assert caplog.messages[0] == "a result is left as it is: RuntimeError: CUDA out of memory"


def test_endless_new_reasons_fill_neither_the_log_nor_the_memory(caplog: pytest.LogCaptureFixture) -> None:
    fail_open = cp.FailOpen(LOG)
    for i in range(150):
        fail_open("nothing happens", partial(broken, OSError(f"no room {i}" + "!" * 1000)), None)
    assert sum(record.levelno == logging.WARNING for record in caplog.records) == 100
    assert len(fail_open.reason) == 300


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_what_is_to_end_the_program_ends_it(stop: BaseException) -> None:
    fail_open = cp.FailOpen(LOG)
    with pytest.raises(type(stop)):
        fail_open("nothing happens", lambda: broken(stop), None)
    assert fail_open.count == 0


def test_it_can_be_pickled_and_copied() -> None:
    fail_open = cp.FailOpen(LOG)
    fail_open("nothing happens", broken, None)
    for again in (pickle.loads(pickle.dumps(fail_open)), copy.deepcopy(fail_open)):
        assert (again.count, again.reason) == (fail_open.count, fail_open.reason)
