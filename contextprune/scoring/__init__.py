"""Scorers: how likely each span is to be needed, and which identifiers a marker should carry."""

from contextprune.scoring.alike import Alike, compare, weighed
from contextprune.scoring.base import Blend, Calibrated, Scorer, check, device_of, remarks
from contextprune.scoring.digest import identifiers_to_carry, identifiers_to_carry_on_arrival
from contextprune.scoring.lexical import Lexical
from contextprune.scoring.load import in_time, load_scorer
from contextprune.scoring.named import longest, named
from contextprune.scoring.signals import Signals

__all__ = [
    "Alike",
    "Blend",
    "Calibrated",
    "Lexical",
    "Scorer",
    "Signals",
    "check",
    "compare",
    "device_of",
    "identifiers_to_carry",
    "identifiers_to_carry_on_arrival",
    "in_time",
    "load_scorer",
    "longest",
    "named",
    "remarks",
    "weighed",
]
