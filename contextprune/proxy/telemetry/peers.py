"""The sums of several front processes as one: each leaves its own in a folder, and a page adds all of them.

One socket has many processes behind it, and a browser or Prometheus reaches any of them: without this, each look
would show other figures. The counts of a process that ended stay. The multiprocess mode of prometheus_client would
share totals alone; the dashboard needs the sums of each minute and quarter hour, and quantiles of them.
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


class PeerSums(NamedTuple):
    """Sums of the other processes, and the number of requests that they have in flight."""

    series: tuple[Series, ...]
    in_flight: int


class Peers:
    """A folder that the processes of one server share."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / f"{token_hex(8)}.json"

    def write(self, series: Series, in_flight: int) -> None:
        """Leave the sums of this process, in place of its earlier ones. Where that fails, the others miss them."""
        new = self._file.with_suffix(".new")
        with suppress(OSError):
            new.write_text(json.dumps({"in_flight": in_flight, **_packed(series)}), encoding="utf-8")
            new.replace(self._file)

    def read(self) -> PeerSums:
        """The sums that the other processes left."""
        peers = list(self._files())
        return PeerSums(tuple(series for series, _ in peers), sum(in_flight for _, in_flight in peers))

    def _files(self) -> Iterator[tuple[Series, int]]:
        for path in sorted(self._folder.glob("*.json")):
            if path != self._file:
                with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                    fields = json.loads(path.read_text(encoding="utf-8"))
                    fresh = time.time() - path.stat().st_mtime < _FRESH
                    yield _series(fields), int(fields["in_flight"]) if fresh else 0


def _packed(series: Series) -> dict[str, Any]:
    return {
        "total": _sums_packed(series.total),
        "fine": [[step, _sums_packed(sums)] for step, sums in series.fine],
        "coarse": [[step, _sums_packed(sums)] for step, sums in series.coarse],
    }


def _series(fields: Mapping[str, Any]) -> Series:
    series = Series()
    series.total = _sums(fields["total"])
    series.fine.extend((step, _sums(sums)) for step, sums in fields["fine"])
    series.coarse.extend((step, _sums(sums)) for step, sums in fields["coarse"])
    return series


def _sums_packed(sums: Sums) -> list[dict[str, Any]]:
    return [{"|".join(key): value for key, value in table.items()} for table in (sums.numbers, sums.times)]


def _sums(tables: list[dict[str, Any]]) -> Sums:
    sums = Sums()
    sums.numbers, sums.times = ({tuple(key.split("|")): value for key, value in table.items()} for table in tables)
    return sums
