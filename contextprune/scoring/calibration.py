"""From logits to probabilities, and from the recall that is asked for to the score that gives it.

Both are learned per class of content on documents that training never saw: an isotonic curve makes a logit the share
of such spans that were needed (Zadrozny and Elkan 2002), and the scores of the needed spans themselves, in order, say
below which score a share of them would be lost (split conformal prediction, Vovk et al. 2005).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contextprune.context import Context, Kind, Span, Unit
from contextprune.errors import ScorerError
from contextprune.text.views import is_code

ALL = "all"
"""The class of all that has no curve of its own."""

DIGITS = 6  # of a score: what differs between machines lies below

_PLACES = {Kind.TOOL_RESULT: "result"}
_FORMS = {Unit.ROW: "table", Unit.ITEM: "data", Unit.RECORD: "data", Unit.SENTENCE: "prose", Unit.BLOCK: "code"}


@dataclass(frozen=True, slots=True)
class Curve:
    """One class of content.

    logits, shares   knots of the isotonic curve, both rising
    recalls, bars    for a recall (rising), the score that a span must reach (falling)
    """

    logits: tuple[float, ...]
    shares: tuple[float, ...]
    recalls: tuple[float, ...]
    bars: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Curves by class; `ALL` is always there."""

    curves: Mapping[str, Curve]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Calibration:
        """From the content of `calibration.json`. Raises ScorerError where that is no calibration."""
        try:
            curves = {name: Curve(*(tuple(map(float, curve[part])) for part in _PARTS)) for name, curve in raw.items()}
        except (KeyError, TypeError, ValueError) as exc:
            raise ScorerError(f"this is no calibration: {exc}") from exc
        for name, curve in curves.items():
            if not 0 < len(curve.logits) == len(curve.shares) or not 0 < len(curve.recalls) == len(curve.bars):
                raise ScorerError(f"the curve of {name!r} has no knots, or not as many values")
        if ALL not in curves:
            raise ScorerError(f"a calibration has a curve for {ALL!r}")
        return cls(curves)

    def to_json(self) -> dict[str, Any]:
        """The content of `calibration.json`."""
        return {name: {part: list(getattr(curve, part)) for part in _PARTS} for name, curve in self.curves.items()}

    def classes(self, context: Context, spans: Sequence[Span]) -> dict[int, str]:
        """The class of each segment that has spans."""
        return {s: name if name in self.curves else ALL for s, name in classes(context, spans).items()}

    def probability(self, name: str, logit: float) -> float:
        """The share of spans with such a logit that are needed."""
        curve = self.curves[name]
        return min(1.0, max(0.0, between(curve.logits, curve.shares, logit)))

    def threshold(self, name: str, recall: float) -> float:
        """The least score to keep for this recall; 0.0, which is everything, for 1."""
        curve = self.curves[name]
        return 0.0 if recall >= 1.0 else between(curve.recalls, curve.bars, recall)


_PARTS = ("logits", "shares", "recalls", "bars")


def classes(context: Context, spans: Sequence[Span]) -> dict[int, str]:
    """Each segment's class: where it stands, and the form that most of its characters have."""
    sizes: dict[int, Counter[str]] = {}
    for span in spans:
        form = "log" if span.group is not None else "code" if is_code(span) else _FORMS.get(span.unit, "lines")
        sizes.setdefault(span.segment, Counter())[form] += len(span.text)
    return {
        s: f"{_PLACES.get(context.segments[s].kind, 'text')}-{max(sorted(count), key=count.__getitem__)}"
        for s, count in sizes.items()
    }


def rounded(score: float) -> float:
    """Round to as many digits as machines agree on. Not to decimals: of unlikely spans, too, some are likelier."""
    return float(f"{score:.{DIGITS}g}")


def between(knots: Sequence[float], values: Sequence[float], at: float) -> float:
    """Linear between the knots, level beyond them."""
    k = bisect_right(knots, at)
    if k == 0:
        return values[0]
    if k == len(knots):
        return values[-1]
    share = (at - knots[k - 1]) / (knots[k] - knots[k - 1])
    return values[k - 1] + share * (values[k] - values[k - 1])
