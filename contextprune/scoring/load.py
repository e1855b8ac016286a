"""Find a scorer by name."""

from __future__ import annotations

from contextprune.context import Kind
from contextprune.errors import ScorerError
from contextprune.scoring.base import Blend, Scorer
from contextprune.scoring.lexical import Lexical
from contextprune.scoring.signals import Signals

_TRACE = {"signals.v1": 1.0}
_ASKED = {"lexical.v1": 0.05, "signals.v1": 0.95}
_TEXT = {"lexical.v1": 1.0}


def load_scorer(name: str = "auto", device: str = "auto") -> Scorer:
    """The scorer called `name`: "lexical", or "auto" for the best that is installed.

    On traces recency, uniqueness and references carry the weight; on documents the query does.
    `device` is "auto", "cpu" or "cuda"; the lexical scorer has no use for it. Raises ScorerError for any other name.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ScorerError(f"unknown device {device!r}: auto, cpu or cuda")
    if name in ("auto", "lexical"):
        kinds = {Kind.TOOL_RESULT: _TRACE, Kind.DOCUMENT: _TEXT, Kind.EXAMPLE: _TEXT}
        return Blend((Lexical(), Signals()), default=_TRACE, weights=kinds, asked=_ASKED)
    raise ScorerError(f"unknown scorer {name!r}: this version has `lexical` (BM25 and signals, no model)")
