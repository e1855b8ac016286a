"""How many threads the BLAS of NumPy has, read and set by the functions of OpenBLAS itself.

threadpoolctl would do it, but from 3.8 on only for the first thread of a process that asks, and says nothing to others.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

NAMES = ("scipy_openblas_{}64_", "openblas_{}64_", "openblas_{}", "scipy_openblas_{}", "openblas_{}_64")
"""What OpenBLAS calls its functions, by how it was built."""
OPENMP = 2  # what `get_parallel` says of a build with OpenMP


@dataclass(frozen=True, slots=True)
class Blas:
    """Functions of a BLAS. Where it is `by_thread`, each thread sees and sets a number of its own."""

    get_threads: Callable[[], int]
    set_threads: Callable[[int], object]
    by_thread: bool


def find_blas() -> Blas | None:
    """That of NumPy, or None where it is no OpenBLAS, or none that can be found."""
    for library in _libraries():
        for name in NAMES:
            get_threads = getattr(library, name.format("get_num_threads"), None)
            set_threads = getattr(library, name.format("set_num_threads"), None)
            parallel = getattr(library, name.format("get_parallel"), None)
            if get_threads and set_threads:
                return Blas(get_threads, set_threads, by_thread=parallel is not None and parallel() == OPENMP)
    return None


def _libraries() -> Iterator[ctypes.CDLL]:
    """A module of NumPy that is linked with BLAS, and what its wheel brings: Windows looks in no linked libraries."""
    path = import_module("numpy.linalg._umath_linalg").__file__
    if path is None:
        return
    root = Path(path).parents[2]
    for candidate in (Path(path), *sorted(root.glob("numpy.libs/*openblas*"))):
        with suppress(OSError):
            yield ctypes.CDLL(str(candidate))
