"""Facts about the rows of the table."""

from __future__ import annotations

from contextprune.bench.tuning.figures import Figures, heading, row
from contextprune.bench.tuning.numbers import Number

RUN = Number("selection.targets", "MIN_RUN", 24, "sessions", "ours-lexical")


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_has_a_cell_for_each_heading() -> None:
    assert len(cells(row(RUN, [Figures()] * 3))) == len(cells(heading().splitlines()[0]))


def test_figures_stand_in_the_order_of_the_values_tried() -> None:
    line = cells(row(RUN, [Figures(cost=0.5), Figures(cost=0.6), Figures(cost=0.7)]))
    assert (line[1], line[3]) == ("12 · **24** · 48", "0.500 · 0.600 · 0.700")


def test_figures_that_are_all_the_same_are_written_once() -> None:
    assert cells(row(RUN, [Figures(values=(96, 97))] * 3))[5] == "96/97"


def test_a_run_that_failed_is_named() -> None:
    assert cells(row(RUN, [None, Figures(cost=0.6), Figures(cost=0.6)]))[3] == "failed · 0.600 · 0.600"


def test_figures_that_a_task_has_not_are_a_dash() -> None:
    assert cells(row(RUN, [Figures()] * 3))[3:] == ["-"] * 5


def test_weights_of_scorers_stand_with_their_module() -> None:
    weight = Number("scoring.signals", "AGE", -1.0, "traces", "ours-lexical")
    assert cells(row(weight, [Figures()] * 3))[0] == "`signals.AGE`"
