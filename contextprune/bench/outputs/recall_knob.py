"""The recall knob: the share of needed text that `Policy(recall=r)` really keeps where nothing was fitted.

No budget is given. Each need counts by the share of its characters that stands in kept spans; samples count alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import contextprune as cp
from contextprune.plan import Action, Plan
from contextprune.pruner import Pruner
from contextprune.training.samples import Sample, for_calibration, read_samples

TARGETS = (0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Kept:
    """One sample at one setting.

    recall   share of the needed characters that is kept
    share    tokens of the judged segments afterwards over before
    """

    kind: str
    id: str
    asked: float
    recall: float
    share: float


def find_samples(root: Path) -> list[Path]:
    """The files of labelled samples under `root` that training held out, as `contextprune train` leaves them."""
    return sorted(path for path in root.rglob("*dev.jsonl.gz") if path.name in ("dev.jsonl.gz", "tools_dev.jsonl.gz"))


def load_held_out(paths: Iterable[Path], each: int | None) -> list[Sample]:
    """Samples with needs, up to `each` of a kind, from the half that calibration did not use."""
    counts: dict[str, int] = {}
    samples = []
    for path in paths:
        for sample in read_samples(path):
            if sample.needs and not for_calibration(sample.id) and (each is None or counts.get(sample.kind, 0) < each):
                counts[sample.kind] = counts.get(sample.kind, 0) + 1
                samples.append(sample)
    return samples


def measure_recall(sample: Sample, scorer: cp.Scorer) -> Iterator[Kept]:
    """The share of its needs that each setting keeps of one sample."""
    for target in TARGETS:
        pruner = Pruner(cp.Policy(recall=target), scorer, store=cp.MemoryStore(), recallable=not sample.context.asked)
        pruned = pruner(replace(sample.context), None, sample.context.query if sample.context.asked else None)
        before, after = _tokens(sample, pruned.plan)
        yield Kept(sample.kind, sample.id, target, recall(sample, pruned.plan), after / before if before else 1.0)


def recall(sample: Sample, plan: Plan) -> float:
    """Weighted share of the needs' characters that kept spans hold."""
    kept: dict[int, list[tuple[int, int]]] = {}
    for span, decision in zip(plan.spans, plan.decisions, strict=True):
        if decision.action in (Action.KEEP, Action.MERGE):
            kept.setdefault(span.segment, []).append((span.start, span.end))

    total = achieved = 0.0
    for need in sample.needs:
        chars = sum(max(0, min(b, need.end) - max(a, need.start)) for a, b in kept.get(need.segment, ()))
        total += need.weight
        achieved += need.weight * chars / max(1, need.end - need.start)
    return achieved / total if total else 1.0


def _tokens(sample: Sample, plan: Plan) -> tuple[int, int]:
    judged = set(sample.judged)
    costs = [
        (decision.cost, decision.action is Action.KEEP)
        for span, decision in zip(plan.spans, plan.decisions, strict=True)
        if span.segment in judged
    ]
    return sum(cost for cost, _ in costs), sum(cost for cost, kept in costs if kept)
