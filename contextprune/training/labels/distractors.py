"""Hard negatives: documents of other rows that share the question's rarer words and yet do not answer it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import log
from random import Random

from contextprune.text.identifiers import words
from contextprune.training.labels.questions import Doc, Row

MAX_CHARS = 2000  # of a document that are looked at, and that a distractor may have
MAX_SHARE = 0.1  # share of the documents: a word in more of them tells nothing
CANDIDATES = 12  # the best of which some are drawn, so that not every row meets the very nearest


class DistractorIndex:
    """Documents of a set's rows, by word."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._docs: list[tuple[Doc, frozenset[str]]] = []
        self._by_word: dict[str, list[int]] = defaultdict(list)
        indexed: set[str] = set()
        for row in rows:
            for doc in row.docs:
                if doc.text not in indexed and len(doc.text) <= MAX_CHARS:
                    indexed.add(doc.text)
                    self._add(doc, frozenset(row.groups))

    def _add(self, doc: Doc, groups: frozenset[str]) -> None:
        for word in set(words(f"{doc.title} {doc.text}")):
            self._by_word[word].append(len(self._docs))
        self._docs.append((doc, groups))

    def closest(self, row: Row, count: int, rng_for: Random) -> list[Doc]:
        """Draw up to `count` documents of other groups, close to the question, that hold none of its answers."""
        votes: Counter[int] = Counter()
        for word in sorted(set(words(row.question))):  # floats are added in one order in every process
            indices = self._by_word.get(word, ())
            if 0 < len(indices) <= max(3, MAX_SHARE * len(self._docs)):
                for i in indices:
                    votes[i] += log(len(self._docs) / len(indices)) + 0.01  # type: ignore[assignment] # a float will do

        candidates: list[Doc] = []
        for i, _ in votes.most_common(4 * CANDIDATES):
            doc, groups = self._docs[i]
            if groups.isdisjoint(row.groups) and not _answers(row.answers, doc.text):
                candidates.append(doc._replace(judged=True))
        closest = candidates[:CANDIDATES]
        return rng_for.sample(closest, min(count, len(closest)))


def _answers(answers: Sequence[str], text: str) -> bool:
    return any(len(answer) > 3 and answer in text for answer in answers)
