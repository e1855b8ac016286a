"""Tables of the tasks on single outputs: needed lines kept by tool, and recall asked for against recall achieved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from rich.console import Console
from rich.table import Table

from contextprune.bench.outputs.recall_knob import Kept


@dataclass(frozen=True, slots=True)
class ToolResult:
    """Share of the needed lines of one output that one arm keeps when `budget` of the lines may remain."""

    tool: str
    id: str
    arm: str
    budget: float
    recall: float


def show_tools(console: Console, results: Sequence[ToolResult], notes: Sequence[str]) -> None:
    """A table for each share: arms down, tools across, the mean over outputs."""
    for budget in dict.fromkeys(r.budget for r in results):
        at = [r for r in results if r.budget == budget]
        tools = sorted({r.tool for r in at})
        table = Table(
            title=f"needed lines kept, {1 - budget:.0%} of the lines dropped, {len({r.id for r in at})} outputs"
        )
        for heading in ("arm", "all", *tools):
            table.add_column(heading, justify="left" if heading == "arm" else "right")
        for arm in dict.fromkeys(r.arm for r in at):
            rows = [r for r in at if r.arm == arm]
            by_tool = (f"{fmean(r.recall for r in rows if r.tool == tool):.2f}" for tool in tools)
            table.add_row(arm, f"{fmean(r.recall for r in rows):.3f}", *by_tool)
        console.print(table)
    for note in notes:
        console.print(f"[dim]{note}[/dim]", soft_wrap=True)


def show_knob(console: Console, results: Sequence[Kept]) -> None:
    """Recall achieved for each that was asked for, by kind, with the share of tokens that is left."""
    targets = sorted({r.asked for r in results})
    table = Table(title="recall achieved (share of tokens left) without a budget")
    table.add_column("kind")
    table.add_column("samples", justify="right")
    for target in targets:
        table.add_column(f"recall={target}", justify="right")
    for kind in (*sorted({r.kind for r in results}), "all"):
        rows = [r for r in results if kind in (r.kind, "all")]
        cells = []
        for target in targets:
            at = [r for r in rows if r.asked == target]
            cells.append(f"{fmean(r.recall for r in at):.3f} ({fmean(r.share for r in at):.2f})")
        table.add_row(kind, str(len({r.id for r in rows})), *cells)
    console.print(table)
