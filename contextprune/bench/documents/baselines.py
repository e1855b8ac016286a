"""Baselines on documents: random, lead, recency, BM25, MiniLM, and the oracle as a ceiling.

Every arm ranks the same sentences and lines, takes them in rank order while they fit into the same budget of
characters, and puts them back in reading order; so figures differ by the ranking alone.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from contextprune.bench.data import Doc, Row
from contextprune.bench.documents.evidence import Arm, pieces
from contextprune.bench.documents.minilm import similarities

Ranker: TypeAlias = Callable[[str, Sequence[str]], Sequence[float]]
"""(question, texts of the units in reading order) -> a score for each; ties go to the earlier unit."""
MakeArms: TypeAlias = Callable[[Row], Sequence[Arm]]
"""The arms of one method for a row: several where seeds are averaged; the row itself is for the oracle alone."""

SEEDS = (0, 1, 2)
K1, B = 1.2, 0.75  # BM25 as in Robertson and Zaragoza, The Probabilistic Relevance Framework (2009)

_WORD = re.compile(r"\w+")


class Piece(NamedTuple):
    """A unit that is kept or dropped: a slice of a document's text."""

    doc: int
    start: int
    end: int


def cut(docs: Sequence[Doc]) -> list[Piece]:
    """The sentences and lines of all documents in reading order."""
    return [Piece(i, start, end) for i, doc in enumerate(docs) for start, end in pieces(doc["text"])]


def keep_within(docs: Sequence[Doc], units: Sequence[Piece], order: Sequence[int], room: int) -> list[str]:
    """The documents' texts from the units that fit into `room` characters, in `order`; too large ones are skipped."""
    chosen: set[int] = set()
    for index in order:
        size = units[index].end - units[index].start
        if size <= room:
            chosen.add(index)
            room -= size
    texts: list[list[str]] = [[] for _ in docs]
    for index in sorted(chosen):
        unit = units[index]
        texts[unit.doc].append(docs[unit.doc]["text"][unit.start : unit.end])
    return ["".join(parts) for parts in texts]


def ranked(rank: Ranker) -> Arm:
    """An arm that keeps the units that `rank` scores highest."""

    def arm(question: str, docs: Sequence[Doc], share: float) -> list[str]:
        units = cut(docs)
        scores = rank(question, [docs[u.doc]["text"][u.start : u.end] for u in units])
        order = sorted(range(len(units)), key=lambda i: -scores[i])
        return keep_within(docs, units, order, int(share * sum(len(doc["text"]) for doc in docs)))

    return arm


def rank_lead(_: str, texts: Sequence[str]) -> list[float]:
    """A score that falls towards the end."""
    return [-float(i) for i in range(len(texts))]


def rank_recency(_: str, texts: Sequence[str]) -> list[float]:
    """A score that grows towards the end."""
    return [float(i) for i in range(len(texts))]


def rank_randomly(seed: int) -> Ranker:
    """A shuffle that depends on the seed and the question alone."""

    def rank(question: str, texts: Sequence[str]) -> list[float]:
        dice = random.Random(f"{seed}:{question}")  # noqa: S311  # a baseline, not a secret
        return [dice.random() for _ in texts]

    return rank


def rank_bm25(question: str, texts: Sequence[str]) -> list[float]:
    """Okapi BM25 with the idf of the units themselves."""
    bags = [Counter(tokenise(text)) for text in texts]
    lengths = [bag.total() for bag in bags]
    mean = sum(lengths) / len(lengths) if sum(lengths) else 1.0
    terms = sorted(set(tokenise(question)))
    frequency = {term: sum(term in bag for bag in bags) for term in terms}
    idf = {t: math.log(1 + (len(bags) - n + 0.5) / (n + 0.5)) for t, n in frequency.items()}
    return [
        sum(idf[t] * bag[t] * (K1 + 1) / (bag[t] + K1 * (1 - B + B * length / mean)) for t in terms if t in bag)
        for bag, length in zip(bags, lengths, strict=True)
    ]


def rank_hybrid(question: str, texts: Sequence[str]) -> list[float]:
    """BM25 and MiniLM cosine, each scaled to 0..1 over the row, in equal parts."""
    pairs = zip(_scaled(rank_bm25(question, texts)), _scaled(similarities(question, texts)), strict=True)
    return [(lexical + dense) / 2 for lexical, dense in pairs]


def oracle(row: Row) -> Arm:
    """An arm that knows the evidence and ranks units by their share of it: no method can do much better."""

    def arm(_: str, docs: Sequence[Doc], share: float) -> list[str]:
        units = cut(docs)
        worth = [_overlap(unit, row.evidence) / (unit.end - unit.start) for unit in units]
        order = sorted(range(len(units)), key=lambda i: -worth[i])
        return keep_within(docs, units, order, int(share * row.chars))

    return arm


def tokenise(text: str) -> list[str]:
    """Lower-case words, as a plain BM25 has them."""
    return _WORD.findall(text.lower())


def _fixed(*arms: Arm) -> MakeArms:
    return lambda _: arms


BASELINES: Mapping[str, MakeArms] = {
    "random": _fixed(*(ranked(rank_randomly(seed)) for seed in SEEDS)),
    "lead": _fixed(ranked(rank_lead)),
    "recency": _fixed(ranked(rank_recency)),
    "bm25": _fixed(ranked(rank_bm25)),
    "minilm": _fixed(ranked(similarities)),
    "hybrid": _fixed(ranked(rank_hybrid)),
    "oracle": lambda row: (oracle(row),),
}
DENSE = frozenset({"minilm", "hybrid"})
"""Baselines that need the MiniLM package; left out, and named, where it is not installed."""


def _overlap(unit: Piece, evidence: Sequence[tuple[int, int, int]]) -> int:
    return sum(max(0, min(unit.end, end) - max(unit.start, start)) for doc, start, end in evidence if doc == unit.doc)


def _scaled(scores: Sequence[float]) -> list[float]:
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    return [(score - low) / (high - low) if high > low else 0.0 for score in scores]
