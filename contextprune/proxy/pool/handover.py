"""Messages for a scorer process that starts: what its predecessor decided, where the store ended with it; refusals."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from contextprune.proxy.job import Job, pack, pack_job

MOST_BYTES = 16 << 20


class Handover:
    """Messages for each process that comes after, the latest of them, in the order in which they came about.

    single   the store is the memory of one process: what it decides, only this tells the next one
    """

    def __init__(self, max_bytes: int = MOST_BYTES) -> None:
        self.single = False
        self._messages: deque[Sequence[bytes]] = deque()
        self._max_bytes, self._size = max_bytes, 0

    def send_all(self, send: Callable[[Sequence[bytes]], None]) -> None:
        """Send all messages, the oldest first."""
        for message in self._messages:
            send(message)

    def noted(self, job: Job, notes: bytes | None) -> None:
        """Add what was decided about a job's body, and sent."""
        if self.single and notes is not None:
            self._add(pack({"word": "noted", "tenant": job.tenant}, notes))

    def refused(self, job: Job) -> Sequence[bytes]:
        """Add that the provider refused our version of a job's body; the message itself."""
        message = pack_job(job, "refused")
        self._add(message)
        return message

    def _add(self, message: Sequence[bytes]) -> None:
        self._messages.append(message)
        self._size += sum(map(len, message))
        while self._size > self._max_bytes and len(self._messages) > 1:
            self._size -= sum(map(len, self._messages.popleft()))
