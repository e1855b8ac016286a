"""The seam for scorers, and the blend that is used without a model.

A scorer sees the whole context and all spans at once, so a model can batch them; it returns one probability a span.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from contextprune.context import Context, Kind, Reading, Span
from contextprune.errors import ScorerError

READ = frozenset({Kind.DOCUMENT, Kind.TOOL_RESULT, Kind.EXAMPLE})
"""Kinds that models read; spans of any other have the score of signals.v1."""


class Scorer(Protocol):
    """How likely is each span to be needed? `name` is versioned: it is part of every cache key."""

    @property
    def name(self) -> str:
        """The versioned name."""
        ...

    def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:
        """One score in 0..1 for each span, in order."""
        ...


@runtime_checkable
class Calibrated(Protocol):
    """A scorer that knows which score keeps which share of what is needed."""

    def threshold(self, context: Context, spans: Sequence[Span], segment: int, recall: float) -> float | None:
        """The least score with which a span of `segment` is kept, so that a share `recall` of the needed ones is.

        None: these very scores are not calibrated.
        """
        ...


@runtime_checkable
class Remarked(Protocol):
    """A scorer with a remark for reports: one sentence, or "" for none."""

    note: str


@runtime_checkable
class OnDevice(Protocol):
    """A scorer that runs a model: `runs_on` names the device and the number format, for people."""

    runs_on: str


class Blend:
    """A weighted mean of scorers, with weights of its own for each kind of segment.

    `weights[kind]` maps a scorer's name to its share; a kind that is not listed uses `default`. `asked` are the weights
    for results of tools where the caller gave a query, `alone` those for a single result that no session is known to
    follow (None: as any other result). A scorer that has no share in any segment is not called.
    """

    def __init__(
        self,
        scorers: Sequence[Scorer],
        default: Mapping[str, float],
        weights: Mapping[Kind, Mapping[str, float]],
        asked: Mapping[str, float],
        alone: Mapping[str, float] | None = None,
        *,
        note: str = "",
    ) -> None:
        self._scorers = tuple(scorers)
        names = [scorer.name for scorer in scorers]
        self._default = _shares(default, names)
        self._shares = {kind: _shares(share, names) for kind, share in weights.items()}
        self._with_query = _shares(asked, names)
        self._single_result = _shares(alone, names) if alone else None
        self.name = "+".join(names)
        self.note = note

    def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:
        """The weighted mean for each span."""
        scores = [0.0] * len(spans)
        reading = context.reading  # it looks at all segments, so once is enough
        shares = [self._share(segment.kind, reading, with_query=context.asked) for segment in context.segments]
        for k, scorer in enumerate(self._scorers):
            if any(share[k] for share in shares):
                for i, score in enumerate(scorer(context, spans)):
                    scores[i] += shares[spans[i].segment][k] * score
        return scores

    def _share(self, kind: Kind, reading: Reading, *, with_query: bool) -> tuple[float, ...]:
        if kind is Kind.TOOL_RESULT:
            if reading is Reading.SINGLE_RESULT and self._single_result:
                return self._single_result
            if with_query:
                return self._with_query
        return self._shares.get(kind, self._default)


def _shares(weights: Mapping[str, float], names: Sequence[str]) -> tuple[float, ...]:
    unknown = set(weights) - set(names)
    if unknown or not weights or min(weights.values()) < 0 or sum(weights.values()) <= 0:
        raise ScorerError(f"weights {dict(weights)} do not fit the scorers {list(names)}")
    total = sum(weights.values())
    return tuple(weights.get(name, 0.0) / total for name in names)


def remarks(scorer: Scorer) -> tuple[str, ...]:
    """Sentences of a report on a scorer, besides its name."""
    return (scorer.note,) if isinstance(scorer, Remarked) and scorer.note else ()


def device_of(scorer: Scorer) -> str:
    """The device that a scorer runs on, "" for one without a model."""
    return scorer.runs_on if isinstance(scorer, OnDevice) else ""


def check(scores: Sequence[float], spans: Sequence[Span], name: str) -> None:
    """Raise ScorerError unless there is one score in 0..1 for each span (NaN is none)."""
    if len(scores) != len(spans):
        raise ScorerError(f"{name} gave {len(scores)} scores for {len(spans)} spans")
    for i, score in enumerate(scores):
        if not 0.0 <= score <= 1.0:
            raise ScorerError(f"{name} gave {score!r} for span {i}: scores lie in 0..1")
