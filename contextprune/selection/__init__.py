"""Choice of what stays: under a budget, on arrival, at an epoch, or of a set of examples."""

from contextprune.selection.on_arrival import on_arrival
from contextprune.selection.prepared import Prepared
from contextprune.selection.under_budget import under_budget

__all__ = ["Prepared", "on_arrival", "under_budget"]
