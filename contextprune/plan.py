"""What was decided: one decision for each span, with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from contextprune.context import Context, Span


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
    """Decisions, one for each span of `spans`, in the same order."""

    context: Context
    spans: tuple[Span, ...]
    decisions: tuple[Decision, ...]


class Prices(Protocol):
    """What markers cost, as (tokens, bytes), so that selection can charge for them. Numbers in a marker are priced by
    how many digits they have; `exact` counts the text that will be sent.
    """

    def gap(self, first: int, end: int) -> tuple[int, int]:
        """The marker in place of spans first..end of one segment, without recall key and identifiers."""
        ...

    def key(self, segment: int) -> tuple[int, int]:
        """What the first marker of a segment costs more, for the recall key."""
        ...

    def room(self, first: int, end: int) -> int:
        """Tokens that identifiers may take in the marker in place of spans first..end, the recall key included."""
        ...

    def exact(self, decisions: Sequence[Decision], first: int) -> int:
        """Tokens of the new text of the segment whose first span is `first`; `decisions` are its spans' alone."""
        ...


class Identifier(NamedTuple):
    """An identifier that a marker may carry.

    score   0..1, how likely it is to be needed
    cost    tokens that it adds to a marker; 0 where a range of numbers names it between its ends
    spans   indices of the spans that show it, in order; the last one is its home, whose marker carries it
    """

    text: str
    score: float
    cost: int
    spans: tuple[int, ...]
