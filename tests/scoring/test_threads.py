from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, get_ident

import pytest

from contextprune.scoring.blas import Blas, find_blas
from contextprune.scoring.threads import Threads, threads


@pytest.fixture
def blas() -> Blas:
    library = find_blas()
    if library is None:
        pytest.skip("NumPy has no OpenBLAS here")
    return library


def test_results_come_in_order() -> None:
    assert threads().map(lambda x: 2 * x, range(50)) == list(range(0, 100, 2))


def test_a_process_has_one_set_of_threads() -> None:
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: threads(), range(4))) == [threads()] * 4


def test_no_more_threads_compute_than_blas_had() -> None:
    several = Threads()
    used = set(several.map(lambda _: get_ident(), range(200)))
    assert len(used) <= several.count


def test_blas_has_one_thread_until_the_last_one_is_done(blas: Blas) -> None:
    before, both, last = blas.get_threads(), Barrier(3), Barrier(2)

    def compute(wait: bool) -> int:
        with threads().single():
            both.wait()
            if wait:
                last.wait()
            return blas.get_threads()

    with ThreadPoolExecutor(2) as pool:
        short, long = pool.submit(compute, False), pool.submit(compute, True)
        both.wait()
        assert short.result() == 1
        last.wait()
        assert long.result() == 1
    assert blas.get_threads() == before


def test_blas_has_its_threads_back_after_an_error(blas: Blas) -> None:
    before = blas.get_threads()
    with pytest.raises(ZeroDivisionError), threads().single():
        threads().map(lambda x: 1 // x, [1, 0])
    assert blas.get_threads() == before
