"""What was decided: one decision for each span, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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
    """Decisions, one for each span of `spans`, in the same order.

    keys   recall key of each rewritten segment, by segment index
    """

    context: Context
    spans: tuple[Span, ...]
    decisions: tuple[Decision, ...]
    keys: tuple[tuple[int, str], ...] = ()
