"""Hard negatives: documents of other rows that share the question's rarer words and yet do not answer it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import log
from random import Random

from contextprune.text.identifiers import words
from contextprune.training.labels.questions import Doc, Row

_CHARS = 2000  # of a document that are looked at, and that a distractor may have
_SHARED = 0.1  # share of the documents: a word in more of them tells nothing
_NEAR = 12  # the best of which some are drawn, so that not every row meets the very nearest


class Pool:
    """The documents of a set's rows, by word."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._docs: list[tuple[Doc, frozenset[str]]] = []
        self._having: dict[str, list[int]] = defaultdict(list)
        known: set[str] = set()
        for row in rows:
            for doc in row.docs:
                if doc.text not in known and len(doc.text) <= _CHARS:
                    known.add(doc.text)
                    self._add(doc, frozenset(row.groups))

    def _add(self, doc: Doc, groups: frozenset[str]) -> None:
        for word in set(words(f"{doc.title} {doc.text}")):
            self._having[word].append(len(self._docs))
        self._docs.append((doc, groups))

    def near(self, row: Row, count: int, dice: Random) -> list[Doc]:
        """Up to `count` documents of other groups, close to the question, that hold none of its answers."""
        votes: Counter[int] = Counter()
        for word in set(words(row.question)):
            having = self._having.get(word, ())
            if 0 < len(having) <= max(3, _SHARED * len(self._docs)):
                for i in having:
                    votes[i] += log(len(self._docs) / len(having)) + 0.01  # type: ignore[assignment] # a float will do
        found: list[Doc] = []
        for i, _ in votes.most_common(4 * _NEAR):
            doc, groups = self._docs[i]
            if groups.isdisjoint(row.groups) and not _answers(row.answers, doc.text):
                found.append(doc._replace(judged=True))
        near = found[:_NEAR]
        return dice.sample(near, min(count, len(near)))


def _answers(answers: Sequence[str], text: str) -> bool:
    return any(len(answer) > 3 and answer in text for answer in answers)
