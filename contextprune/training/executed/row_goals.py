"""Goals about one record of many: by its name, what it is for, its rank, or a value of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from contextprune.training.executed.phrases import is_descriptive, phrase, reword
from contextprune.training.executed.records import FIELDS, Record, hint, label

_NAMED = (
    "What is the {field} of {name}?",
    "{name}: {field}?",
    "I need the {field} for `{name}`.",
    "Look up {name} and tell me its {field}.",
    "How about {name}? I only want the {field}.",
    "Update the docs with the {field} of {name}; what is it?",
)
_HINTED = (
    "There is a {kind} about {words}; give me its {field}.",
    "What's the {field} of the {words} {kind}?",
    "the {words} one: {field}?",
    "Find the {kind} that deals with {words} and note its {field}.",
)
_DESCRIBED = (
    "Which {kind} is meant for this: {doc}?",
    "{doc} - what is the {field} of the {kind} for that?",
    "I look for the {kind} described like so: {doc}. I need its {field}.",
    "We have a {kind} whose purpose is: {doc}. Which one is it?",
)
_HIGHEST = (
    "Which {kind} has the highest {field}?",
    "Which {kind} stands out with the largest {field}?",
    "Find the {kind} that tops all others by {field}.",
    "Sort by {field} in your head: which {kind} comes out on top?",
)
_LOWEST = (
    "Which {kind} has the lowest {field}?",
    "Which {kind} comes last when ranked by {field}?",
    "Find the {kind} with the smallest {field}.",
)
_ABOVE = (
    "Which {kind}s have a {field} above {limit}?",
    "List every {kind} whose {field} exceeds {limit}.",
    "Any {kind}s with {field} over {limit}? Those need splitting.",
)


class RowGoal(NamedTuple):
    """A goal, the records and the field that answer it; () for all fields."""

    text: str
    rows: tuple[int, ...]
    field: str
    key: str | None
    plain: bool


def row_goals(rng: Random, rows: Sequence[Record], kind: str) -> Iterator[RowGoal]:
    """Goals for these records: by name, by hint, by summary, by rank."""
    labels = [label(row) for row in rows]
    hints = [hint(row) for row in rows]
    docs = [row.get("summary") for row in rows]

    for i, row in enumerate(rows):
        name = rng.choice([f for f in row if f not in {"id", "name", "path"}])
        words = {"kind": kind, "field": rng.choice(FIELDS[name])}
        if labels.count(labels[i]) == 1:
            yield RowGoal(phrase(rng, _NAMED, name=labels[i], **words), (i,), name, labels[i], True)
        if hints.count(hints[i]) == 1 and " " in hints[i]:
            yield RowGoal(phrase(rng, _HINTED, words=hints[i], **words), (i,), name, labels[i], False)
        if docs.count(docs[i]) == 1 and is_descriptive(str(docs[i])) and docs[i]:
            text = phrase(rng, _DESCRIBED, doc=reword(rng, str(docs[i])), **words)
            yield RowGoal(text, (i,), name if words["field"] in text else "", labels[i], False)
    yield from _ranked(rng, rows, kind)


def _ranked(rng: Random, rows: Sequence[Record], kind: str) -> Iterator[RowGoal]:
    for name in [f for f, value in rows[0].items() if isinstance(value, int) and f not in {"id", "line"}]:
        values = [int(row[name]) for row in rows]
        words = {"kind": kind, "field": rng.choice(FIELDS[name])}
        for templates, extreme in ((_HIGHEST, max(values)), (_LOWEST, min(values))):
            if values.count(extreme) == 1:
                yield RowGoal(phrase(rng, templates, **words), (values.index(extreme),), name, None, False)
        limit = sorted(values)[-min(len(values) - 1, rng.randrange(3, 7))]
        above = tuple(i for i, value in enumerate(values) if value > limit)
        if above:
            yield RowGoal(phrase(rng, _ABOVE, limit=limit, **words), above, name, None, False)
