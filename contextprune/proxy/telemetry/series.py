"""Sums of finished requests: for ever, by the minute of the last two hours, and by the quarter hour of the last day.

One set of sums feeds the dashboard and the metrics, so they cannot disagree; sums of several processes can be added.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Self, TypeAlias

from contextprune.context import Kind
from contextprune.proxy.job import Reason
from contextprune.proxy.telemetry.billing import Billing
from contextprune.proxy.telemetry.record import PHASES, ROUTES, STATUSES, RequestRecord

Key: TypeAlias = tuple[str, ...]
"""The name of a sum, and its labels: all from closed sets."""

BOUNDS = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5,
    1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0,
)  # fmt: skip
"""Upper ends, in seconds, of the classes that times are counted in; one more class has what is longer."""

STAGES = ("waited", "read", "split", "count", "score", "select", "render", "fold", "account", "store", "splice")
"""Stages of the scorer process that times are kept of; all others count as "other"."""

PROVIDERS = ("openai", "anthropic")
_KINDS = tuple(kind.value for kind in Kind)
_REASONS = frozenset(Reason)
_FINE, _COARSE = (60, 120), (900, 96)  # seconds, and how many


class Sums:
    """Numbers by key, and times in classes by key. A key that is missing is 0."""

    __slots__ = ("numbers", "times")

    def __init__(self) -> None:
        self.numbers: dict[Key, float] = {}
        self.times: dict[Key, list[float]] = {}  # by class of BOUNDS, then their sum in seconds

    def add(self, numbers: Iterable[tuple[Key, float]], times: Iterable[tuple[Key, float]]) -> None:
        """Add the numbers and times of a request."""
        for key, number in numbers:
            self.numbers[key] = self.numbers.get(key, 0) + number
        for key, seconds in times:
            classes = self.times.setdefault(key, [0] * (len(BOUNDS) + 2))
            classes[bisect_left(BOUNDS, seconds)] += 1
            classes[-1] += seconds

    def __iadd__(self, summand: Sums) -> Self:
        for key, number in summand.numbers.items():
            self.numbers[key] = self.numbers.get(key, 0) + number
        for key, classes in summand.times.items():
            sums = self.times.get(key)
            self.times[key] = [a + b for a, b in zip(sums, classes, strict=True)] if sums else list(classes)
        return self

    def copy(self) -> Self:
        """The same, for another thread."""
        copied = type(self)()
        copied.numbers = self.numbers.copy()
        copied.times = {key: classes.copy() for key, classes in self.times.items()}
        return copied

    def by_prefix(self) -> dict[Key, float]:
        """The sums by every beginning of their keys: all requests, those of a route, those of a route and a status."""
        totals: dict[Key, float] = {}
        for key, number in self.numbers.items():
            for end in range(1, len(key) + 1):
                totals[key[:end]] = totals.get(key[:end], 0) + number
        return totals

    def quantile(self, share: float, *key: str) -> float | None:
        """Seconds that a share of the times stays below, to within the width of a class; None where there are none."""
        classes = self.times.get(key)
        return quantile(classes[:-1], share) if classes else None


def quantile(classes: Sequence[float], share: float) -> float | None:
    """Seconds that a share of the times stays below, taken to be spread evenly within a class.

    classes   how many times fell into each class of BOUNDS, and beyond
    """
    total = sum(classes)
    if not total:
        return None
    wanted, edges = share * total, (0.0, *BOUNDS, BOUNDS[-1])
    for count, end, (low, high) in zip(classes, accumulate(classes), pairwise(edges), strict=True):
        if count and end >= wanted:
            return low + (high - low) * (1 - (end - wanted) / count)
    return BOUNDS[-1]


class Series:
    """All sums. Times are seconds of a clock that never goes back, the same one for all processes of a machine.

    total          since the start
    fine, coarse   by the number of the minute, and of the quarter hour, the oldest first
    """

    __slots__ = ("coarse", "fine", "total")

    def __init__(self) -> None:
        self.total = Sums()
        self.fine: deque[tuple[int, Sums]] = deque(maxlen=_FINE[1] + 1)
        self.coarse: deque[tuple[int, Sums]] = deque(maxlen=_COARSE[1] + 1)

    def add(self, record: RequestRecord, now: float) -> None:
        """Add a request that is over."""
        self.add_numbers(counted(record), now, timed(record))

    def add_numbers(
        self, numbers: Iterable[tuple[Key, float]], now: float, times: Iterable[tuple[Key, float]] = ()
    ) -> None:
        """Add numbers, and times, that belong to this moment."""
        numbers, times = tuple(numbers), tuple(times)
        for sums in (self.total, _at(self.fine, int(now // _FINE[0])), _at(self.coarse, int(now // _COARSE[0]))):
            sums.add(numbers, times)

    def copy(self) -> Self:
        """The same, for another thread."""
        copied = type(self)()
        copied.total = self.total.copy()
        copied.fine.extend((step, sums.copy()) for step, sums in self.fine)
        copied.coarse.extend((step, sums.copy()) for step, sums in self.coarse)
        return copied

    def steps(self, now: float, *, day: bool = False) -> list[Sums]:
        """Copies of the last hour by the minute, or the last day by the quarter hour; empty steps have empty sums."""
        width, count = _COARSE if day else (_FINE[0], 60)
        sums = dict(self.coarse if day else self.fine)
        last = int(now // width)
        return [sums[step].copy() if step in sums else Sums() for step in range(last - count + 1, last + 1)]


def added(all_sums: Iterable[Sums]) -> Sums:
    """The sum of all sums."""
    total = Sums()
    for sums in all_sums:
        total += sums
    return total


def _at(steps: deque[tuple[int, Sums]], step: int) -> Sums:
    """The sums of a step; the newest one where that is older than it seems, as after a clock went back."""
    if not steps or steps[-1][0] < step:
        steps.append((step, Sums()))
    return steps[-1][1]


def counted(record: RequestRecord) -> Iterator[tuple[Key, float]]:
    """Numbers that a request adds to the sums. Labels are made sure to be from closed sets."""
    route, status = _closed(ROUTES, record.route), _closed(STATUSES, record.answer.status)
    yield ("requests", route, status, _closed(_REASONS, record.answer.reason) if record.answer.reason else ""), 1
    yield ("bytes", "in"), record.bytes_in
    yield ("bytes", "out"), record.bytes_out

    if record.upstream:
        provider = _closed(PROVIDERS, record.provider)
        yield ("upstream", provider, f"{record.upstream // 100}xx" if 100 <= record.upstream < 600 else "other"), 1
    if record.gone:
        yield ("gone", _closed(PHASES, record.gone)), 1
    if record.retried:
        yield ("retried",), 1

    if record.eligible and record.billed:
        yield ("billed",), 1
        if record.answer.epoch:
            yield ("epochs",), 1
        yield from savings(record)
    if record.usage is not None:
        usage = record.usage
        yield ("told",), 1
        for name in ("fresh", "written", "read", "output", "reasoning"):
            yield ("usage", name), getattr(usage, name)


def savings(record: RequestRecord) -> Iterator[tuple[Key, float]]:
    """Tokens and money of a request that was billed. One that went through as it came has the same on both sides.

    Nothing where nobody has counted it yet.
    """
    if record.counted:
        after = record.answer.before - record.saved
        yield ("counted",), 1
        yield ("tokens", "before"), record.answer.before
        yield ("tokens", "after"), after
        if record.saved:
            yield ("shortened",), 1
        for kind, (old, new) in record.answer.kinds.items():
            yield ("kinds", _closed(_KINDS, kind), "before"), old
            yield ("kinds", _closed(_KINDS, kind), "after"), new
        if record.answer.unknown:
            yield ("unknown",), record.answer.unknown
        for fate, characters in zip(("decided", "undecided"), record.answer.new, strict=True):
            if characters:
                yield ("new", fate), characters

    if (dollars := record.dollars) is not None:
        yield ("priced",), 1
        yield ("dollars", "before"), dollars[0]
        yield ("dollars", "after"), dollars[1]
    if record.billing is not None:
        yield from _reconciled(record.billing)


def _reconciled(billing: Billing) -> Iterator[tuple[Key, float]]:
    """The cost of what was sent, as reckoned and as billed, where the provider told."""
    if billing.modelled is None or billing.billed is None:
        return
    yield ("reconciled",), 1
    for name, cost in (("modelled", billing.modelled), ("billed", billing.billed)):
        yield ("input", name), cost
        if billing.usd is not None:
            yield ("input_dollars", name), cost * billing.usd
    if billing.missed:
        yield ("missed",), 1


def timed(record: RequestRecord) -> Iterator[tuple[Key, float]]:
    """The times that a request adds."""
    if record.eligible:
        yield ("overhead",), record.overhead
        for stage, seconds in record.answer.seconds.items():
            yield ("stage", _closed(STAGES, stage)), seconds
    if record.first_byte is not None:
        yield ("first_byte",), record.first_byte
    if record.upstream:
        yield ("total",), record.total


def _closed(names: Iterable[str], name: str) -> str:
    return name if name in names else "other"
