"""The engine that is built where none is given: with a deadline, and with a store that can be written."""

from __future__ import annotations

import logging
import os
from functools import cache
from pathlib import Path

import contextprune as cp

_log = logging.getLogger("langchain_contextprune")

DEADLINE = 1.0
"""Seconds that an agent waits for the model of a scorer; what takes longer is scored by words."""


def built(policy: cp.Policy | None = None, *, hints: bool = True, deadline: float | None = DEADLINE) -> cp.Pruner:
    """Build an engine from the settings, for somebody who waits for it.

    Where its file of originals cannot be written (read-only containers, some serverless hosts), they are kept in
    memory, which the log says once.

    Args:
        policy: In place of that of the settings.
        hints: Whether markers name recall keys.
        deadline: Seconds that the model of a scorer may take for one block; None: any.
    """
    pruner = cp.Pruner(policy, hints=hints, deadline=deadline)
    if note := getattr(pruner.scorer, "note", ""):
        _say_of_scorer(note)
    location = getattr(pruner.store, "location", "")
    if not location or "://" in location or _is_writable(Path(location)):
        return pruner
    _say(location)
    own = pruner.resources
    return cp.Pruner(own.policy, own.scorer, own.counter, cp.MemoryStore(), hints=hints)


def _is_writable(path: Path) -> bool:
    """Tell whether a file can be written, or made where it is not there yet."""
    place = next((each for each in (path, *path.parents) if each.exists()), path)
    return (place.is_dir() or place == path) and os.access(place, os.W_OK)


@cache
def _say_of_scorer(note: str) -> None:
    _log.info("%s", note)


@cache
def _say(location: str) -> None:
    _log.warning(
        "%s cannot be written: originals are kept in memory, for as long as this process lives. Another place is named "
        "by CONTEXTPRUNE_STORE, or by Pruner(store=...)",
        location,
    )
