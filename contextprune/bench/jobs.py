"""The jobs of one process: every arm on one row, session or output, with results ready for the tables.

Jobs are small and picklable; whatever is costly to build is built once in the process that needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Generic, NamedTuple, TypeVar

from contextprune.bench.data import Row, Session
from contextprune.bench.documents.baselines import BASELINES
from contextprune.bench.documents.evidence import Score, evaluate_row
from contextprune.bench.field.cases import Case
from contextprune.bench.field.measure import FIELD_BASELINES, FieldResult, compressing, judge
from contextprune.bench.outputs.recall_knob import Kept, measure_recall
from contextprune.bench.outputs.tables import ToolResult
from contextprune.bench.outputs.tool_output import TOOL_BASELINES, Output, on_outputs, recall
from contextprune.bench.sessions.bill import SessionResult, bill_session, sender_of
from contextprune.bench.sessions.stories import prepare
from contextprune.bench.tables import EvidenceResult, TraceResult
from contextprune.bench.traces.future_use import Visible, evaluate_point, points
from contextprune.bench.traces.grounded import GroundedResult, measure_grounded
from contextprune.bench.traces.masking import TRACE_BASELINES
from contextprune.training.samples import Sample

OUR_ARMS = ("ours", "ours-lexical")

Subject = TypeVar("Subject")


class Job(NamedTuple, Generic[Subject]):
    """A row, session, output of a tool or case, with the arms and budgets to run on it."""

    subject: Subject
    arms: tuple[str, ...]
    budgets: tuple[float, ...]


class ReplayJob(NamedTuple):
    """A session with the arms under which it is sent again."""

    session: Session
    arms: tuple[str, ...]


def score_row(job: Job[Row]) -> list[EvidenceResult]:
    """Every arm at every budget on one row."""
    results: list[EvidenceResult] = []
    for name in job.arms:
        if name in OUR_ARMS:
            from contextprune.bench.ours import SCORERS, on_documents  # noqa: PLC0415  # baselines run without us

            arms: Sequence[Any] = (on_documents(SCORERS[name]),)
        else:
            arms = BASELINES[name](job.subject)
        for budget in job.budgets:
            score: Score = evaluate_row(job.subject, arms, budget)
            results.append(EvidenceResult(job.subject.set, job.subject.id, name, budget, **asdict(score)))
    return results


def score_session(job: Job[Session]) -> list[TraceResult]:
    """Every arm at every budget at every decision point of one session."""
    results: list[TraceResult] = []
    for point in points(job.subject):
        needed = len(point.values), len(point.lines)

        for name in job.arms:
            if name in OUR_ARMS:
                from contextprune.bench.ours import SCORERS, on_sessions  # noqa: PLC0415  # baselines run without us

                arms: Sequence[Any] = (on_sessions(SCORERS[name]),)
            else:
                arms = TRACE_BASELINES[name]
            for budget in job.budgets:
                visible: Visible = evaluate_point(point, arms, budget)
                results.append(TraceResult(point.set, point.id, name, budget, *needed, **asdict(visible)))
    return results


def score_output(job: Job[Output]) -> list[ToolResult]:
    """Every arm at every share on one tool's output."""
    from contextprune.bench.ours import SCORERS  # noqa: PLC0415  # baselines run without us

    arms = {name: on_outputs(SCORERS[name]) if name in OUR_ARMS else TOOL_BASELINES[name] for name in job.arms}
    return [
        ToolResult(job.subject.tool, job.subject.id, name, budget, recall(job.subject, arm, budget))
        for name, arm in arms.items()
        for budget in job.budgets
    ]


def score_case(job: Job[Case]) -> list[FieldResult]:
    """Every arm at every share, and on arrival, on one case."""
    from contextprune.bench.ours import SCORERS  # noqa: PLC0415  # baselines run without us

    arms = {name: compressing(SCORERS[name]) if name in OUR_ARMS else FIELD_BASELINES[name] for name in job.arms}
    return [judge(job.subject, name, arm, share) for name, arm in arms.items() for share in (*job.budgets, None)]


def score_knob(sample: Sample) -> list[Kept]:
    """The recall achieved on one sample for each that is asked for."""
    from contextprune.bench.ours import pruner  # noqa: PLC0415

    return list(measure_recall(sample, pruner(None).scorer))


def score_edits(job: ReplayJob) -> list[GroundedResult]:
    """Every arm on the edits of one session."""
    return [measure_grounded(job.session, arm) for arm in job.arms]


def replay_session(job: ReplayJob) -> list[SessionResult]:
    """Every arm on one session, sent again request by request."""
    story = prepare(job.session)
    return [bill_session(story, arm, sender_of(arm)) for arm in job.arms]
