"""A file as one job: one context, or one for each of its lines, told as one plan and one report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from contextprune import api
from contextprune.api import Compressed
from contextprune.context import Context, Segment, Span
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
    tell: Callable[[str], None],
) -> Compressed[Any]:
    """Compress what `dialects.load` gave; each of several contexts has the budget for itself.

    Raises what `api.compress` does; with several contexts a ContextPruneError that names the record.
    """
    each = bodies(payload, format)
    if each[0] is payload:
        tell("compressing")
        return api.compress(payload, budget, query, pruner, format=format)
    done: list[Compressed[Any]] = []
    for number, body in enumerate(each, start=1):
        tell(f"compressing record {number:,} of {len(each):,}")
        try:
            done.append(api.compress(body, budget, query, pruner, format=format))
        except ContextPruneError as exc:
            raise ContextPruneError(f"record {number}: {exc}") from exc
    report = _summed([one.report for one in done])
    return Compressed(Lines(one.payload for one in done), report, _joined([one.plan for one in done]))


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
            known = total.get(name, (0, 0))
            total[name] = (known[0] + first, known[1] + second)
    return total


def _joined(plans: Sequence[Plan]) -> Plan:
    """One plan for several contexts, one after another; what points to a span still points to it."""
    segments: list[Segment] = []
    spans: list[Span] = []
    decisions: list[Decision] = []
    for plan in plans:
        first, base = len(segments), len(spans)
        for span, decision in zip(plan.spans, plan.decisions, strict=True):
            anchors = tuple(base + anchor for anchor in span.anchors)
            spans.append(replace(span, segment=first + span.segment, anchors=anchors))
            decisions.append(decision if decision.into is None else replace(decision, into=base + decision.into))
        segments += plan.context.segments
    return Plan(Context(tuple(segments), plans[0].context.query), tuple(spans), tuple(decisions))
