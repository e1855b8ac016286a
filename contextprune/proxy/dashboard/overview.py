"""The first page of the dashboard: today in a sentence, warnings, sessions, figures with reasons, recent requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from contextprune.display.amounts import plural, share
from contextprune.display.heatmap import shown
from contextprune.display.plots import bar
from contextprune.money.format import format_usd
from contextprune.proxy.dashboard.format import (
    NONE,
    advice_html,
    ago,
    cached,
    dollars_saved,
    fact,
    named,
    table,
    time,
    tokens,
)
from contextprune.proxy.dashboard.sessions import UNKNOWN, sessions, today
from contextprune.proxy.dashboard.timeline import timeline
from contextprune.proxy.options import Options
from contextprune.proxy.telemetry.canary import Warned
from contextprune.proxy.telemetry.monitor import Snapshot
from contextprune.proxy.telemetry.record import RequestRecord
from contextprune.proxy.telemetry.series import Sums, added
from contextprune.proxy.telemetry.summary import Summary, summarise

SPANS: Mapping[str, tuple[str, float]] = {
    "hour": ("Last hour", 60.0),
    "day": ("Last day", 900.0),
    "all": ("Since the start", 0.0),
}
"""Stretches of time by the word that asks for them: their name, and the seconds of a step."""

_ROWS = 50  # requests that are listed unless all are asked for
_PATIENCE = 15.0  # seconds that a scorer may take to start before that is a warning


@dataclass(frozen=True, slots=True)
class View:
    """What of the overview is asked for.

    span           a key of SPANS
    all_requests   list all requests that are remembered
    all_sessions   list several hundred sessions
    session        show the requests of this one alone; UNKNOWN: those of which none is known
    """

    span: str = "hour"
    all_requests: bool = False
    all_sessions: bool = False
    session: str | None = None


def overview(snapshot: Snapshot, view: View) -> str:
    """The page's body."""
    if view.session is not None:
        return "\n".join((_BACK, *_warnings(snapshot), _recent(snapshot, view)))
    steps = {"hour": snapshot.hour, "day": snapshot.day}.get(view.span, ())
    sums = added(steps) if steps else snapshot.total
    summary = summarise(sums)
    sections = [
        today(snapshot),
        *_warnings(snapshot),
        sessions(snapshot, everything=view.all_sessions),
        _choice(view.span),
        _figures(SPANS[view.span][0], summary, snapshot),
        timeline(steps, SPANS[view.span][1]) if steps and summary.requests else "",
        _reasons(summary),
        _kinds(sums),
        _pool(snapshot),
        _recent(snapshot, view),
    ]
    return "\n".join(filter(None, sections))


def alarmed(snapshot: Snapshot) -> bool:
    """True where a warning asks for somebody to do something."""
    return any("class=alarm" in warning for warning in _warnings(snapshot))


def _warnings(snapshot: Snapshot) -> Iterator[str]:
    """Alarms, and notes that say how this proxy was started."""
    pool, mode = snapshot.pool, snapshot.options.mode
    if snapshot.warned is not None:
        yield _silence(snapshot.warned)
    if pool is not None and pool.breaker != "closed":
        yield f"<p class=alarm id=breaker><b>A scorer keeps failing.</b> {advice_html('breaker')}"
    if pool is not None and pool.ready == 0 and snapshot.uptime > _PATIENCE and mode != "off":
        yield f"<p class=alarm id=starting><b>No scorer is up.</b> {advice_html('starting')}"

    if mode == "audit":
        yield "<p class=note id=mode><b>Audit:</b> every request goes through as it came; what would be saved is shown."
    elif mode == "off":
        yield "<p class=note id=mode><b>The mode is off:</b> nothing is shortened. Start with <code>--mode on</code>."
    if not snapshot.recent:
        yield _first_step(snapshot.options)


def _silence(warned: Warned) -> str:
    """The canary's warning, with the most frequent reasons and what helps."""
    why = "".join(
        f"<li>{number:,} × <b>{shown(reason)}</b>: {advice_html(reason)}"  # noqa: RUF001 - times
        for reason, number in warned.reasons[:3]
    )
    return (
        f"<div class=alarm id=canary><p><b>Nothing has been shortened for {time(max(120.0, warned.seconds))}, "
        f"although {plural(warned.requests, 'request')} came.</b> Why:<ul>{why}</ul></div>"
    )


