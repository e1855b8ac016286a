"""Questions with evidence in their documents become samples, in the form that `prune_documents` gives the engine.

A row can be told in several ways: in another order, among distractors, without the document that answers it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, NamedTuple

from contextprune.context import Context, Kind, Segment
from contextprune.training.labels.kit import Raw, groups
from contextprune.training.samples import Need, Sample

WEAK_WEIGHT = 0.5  # weight of labels that a rule made, and of whole passages that were only judged relevant

_RETRIEVED = frozenset({"nq20", "hotpot500", "hotpotqa", "musique"})
"""Sets whose distractors were retrieved: one that holds the answer, too, is no fair negative."""
_TRAILER = re.compile(r"^\W*(co-authored-by|signed-off-by|reviewed-by):.*$", re.IGNORECASE | re.MULTILINE)
_EMAIL = re.compile(r"<?[\w.+-]+@[\w-]+\.[\w.-]+>?")
_SUMMARISE = ("Summarise this text in one sentence.", "What is the main point?", "What do the authors contribute?")


class Doc(NamedTuple):
    """A document of a row; `judged` is False where its label is unknown."""

    title: str
    text: str
    judged: bool = True


class Piece(NamedTuple):
    """Evidence: a range of characters of a document."""

    doc: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Row:
    """A question over documents. `evidence` is () where nothing is needed; `call` is the tool that gave them."""

    id: str
    source: str
    kind: str
    groups: tuple[str, ...]
    question: str
    docs: tuple[Doc, ...]
    evidence: tuple[Piece, ...]
    weight: float = 1.0
    answers: tuple[str, ...] = ()
    call: Mapping[str, Any] | None = None


def parse(raw: Raw, source: str, kind: str) -> Row | None:
    """Parse a record; None where it says too little: no evidence, though something is needed."""
    meta = raw.get("meta") or {}
    gold = frozenset(raw.get("gold_doc_ids") or ())
    evidence = {Piece(e["doc"], e["start"], e["end"]) for e in raw.get("evidence") or ()}
    if source == "ares_synth":  # passages that were judged as a whole
        evidence = {Piece(i, 0, len(raw["docs"][i]["text"])) for i in gold}
    elif not evidence and meta.get("answerable", True):
        return None

    answers = tuple(str(answer) for answer in raw.get("answers") or ())
    return Row(
        id=str(raw["id"]),
        source=source,
        kind=kind,
        groups=groups(raw, source),
        question=_clean(str(raw["question"])),
        docs=tuple(
            _document(doc, i in gold, answers if source in _RETRIEVED else ()) for i, doc in enumerate(raw["docs"])
        ),
        evidence=merge_pieces(evidence),
        weight=WEAK_WEIGHT if raw.get("label") == "weak" or source == "ares_synth" else 1.0,
        answers=answers,
        call=meta.get("call"),
    )


def parse_abstract(raw: Raw, source: str) -> Row:
    """Parse an abstract whose sentences have keep labels; the question is a general one."""
    pieces, at = [], 0
    for sentence, keep in zip(raw["sentences"], raw["keep"], strict=True):
        if keep:
            pieces.append(Piece(0, at, at + len(sentence)))
        at += len(sentence) + 1
    question = _SUMMARISE[at % len(_SUMMARISE)]
    doc = Doc("", " ".join(raw["sentences"]))
    return Row(str(raw["id"]), source, "prose", groups(raw, source), question, (doc,), tuple(pieces), WEAK_WEIGHT)


def shuffled(row: Row, rng_for: Random) -> Row:
    """Put the documents in another order."""
    order = list(range(len(row.docs)))
    rng_for.shuffle(order)
    new_index = {old: new for new, old in enumerate(order)}
    evidence = sorted(piece._replace(doc=new_index[piece.doc]) for piece in row.evidence)
    return replace(row, docs=tuple(row.docs[i] for i in order), evidence=tuple(evidence))


def with_distractors(row: Row, distractors: Sequence[Doc], rng_for: Random) -> Row:
    """Add documents in which nothing is needed, and shuffle."""
    return shuffled(replace(row, docs=(*row.docs, *distractors)), rng_for)


def all_judged(row: Row) -> Row:
    """Drop the documents whose label is unknown, for forms that make one text of all."""
    kept = [i for i, doc in enumerate(row.docs) if doc.judged]
    new_index = {old: new for new, old in enumerate(kept)}
    evidence = tuple(piece._replace(doc=new_index[piece.doc]) for piece in row.evidence)
    return replace(row, docs=tuple(row.docs[i] for i in kept), evidence=evidence)


def without_gold(row: Row) -> Row | None:
    """Drop the documents that answer the row; None where fewer than two would be left, or an answer stays."""
    gold = {piece.doc for piece in row.evidence}
    remaining = tuple(doc for i, doc in enumerate(row.docs) if i not in gold and doc.judged)
    if not gold or len(remaining) < 2 or any(answer in doc.text for answer in row.answers for doc in remaining):
        return None
    return replace(row, docs=remaining, evidence=())


def misdirected(row: Row, other_row: Row) -> Row | None:
    """Put the row's question to another row's documents: nothing is needed. None where they share a group or answer."""
    if not set(row.groups).isdisjoint(other_row.groups) or any(
        a in doc.text for a in row.answers for doc in other_row.docs
    ):
        return None
    groups = (*row.groups, *other_row.groups)
    return replace(other_row, id=f"{row.id}#astray", question=row.question, groups=groups, evidence=(), answers=())


def as_documents(row: Row, suffix: str = "") -> Sample:
    """Make the sample of the row in the form that `prune_documents` gives the engine."""
    segments = tuple(Segment(Kind.DOCUMENT, doc.text, (i,), name=doc.title or None) for i, doc in enumerate(row.docs))
    return Sample(
        id=row.id + suffix,
        source=row.source,
        kind=row.kind,
        groups=row.groups,
        context=Context(segments, row.question, asked=True),
        judged=tuple(i for i, doc in enumerate(row.docs) if doc.judged and doc.text),
        needs=tuple(Need(*piece, row.weight) for piece in row.evidence),
    )


def merge_pieces(pieces: set[Piece]) -> tuple[Piece, ...]:
    """Order the pieces, join those that overlap, and leave empty ones out."""
    result: list[Piece] = []
    for piece in sorted(piece for piece in pieces if piece.start < piece.end):
        last = result[-1] if result else None
        if last is not None and last.doc == piece.doc and piece.start <= last.end:
            result[-1] = last._replace(end=max(last.end, piece.end))
        else:
            result.append(piece)
    return tuple(result)


def _document(doc: Raw, gold: bool, answers: Sequence[str]) -> Doc:
    text = str(doc["text"])
    holds_answer = not gold and any(len(answer) > 3 and answer in text for answer in answers)
    return Doc(str(doc.get("title") or ""), text, not holds_answer)


def _clean(question: str) -> str:
    """Remove the names and addresses of people at the end of a commit message."""
    question = _EMAIL.sub("", _TRAILER.sub("", question.replace("\r\n", "\n")))
    return re.sub(r"\n{3,}", "\n\n", question).strip()
