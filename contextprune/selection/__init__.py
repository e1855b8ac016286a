"""What stays: under a budget, on arrival, at an epoch, or of a set of examples."""

from contextprune.selection.arrive import arrive
from contextprune.selection.choose import choose, whole
from contextprune.selection.constraints import is_view, movable, protection
from contextprune.selection.dedupe import sameness
from contextprune.selection.economy import EVERY, Meter, keeps_cacheable, tables
from contextprune.selection.pressure import Observed, recall_on_arrival, share_at_epoch
from contextprune.selection.select import select

__all__ = [
    "EVERY",
    "Meter",
    "Observed",
    "arrive",
    "choose",
    "is_view",
    "keeps_cacheable",
    "movable",
    "protection",
    "recall_on_arrival",
    "sameness",
    "select",
    "share_at_epoch",
    "tables",
    "whole",
]
