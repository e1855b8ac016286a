"""The canary: tells a proxy that has silently stopped to shorten anything, which looks just like one that works."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from contextprune.proxy.telemetry.record import RequestRecord

LEAST = 10
"""Requests that have to come in vain before it says anything: a few short ones prove nothing."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Nothing has been shortened for so many seconds, in so many requests; the reasons, the most frequent first."""

    seconds: float
    requests: int
    reasons: tuple[tuple[str, int], ...]


class Canary:
    """Counts requests in vain. `seconds` is how long it waits; times are of a clock that never goes back."""

    __slots__ = ("_reasons", "_reported", "_seconds", "_since")

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._since = now
        self._reported = now
        self._reasons: Counter[str] = Counter()

    def see(self, record: RequestRecord, now: float) -> None:
        """Take one finished request into account."""
        if not record.eligible:
            return
        if record.shorter:
            self._since = now
            self._reasons.clear()
        else:
            self._reasons[record.answer.reason or record.answer.status] += 1

    def warned(self, now: float) -> Warned | None:
        """The warning, while nothing is shortened; else None."""
        requests, silent = self._reasons.total(), now - self._since
        if requests < LEAST or silent < self._seconds:
            return None
        return Warned(silent, requests, tuple(self._reasons.most_common()))

    def due(self, now: float) -> Warned | None:
        """The same, for the log: once in each `seconds`."""
        if now - self._reported < self._seconds or (warned := self.warned(now)) is None:
            return None
        self._reported = now
        return warned
