"""The arms that measure contextprune itself, through the public face alone, as any user would call it.

Budgets of the benchmark are shares of characters, the library's are tokens; so a call is repeated a few times with
another ceiling until the realised share of characters is just below the one that every arm gets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

import contextprune as cp
from contextprune.bench.data import Doc, Message
from contextprune.bench.evidence import Arm
from contextprune.bench.traces import TraceArm, results_chars, text_of

TRIES = 5
STEP = 0.95  # of the distance to the share, taken at each further try
FULL = 0.95  # of the share in use is near enough

Output = TypeVar("Output")

SCORERS = {"ours": None, "ours-lexical": "lexical"}
"""Names of our arms, and the scorer that each loads: None is the default one, neural where torch is installed."""


@cache
def pruner(scorer: str | None) -> Any:
    """One pruner for each process; originals stay in memory."""
    if scorer is None:
        return cp.Pruner(store=cp.MemoryStore())
    return cp.Pruner(scorer=cp.load_scorer(scorer), store=cp.MemoryStore())


def on_documents(scorer: str | None) -> Arm:
    """Our arm for questions over documents."""

    def arm(question: str, docs: Sequence[Doc], share: float) -> list[str]:
        given = [cp.Document(text=d["text"], id=str(i), title=d["title"] or None) for i, d in enumerate(docs)]
        total = sum(len(doc["text"]) for doc in docs)

        def cut(ratio: float) -> list[str]:
            got = cp.prune_documents(given, query=question, budget=cp.Budget(ratio=ratio), pruner=pruner(scorer))
            texts = {doc.id: doc.text for doc in got.documents}
            return [texts.get(str(i), "") for i in range(len(docs))]

        return fitted(cut, lambda texts: sum(map(len, texts)) / total if total else 0.0, share)

    return arm


def on_sessions(scorer: str | None) -> TraceArm:
    """Our arm for sessions: a ceiling of tokens that leaves the results their share, and all else whole."""

    def arm(messages: Sequence[Message], share: float) -> Sequence[Message]:
        given = [dict(message) for message in messages]
        whole = cp.compress(given, budget=cp.Budget(ratio=1.0), pruner=pruner(scorer)).report.before
        chars = results_chars(given)
        in_results = whole * chars / max(1, chars + _other_chars(given))

        def cut(target: float) -> list[dict[str, Any]]:
            return _compressed(given, int(whole - in_results * (1 - target)), scorer)

        return fitted(cut, lambda after: results_chars(after) / chars if chars else 0.0, share)

    return arm


def fitted(cut: Callable[[float], Output], realised: Callable[[Output], float], share: float) -> Output:
    """The output of `cut` that comes nearest to `share` from below; from above only where no try came below."""
    target, tried = share, list[tuple[tuple[bool, float], Output]]()
    for _ in range(TRIES):
        output = cut(target)
        found = realised(output)
        below = found <= share
        tried.append(((below, found if below else -found), output))
        following = min(1.0, max(0.0, target + STEP * (share - found)))
        if FULL * share <= found <= share or following == target:
            break
        target = following
    return max(tried, key=lambda pair: pair[0])[1]


def _compressed(messages: list[dict[str, Any]], tokens: int, scorer: str | None) -> list[dict[str, Any]]:
    """Under the ceiling, or under the lowest one that what is protected allows."""
    try:
        out = cp.compress(messages, budget=cp.Budget(tokens=max(0, tokens)), pruner=pruner(scorer))
    except cp.BudgetError as refused:
        out = cp.compress(messages, budget=cp.Budget(tokens=refused.needed), pruner=pruner(scorer))
    payload: list[dict[str, Any]] = out.payload
    return payload


def _other_chars(messages: Sequence[Message]) -> int:
    everything = sum(len(text_of(message)) + len(_calls(message)) for message in messages)
    return everything - results_chars(messages)


def _calls(message: Message) -> str:
    return "".join(str(call["function"]) for call in message.get("tool_calls") or ())
