"""Training samples from tools that really ran: what a goal needs of an output is known from how the tool works."""

from contextprune.training.executed.make import write_tool_samples

__all__ = ["write_tool_samples"]
