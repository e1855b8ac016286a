"""Tables of figures: the mean over sets, each set, the difference to a baseline with its interval, and the worst rows.

The worst rows are always shown: a mean hides the row where everything that mattered was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from contextprune.bench.adversarial import CHARACTERS, RUNS, SIZES, Growth
from contextprune.bench.intervals import Interval, mean_of_sets, paired, paired_shares
from contextprune.bench.proxy.measure import Figure
from contextprune.bench.speed import Speed

Result = TypeVar("Result")
Key = TypeVar("Key")

WORST = 5
RIVAL, TRACE_RIVAL = "bm25", "recent"
"""The arms that ours are compared with: BM25 on documents; on sessions, where it is weak, the most recent lines."""


@dataclass(frozen=True, slots=True)
class EvidenceResult:
    """One row, arm and budget; see `evidence.Score`."""

    set: str
    id: str
    arm: str
    budget: float
    recall: float | None
    complete: float | None
    answer: float | None
    share: float


@dataclass(frozen=True, slots=True)
class TraceResult:
    """One decision point, arm and budget; counts of values and lines needed and seen."""

    set: str
    id: str
    arm: str
    budget: float
    needed_values: int
    needed_lines: int
    values: float
    lines: float
    share: float


def show_evidence(console: Console, results: Sequence[EvidenceResult], notes: Sequence[str]) -> None:
    """Print all tables of the evidence task."""
    for budget, at in _grouped(results, lambda r: r.budget).items():
        console.print(_evidence_means(budget, at))
        console.print(_evidence_sets(budget, at))
        for arm in _our_arms(at):
            _compare_evidence(console, arm, at)
    _notes(console, [*notes, "mean: over sets; rows without evidence count for the realised share alone"])


def show_traces(console: Console, results: Sequence[TraceResult], notes: Sequence[str]) -> None:
    """Print all tables of the traces task."""
    for budget, at in _grouped(results, lambda r: r.budget).items():
        console.print(_trace_table(f"future-use recall at {budget:.0%} of the results, all families pooled", at))
        for name, rows in _grouped(at, lambda r: r.set).items():
            console.print(_trace_table(f"{name} at {budget:.0%}", rows))
        for arm in _our_arms(at):
            _compare_traces(console, arm, at)
    _notes(console, [*notes, "last-k keeps whole results whatever the budget; share: mean of points, of characters"])


def show_speed(console: Console, speed: Speed) -> None:
    """Print the figures of the speed task."""
    table = Table(title=f"speed, medians of {speed.runs} runs after a warm-up, one process")
    for heading in ("what", "tokens", "seconds", "tokens/s", "ratio to BM25 over lines"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for line in speed.lines:
        rate = f"{line.tokens / line.seconds:,.0f}" if line.tokens and line.seconds else ""
        ratio = f"{line.ratio:.2f}" if line.ratio is not None else ""
        table.add_row(line.what, f"{line.tokens:,}" if line.tokens else "", f"{line.seconds:.4f}", rate, ratio)
    console.print(table)


def show_growths(console: Console, growths: Sequence[Growth]) -> None:
    """Print how long texts that are made to be slow take, the slowest first, how that grows, and memory."""
    small, large = (f"{size // 1_000_000} MB" for size in SIZES)
    table = Table(title=f"texts that are made to be slow, CPU seconds, median of up to {RUNS} runs")
    for heading in ("text", f"cut {large}", small, large, "s/MB", "exponent", "tokens/s", "memory"):
        table.add_column(heading, justify="left" if heading == "text" else "right")
    for growth in sorted(growths, key=lambda each: -each.per_megabyte):
        seconds = [f"{value:.2f}" for value in (growth.cut, growth.small, growth.large, growth.per_megabyte)]
        table.add_row(growth.name, *seconds, f"{growth.exponent:.2f}", f"{growth.rate:,.0f}", f"{growth.memory:.0f}x")
    console.print(table)
    console.print(
        f"exponent: 1 where time is linear; tokens: of {CHARACTERS} characters each; memory: peak, in times the text"
    )


PROXY_TITLE = "proxy: medians of rounds in which the arms take turns, on loopback"


def show_figures(console: Console, figures: Iterable[Figure], title: str = PROXY_TITLE) -> list[Figure]:
    """Print each figure of the proxy task or of the soak as soon as it is measured; all of them as a list."""
    console.print(title)
    shown = []
    for figure in figures:
        verdict = {None: "", True: "[green]met[/green]", False: "[red]missed[/red]"}[figure.met]
        bound = f"at most {figure.most:g}" if figure.most is not None else ""
        bound = f"at least {figure.least:g}" if figure.least is not None else bound
        line = f"{figure.name:<66} {figure.value:>9.2f} {figure.unit:<4} {bound:<14} {verdict}"
        console.print(line, highlight=False, soft_wrap=True)
        shown.append(figure)
    return shown


def _evidence_means(budget: float, results: Sequence[EvidenceResult]) -> Table:
    table = Table(title=f"evidence recall at {budget:.0%} of the characters, mean over sets")
    for heading in ("arm", "recall", "all of it", "answer", "share", "worst set", "sets"):
        table.add_column(heading, justify="left" if heading in {"arm", "worst set"} else "right")
    for arm, rows in _grouped(results, lambda r: r.arm).items():
        recall = _sets(rows, lambda r: r.recall)
        means = sorted((fmean(values), name) for name, values in recall.items())
        table.add_row(
            arm,
            _cell(mean_of_sets(recall)),
            _cell(mean_of_sets(_sets(rows, lambda r: r.complete))),
            _cell(mean_of_sets(_sets(rows, lambda r: r.answer))),
            _cell(mean_of_sets(_sets(rows, lambda r: r.share))),
            f"{means[0][1]} {means[0][0]:.2f}" if means else "",
            str(len(means)),
        )
    return table


def _evidence_sets(budget: float, results: Sequence[EvidenceResult]) -> Table:
    arms = _grouped(results, lambda r: r.arm)
    table = Table(title=f"evidence recall at {budget:.0%}, set by set")
    table.add_column("set")
    table.add_column("rows", justify="right")
    for arm in arms:
        table.add_column(arm, justify="right")
    recall = {arm: _sets(rows, lambda r: r.recall) for arm, rows in arms.items()}
    for name in dict.fromkeys(name for sets in recall.values() for name in sets):
        counted = str(max(len(sets.get(name, ())) for sets in recall.values()))
        table.add_row(name, counted, *(_cell(_mean(sets.get(name, ()))) for sets in recall.values()))
    return table


def _compare_evidence(console: Console, arm: str, results: Sequence[EvidenceResult]) -> None:
    recall = {(r.set, r.id): r.recall for r in results if r.arm == arm}
    rival_recall = {(r.set, r.id): r.recall for r in results if r.arm == RIVAL}

    differences: dict[str, list[float]] = {}
    for key, value in recall.items():
        rival_value = rival_recall.get(key)
        if value is not None and rival_value is not None:
            differences.setdefault(key[0], []).append(value - rival_value)
    _show_interval(console, arm, RIVAL, "recall", paired(differences))
    if differences:
        above = sum(fmean(values) > 0 for values in differences.values())
        console.print(f"{arm} is above {RIVAL} on {above} of {len(differences)} sets")

    worst = sorted(((value, *key) for key, value in recall.items() if value is not None))[:WORST]
    console.print("worst rows: " + ", ".join(f"{row} {value:.2f}" for value, _, row in worst), soft_wrap=True)


def _trace_table(title: str, results: Sequence[TraceResult]) -> Table:
    table = Table(title=title)
    for heading in ("arm", "values", "lines", "share", "points", "of values", "of lines"):
        table.add_column(heading, justify="left" if heading == "arm" else "right")
    for arm, rows in _grouped(results, lambda r: r.arm).items():
        values, lines = sum(r.needed_values for r in rows), sum(r.needed_lines for r in rows)
        table.add_row(
            arm,
            _cell(sum(r.values for r in rows) / values if values else None),
            _cell(sum(r.lines for r in rows) / lines if lines else None),
            _cell(fmean(r.share for r in rows)),
            *map(str, (len(rows), values, lines)),
        )
    return table


def _compare_traces(console: Console, arm: str, results: Sequence[TraceResult]) -> None:
    rows = [r for r in results if r.arm == arm]
    rival = {r.id: r for r in results if r.arm == TRACE_RIVAL}
    sessions = _grouped([(row, rival[row.id]) for row in rows if row.id in rival], lambda pair: _session(pair[0]))
    values = [_summed((a.values, b.values, a.needed_values) for a, b in pairs) for pairs in sessions.values()]
    lines = [_summed((a.lines, b.lines, a.needed_lines) for a, b in pairs) for pairs in sessions.values()]
    _show_interval(console, arm, TRACE_RIVAL, "values", paired_shares(values))
    _show_interval(console, arm, TRACE_RIVAL, "lines", paired_shares(lines))

    missed = sorted((r.values + r.lines - r.needed_values - r.needed_lines, r.id) for r in rows)[:WORST]
    console.print("worst points: " + ", ".join(f"{id_} {-lost:.0f} lost" for lost, id_ in missed), soft_wrap=True)


def _session(result: TraceResult) -> str:
    """Points of one session stand or fall together, so sessions are what is resampled."""
    return result.id.rpartition("@")[0]


def _summed(counts: Iterable[tuple[float, float, float]]) -> tuple[float, float, float]:
    kept, rival_kept, needed = (sum(column) for column in zip(*counts, strict=True))
    return kept, rival_kept, needed


def _show_interval(console: Console, arm: str, rival: str, figure: str, interval: Interval | None) -> None:
    if interval is not None:
        console.print(
            f"{arm} - {rival}, {figure}: {interval.mean:+.3f} (95 %: {interval.low:+.3f} to {interval.high:+.3f})"
        )


def _our_arms(results: Iterable[EvidenceResult | TraceResult]) -> list[str]:
    return [arm for arm in dict.fromkeys(r.arm for r in results) if arm.startswith("ours")]


def _sets(rows: Iterable[EvidenceResult], figure: Callable[[EvidenceResult], float | None]) -> dict[str, list[float]]:
    sets: dict[str, list[float]] = {}
    for row in rows:
        value = figure(row)
        if value is not None:
            sets.setdefault(row.set, []).append(value)
    return sets


def _grouped(results: Iterable[Result], key: Callable[[Result], Key]) -> dict[Key, list[Result]]:
    groups: dict[Key, list[Result]] = {}
    for result in results:
        groups.setdefault(key(result), []).append(result)
    return groups


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _notes(console: Console, notes: Iterable[str]) -> None:
    for note in notes:
        console.print(f"[dim]{note}[/dim]", soft_wrap=True)
