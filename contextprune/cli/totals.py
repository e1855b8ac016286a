"""The command `stats`: what the proxies of this user saved, by day, week or month, from the totals that they keep.

It reads a file, so it needs no proxy to run; one that runs adds to the file every two seconds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from contextprune.cli.values import choice_of, option
from contextprune.display.amounts import share
from contextprune.errors import SettingsError
from contextprune.proxy.dashboard.sentences import sentence, status_line, usd
from contextprune.proxy.telemetry.series import Sums, added
from contextprune.proxy.telemetry.summary import Summary, summarise
from contextprune.proxy.telemetry.totals import audited, day_of, totals_path
from contextprune.proxy.telemetry.totals_file import TotalsFile
from contextprune.settings import load_settings


class By(StrEnum):
    """A stretch of time to add up."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """A day, week or month.

    name     2026-11-30, 2026-W49 or 2026-11
    first    its first day
    saved    what was done in it; audit: what the requests of an audit would have saved
    """

    name: str
    first: date
    saved: Summary
    audit: Summary


_NOW: Mapping[By, str] = {By.DAY: "today", By.WEEK: "this week", By.MONTH: "this month"}
_SHOWN_DAYS: Mapping[By, int] = {By.DAY: 13, By.WEEK: 11 * 7, By.MONTH: 334}
"""Days before today from which on periods are shown where nobody asks for more."""


def since_of(text: str) -> date:
    """A day, `2026-11-01`, or a number of days before today, `30`. Raises typer.BadParameter on others."""
    try:
        is_number = text.strip().isdecimal()
        return _today() - timedelta(int(text)) if is_number else date.fromisoformat(text.strip())
    except (ValueError, OverflowError) as exc:
        raise typer.BadParameter(f"{text!r} is neither a day (2026-11-01) nor a number of days (30)") from exc


def stats(
    by: Annotated[By, option("|".join(By), "Add up by day, week or month.", choice_of(By))] = By.DAY,
    since: Annotated[
        date | None, option("DATE|DAYS", "From this day on, or so many days back.  [two weeks or more]", since_of)
    ] = None,
    line: Annotated[bool, typer.Option("--line", help="Print a few characters, for a status line.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")] = False,
    config: Annotated[str | None, option("FILE", "Read this file, as `serve --config` does.")] = None,
) -> None:
    """Say what was saved by day, week or month, in tokens and money.

    The proxies of this user add to one file, beside the store; no proxy needs to run. A week begins on Monday, and a
    session that goes on over midnight counts on both days.

    \b
    Examples:
      contextprune stats
      contextprune stats --by month
      contextprune stats --by week --since 2026-09-01 --json
      contextprune stats --line
    """  # noqa: D301 - \b is click's mark for lines that are not to be refilled
    path = totals_path(load_settings(file=Path(config) if config else None).store)
    if path is None:
        raise SettingsError("no totals are kept, since the store is memory; set CONTEXTPRUNE_STORE to a path")

    today = _today()
    first = _first_of(today if line else since or today - timedelta(_SHOWN_DAYS[by]), by)
    periods = periods_of(TotalsFile(path).days(first.isoformat()), by)
    current = next((period for period in periods if period.first == _first_of(today, by)), None)
    if line:
        typer.echo(as_line(current, by))
    elif as_json:
        typer.echo(json.dumps({"totals": str(path), "by": by, "periods": list(map(as_object, periods))}, indent=2))
    else:
        typer.echo("\n".join(as_table(periods, current, by)))


def periods_of(days: Mapping[str, Sums], by: By) -> list[Period]:
    """The periods that have requests, the newest first. `days` are sums by the name of the day."""
    grouped: dict[date, list[Sums]] = {}
    for name, sums in days.items():
        grouped.setdefault(_first_of(date.fromisoformat(name), by), []).append(sums)
    return [_period(first, by, added(grouped[first])) for first in sorted(grouped, reverse=True)]


def as_line(current: Period | None, by: By) -> str:
    """`-38 %, $0.21 today`; of a period in which nothing but audits ran, what they would have saved."""
    nothing = summarise(Sums())
    if current is not None and not current.saved.counted and current.audit.counted:
        return f"{status_line(_NOW[by], current.audit)} (audit)"
    return status_line(_NOW[by], nothing if current is None else current.saved)


def as_table(periods: Sequence[Period], current: Period | None, by: By) -> Iterator[str]:
    """The lines of a table, below a sentence on the period that lasts."""
    name = f"{_NOW[by][0].upper()}{_NOW[by][1:]}"
    yield sentence(name, summarise(Sums()) if current is None else current.saved)
    if not periods:
        return

    heads = (by.value, "sessions", "requests", "received", "sent", "saved", "money saved", "late")
    rows = [heads, *(_cells(period.name, period.saved) for period in periods)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    yield ""
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()

    audits = [period for period in periods if period.audit.counted]
    if audits:
        yield ""
    for period in audits:
        yield sentence(f"Audited {period.name}", period.audit, audit=True)


def as_object(period: Period) -> dict[str, Any]:
    """The figures of a period for JSON."""
    figures = asdict(period.saved) | {"saved": period.saved.saved, "dollars": period.saved.dollars}
    return {"name": period.name, "first": period.first.isoformat(), **figures, "audit": asdict(period.audit)}


def _cells(name: str, summary: Summary) -> tuple[str, ...]:
    is_counted = bool(summary.counted)
    return (
        name,
        f"{summary.sessions:,}",
        f"{summary.requests:,}",
        f"{summary.before:,}" if is_counted else "-",
        f"{summary.after:,}" if is_counted else "-",
        share(summary.saved, summary.before),
        f"{usd(summary.dollars)} of {usd(summary.dollars_before)}" if summary.priced else "-",
        f"{summary.late:,}",
    )


def _period(first: date, by: By, sums: Sums) -> Period:
    year, week, _ = first.isocalendar()
    names = {By.DAY: first.isoformat(), By.WEEK: f"{year}-W{week:02}", By.MONTH: first.isoformat()[:7]}
    return Period(names[by], first, summarise(sums), summarise(audited(sums)))


def _today() -> date:
    """The day as the totals call it."""
    return date.fromisoformat(day_of(time.time()))


def _first_of(day: date, by: By) -> date:
    """The first day of the period that a day is in."""
    match by:
        case By.DAY:
            return day
        case By.WEEK:
            return day - timedelta(day.weekday())
        case By.MONTH:
            return day.replace(day=1)