def _first_step(options: Options) -> str:
    """A note that says where to point a client."""
    host = "127.0.0.1" if options.host in ("0.0.0.0", "::") else options.host  # noqa: S104 - not bound here
    base = f"http://{shown(host)}:{options.port or 'PORT'}"
    return (
        "<div class=note id=empty><p><b>No request has come yet.</b> Point a client here, and change nothing else:"
        f"<pre>OPENAI_BASE_URL={base}/v1\nANTHROPIC_BASE_URL={base}</pre></div>"
    )


def _choice(span: str) -> str:
    links = (
        f'<a href="/?span={name}"{" aria-current=page" if name == span else ""}>{title}</a>'
        for name, (title, _) in SPANS.items()
    )
    return f"<nav aria-label='Stretch of time' id=choice>{''.join(links)}</nav>"


def _figures(title: str, summary: Summary, snapshot: Snapshot) -> str:
    return f"<section id=figures><h2>{title}</h2><dl class=facts>{''.join(_facts(summary, snapshot))}</dl></section>"


def _facts(summary: Summary, snapshot: Snapshot) -> Iterator[str]:
    """The headline: each figure, and below it the figures to compare it with."""
    would = "would be " if snapshot.options.mode == "audit" else ""
    yield fact(
        "requests",
        f"{summary.requests:,}",
        f"{summary.shortened:,} {would}shortened, of {summary.eligible:,} that could be",
        f"{snapshot.in_flight:,} under way",
    )
    saved = share(summary.saved, summary.before)
    yield fact("input tokens sent", f"{summary.after:,}", f"of {summary.before:,} received; {would}saved {saved}")
    yield _cost(summary, would)

    read = f"{summary.read:,} of {summary.input:,} input tokens, as the providers say"
    if summary.told:
        yield fact("read from the cache", share(summary.read, summary.input), read)
    else:
        yield fact("read from the cache", NONE, "no answer has said it yet")
    yield _percentiles("time added, median", summary.overhead_p50, summary.overhead_p99)
    yield _percentiles("the provider's first byte, median", summary.first_byte_p50, summary.first_byte_p99)
    yield from _answers(summary)


def _cost(summary: Summary, would: str) -> str:
    """The cost of the input, where a price is known. `would` stands before what an audit only measures."""
    name = "cost of the input, cache counted"
    if not summary.priced:
        return fact(name, NONE, "no request had a model with a known price")
    saved = share(summary.dollars, summary.dollars_before)
    without = f"without contextprune {format_usd(summary.dollars_before)}; {would}saved {saved}"
    partly = summary.priced < summary.counted
    priced = f"{summary.priced:,} of {summary.counted:,} have a known price" if partly else ""
    return fact(name, format_usd(summary.dollars_after), without, priced)


def _percentiles(name: str, half: float | None, most: float | None) -> str:
    """The median of a time, and below it the time that 99 % of the requests stay below."""
    return fact(name, time(half), f"99 % below {time(most)}" if most is not None else "")


def _answers(summary: Summary) -> Iterator[str]:
    """The providers' answers by class of status, and clients that left; nothing where all ended well."""
    answers = ", ".join(f"{shown(code)} {number:,}" for code, number in summary.answers.items() if code != "2xx")
    left = ", ".join(f"{number:,} while {shown(phase)}" for phase, number in summary.gone.items())
    retried = f"{plural(summary.retried, 'request')} refused and sent again as received" if summary.retried else ""
    notes = [f"others: {answers}" if answers else "", f"clients that left: {left}" if left else "", retried]
    if any(notes):
        yield fact("answers with success", f"{summary.answers.get('2xx', 0):,}", *notes)


def _reasons(summary: Summary) -> str:
    """Reasons for which requests went through as they came, with advice."""
    if not summary.reasons:
        return ""
    total = sum(summary.reasons.values())
    rows = [
        (f"<code>{shown(reason)}</code>", f"{number:,}", share(number, total), advice_html(reason))
        for reason, number in summary.reasons.items()
    ]
    caption = "Why requests went through as they came"
    heads = ("reason", "requests", "share", "what it means, and what to do")
    return f"<section id=reasons><h2>{caption}</h2>{table('reasons', caption, heads, rows, text=(3,))}</section>"


