"""What was decided: one decision for each span, with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from contextprune.context import Context, Span, Syntax


class Action(StrEnum):
    """What happens to a span."""

    KEEP = "keep"
    DIGEST = "digest"  # only its identifiers and numbers survive, inside the marker
    MERGE = "merge"  # an equal span elsewhere stands for it
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one span and why.

    score    0..1, how likely the span is needed
    cost     tokens of the span's text
    into     MERGE: index of the span that stands for this one
    digest   DIGEST: the identifiers and numbers that survive, in reading order
    """

    action: Action
    score: float
    cost: int
    reason: str
    into: int | None = None
    digest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Decisions, one for each span of `spans`, in the same order.

    steps    how many steps the selection took; fewer steps keep a subset
    """

    context: Context
    spans: tuple[Span, ...]
    decisions: tuple[Decision, ...]
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Prices:
    """What a marker costs, so that selection can charge for it; upper bounds.

    gap, gap_chars   tokens and characters of one marker without a recall key, by the syntax that it stands in
    key, key_chars   what the first marker of a segment costs more, for the recall key
    """

    gap: Mapping[Syntax, int]
    gap_chars: Mapping[Syntax, int]
    key: int
    key_chars: int


@dataclass(frozen=True, slots=True)
class Atom:
    """An identifier that a marker may carry.

    score   0..1, how likely it is to be needed
    cost    tokens that it adds to a marker
    spans   indices of the spans that show it, in order; the last one is its home, whose marker carries it
    """

    text: str
    score: float
    cost: int
    spans: tuple[int, ...]
