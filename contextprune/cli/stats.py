"""The /stats of a running proxy as values: as much of it as the command line shows.

The proxy may be of another version, so fields that it lacks, or has with another type, get their defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Silence:
    """The canary's warning: nothing was shortened for so many seconds, most often for this reason ("": none)."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """Sums of the requests since the proxy began, as `telemetry.summary.Summary` defines them."""

    eligible: int = 0
    shortened: int = 0
    before: int = 0
    after: int = 0
    priced: int = 0
    dollars_before: float = 0.0
    dollars_after: float = 0.0
    reasons: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def dollars(self) -> float:
        """US dollars saved; negative where the bill is higher."""
        return self.dollars_before - self.dollars_after


@dataclass(frozen=True, slots=True)
class Stats:
    """A running proxy.

    in_flight   requests under way
    traffic     None where it shows none
    trouble     why a scorer could not start, "" where all could
    breaker     "closed", or the state of a scorer that is being left alone
    silence     the canary's warning, while it lasts
    unreachable why an upstream could not be reached the last time, by its name
    """

    version: str = "unknown"
    mode: str = "unknown"
    recall: str = "off"
    in_flight: int = 1
    traffic: Traffic | None = None
    trouble: str = ""
    breaker: str = "closed"
    silence: Silence | None = None
    unreachable: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, data: object) -> Self | None:
        """Read the JSON of /stats; None where it is no object."""
        if not isinstance(data, dict):
            return None
        scorers = _table(data, "scorers")
        return cls(
            version=str(data.get("version", "unknown")),
            mode=str(data.get("mode", "unknown")),
            recall=str(data.get("recall", "off")),
            in_flight=_count(data, "in_flight", 1),
            traffic=_traffic(data["all"]) if isinstance(data.get("all"), dict) else None,
            trouble=str(scorers.get("trouble") or ""),
            breaker=str(scorers.get("breaker", "closed")),
            silence=_silence(_table(data, "warning")),
            unreachable={name: str(why) for name, why in _table(data, "unreachable").items()},
        )


def _traffic(table: Mapping[str, Any]) -> Traffic:
    reasons = _table(table, "reasons")
    return Traffic(
        eligible=_count(table, "eligible"),
        shortened=_count(table, "shortened"),
        before=_count(table, "before"),
        after=_count(table, "after"),
        priced=_count(table, "priced"),
        dollars_before=_number(table, "dollars_before"),
        dollars_after=_number(table, "dollars_after"),
        reasons={reason: _count(reasons, reason) for reason in reasons},
    )


def _silence(table: Mapping[str, Any]) -> Silence | None:
    if not table:
        return None
    reasons = table.get("reasons")
    first = reasons[0] if isinstance(reasons, list) and reasons else None
    reason = str(first[0]) if isinstance(first, list) and first else ""
    return Silence(_number(table, "seconds"), reason)


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _number(table: Mapping[str, Any], name: str) -> float:
    value = table.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _count(table: Mapping[str, Any], name: str, default: int = 0) -> int:
    value = table.get(name)
    return int(value) if isinstance(value, int | float) else default
