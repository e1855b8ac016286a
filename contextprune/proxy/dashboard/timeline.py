"""The figures over time: curves that a reader can walk along, and the same in a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from contextprune.display.amounts import share
from contextprune.display.plots import cumulated, curves
from contextprune.money.format import format_usd
from contextprune.proxy.dashboard.format import NONE, ago, table, time
from contextprune.proxy.telemetry.series import Sums
from contextprune.proxy.telemetry.summary import Summary, summarise

_FEWEST = 10  # steps of a plot


@dataclass(frozen=True, slots=True)
class _Steps:
    """Summaries by step, the newest last, and the label of each step."""

    summaries: Sequence[Summary]
    labels: Sequence[str]


def timeline(steps: Sequence[Sums], width: float) -> str:
    """Draw `steps` of `width` seconds, the last of which is now. Those before the first request are left out."""
    first = next((i for i, sums in enumerate(steps) if sums.numbers), len(steps))
    summaries = [summarise(sums) for sums in steps[min(first, len(steps) - _FEWEST) :]]
    labels = [ago(back * width) for back in reversed(range(len(summaries)))]
    drawn = _Steps(summaries, labels)

    plots = (
        _plot(drawn, "Input tokens", "tokens", ("received", "sent"), ("before", "after")),
        _money(drawn),
        _plot(drawn, "Requests", "requests", ("all", "shortened"), ("requests", "shortened")),
        _times(drawn, "Time that contextprune added", "added", "overhead"),
        _times(drawn, "Time to the provider's first byte", "first", "first_byte"),
        _plot(
            drawn, "Input tokens, as the providers count", "cache", ("all", "read from the cache"), ("input", "read")
        ),
    )
    newest_first = zip(reversed(labels), reversed(summaries), strict=True)
    rows = [_row(label, summary) for label, summary in newest_first if summary.requests]
    as_table = table("course", "Figures by time, the newest first", _HEADS, rows)

    return (
        f"<section id=course><h2>Over time</h2><div class=plots>{''.join(plots)}</div>"
        f"<details id=course-table><summary>The same as a table</summary>{as_table}</details></section>"
    )


_HEADS = (
    "when", "requests", "shortened", "tokens received", "sent", "cost without", "with", "added p50", "p99",
    "first byte p50", "p99", "from the cache",
)  # fmt: skip


def _plot(steps: _Steps, caption: str, name: str, words: tuple[str, str], fields: tuple[str, str]) -> str:
    """Two fields of the summaries over time."""
    return _curves(steps, caption, name, words, list(map(attrgetter(*fields), steps.summaries)), "{:,.0f}".format)


def _money(steps: _Steps) -> str:
    if not any(summary.priced for summary in steps.summaries):
        return ""
    before = cumulated(summary.dollars_before for summary in steps.summaries)
    after = cumulated(summary.dollars_after for summary in steps.summaries)
    values = list(zip(before, after, strict=True))
    return _curves(steps, "Cost of the input so far", "money", ("without contextprune", "with it"), values, format_usd)


def _times(steps: _Steps, caption: str, name: str, field: str) -> str:
    """The two percentiles of a time; a step without requests shows those before it."""
    percentiles = attrgetter(f"{field}_p99", f"{field}_p50")
    values: list[tuple[float, float]] = []
    for high, low in map(percentiles, steps.summaries):
        values.append((high, low) if high is not None else values[-1] if values else (0.0, 0.0))
    return _curves(steps, caption, name, ("99 % of requests below", "half of them below"), values, time)


def _curves(
    steps: _Steps,
    caption: str,
    name: str,
    words: tuple[str, str],
    values: Sequence[tuple[float, float]],
    amount: Callable[[float], str],
) -> str:
    """Two curves with their key; `words` name them, `amount` formats their values."""
    old, new = [first for first, _ in values], [second for _, second in values]
    sentences = [
        f"{label}: {words[0]} {amount(first)}, {words[1]} {amount(second)}"
        for label, (first, second) in zip(steps.labels, values, strict=True)
    ]
    drawn = curves(caption, old, new, amount, words=sentences, ends=(steps.labels[0], "now"))

    key = f"<span><i class=o></i>{words[0]}</span><span><i class=n></i>{words[1]}</span>"
    return f"<div class={name} id=plot-{name}>{drawn}<p class=key>{key}</p></div>"


def _row(label: str, summary: Summary) -> Sequence[str]:
    priced = summary.priced
    money = (format_usd(summary.dollars_before), format_usd(summary.dollars_after)) if priced else (NONE, NONE)
    return (
        label, f"{summary.requests:,}", f"{summary.shortened:,}", f"{summary.before:,}", f"{summary.after:,}", *money,
        time(summary.overhead_p50), time(summary.overhead_p99),
        time(summary.first_byte_p50), time(summary.first_byte_p99),
        share(summary.read, summary.input),
    )  # fmt: skip
