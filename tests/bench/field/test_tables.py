from __future__ import annotations

from dataclasses import replace
from io import StringIO

from rich.console import Console

from contextprune.bench.field.measure import FieldResult
from contextprune.bench.field.tables import show_field

LOST = FieldResult("lights", "household", "open", "ours", "30%", ("lamp 7: out",), (), 0.25, 0.04)
KEPT = replace(LOST, name="doors", missing=(), half="judge")


def shown(*results: FieldResult) -> str:
    console = Console(width=200, record=True, file=StringIO())
    show_field(console, results, ["a note"])
    return console.export_text()


def test_the_share_of_cases_that_pass_stands_beside_what_stays() -> None:
    assert "0.50 (0.25; 0.04)" in shown(LOST, KEPT)


def test_a_failure_of_the_open_half_is_named_with_what_it_lost() -> None:
    assert "household/lights, ours, 30%, 25%: lost 'lamp 7: out'" in shown(LOST, KEPT)


def test_failures_of_the_other_half_stay_unread() -> None:
    assert "lamp 7" not in shown(replace(LOST, half="judge"))