def _kinds(sums: Sums) -> str:
    """Tokens by kind of text."""
    names = dict.fromkeys(key[1] for key in sums.numbers if key[0] == "kinds")
    pairs = {
        name: (sums.numbers.get(("kinds", name, "before"), 0.0), sums.numbers.get(("kinds", name, "after"), 0.0))
        for name in names
    }
    if not pairs:
        return ""

    largest = max(before for before, _ in pairs.values())
    rows = [
        (
            f"<code>{shown(name)}</code>",
            f"{before:,.0f}",
            f"{after:,.0f}",
            share(before - after, before),
            bar(before, after, largest),
        )
        for name, (before, after) in sorted(pairs.items(), key=lambda item: -item[1][0])
    ]
    caption = "Tokens by kind of text"
    heads = ("kind", "received", "sent", "saved", "")
    return f"<section id=kinds><h2>{caption}</h2>{table('kinds', caption, heads, rows)}</section>"


def _pool(snapshot: Snapshot) -> str:
    """The scorer processes: how many are up, what waits for them, and why one could not start."""
    pool = snapshot.pool
    if pool is None:
        return ""
    facts = [
        fact("scorers up", f"{pool.ready:,}", f"{pool.restarts:,} started anew"),
        fact("breaker", shown(pool.breaker)),
        fact(
            "waiting",
            plural(pool.waiting, "request"),
            f"{pool.queue_tokens:,} of {snapshot.options.queue_tokens:,} tokens; {pool.in_flight:,} in work",
        ),
    ]

    alarm = f"<p class=alarm><b>A scorer could not start:</b> {shown(pool.trouble[:1000])}" if pool.trouble else ""
    whose = "<p class=dim>Of the one of several processes that drew this page." if snapshot.peers else ""
    return f"<section id=scorers><h2>Scorers</h2>{whose}<dl class=facts>{''.join(facts)}</dl>{alarm}</section>"


def _recent(snapshot: Snapshot, view: View) -> str:
    """The requests that are remembered, those of one session where it is asked for."""
    records = snapshot.recent
    if view.session is not None:
        records = [record for record in records if (record.session or UNKNOWN) == view.session]
    elif not records:
        return ""

    name = f"Requests of session {shown(view.session)}" if view.session else "Recent requests"
    rows = [_request(record, snapshot.wall) for record in records[: None if view.all_requests else _ROWS]]
    listed = table("recent", f"{name}, the newest first", _RECENT, rows, text=(2, 3)) if rows else _FORGOTTEN
    query = f"session={shown(view.session)}&amp;requests=all" if view.session else "requests=all"
    more = f'<p><a href="/?{query}#recent">All {len(records):,}</a>' if len(rows) < len(records) else ""
    whose = (
        "<p class=dim>Of the one of several processes that drew this page; the figures above are of all."
        if snapshot.peers
        else ""
    )
    return f"<section id=recent><h2>{name}</h2>{whose}{listed}{more}</section>"


_RECENT = (
    "no.", "when", "what", "outcome", "tokens", "saved", "money saved", "added", "first byte", "in all", "answer",
    "from the cache",
)  # fmt: skip
_BACK = '<nav aria-label="Requests"><a href="/">Overview</a></nav>'
_FORGOTTEN = "<p>None of its requests is remembered here: they are older than the last ones, or came before a restart."


def _request(record: RequestRecord, now: float) -> Sequence[str]:
    """The cells of a request's row. `now` is in seconds since 1970."""
    name = " ".join(filter(None, (shown(record.route), named(record.answer.model))))
    in_part = " in part" if record.answer.status == "applied" and record.answer.reason else ""
    outcome = f"{record.answer.status}{in_part}{': ' if record.answer.reason else ''}{record.answer.reason}"
    return (
        f'<a href="/requests/{record.number}" id=r{record.number}>{record.number}</a>',
        ago(max(0.0, now - record.started)),
        name,
        f"<span class=o-{'good' if record.saved else 'plain'}>{shown(outcome)}</span>",
        tokens(record),
        share(record.saved, record.answer.before) if record.saved else NONE,
        dollars_saved(record),
        time(record.overhead),
        time(record.first_byte),
        time(record.total),
        shown(str(record.upstream or record.gone or NONE)),
        cached(record),
    )
