"""The figures of a run, and the rows of the table: Markdown, which reads well in a terminal and in a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contextprune.bench.tuning.numbers import Number

HEADINGS = ("number", "tried", "task", "cost", "dearer, epochs", "values", "lines", "evidence")
NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one run; None where the task has no such figure.

    cost       share of the cost, or of the tokens, that is left
    count      sessions that became dearer under any table of prices, or epochs
    values     values that later actions use: those that stay visible, and all of them
    lines      lines, alike
    evidence   share of the needed text that stays
    """

    cost: float | None = None
    count: int | None = None
    values: tuple[float, int] | None = None
    lines: tuple[float, int] | None = None
    evidence: float | None = None


def heading() -> str:
    """The first two lines of the table."""
    return f"{_row(HEADINGS)}\n{'|---' * len(HEADINGS)}|"


def row(number: Number, figures: Sequence[Figures | None]) -> str:
    """The line of a number, of its figures at the lower value, at its own and at the higher one.

    A cell in which all three are equal holds one figure. None in place of figures: the run failed.
    """
    low, high = number.tried
    task = number.task if number.arm == "ours-lexical" else f"{number.task}, the model"
    tried = f"{_plain(low)} · **{_plain(number.value)}** · {_plain(high)}"
    columns = (
        [_share(each.cost) if each else "failed" for each in figures],
        [str(NOTHING if each is None or each.count is None else each.count) for each in figures],
        [_counts(each.values if each else None) for each in figures],
        [_counts(each.lines if each else None) for each in figures],
        [_share(each.evidence if each else None) for each in figures],
    )
    cells = [column[0] if len(set(column)) == 1 else " · ".join(column) for column in columns]
    return _row((f"`{number.label}`", tried, task, *cells))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _share(share: float | None) -> str:
    return NOTHING if share is None else f"{share:.3f}"


def _counts(counts: tuple[float, int] | None) -> str:
    return NOTHING if counts is None else f"{counts[0]:g}/{counts[1]}"


def _plain(value: Any) -> str:
    """A value as it is written in running text; of weights that share 1 the first."""
    if isinstance(value, dict):
        return _plain(next(iter(value.values())))
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_plain, value))
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
