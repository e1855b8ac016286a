"""Counters of the middleware, as they stand in an agent's private state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

STATE = "contextprune"


@dataclass(frozen=True, slots=True)
class Savings:
    """What the middleware did in one thread.

    Attributes:
        requests: Calls of the model.
        before: Tokens of the messages that these would have sent without contextprune, summed over the requests.
        after: Tokens that they sent, summed likewise. What something behind ours clears is in neither of the two.
        epochs: Requests in which old blocks were decided anew.
        recalls: Originals that the model asked back.
        failures: Requests and results that went through as they were, because something failed.
        reason: What failed last, in a line; "" for nothing.
        last: When the last request was sent, in seconds since 1970.
    """

    requests: int = 0
    before: int = 0
    after: int = 0
    epochs: int = 0
    recalls: int = 0
    failures: int = 0
    last: float = 0.0
    reason: str = ""

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Savings:
        """From the values of an agent's state, as in `Savings.of(agent.get_state(config).values)`."""
        kept = state.get(STATE)
        if not isinstance(kept, Mapping):
            return cls()
        return cls(**{field.name: kept[field.name] for field in fields(cls) if field.name in kept})

    def as_state(self) -> dict[str, Any]:
        """Give what a checkpoint can hold."""
        return asdict(self)

    @property
    def saved(self) -> int:
        """Tokens that were not sent."""
        return self.before - self.after

    @property
    def ratio(self) -> float:
        """Share of the tokens that was sent, 1.0 before the first request."""
        return self.after / self.before if self.before else 1.0

    def __str__(self) -> str:
        """One line."""
        failed = f", {self.failures:,} failures ({self.reason})" if self.failures else ""
        return (
            f"{self.requests:,} requests, {self.before:,} tokens without and {self.after:,} with contextprune "
            f"({self.ratio:.0%}), {self.epochs:,} epochs, {self.recalls:,} recalls{failed}"
        )
