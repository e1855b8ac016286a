"""What was saved, in a sentence: for the first row of the dashboard, the command line, and status lines."""

from __future__ import annotations

from collections.abc import Iterator

from contextprune.display.amounts import plural
from contextprune.proxy.telemetry.summary import Summary


def sentence(name: str, summary: Summary, *, audit: bool = False) -> str:
    """A stretch of time, such as "Today": its sessions, money or tokens saved, time added, tokens lost to lateness.

    audit   nothing was changed, and the figures say what would have been saved
    """
    if not summary.requests:
        return f"{name}: no request yet."
    return f"{name}: {', '.join(_clauses(summary, audit=audit))}."


def _clauses(summary: Summary, *, audit: bool) -> Iterator[str]:
    sessions = plural(summary.sessions, "session")
    yield sessions if summary.sessions else plural(summary.requests, "request")
    yield _saved(summary, audit=audit)
    if summary.overhead_p50 is not None:
        yield f"{_milliseconds(summary.overhead_p50)} added to the median request"
    if summary.undecided:
        yield f"{percent(summary.lost_share)} of the tokens that could have gone were lost to lateness"
    elif summary.late:
        yield f"{plural(summary.late, 'request')} late"


def _saved(summary: Summary, *, audit: bool) -> str:
    """Dollars saved where prices are known, else tokens; a higher bill is called so."""
    saved = "would have been saved" if audit else "saved"
    if summary.priced:
        change = percent(abs(summary.dollars) / summary.dollars_before) if summary.dollars_before else percent(0.0)
        if round(summary.dollars, 2) < 0:
            return (
                f"{usd(-summary.dollars)} more than the {usd(summary.dollars_before)} without contextprune (+{change})"
            )
        return f"{usd(summary.dollars)} of {usd(summary.dollars_before)} {saved} ({change})"
    if summary.before:
        return f"{summary.saved:,} of {summary.before:,} input tokens {saved} ({percent(summary.saved_share)})"
    return f"nothing {saved}"


def status_line(name: str, summary: Summary) -> str:
    """A few characters for a status line: `-38 %, $0.21 today`; `name` is the stretch of time."""
    if not summary.before:
        return f"0 % {name}"
    change = f"-{percent(summary.saved_share)}" if summary.saved > 0 else "0 %"
    return f"{change}, {usd(summary.dollars)} {name}" if summary.priced else f"{change} {name}"


def percent(share: float) -> str:
    """A share as whole per cent, `35 %`; what is not nothing is never `0 %`."""
    return "<1 %" if 0 < share < 0.005 else f"{share * 100:.0f} %"


def usd(dollars: float) -> str:
    """Dollars and cents, `$1.20`, `-$0.05`."""
    cents = f"{abs(dollars):,.2f}"
    return f"-${cents}" if dollars < 0 and cents != "0.00" else f"${cents}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
