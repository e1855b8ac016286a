from __future__ import annotations

import pytest

from contextprune.proxy.worker.guard import guarded


def test_a_task_that_works_gives_its_result() -> None:
    assert guarded(lambda: "done", repr) == "done"


@pytest.mark.parametrize("fault", [ZeroDivisionError("x"), OSError("x"), MemoryError(), RecursionError()])
def test_a_fault_is_handed_to_the_caller(fault: Exception) -> None:
    def failing() -> str:
        raise fault

    assert guarded(failing, lambda exc: type(exc).__name__) == type(fault).__name__


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt])
def test_the_end_of_the_process_is_no_fault(end: type[BaseException]) -> None:
    def ending() -> str:
        raise end

    with pytest.raises(end):
        guarded(ending, repr)
