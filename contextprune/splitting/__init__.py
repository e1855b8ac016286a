"""From segments to spans: `split` finds the shape of each part of a text and hands it to that shape's cutter."""

from contextprune.splitting.split import cut, split

__all__ = ["cut", "split"]
