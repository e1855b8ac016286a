"""Tables of grounded edits: all together, and by repository, agent, tool and age."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.table import Table

from contextprune.bench.traces.grounded import GroundedResult, Quoted, age_of

LEGEND = (
    "grounded edits: of those that quote lines of earlier results (20 characters or more), the share with all quoted "
    "lines in what is sent of results, or in the model's own calls and texts; age: replies since the result furthest "
    "back; tokens left: of the whole prompt; markers: their share of what is left of shortened blocks, on arrival"
)

_HEADINGS = ("", "edits", "on arrival", "tokens left", "markers", "edits after an epoch", "grounded", "tokens left")


def show_grounded(console: Console, results: Sequence[GroundedResult]) -> None:
    """Print one table for each arm; nothing where no session has an edit that quotes."""
    for arm in dict.fromkeys(result.arm for result in results):
        rows = [result for result in results if result.arm == arm and result.edits]
        if rows:
            console.print(_table(arm, rows))
    if any(result.edits for result in results):
        console.print(f"[dim]{LEGEND}[/dim]", soft_wrap=True)


def _table(arm: str, results: Sequence[GroundedResult]) -> Table:
    table = Table(title=f"{arm}: grounded edits of {len(results)} sessions")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right" if heading else "left")

    _add(table, "all", results, [edit for result in results for edit in result.edits])
    for name in dict.fromkeys(result.set for result in results):
        own = [result for result in results if result.set == name]
        _add(table, f"set {name}", own, [edit for result in own for edit in result.edits])
    for agent in dict.fromkeys(result.agent for result in results):
        own = [result for result in results if result.agent == agent]
        _add(table, f"agent {agent or 'not named'}", own, [edit for result in own for edit in result.edits])

    edits = [edit for result in results for edit in result.edits]
    for title, key in _GROUPS:
        for value in dict.fromkeys(sorted((key(edit) for edit in edits), key=_by_number)):
            _add(table, f"{title} {value}", (), [edit for edit in edits if key(edit) == value])
    return table


_GROUPS: tuple[tuple[str, Callable[[Quoted], str]], ...] = (
    ("edited with", lambda edit: edit.tool),
    ("shown by", lambda edit: edit.source),
    ("age", age_of),
)


def _by_number(value: str) -> tuple[int, str]:
    first = value.split(" ", maxsplit=1)[0]
    return (int(first), "") if first.isdigit() else (0, value)


def _add(table: Table, name: str, results: Sequence[GroundedResult], edits: Sequence[Quoted]) -> None:
    later = [(edit.lines, edit.epoch) for edit in edits if edit.epoch is not None]
    tokens = sum(result.tokens for result in results)
    shortened = sum(result.shortened for result in results)
    table.add_row(
        name,
        str(len(edits)),
        _share((edit.lines, edit.in_sight) for edit in edits),
        f"{sum(result.arrived for result in results) / tokens:.2f}" if tokens else "",
        f"{sum(result.markers for result in results) / shortened:.2f}" if shortened else "",
        str(len(later)),
        _share(later),
        f"{sum(result.after_epoch for result in results) / tokens:.2f}" if tokens else "",
    )


def _share(counts: Iterable[tuple[int, int]]) -> str:
    """The share of edits with all of their lines in sight."""
    complete = [lines == in_sight for lines, in_sight in counts]
    return f"{sum(complete) / len(complete):.3f}" if complete else "-"
