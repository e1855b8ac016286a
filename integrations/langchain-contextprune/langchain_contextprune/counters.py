"""Counters of the middleware, as they stand in an agent's private state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

STATE = "contextprune"


@dataclass(frozen=True, slots=True)
class Savings:
    """What the middleware did in one thread.

    requests        calls of the model
    before, after   tokens of the messages that these sent, without and with contextprune, summed over the requests
    epochs          requests in which old blocks were decided anew
    recalls         originals that the model asked back
    failures        requests that went out unshortened, because something failed (it is logged)
    last            when the last request was sent, in seconds since 1970
    """

    requests: int = 0
    before: int = 0
    after: int = 0
    epochs: int = 0
    recalls: int = 0
    failures: int = 0
    last: float = 0.0

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Savings:
        """From the values of an agent's state, as in `Savings.of(agent.get_state(config).values)`."""
        kept = state.get(STATE)
        return cls(**kept) if isinstance(kept, Mapping) else cls()

    def as_state(self) -> dict[str, float]:
        """What a checkpoint can hold."""
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
        return (
            f"{self.requests:,} requests, {self.before:,} tokens without and {self.after:,} with contextprune "
            f"({self.ratio:.0%}), {self.epochs:,} epochs, {self.recalls:,} recalls"
        )
