"""The report of a compression on the command line: coloured tables on a terminal, plain columns anywhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contextprune.display.amounts import OUTCOMES
from contextprune.markers import marker_ranges
from contextprune.plan import Action, Plan
from contextprune.report import Report

_MARKERS = 3  # of a block, that a row quotes


class Run(NamedTuple):
    """Neighbouring spans of one segment that went the same way: lines first..last of segment `segment`.

    action   of the spans; CUT of a whole block that was cut before this plan, and has no score in it
    """

    segment: int
    first: int
    last: int
    action: str
    tokens: int
    score: float | None
    reason: str


CUT = "cut"


def show_report(console: Console, report: Report, originals: str) -> None:
    """Print tokens by kind, the outcomes of spans, the time of each stage, and where the originals are."""
    if not console.is_terminal:
        console.file.write(f"{report}\n{'kept in':8} {originals}\n")
        return

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True)
    total = _cells("total", report.before, report.after)
    for i, (name, footer) in enumerate(zip(("tokens", "before", "after", "saved", "kept"), total, strict=True)):
        table.add_column(name, Text(footer, "bold"), justify="right" if i else "left", no_wrap=True)
    for kind, (before, after) in report.by_kind.items():
        table.add_row(*_cells(kind.value, before, after), style="" if after < before else "dim")
    console.print(table)

    facts = Table.grid(padding=(0, 2))
    for action, (spans, tokens) in report.actions.items():
        facts.add_row(OUTCOMES[action], f"{spans:,} spans, {tokens:,} tokens")
    if report.cost:
        facts.add_row("cost", Text(str(report.cost)))
    stages = ", ".join(f"{stage} {seconds:.3f}" for stage, seconds in report.seconds.items())
    facts.add_row("time", f"{sum(report.seconds.values()):.3f} s ({stages})")
    facts.add_row("counter", Text(report.counter))
    facts.add_row("scorer", Text(report.scorer))
    facts.add_row("originals", Text(originals))
    for note in report.notes:
        facts.add_row("note", Text(note))
    console.print(facts)


def show_decisions(console: Console, plan: Plan, cut_before: Sequence[Run] = (), most: int = 40) -> None:
    """Print the largest runs that did not stay, in reading order, with their decisions and why."""
    removed = [run for run in runs(plan) if run.action != Action.KEEP] + list(cut_before)
    largest = sorted(sorted(removed, key=lambda run: -run.tokens)[:most], key=lambda run: (run.segment, run.first))
    header = ("segment", "from", "lines", "action", "tokens", "score", "reason")
    rows = [_row(plan, run) for run in largest]
    if console.is_terminal:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name in header:
            table.add_column(name, justify="right" if name in ("segment", "tokens", "score") else "left", no_wrap=True)
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)
    else:
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        for row in (header, *rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            console.file.write("  ".join(cells).rstrip() + "\n")
    if len(removed) > most:
        console.file.write(f"and {len(removed) - most:,} smaller runs\n")


def runs(plan: Plan) -> Iterator[Run]:
    """Neighbouring spans with one action and one reason, joined; the score is the highest among them."""
    open_run: Run | None = None
    line = 1
    for span, decision in zip(plan.spans, plan.decisions, strict=True):
        if open_run is None or span.segment != open_run.segment:
            line = 1
        last = line + max(0, span.text.rstrip("\n").count("\n"))
        group = (span.segment, decision.action, decision.reason)
        if open_run and group == (open_run.segment, open_run.action, open_run.reason):
            score = max(open_run.score or 0.0, decision.score)
            open_run = open_run._replace(last=last, tokens=open_run.tokens + decision.cost, score=score)
        else:
            if open_run:
                yield open_run
            open_run = Run(span.segment, line, last, decision.action, decision.cost, decision.score, decision.reason)
        line += span.text.count("\n")
    if open_run:
        yield open_run


def cut_before(plan: Plan, texts: Mapping[int, str], count: Callable[[str], int]) -> Iterator[Run]:
    """The blocks that earlier requests cut, with the markers that stand in them: the plan itself has them whole.

    texts   the new text of each segment that has one, by index
    count   counts tokens
    """
    planned = {s.segment for s, d in zip(plan.spans, plan.decisions, strict=True) if d.action is not Action.KEEP}
    reasons = {span.segment: decision.reason for span, decision in zip(plan.spans, plan.decisions, strict=True)}
    for at, text in texts.items():
        if at in planned:
            continue
        original = plan.context.segments[at].text
        notes = [text[first:end].strip() for first, end in marker_ranges(text, original)]
        more = f" and {len(notes) - _MARKERS:,} more" if len(notes) > _MARKERS else ""
        reason = f"{reasons.get(at, '')}: {' '.join(notes[:_MARKERS])}{more}"
        last = 1 + max(0, original.rstrip("\n").count("\n"))
        yield Run(at, 1, last, CUT, count(original) - count(text), None, reason)


def plain(text: str) -> str:
    """`text` on one line without control characters: names in a payload may hold anything."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _row(plan: Plan, run: Run) -> tuple[str, ...]:
    segment = plan.context.segments[run.segment]
    source = f"{segment.kind.value} {plain(segment.name)[:40]}" if segment.name else segment.kind.value
    lines = f"{run.first}-{run.last}" if run.last > run.first else str(run.first)
    return (
        str(run.segment),
        source,
        lines,
        str(run.action),
        f"{run.tokens:,}",
        "" if run.score is None else f"{run.score:.2g}",
        plain(run.reason),
    )


def _cells(name: str, before: int, after: int) -> Sequence[str]:
    share = f"{after / before:.1%}" if before else "-"
    return name, f"{before:,}", f"{after:,}", f"{before - after:,}", share
