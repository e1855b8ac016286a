"""Tables of the field task: the share of cases with all needs kept, by arm and half, by family, and what fails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contextprune.bench.field.measure import FieldResult

SHOWN = 70
"""Characters of a missing need that are printed."""


def show_field(console: Console, results: Sequence[FieldResult], notes: Sequence[str]) -> None:
    """Print the tables, then each failure of ours in the open half; the other half's stay unread."""
    console.print(_by_half(results))
    console.print(_by_family(results))
    _show_failures(console, results)
    for note in notes:
        console.print(f"[dim]{note}[/dim]", soft_wrap=True)


def _by_half(results: Sequence[FieldResult]) -> Table:
    cases = len({result.name for result in results})
    shares = "mean share of tokens that stays; markers' share of these"
    table = Table(title=f"cases with all needs kept ({shares}), {cases} outputs")
    modes = list(dict.fromkeys(result.mode for result in results))
    for heading in ("arm", "half", "cases", *modes):
        table.add_column(heading, justify="left" if heading in {"arm", "half"} else "right")

    for arm in dict.fromkeys(result.arm for result in results):
        for half in ("all", "open", "judge"):
            rows = [r for r in results if r.arm == arm and half in {"all", r.half}]
            cells = (_cell([row for row in rows if row.mode == mode]) for mode in modes)
            table.add_row(arm, half, str(len({row.name for row in rows})), *cells)
    return table


def _by_family(results: Sequence[FieldResult]) -> Table:
    table = Table(title="the same by family, both halves")
    columns = list(dict.fromkeys((result.arm, result.mode) for result in results))
    table.add_column("family")
    table.add_column("cases", justify="right")
    for arm, mode in columns:
        table.add_column(f"{arm}\n{mode}", justify="right")

    for family in sorted({result.family for result in results}):
        rows = [result for result in results if result.family == family]
        cells = (_passed([row for row in rows if (row.arm, row.mode) == column]) for column in columns)
        table.add_row(family, str(len({row.name for row in rows})), *cells)
    return table


def _show_failures(console: Console, results: Iterable[FieldResult]) -> None:
    for result in results:
        if not result.passed and result.half == "open" and result.arm.startswith("ours"):
            lost = [f"lost {need[:SHOWN]!r}" for need in result.missing]
            reasons = escape("; ".join([*lost, *result.faults]))
            where = f"{result.family}/{result.name}, {result.arm}, {result.mode}, {result.share:.0%}"
            console.print(f"{where}: {reasons}", highlight=False, soft_wrap=True)


def _cell(rows: Sequence[FieldResult]) -> str:
    if not rows:
        return "-"
    stays, markers = fmean(row.share for row in rows), fmean(row.markers for row in rows)
    return f"{_passed(rows)} ({stays:.2f}; {markers:.2f})"


def _passed(rows: Sequence[FieldResult]) -> str:
    return f"{fmean(row.passed for row in rows):.2f}" if rows else "-"
