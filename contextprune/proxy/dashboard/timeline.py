"""The figures over time: curves that a reader can walk along, and the same in a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from contextprune.display.amounts import share
from contextprune.display.plots import cumulated, curves
from contextprune.proxy.dashboard.format import NONE, ago, table, time, usd
from contextprune.proxy.telemetry.series import Sums
from contextprune.proxy.telemetry.summary import Figures, figures

_FEWEST = 10  # steps of a plot


@dataclass(frozen=True, slots=True)
class _Course:
    """Figures by step, and how each step is said."""

    each: Sequence[Figures]
    whens: Sequence[str]


def course(steps: Sequence[Sums], width: float) -> str:
    """Of `steps` of `width` seconds, the last of which is now. Those before the first request are left out."""
    first = next((i for i, sums in enumerate(steps) if sums.numbers), len(steps))
    each = [figures(sums) for sums in steps[min(first, len(steps) - _FEWEST) :]]
    whens = [ago(back * width) for back in reversed(range(len(each)))]
    over = _Course(each, whens)
    plots = (
        _plot(over, "Input tokens", "tokens", ("received", "sent"), ("before", "after")),
        _money(over),
        _plot(over, "Requests", "requests", ("all", "shortened"), ("requests", "shortened")),
        _times(over, "Time that contextprune added", "added", "overhead"),
        _times(over, "Time to the provider's first byte", "first", "first_byte"),
        _plot(over, "Input tokens, as the providers count", "cache", ("all", "read from the cache"), ("input", "read")),
    )
    rows = [_row(when, told) for when, told in zip(reversed(whens), reversed(each), strict=True) if told.requests]
    as_table = table("course", "Figures by time, the newest first", _HEADS, rows)
    return (
        f"<section id=course><h2>Over time</h2><div class=plots>{''.join(plots)}</div>"
        f"<details id=course-table><summary>The same as a table</summary>{as_table}</details></section>"
    )


_HEADS = (
    "when", "requests", "shortened", "tokens received", "sent", "cost without", "with", "added p50", "p99",
    "first byte p50", "p99", "from the cache",
)  # fmt: skip


def _plot(over: _Course, caption: str, name: str, words: tuple[str, str], fields: tuple[str, str]) -> str:
    """Two fields of the figures over time."""
    return _drawn(over, caption, name, words, list(map(attrgetter(*fields), over.each)), "{:,.0f}".format)


def _money(over: _Course) -> str:
    if not any(told.priced for told in over.each):
        return ""
    before, after = (cumulated(getattr(told, f"dollars_{side}") for told in over.each) for side in ("before", "after"))
    values = list(zip(before, after, strict=True))
    return _drawn(over, "Cost of the input so far", "money", ("without contextprune", "with it"), values, usd)


def _times(over: _Course, caption: str, name: str, field: str) -> str:
    """The two percentiles of a time; a step without requests shows those before it."""
    values: list[tuple[float, float]] = []
    for told in over.each:
        high, low = getattr(told, f"{field}_p99"), getattr(told, f"{field}_p50")
        values.append((high, low) if high is not None else values[-1] if values else (0.0, 0.0))
    return _drawn(over, caption, name, ("99 % of requests below", "half of them below"), values, time)


def _drawn(
    over: _Course,
    caption: str,
    name: str,
    words: tuple[str, str],
    values: Sequence[tuple[float, float]],
    amount: Callable[[float], str],
) -> str:
    old, new = [first for first, _ in values], [second for _, second in values]
    said = [
        f"{when}: {words[0]} {amount(first)}, {words[1]} {amount(second)}"
        for when, (first, second) in zip(over.whens, values, strict=True)
    ]
    drawn = curves(caption, old, new, amount, words=said, ends=(over.whens[0], "now"))
    key = f"<span><i class=o></i>{words[0]}</span><span><i class=n></i>{words[1]}</span>"
    return f"<div class={name} id=plot-{name}>{drawn}<p class=key>{key}</p></div>"


def _row(when: str, told: Figures) -> Sequence[str]:
    money = (usd(told.dollars_before), usd(told.dollars_after)) if told.priced else (NONE, NONE)
    return (
        when, f"{told.requests:,}", f"{told.shortened:,}", f"{told.before:,}", f"{told.after:,}", *money,
        time(told.overhead_p50), time(told.overhead_p99), time(told.first_byte_p50), time(told.first_byte_p99),
        share(told.read, told.input),
    )  # fmt: skip
