"""Training samples from tools that really ran: what a goal needs of an output is known from how the tool works."""

from contextprune.training.executed.make import Plan, write_tool_samples

__all__ = ["Plan", "write_tool_samples"]
