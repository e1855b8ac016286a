"""What stays: under a budget, on arrival, or of a set of examples."""

from contextprune.selection.arrive import arrive
from contextprune.selection.choose import choose, whole
from contextprune.selection.constraints import movable
from contextprune.selection.select import select

__all__ = ["arrive", "choose", "movable", "select", "whole"]
