"""What one process does with one row, session or output: every arm on it, results ready for the tables.

Jobs are small and picklable; whatever is costly to build is built once in the process that needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from contextprune.bench.data import Row, Session
from contextprune.bench.documents.baselines import BASELINES
from contextprune.bench.documents.evidence import Score, evaluate
from contextprune.bench.outputs.recall_knob import Kept, measure
from contextprune.bench.outputs.tables import ToolResult
from contextprune.bench.outputs.tool_output import TOOL_BASELINES, Output, recall
from contextprune.bench.outputs.tool_output import ours as on_outputs
from contextprune.bench.sessions.bill import SessionResult, sender_of
from contextprune.bench.sessions.bill import measure as measure_session
from contextprune.bench.sessions.stories import prepare
from contextprune.bench.tables import EvidenceResult, TraceResult
from contextprune.bench.traces.future_use import Seen, points
from contextprune.bench.traces.future_use import evaluate as evaluate_point
from contextprune.bench.traces.masking import TRACE_BASELINES
from contextprune.training.samples import Sample

OURS = ("ours", "ours-lexical")


class RowJob(NamedTuple):
    """One row with what to run on it; small and picklable."""

    row: Row
    arms: tuple[str, ...]
    budgets: tuple[float, ...]


class OutputJob(NamedTuple):
    """One tool's output with what to run on it."""

    output: Output
    arms: tuple[str, ...]
    budgets: tuple[float, ...]


class SessionJob(NamedTuple):
    """One session with what to run on it."""

    session: Session
    arms: tuple[str, ...]
    budgets: tuple[float, ...]


class ReplayJob(NamedTuple):
    """One session with the arms that it is sent again under."""

    session: Session
    arms: tuple[str, ...]


def score_row(job: RowJob) -> list[EvidenceResult]:
    """Every arm at every budget on one row."""
    found: list[EvidenceResult] = []
    for name in job.arms:
        if name in OURS:
            from contextprune.bench.ours import SCORERS, on_documents  # noqa: PLC0415  # baselines run without us

            arms: Sequence[Any] = (on_documents(SCORERS[name]),)
        else:
            arms = BASELINES[name](job.row)
        for budget in job.budgets:
            score: Score = evaluate(job.row, arms, budget)
            found.append(EvidenceResult(job.row.set, job.row.id, name, budget, **asdict(score)))
    return found


def score_session(job: SessionJob) -> list[TraceResult]:
    """Every arm at every budget at every decision point of one session."""
    found: list[TraceResult] = []
    for point in points(job.session):
        needed = len(point.values), len(point.lines)
        for name in job.arms:
            if name in OURS:
                from contextprune.bench.ours import SCORERS, on_sessions  # noqa: PLC0415  # baselines run without us

                arms: Sequence[Any] = (on_sessions(SCORERS[name]),)
            else:
                arms = TRACE_BASELINES[name]
            for budget in job.budgets:
                seen: Seen = evaluate_point(point, arms, budget)
                found.append(TraceResult(point.set, point.id, name, budget, *needed, **asdict(seen)))
    return found


def score_output(job: OutputJob) -> list[ToolResult]:
    """Every arm at every share on one tool's output."""
    from contextprune.bench.ours import SCORERS  # noqa: PLC0415  # baselines run without us

    arms = {name: on_outputs(SCORERS[name]) if name in OURS else TOOL_BASELINES[name] for name in job.arms}
    return [
        ToolResult(job.output.tool, job.output.id, name, budget, recall(job.output, arm, budget))
        for name, arm in arms.items()
        for budget in job.budgets
    ]


def score_knob(sample: Sample) -> list[Kept]:
    """What each recall asked for keeps of one sample."""
    from contextprune.bench.ours import pruner  # noqa: PLC0415

    return list(measure(sample, pruner(None).scorer))


def replay_session(job: ReplayJob) -> list[SessionResult]:
    """Every arm on one session, sent again request by request."""
    story = prepare(job.session)
    return [measure_session(story, arm, sender_of(arm)) for arm in job.arms]
