"""The sums of several front processes as one: each leaves its own in a folder, and whoever is asked adds all of them.

One socket has many processes behind it, and a browser or Prometheus reaches any of them: without this, each look
would show other figures. What a process that ended had counted stays counted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

from contextprune.proxy.telemetry.series import Series, Sums

_FRESH = 30.0  # seconds after which a process that has not written any more is taken to have ended


class Others(NamedTuple):
    """What the other processes have told: all their sums, and what they have in flight."""

    series: tuple[Series, ...]
    in_flight: int


class Peers:
    """A folder that the processes of one server share."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._own = folder, folder / f"{token_hex(8)}.json"

    def write(self, series: Series, in_flight: int) -> None:
        """Leave the sums of this process, in place of what it left before. Where that fails, the others miss them."""
        whole = self._own.with_suffix(".new")
        with suppress(OSError):
            whole.write_text(json.dumps({"in_flight": in_flight, **_packed(series)}), encoding="utf-8")
            whole.replace(self._own)

    def others(self) -> Others:
        """What the other processes left."""
        told = list(self._told())
        return Others(tuple(series for series, _ in told), sum(in_flight for _, in_flight in told))

    def _told(self) -> Iterator[tuple[Series, int]]:
        for path in sorted(self._folder.glob("*.json")):
            if path != self._own:
                with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                    told = json.loads(path.read_text(encoding="utf-8"))
                    fresh = time.time() - path.stat().st_mtime < _FRESH
                    yield _series(told), int(told["in_flight"]) if fresh else 0


def _packed(series: Series) -> dict[str, Any]:
    return {
        "total": _sums_packed(series.total),
        "fine": [[step, _sums_packed(sums)] for step, sums in series.fine],
        "coarse": [[step, _sums_packed(sums)] for step, sums in series.coarse],
    }


def _series(told: Mapping[str, Any]) -> Series:
    series = Series()
    series.total = _sums(told["total"])
    series.fine.extend((step, _sums(sums)) for step, sums in told["fine"])
    series.coarse.extend((step, _sums(sums)) for step, sums in told["coarse"])
    return series


def _sums_packed(sums: Sums) -> list[dict[str, Any]]:
    return [{"|".join(key): value for key, value in part.items()} for part in (sums.numbers, sums.times)]


def _sums(told: list[dict[str, Any]]) -> Sums:
    sums = Sums()
    sums.numbers, sums.times = ({tuple(key.split("|")): value for key, value in part.items()} for part in told)
    return sums
