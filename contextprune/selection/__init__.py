"""What stays: under a budget, on arrival, at an epoch, or of a set of examples."""

from contextprune.selection.dedupe import sameness
from contextprune.selection.examples import choose, whole
from contextprune.selection.on_arrival import arrive
from contextprune.selection.protection import movable, protection
from contextprune.selection.targets import Observed, recall_on_arrival, share_at_epoch
from contextprune.selection.under_budget import select

__all__ = [
    "Observed",
    "arrive",
    "choose",
    "movable",
    "protection",
    "recall_on_arrival",
    "sameness",
    "select",
    "share_at_epoch",
    "whole",
]
