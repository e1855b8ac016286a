"""Usage that a provider reported about the calls of a session, where the recording has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Logged:
    """Tokens as the provider counted them, over `requests` calls: input by how it was paid for, and output."""

    requests: int = 0
    fresh: int = 0
    written: int = 0
    read: int = 0
    output: int = 0

    def __add__(self, other: Logged) -> Logged:
        return Logged(
            self.requests + other.requests,
            self.fresh + other.fresh,
            self.written + other.written,
            self.read + other.read,
            self.output + other.output,
        )

    @property
    def tokens(self) -> int:
        """Input tokens of all calls."""
        return self.fresh + self.written + self.read


def count(value: Any) -> int:
    """`value` where it is a number of tokens, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def of_steps(trajectory: Mapping[str, Any]) -> Logged | None:
    """The usage in the metrics of an ATIF trajectory's steps; None where they have none."""
    total = Logged()
    steps = trajectory.get("steps")
    for step in steps if isinstance(steps, list) else ():
        metrics = step.get("metrics") if isinstance(step, Mapping) else None
        if isinstance(metrics, Mapping) and count(metrics.get("prompt_tokens")):
            prompt, cached = count(metrics.get("prompt_tokens")), count(metrics.get("cached_tokens"))
            output = count(metrics.get("completion_tokens"))
            total += Logged(1, fresh=max(0, prompt - cached), read=min(cached, prompt), output=output)
    return total if total.tokens else None
