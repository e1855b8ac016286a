"""The table of grounded edits says what was counted."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from contextprune.bench.traces.grounded import GroundedResult, Quoted
from contextprune.bench.traces.tables import show_grounded

EDITS = (
    Quoted("Edit", "Read", 1, 2, 2, None),
    Quoted("Edit", "Bash", 20, 2, 1, 2),
    Quoted("apply_patch", "Read", 5, 1, 1, 0),
)


def shown(*results: GroundedResult) -> str:
    out = StringIO()
    show_grounded(Console(file=out, width=200), results)
    return out.getvalue()


def row(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if name in line)
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_shares_are_of_edits_with_all_of_their_lines_in_sight() -> None:
    text = shown(GroundedResult("shop", "s", "ours-lexical", "Codex", EDITS, 1000, 900, 600, 200, 50))
    assert row(text, "all") == ["all", "3", "0.667", "0.90", "0.25", "2", "0.500", "0.60"]
    assert row(text, "agent Codex")[1] == "3"
    assert row(text, "edited with Edit")[1:3] == ["2", "0.500"]
    assert row(text, "shown by Read")[1:3] == ["2", "1.000"]
    assert row(text, "age 16 or more")[1:3] == ["1", "0.000"]


def test_sessions_without_edits_print_nothing() -> None:
    assert shown(GroundedResult("shop", "s", "ours-lexical", "", (), 0, 0, 0, 0, 0)) == ""
