"""The tasks of the benchmark under one arm, each brought down to a few figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean

from contextprune.bench.data import Session, find_sets, load_rows, load_sessions
from contextprune.bench.intervals import mean_of_sets
from contextprune.bench.jobs import (
    Job,
    ReplayJob,
    replay_session,
    score_output,
    score_row,
    score_session,
)
from contextprune.bench.ours import SCORERS, pruner
from contextprune.bench.outputs.recall_knob import find_samples, load_held_out, measure_recall
from contextprune.bench.outputs.tool_output import find_outputs, load_outputs
from contextprune.bench.sessions.epochs import conversations, replay_epochs
from contextprune.bench.sessions.tables import DEARER
from contextprune.bench.tuning.figures import Figures

SHARES = (0.2, 0.3)  # of the characters or lines: tight budgets, under which weights matter most
ASKED = 0.95  # recall that is asked for
PRICES = "anthropic"  # the price table of the cost


def measure(task: str, arm: str, root: Path) -> Figures:
    """Run one task under one arm on all rows of the data under `root`."""
    return _MEASURES[task](arm, root)


def _sessions(arm: str, root: Path) -> Figures:
    rows = [row for session in _recorded(root) for row in replay_session(ReplayJob(session, (arm,)))]
    paid = sum(row.paid[PRICES] for row in rows)
    return Figures(
        cost=sum(row.net[PRICES] * row.paid[PRICES] for row in rows) / paid,
        count=sum(max(row.net.values()) > DEARER for row in rows),
        values=(sum(row.later.seen_values for row in rows), sum(row.later.values for row in rows)),
        lines=(sum(row.later.seen_lines for row in rows), sum(row.later.lines for row in rows)),
    )


def _traces(arm: str, root: Path) -> Figures:
    rows = [row for session in _recorded(root) for row in score_session(Job(session, (arm,), SHARES))]
    return Figures(
        values=(sum(row.values for row in rows), sum(row.needed_values for row in rows)),
        lines=(sum(row.lines for row in rows), sum(row.needed_lines for row in rows)),
    )


def _epochs(arm: str, root: Path) -> Figures:
    rows = [row for each in conversations(_recorded(root)) for row in replay_epochs(each, arm)]
    was = sum(row.was for row in rows)
    return Figures(
        cost=sum(row.sent for row in rows) / was if was else None,
        count=len(rows),
        values=(sum(row.kept.seen_values for row in rows), sum(row.kept.values for row in rows)),
        lines=(sum(row.kept.seen_lines for row in rows), sum(row.kept.lines for row in rows)),
    )


def _tools(arm: str, root: Path) -> Figures:
    path = find_outputs(root)
    outputs = load_outputs(path) if path else []
    rows = [row for each in outputs for row in score_output(Job(each, (arm,), SHARES))]
    return Figures(evidence=fmean(row.recall for row in rows))


def _recall(arm: str, root: Path) -> Figures:
    scorer = pruner(SCORERS[arm]).scorer
    samples = load_held_out(find_samples(root), None)
    rows = [row for sample in samples for row in measure_recall(sample, scorer) if row.asked == ASKED]
    return Figures(cost=fmean(row.share for row in rows), evidence=fmean(row.recall for row in rows))


def _evidence(arm: str, root: Path) -> Figures:
    recalls: dict[str, list[float]] = {}
    for name, path in find_sets(root, "qa").items():
        for row in load_rows(name, path, None):
            scores = score_row(Job(row, (arm,), SHARES))
            recalls.setdefault(name, []).extend(score.recall for score in scores if score.recall is not None)
    return Figures(evidence=mean_of_sets(recalls))


def _recorded(root: Path) -> list[Session]:
    return [each for name, path in find_sets(root, "traj").items() for each in load_sessions(name, path, None)]


_MEASURES: Mapping[str, Callable[[str, Path], Figures]] = {
    "sessions": _sessions,
    "traces": _traces,
    "epochs": _epochs,
    "tools": _tools,
    "recall": _recall,
    "evidence": _evidence,
}
