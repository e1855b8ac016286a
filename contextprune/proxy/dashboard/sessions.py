"""The sessions of the dashboard: one row for each, which leads to its requests."""

from __future__ import annotations

import re
from collections.abc import Sequence

from contextprune.display.amounts import share
from contextprune.display.heatmap import shown
from contextprune.proxy.dashboard.format import NONE, ago, named, table
from contextprune.proxy.dashboard.sentences import sentence, usd
from contextprune.proxy.telemetry.monitor import Snapshot
from contextprune.proxy.telemetry.series import Sums, added
from contextprune.proxy.telemetry.summary import Summary, summarise
from contextprune.proxy.telemetry.totals import audited
from contextprune.proxy.telemetry.totals_file import SessionTotal

SESSIONS, ALL_SESSIONS = 30, 500
"""Rows that are listed, and those that are where all are asked for."""

UNKNOWN = "none"
"""In addresses, the session of requests of which none is known."""

_NAME = re.compile(r"[0-9a-z]{1,16}")


def session_asked(value: str) -> str | None:
    """The session that a query names; None where it names none that could be."""
    return value if _NAME.fullmatch(value) else None


def today(snapshot: Snapshot) -> str:
    """The first row: what today was saved, and below it this month where there is more of it; "" without a request."""
    if not snapshot.month:
        return ""
    audit = snapshot.options.mode == "audit"
    day = _summary(snapshot.month.get(snapshot.today, Sums()), audit=audit)
    first = f"<p class=today id=today>{_unbroken(sentence('Today', day, audit=audit))}"
    if set(snapshot.month) <= {snapshot.today}:
        return first
    month = _summary(added(snapshot.month.values()), audit=audit)
    return f"{first}<p class=dim id=month>{_unbroken(sentence('This month', month, audit=audit))}"


def _unbroken(text: str) -> str:
    """A sentence for HTML, in which no line begins with a unit."""
    return shown(text).replace(" %", "&nbsp;%").replace(" ms", "&nbsp;ms")


def sessions(snapshot: Snapshot, *, everything: bool) -> str:
    """A table of the sessions seen last."""
    totals = snapshot.sessions
    if not totals:
        return ""
    audit = snapshot.options.mode == "audit"
    rows = [_row(total, snapshot.wall, audit=audit) for total in totals]
    listed = table("sessions", "Sessions, the last seen first", _HEADS, rows, text=(1,))
    is_cut = not everything and len(rows) == SESSIONS
    more = '<p><a href="/?sessions=all#sessions">More sessions</a>' if is_cut else ""
    return f"<section id=sessions><h2>Sessions</h2>{listed}{more}</section>"


_HEADS = ("session", "model", "requests", "tokens received", "sent", "saved", "money saved", "late", "last seen")


def _summary(sums: Sums, *, audit: bool) -> Summary:
    """What was saved; in the mode audit, what would have been."""
    return summarise(audited(sums) if audit else sums)


def _row(total: SessionTotal, now: float, *, audit: bool) -> Sequence[str]:
    """The cells of a session. `now` is in seconds since 1970."""
    summary, facts = _summary(total.sums, audit=audit), total.facts
    return (
        f'<a href="/?session={session_asked(total.session) or UNKNOWN}#recent">{session_name(total)}</a>',
        named(facts.model),
        f"{summary.requests:,}",
        f"{summary.before:,}" if summary.counted else NONE,
        f"{summary.after:,}" if summary.counted else NONE,
        share(summary.saved, summary.before) if summary.counted else NONE,
        _money(summary),
        f"{summary.late:,}" if summary.late else NONE,
        ago(max(0.0, now - facts.last)),
    )


def session_name(total: SessionTotal) -> str:
    """The client, as far as it is known, and the hash of the session, for HTML."""
    if not total.session:
        return "session unknown"
    return " ".join(filter(None, (shown(total.facts.client), f"<code>{shown(total.session)}</code>")))


def _money(summary: Summary) -> str:
    """Dollars saved of those without contextprune; below them what was sent, as modelled and as the provider told."""
    if not summary.priced:
        return NONE
    saved = f"{usd(summary.dollars)} of {usd(summary.dollars_before)}"
    bill = summary.reconciled
    if not bill.billed_dollars:
        return saved
    return f"{saved}<br><span class=dim>modelled {usd(bill.modelled_dollars)}, billed {usd(bill.billed_dollars)}</span>"
