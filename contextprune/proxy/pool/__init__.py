"""Scorer processes: their start, their queue, their deadlines, their breaker."""
