"""How likely each span is to be needed."""

from contextprune.scoring.base import Blend, Calibrated, Scorer, check, notes
from contextprune.scoring.digest import arriving, atoms
from contextprune.scoring.lexical import Lexical
from contextprune.scoring.load import load_scorer
from contextprune.scoring.signals import Signals

__all__ = ["Blend", "Calibrated", "Lexical", "Scorer", "Signals", "arriving", "atoms", "check", "load_scorer", "notes"]
