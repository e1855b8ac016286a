"""Shares of the scorer processes: seconds that each tenant had of them lately, and how many of these nobody waited for.

A process cannot be taken away from a job before it hangs. So a tenant whose jobs keep processes beyond their time has
to leave them to the others for a while, where there are others; on a machine of one's own nobody has to.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

HALF_LIFE = 30.0  # seconds in which what a tenant had counts half
DEBT = 2.0  # seconds beyond their time that a tenant's jobs may have kept processes lately
PRESENT = 60.0  # seconds for which a tenant that asked counts as present
TENANTS = 1000


@dataclass(slots=True)
class _Share:
    """A tenant's share as it was `at` a time: seconds in all, and those beyond the time of its jobs."""

    at: float
    last_request: float
    seconds: float = 0.0
    overdue: float = 0.0


class Shares:
    """What tenants had of the processes, fading. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._shares: OrderedDict[str, _Share] = OrderedDict()  # the last one asked last

    def note_request(self, tenant: str, now: float) -> None:
        """Take note that a tenant asks for something."""
        share = self._shares.pop(tenant, None) or _Share(now, now)
        share.last_request = now
        self._shares[tenant] = share
        while len(self._shares) > TENANTS:
            self._shares.popitem(last=False)

    def use(self, tenant: str, seconds: float, overdue: float, now: float) -> None:
        """Take note that a tenant had a process for so long, of which so much was beyond the time of its job."""
        share = self._shares.get(tenant)
        if share is not None:
            faded = 0.5 ** ((now - share.at) / HALF_LIFE)
            share.seconds, share.overdue = share.seconds * faded + seconds, share.overdue * faded + overdue
            share.at = now

    def lately(self, tenant: str, now: float) -> float:
        """Seconds that a tenant had, the older the less."""
        share = self._shares.get(tenant)
        return share.seconds * 0.5 ** ((now - share.at) / HALF_LIFE) if share is not None else 0.0

    def is_in_debt(self, tenant: str, now: float) -> bool:
        """True where a tenant had processes for too long, and others are there."""
        share = self._shares.get(tenant)
        if share is None or share.overdue * 0.5 ** ((now - share.at) / HALF_LIFE) <= DEBT:
            return False
        last = next(name for name in reversed(self._shares) if name != tenant) if len(self._shares) > 1 else tenant
        return last != tenant and now - self._shares[last].last_request <= PRESENT
