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

WEAK = 0.5  # weight of labels that a rule made, and of whole passages that were only judged relevant

_ELSEWHERE = frozenset({"nq20", "hotpot500", "hotpotqa", "musique"})
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
    """The row of a record; None where it says too little: no evidence, though something is needed."""
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
        docs=tuple(_doc(doc, i in gold, answers if source in _ELSEWHERE else ()) for i, doc in enumerate(raw["docs"])),
        evidence=merged(evidence),
        weight=WEAK if raw.get("label") == "weak" or source == "ares_synth" else 1.0,
        answers=answers,
        call=meta.get("call"),
    )


def parse_abstract(raw: Raw, source: str) -> Row:
    """An abstract whose sentences have keep labels: a question that names nothing of what it asks for."""
    pieces, at = [], 0
    for sentence, keep in zip(raw["sentences"], raw["keep"], strict=True):
        if keep:
            pieces.append(Piece(0, at, at + len(sentence)))
        at += len(sentence) + 1
    question = _SUMMARISE[at % len(_SUMMARISE)]
    doc = Doc("", " ".join(raw["sentences"]))
    return Row(str(raw["id"]), source, "prose", groups(raw, source), question, (doc,), tuple(pieces), WEAK)


def shuffled(row: Row, dice: Random) -> Row:
    """The same documents in another order."""
    order = list(range(len(row.docs)))
    dice.shuffle(order)
    place = {old: new for new, old in enumerate(order)}
    evidence = sorted(piece._replace(doc=place[piece.doc]) for piece in row.evidence)
    return replace(row, docs=tuple(row.docs[i] for i in order), evidence=tuple(evidence))


def among(row: Row, distractors: Sequence[Doc], dice: Random) -> Row:
    """The row with further documents in which nothing is needed, in any order."""
    return shuffled(replace(row, docs=(*row.docs, *distractors)), dice)


def all_judged(row: Row) -> Row:
    """The row without the documents whose label is unknown, for forms that make one text of all."""
    kept = [i for i, doc in enumerate(row.docs) if doc.judged]
    place = {old: new for new, old in enumerate(kept)}
    evidence = tuple(piece._replace(doc=place[piece.doc]) for piece in row.evidence)
    return replace(row, docs=tuple(row.docs[i] for i in kept), evidence=evidence)


def without_gold(row: Row) -> Row | None:
    """The row without the documents that answer it; None where nothing would be left, or an answer stays."""
    gold = {piece.doc for piece in row.evidence}
    rest = tuple(doc for i, doc in enumerate(row.docs) if i not in gold and doc.judged)
    if not gold or len(rest) < 2 or any(answer in doc.text for answer in row.answers for doc in rest):
        return None
    return replace(row, docs=rest, evidence=())


def astray(row: Row, other: Row) -> Row | None:
    """The row's question put to what another row asks about: nothing is needed. None where both rest on the same."""
    if not set(row.groups).isdisjoint(other.groups) or any(a in doc.text for a in row.answers for doc in other.docs):
        return None
    groups = (*row.groups, *other.groups)
    return replace(other, id=f"{row.id}#astray", question=row.question, groups=groups, evidence=(), answers=())


def as_documents(row: Row, suffix: str = "") -> Sample:
    """The sample that `prune_documents` would make of the row."""
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


def merged(pieces: set[Piece]) -> tuple[Piece, ...]:
    """The pieces in order, those that overlap made one; empty ones left out."""
    found: list[Piece] = []
    for piece in sorted(piece for piece in pieces if piece.start < piece.end):
        last = found[-1] if found else None
        if last is not None and last.doc == piece.doc and piece.start <= last.end:
            found[-1] = last._replace(end=max(last.end, piece.end))
        else:
            found.append(piece)
    return tuple(found)


def _doc(doc: Raw, gold: bool, answers: Sequence[str]) -> Doc:
    text = str(doc["text"])
    elsewhere = not gold and any(len(answer) > 3 and answer in text for answer in answers)
    return Doc(str(doc.get("title") or ""), text, not elsewhere)


def _clean(question: str) -> str:
    """Without the names and addresses of people at the end of a commit message."""
    question = _EMAIL.sub("", _TRAILER.sub("", question.replace("\r\n", "\n")))
    return re.sub(r"\n{3,}", "\n\n", question).strip()
