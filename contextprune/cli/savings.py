"""The savings of a wrapped agent's session, in the line that is shown when it has ended."""

from __future__ import annotations

from contextprune.cli.stats import Stats
from contextprune.proxy.job import Reason

_NOOP = {"noop": "nothing to take out"}


def savings(stats: Stats | None, agent: str) -> str:
    """The savings of a session, in one line."""
    if stats is None or stats.traffic is None:
        return "the proxy did not say what was saved"
    traffic, requests = stats.traffic, stats.traffic.eligible
    misled = sum(traffic.reasons.get(reason, 0) for reason in (Reason.UNKNOWN_PATH, Reason.NO_UPSTREAM))
    if not requests and misled:
        return f"{misled:,} of {agent}'s requests have a path or a key that leads nowhere here; none was shortened"
    if not requests:
        why = "; its own settings may name another address" if agent != "codex" else ""
        return f"no request of {agent} came through{why}"

    counted = f"{requests:,} request{'s' if requests > 1 else ''}"
    if traffic.after >= traffic.before:
        reasons = ", ".join(f"{_NOOP.get(reason, reason)}: {number:,}" for reason, number in traffic.reasons.items())
        return f"{counted}, nothing was shortened" + (f" ({reasons})" if reasons else "")

    fewer = 1 - traffic.after / traffic.before
    become = "would have become" if stats.mode == "audit" else "became"
    line = f"{counted}; {traffic.before:,} input tokens {become} {traffic.after:,} ({fewer:.0%} fewer)"
    cheaper = traffic.priced and traffic.dollars >= 0.005
    return f"{line}; ${traffic.dollars:,.2f} less, the cache accounted for" if cheaper else line
