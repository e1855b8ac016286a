"""A file as one job: a context, or a context for each of its lines, under a single plan and report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from contextprune import api
from contextprune.api import Compressed
from contextprune.context import Context, Segment, Span, rebased
from contextprune.dialects import Lines, detect
from contextprune.errors import ContextPruneError
from contextprune.plan import Decision, Plan
from contextprune.policy import Budget
from contextprune.pruner import Pruner
from contextprune.report import Report

Name = TypeVar("Name")


def compress_file(
    payload: Any,
    budget: Budget | None,
    query: str | None,
    format: str | None,  # noqa: A002 - the word that users know
    pruner: Pruner,
    progress: Callable[[str], None],
) -> Compressed[Any]:
    """Compress the payload of a file, as `dialects.load` gives it; each of several contexts has the budget for itself.

    Raises what `api.compress` does; with several contexts a ContextPruneError that names the record.
    """
    contexts = bodies(payload, format)
    if contexts[0] is payload:
        progress("compressing")
        return api.compress(payload, budget, query, pruner, format=format)

    records: list[Compressed[Any]] = []
    for number, body in enumerate(contexts, start=1):
        progress(f"compressing record {number:,} of {len(contexts):,}")
        try:
            records.append(api.compress(body, budget, query, pruner, format=format))
        except ContextPruneError as exc:
            raise ContextPruneError(f"record {number}: {exc}") from exc

    report = _summed([record.report for record in records])
    plan = _joined([record.plan for record in records])
    return Compressed(Lines(record.payload for record in records), report, plan)


def bodies(payload: Any, format: str | None = None) -> Sequence[Any]:  # noqa: A002 - as above
    """The contexts of a file: the payload itself, or its lines where each is a context of its own."""
    if not isinstance(payload, Lines):
        return [payload]
    try:
        return [payload] if detect(payload, format).accepts(payload) else payload
    except ContextPruneError:
        return payload


def _summed(reports: Sequence[Report]) -> Report:
    seconds: dict[str, float] = {}
    for report in reports:
        for stage, time in report.seconds.items():
            seconds[stage] = seconds.get(stage, 0.0) + time
    return replace(
        reports[0],
        before=sum(report.before for report in reports),
        after=sum(report.after for report in reports),
        by_kind=_added([report.by_kind for report in reports]),
        actions=_added([report.actions for report in reports]),
        seconds=seconds,
        prompts=tuple(prompt for report in reports for prompt in report.prompts),
        notes=tuple(dict.fromkeys(note for report in reports for note in report.notes)),
    )


def _added(tables: Sequence[Mapping[Name, tuple[int, int]]]) -> dict[Name, tuple[int, int]]:
    total: dict[Name, tuple[int, int]] = {}
    for table in tables:
        for name, (first, second) in table.items():
            before, after = total.get(name, (0, 0))
            total[name] = (before + first, after + second)
    return total


def _joined(plans: Sequence[Plan]) -> Plan:
    """The plans of several contexts as a single plan; indices of spans are moved along."""
    segments: list[Segment] = []
    spans: list[Span] = []
    decisions: list[Decision] = []
    for plan in plans:
        first = len(spans)
        spans += rebased(plan.spans, len(segments), first)
        decisions += [d if d.into is None else replace(d, into=first + d.into) for d in plan.decisions]
        segments += plan.context.segments
    return Plan(Context(tuple(segments), plans[0].context.query), tuple(spans), tuple(decisions))
