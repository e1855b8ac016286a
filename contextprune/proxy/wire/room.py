"""Room for the bodies that are held at once: one bound over all requests, and memory given back when it is free again.

The C library keeps what was freed, in an arena for each thread, unless it is asked to return it.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

_WORTH = 64 << 20  # bytes that were held since the last time, from which giving back is worth a call


class Room:
    """Bytes that all bodies together may take; belongs to one event loop, but for `give_back`.

    `size` is what they take now.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._peak = 0
        self.size = 0

    def take(self, count: int) -> bool:
        """Take room for so many bytes; False where there is none."""
        if self.size + count > self._capacity:
            return False
        self.size += count
        self._peak = max(self._peak, self.size)
        return True

    def free(self, count: int) -> None:
        """Free room that was taken."""
        self.size -= count

    @property
    def is_worth_giving_back(self) -> bool:
        """True where much more was taken since the last time than is now."""
        return self._peak - self.size >= _WORTH

    def give_back(self) -> None:
        """Return freed memory to the system, where the C library can (glibc). Blocks for some milliseconds."""
        self._peak = self.size
        with suppress(OSError, AttributeError, TypeError):
            ctypes.CDLL(None).malloc_trim(0)
