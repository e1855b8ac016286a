"""Totals by day and by session that survive restarts: what this process counted is added to a file every few seconds.

Several front processes, and several proxies of one user, add to the same file. Between two additions a request costs
some dictionary look-ups; nothing waits for the disk.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from contextprune.errors import SettingsError, StoreError
from contextprune.proxy.telemetry.record import RequestRecord
from contextprune.proxy.telemetry.series import Key, Sums, added, counted, timed
from contextprune.proxy.telemetry.totals_file import NAME, SESSIONS, Addition, Facts, SessionTotal, TotalsFile
from contextprune.settings import data_folder

_TIMES = ("overhead", "first_byte")  # of those that are counted by the minute, too
_NOT_OF_SESSIONS = frozenset({"bytes", "kinds", "upstream", "gone"})  # sums that a session has no use for
_AUDIT = "audit"  # before the name of a sum: it would have been so
_OF_ALL = frozenset(
    {"requests", "bytes", "upstream", "gone", "retried", "billed", "told", "usage"}
)  # done all the same
_LONGEST = 100  # characters of a name that came from outside
_log = logging.getLogger("contextprune.proxy")


class Totals:
    """Sums by day and by session: those in the file, and those that are still to be added to it.

    `add` belongs to the event loop; all else may block, and is for threads.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._file = TotalsFile(path)
        self._days: dict[str, Sums] = {}
        self._sessions: dict[tuple[str, str], tuple[Facts, Sums]] = {}
        self._lock = threading.Lock()  # for moments: around what is still to be added
        self._flushing = threading.Lock()
        self._trouble = ""

    def add(self, record: RequestRecord, now: float) -> None:
        """Count a request that is over. `now` is in seconds since 1970."""
        times = ((key, seconds) for key, seconds in timed(record) if key[0] in _TIMES)
        self.add_numbers(record, counted(record), now, times)

    def add_numbers(
        self,
        record: RequestRecord,
        numbers: Iterable[tuple[Key, float]],
        now: float,
        times: Iterable[tuple[Key, float]] = (),
    ) -> None:
        """Add numbers to the day, and to the session of a record where contextprune shortens its like."""
        day, numbers = day_of(now), tuple(_separated(numbers, audit=record.answer.status == "audit"))
        facts = Facts(_encodable(record.client), _encodable(record.answer.model), record.started, now)
        session = _encodable(record.session)
        with self._lock:
            self._days.setdefault(day, Sums()).add(numbers, times)
            if record.eligible:
                before, sums = self._sessions.pop((session, day), (facts, Sums()))
                sums.add((pair for pair in numbers if not _NOT_OF_SESSIONS.intersection(pair[0][:2])), ())
                self._sessions[session, day] = before.then(facts), sums
                while len(self._sessions) > SESSIONS:  # the file cannot be written for long
                    del self._sessions[next(iter(self._sessions))]

    def flush(self) -> None:
        """Add to the file what has been counted since; where that fails, it stays here, and the log says so once."""
        with self._flushing:
            with self._lock:
                addition = Addition(self._days, self._sessions)
                self._days, self._sessions = {}, {}
            if not addition.days:
                return

            try:
                self._file.add(addition)
                self._trouble = ""
            except StoreError as exc:
                self._take_back(addition)
                if not self._trouble:
                    _log.warning("totals are not kept: %s", exc)
                self._trouble = str(exc)

    def days(self, first: str = "", last: str = "9999") -> dict[str, Sums]:
        """The sums of each day from `first` to `last`; where the file cannot be used, of what it lacks."""
        self.flush()
        with suppress(StoreError):
            if not self._trouble:
                return self._file.days(first, last)
        with self._lock:
            return {day: sums.copy() for day, sums in self._days.items() if first <= day <= last}

    def sessions(self, limit: int) -> list[SessionTotal]:
        """The sessions seen last, the newest first; where the file cannot be used, those that it lacks."""
        self.flush()
        with suppress(StoreError):
            if not self._trouble:
                return self._file.sessions(limit)
        with self._lock:
            rows = [SessionTotal(name, facts, sums.copy()) for (name, _), (facts, sums) in self._sessions.items()]
        return sorted(rows, key=lambda row: -row.facts.last)[:limit]

    def _take_back(self, addition: Addition) -> None:
        """Put an addition that failed before what was counted meanwhile."""
        with self._lock:
            days, sessions = dict(addition.days), dict(addition.sessions)
            for day, newer in self._days.items():
                days[day] = added((days.get(day, Sums()), newer))
            for key, (facts, newer) in self._sessions.items():
                before, older = sessions.get(key, (facts, Sums()))
                sessions[key] = before.then(facts), added((older, newer))
            self._days, self._sessions = days, sessions


def audited(sums: Sums) -> Sums:
    """The sums with savings that an audit measured, in place of those that were made."""
    chosen = Sums()
    chosen.times = sums.times
    for key, value in sums.numbers.items():
        if key[0] == _AUDIT:
            chosen.numbers[key[1:]] = value
        elif key[0] in _OF_ALL or key[0] == "sessions":
            chosen.numbers[key] = value
    return chosen


def _separated(numbers: Iterable[tuple[Key, float]], *, audit: bool) -> Iterator[tuple[Key, float]]:
    """The numbers of a request; savings of an audit, which nobody made, have names of their own."""
    for key, number in numbers:
        yield ((_AUDIT, *key) if audit and key[0] not in _OF_ALL else key), number


def _encodable(name: str) -> str:
    """A name that came from outside, short, and without lone surrogates, which no file takes."""
    return name[:_LONGEST].encode("utf-8", "replace").decode()


def day_of(now: float) -> str:
    """The day of a time in seconds since 1970, as it is called where this machine stands: 2026-11-30."""
    return datetime.fromtimestamp(now).astimezone().date().isoformat()


def totals_path(store: str) -> Path | None:
    """The file of the totals for a setting of the store; None for a store in memory, and where there is no home.

    It lies beside the store's own file, else, for a Redis, in the user's data folder.
    """
    if store == "memory":
        return None
    if store and "://" not in store:
        return Path(store).parent / NAME
    try:
        return data_folder() / NAME
    except SettingsError:
        return None
