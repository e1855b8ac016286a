"""Our arms: contextprune itself, called through its public face alone, as any user would call it.

Budgets of the benchmark are shares of characters, the library's are tokens; so a call is repeated a few times with
another ceiling until the realised share of characters is just below the one that every arm gets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

import contextprune as cp
from contextprune.bench.data import Doc, Message
from contextprune.bench.documents.evidence import Arm
from contextprune.bench.traces.future_use import TraceArm, results_chars

TRIES = 7
FULL = 0.95  # of the share: near enough to stop

Output = TypeVar("Output")

SCORERS = {"ours": None, "ours-lexical": "lexical"}
"""Names of our arms, and the scorer that each loads: None is the default one, the shipped model."""


@cache
def pruner(scorer: str | None) -> Any:
    """One pruner for each process; originals stay in memory."""
    if scorer is None:
        return cp.Pruner(store=cp.MemoryStore())
    return cp.Pruner(scorer=cp.load_scorer(scorer), store=cp.MemoryStore())


def on_documents(scorer: str | None) -> Arm:
    """Our arm for questions over documents."""

    def arm(question: str, docs: Sequence[Doc], share: float) -> list[str]:
        documents = [cp.Document(text=d["text"], id=str(i), title=d["title"] or None) for i, d in enumerate(docs)]
        total = sum(len(doc["text"]) for doc in docs)

        def cut(ratio: float) -> list[str]:
            pruned = cp.prune_documents(documents, question, cp.Budget(ratio=ratio), pruner(scorer))
            texts = {doc.id: doc.text for doc in pruned.documents}
            return [texts.get(str(i), "") for i in range(len(docs))]

        return fitted(cut, lambda texts: sum(map(len, texts)) / total if total else 0.0, share)

    return arm


def on_sessions(scorer: str | None) -> TraceArm:
    """Our arm for sessions: a ceiling of tokens that leaves the results their share, and all else whole."""

    def arm(messages: Sequence[Message], share: float) -> Sequence[Message]:
        session = [dict(message) for message in messages]
        report = cp.compress(session, budget=cp.Budget(ratio=1.0), pruner=pruner(scorer)).report
        total, in_results = report.before, report.by_kind.get(cp.Kind.TOOL_RESULT, (0, 0))[0]
        chars = results_chars(session)

        def cut(target: float) -> list[dict[str, Any]]:
            return _compressed(session, int(total - in_results * (1 - target)), scorer)

        return fitted(cut, lambda after: results_chars(after) / chars if chars else 0.0, share)

    return arm


def fitted(cut: Callable[[float], Output], realised: Callable[[Output], float], share: float) -> Output:
    """The output of `cut` that comes nearest to `share` from below; from above only where no try came below."""
    low, high, target = 0.0, 1.0, share
    best: tuple[tuple[bool, float], Output] | None = None
    for _ in range(TRIES):
        output = cut(target)
        reached = realised(output)
        rank = (reached <= share, reached if reached <= share else -reached)
        if best is None or rank > best[0]:
            best = (rank, output)
        if FULL * share <= reached <= share:
            break

        # the next target: by proportion where that lies between the bounds, else their middle
        low, high = (target, high) if reached <= share else (low, target)
        aimed = target * share / reached if reached else (target + high) / 2
        target = aimed if low < aimed < high else (low + high) / 2

    assert best is not None
    return best[1]


def _compressed(messages: list[dict[str, Any]], tokens: int, scorer: str | None) -> list[dict[str, Any]]:
    """The messages under the ceiling, or under the lowest one that protected text allows."""
    try:
        out = cp.compress(messages, budget=cp.Budget(tokens=max(0, tokens)), pruner=pruner(scorer))
    except cp.BudgetError as refused:
        out = cp.compress(messages, budget=cp.Budget(tokens=refused.needed), pruner=pruner(scorer))
    payload: list[dict[str, Any]] = out.payload
    return payload
