"""Training samples from tools that really ran: what a goal needs of an output is known from how the tool works."""

from contextprune.training.executed.make import make

__all__ = ["make"]
