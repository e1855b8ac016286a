"""The pool of scorer processes as the rest of the front knows it: one Protocol, and its state in figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from contextprune.proxy.job import Answer, Job


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """State of the pool at a moment.

    queue_tokens   that wait; `waiting` jobs have them
    in_flight      jobs that a process works on
    ready          processes that are up
    restarts       processes that were started anew, since the front began
    breaker        "closed", or the state of a process that is being left alone
    trouble        why the last process could not start, "" where all could
    """

    queue_tokens: int = 0
    waiting: int = 0
    in_flight: int = 0
    ready: int = 0
    restarts: int = 0
    breaker: str = "closed"
    trouble: str = ""


class Pool(Protocol):
    """Shortens bodies: `pool.ScorerPool`, or nothing at all. Belongs to one event loop."""

    @property
    def ready(self) -> bool:
        """True where a job would be taken."""
        ...

    async def start(self) -> None:
        """Start it: called once, on the loop that serves."""
        ...

    async def stop(self) -> None:
        """End it: called once, at the end."""
        ...

    async def ask(self, job: Job) -> Answer:
        """Decide what is sent in place of a body, in time."""
        ...

    async def catch_up(self, job: Job) -> Answer:
        """Count a job that came too late, as it was sent after all; nobody waits for that. No tokens: in vain."""
        ...

    def failed(self, job: Job) -> None:
        """Take note that the provider has not taken the request of `job`."""
        ...

    def refused(self, job: Job) -> None:
        """Take note that the provider refused the answer to `job`, and took the original."""
        ...

    def status(self) -> PoolStatus:
        """Its state at this moment."""
        ...
