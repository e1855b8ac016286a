"""The one broad except of the scorer process.

A fault in reading, scoring or storing must cost a request its shortening and nothing more, and a process that cannot
start must still tell the front why. So every such fault ends here, where the caller says what is answered instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def guarded(task: Callable[[], T], otherwise: Callable[[Exception], T]) -> T:
    """The result of `task`, or where it raises an Exception, of `otherwise` with that exception."""
    try:
        return task()
    except Exception as exc:  # noqa: BLE001 - a fault of ours must not cost a request, whatever the fault is
        return otherwise(exc)
