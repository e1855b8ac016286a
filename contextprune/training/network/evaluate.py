"""Recall at budgets of characters: how well scores rank what is needed. Training stops by it, the diary reports it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

import numpy as np

BUDGETS = (0.1, 0.3, 0.5)

Row = tuple[str, float, float]
"""(source, budget, recall) of one group."""


def summary(rows: Sequence[Row]) -> dict[str, float]:
    """Mean over sources: at each budget, of all, and of questions, tools and traces at 30 %."""
    by_source: dict[tuple[str, float], list[float]] = defaultdict(list)
    for source, budget, value in rows:
        by_source[source, budget].append(value)
    means = {key: fmean(values) for key, values in by_source.items()}
    figures = {f"@{budget:.0%}": fmean(v for (_, b), v in means.items() if b == budget) for budget in BUDGETS}
    figures["mean"] = fmean(means.values())
    for name, test in SOURCE_GROUPS.items():
        part = [value for (source, budget), value in means.items() if budget == 0.3 and test(source)]
        if part:
            figures[name] = fmean(part)
    return figures


TRACES = frozenset({"tau_airline", "sweagent_demo", "intercode", "sgd", "fireact", "code_view"})
SESSIONS = frozenset({"entire_auth", "entire_skills", "gatomia"})
"""Coding sessions of repositories that training never sees."""
SOURCE_GROUPS: Mapping[str, Callable[[str], bool]] = {
    "questions": lambda source: source not in TRACES | SESSIONS and not source.startswith("tool:"),
    "tools": lambda source: source.startswith("tool:"),
    "traces": lambda source: source in TRACES,
    "sessions": lambda source: source in SESSIONS,
}


def recall_at(score: np.ndarray, label: np.ndarray, size: np.ndarray, budget: float) -> float:
    """Share of the labels among the spans that fit into `budget` of the characters, best first."""
    room = budget * size.sum()
    kept = 0.0
    for i in np.argsort(-score, kind="stable"):
        if size[i] <= room:
            room -= size[i]
            kept += label[i]
    return float(kept / label.sum())
