from __future__ import annotations

import pytest

from tests.growth import TIMES, assert_linear


def _square(size: int) -> int:
    return sum(range(size**2))


def test_work_that_grows_with_its_input_passes_and_gives_its_result() -> None:
    def added(numbers: range) -> int:
        return sum(numbers)

    assert assert_linear(added, range, 100_000) == sum(range(TIMES * 100_000))


def test_work_that_is_dearer_from_some_size_on_passes() -> None:
    def added(size: int) -> int:
        return sum(range(size if size < 100_000 else 6 * size))

    assert assert_linear(added, lambda size: size, 50_000) == sum(range(6 * TIMES * 50_000))


def test_work_that_grows_with_the_square_of_its_input_fails() -> None:
    with pytest.raises(AssertionError, match="4 times the size takes"):
        assert_linear(_square, lambda size: size, 150)
