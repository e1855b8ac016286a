"""Evidence recall: the share of what answers a question that survives at a budget of characters.

Evidence is cut into sentences and lines, and each piece counts only where it stands whole in the output: half a
sentence supports no answer. White space is folded, so that an arm may reflow text but not reword it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeAlias

from contextprune.bench.data import Doc, Row

Arm: TypeAlias = Callable[[str, Sequence[Doc], float], list[str]]
"""(question, documents, share of their characters that may remain) -> the pruned text of each document."""

BUDGETS = (0.1, 0.2, 0.3, 0.5)

_BREAK = re.compile(r"\n+|(?<=[.!?])\s+")
_DOCUMENT_END = "\x00"  # no piece may stand across two documents


@dataclass(frozen=True, slots=True)
class Score:
    """One row under one arm at one budget.

    recall     share of the evidence's characters, None where the row has no evidence
    complete   whether all of it survives (a share where several seeds are averaged)
    answer     whether an answer string survives, None where no answer stands in the whole context
    share      characters of the output over characters of the context
    """

    recall: float | None
    complete: float | None
    answer: float | None
    share: float


def pieces(text: str) -> list[tuple[int, int]]:
    """Sentences and lines of `text` as (start, end); they tile it, and none is blank unless the text is."""
    if not text:
        return []

    ends = [match.end() for match in _BREAK.finditer(text)]
    bounds: list[tuple[int, int]] = []
    start = 0
    for end in dict.fromkeys([*ends, len(text)]):
        if text[start:end].strip():
            bounds.append((start, end))
            start = end

    if not bounds:
        return [(0, len(text))]
    bounds[-1] = (bounds[-1][0], len(text))  # what is blank at the end goes with the last piece
    return bounds


def needed(row: Row) -> list[str]:
    """The pieces of the row's evidence, white space folded."""
    evidence: list[str] = []
    for doc, start, end in row.evidence:
        span = row.docs[doc]["text"][start:end]
        evidence += [fold(span[a:b]) for a, b in pieces(span)]
    return [piece for piece in evidence if piece]


def score(row: Row, output: Sequence[str]) -> Score:
    """The figures of one output for one row."""
    text = fold_all(output)
    evidence = needed(row)
    total = sum(map(len, evidence))
    kept = sum(len(piece) for piece in evidence if piece in text)
    return Score(
        recall=kept / total if total else None,
        complete=float(kept == total) if total else None,
        answer=_answer(row, text),
        share=sum(map(len, output)) / row.chars if row.chars else 0.0,
    )


def evaluate_row(row: Row, arms: Sequence[Arm], share: float) -> Score:
    """The mean figures of several arms that are one method under several seeds."""
    scores = [score(row, arm(row.question, row.docs, share)) for arm in arms]
    return Score(
        recall=_mean(s.recall for s in scores),
        complete=_mean(s.complete for s in scores),
        answer=_mean(s.answer for s in scores),
        share=fmean(s.share for s in scores),
    )


def fold(text: str) -> str:
    """`text` with each run of white space as one space, and none at the ends."""
    return " ".join(text.split())


def fold_all(texts: Iterable[str]) -> str:
    """Several texts as one string to search in, where nothing matches across two of them."""
    return _DOCUMENT_END.join(fold(text) for text in texts)


def _answer(row: Row, text: str) -> float | None:
    context = fold_all(doc["text"] for doc in row.docs).casefold()
    answers = [answer for answer in (fold(a).casefold() for a in row.answers) if answer and answer in context]
    if not answers:
        return None
    text = text.casefold()
    return float(any(answer in text for answer in answers))


def _mean(values: Iterable[float | None]) -> float | None:
    counted = [value for value in values if value is not None]
    return fmean(counted) if counted else None
