from __future__ import annotations

import pytest

from contextprune.scoring.blas import find_blas


def test_the_number_of_threads_that_is_set_is_the_one_that_is_read() -> None:
    blas = find_blas()
    if blas is None:
        pytest.skip("NumPy has no OpenBLAS here")
    before = blas.get_threads()
    try:
        for count in (1, 3):
            blas.set_threads(count)
            assert blas.get_threads() == count
    finally:
        blas.set_threads(before)
