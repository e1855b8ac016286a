"""The first page of the dashboard: warnings first, then the figures, their course, reasons, and recent requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from contextprune.display.amounts import plural, share
from contextprune.display.heatmap import shown
from contextprune.display.plots import bar
from contextprune.proxy.dashboard.format import (
    NONE,
    ago,
    cached,
    dollars_saved,
    fact,
    named,
    said,
    table,
    time,
    tokens,
    usd,
)
from contextprune.proxy.dashboard.timeline import course
from contextprune.proxy.telemetry.monitor import Still
from contextprune.proxy.telemetry.reasons import advice
from contextprune.proxy.telemetry.record import Record
from contextprune.proxy.telemetry.series import Sums, added
from contextprune.proxy.telemetry.summary import Figures, figures

SPANS: Mapping[str, tuple[str, float]] = {
    "hour": ("Last hour", 60.0),
    "day": ("Last day", 900.0),
    "all": ("Since the start", 0.0),
}
"""Stretches of time by the word that asks for them: their name, and the seconds of a step."""

_ROWS = 50  # requests that are listed unless all are asked for
_PATIENCE = 15.0  # seconds that a scorer may take to start before that is a warning


def overview(sight: Still, span: str, *, everything: bool) -> str:
    """The page's body. `span` is one of SPANS; `everything`: list all requests that are remembered."""
    steps = {"hour": sight.hour, "day": sight.day}.get(span, ())
    sums = added(steps) if steps else sight.total
    told = figures(sums)
    parts = [
        *_warnings(sight),
        _choice(span),
        f"<section id=figures><h2>{SPANS[span][0]}</h2><dl class=facts>{''.join(_facts(told, sight))}</dl></section>",
        course(steps, SPANS[span][1]) if steps and told.requests else "",
        _reasons(told),
        _kinds(sums),
        _scorers(sight),
        _recent(sight, everything=everything),
    ]
    return "\n".join(filter(None, parts))


def alarmed(sight: Still) -> bool:
    """Whether there is something that somebody should do."""
    return any("class=alarm" in warning for warning in _warnings(sight))


def _warnings(sight: Still) -> Iterator[str]:
    warned, figures_of_scorers = sight.warned, sight.scorers
    if warned is not None:
        why = "".join(
            f"<li>{number:,} × <b>{shown(reason)}</b>: {' '.join(map(said, advice(reason)))}"  # noqa: RUF001 - times
            for reason, number in warned.reasons[:3]
        )
        yield (
            f"<div class=alarm id=canary><p><b>Nothing has been shortened for {time(max(120.0, warned.seconds))}, "
            f"although {plural(warned.requests, 'request')} came.</b> Why:<ul>{why}</ul></div>"
        )
    if figures_of_scorers.get("breaker", "closed") != "closed":
        yield f"<p class=alarm id=breaker><b>A scorer keeps failing.</b> {' '.join(map(said, advice('breaker')))}"
    if figures_of_scorers.get("ready") == 0 and sight.uptime > _PATIENCE and sight.options.mode != "off":
        yield f"<p class=alarm id=starting><b>No scorer is up.</b> {' '.join(map(said, advice('starting')))}"
    if sight.options.mode == "audit":
        yield "<p class=note id=mode><b>Audit:</b> every request goes through as it came; what would be saved is shown."
    elif sight.options.mode == "off":
        yield "<p class=note id=mode><b>The mode is off:</b> nothing is shortened. Start with <code>--mode on</code>."
    if not sight.recent:
        yield _inviting(sight)


def _inviting(sight: Still) -> str:
    """What to do first."""
    host = "127.0.0.1" if sight.options.host in ("0.0.0.0", "::") else sight.options.host  # noqa: S104 - not bound here
    base = f"http://{shown(host)}:{sight.options.port or 'PORT'}"
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


def _facts(told: Figures, sight: Still) -> Iterator[str]:
    """The headline: each figure, and below it what it is to be compared with."""
    would = "would be " if sight.options.mode == "audit" else ""
    yield fact(
        "requests",
        f"{told.requests:,}",
        f"{told.shortened:,} {would}shortened, of {told.eligible:,} that could be",
        f"{sight.in_flight:,} under way",
    )
    saved = share(told.saved, told.before)
    yield fact("input tokens sent", f"{told.after:,}", f"of {told.before:,} received; {would}saved {saved}")
    if told.priced:
        without = (
            f"without contextprune {usd(told.dollars_before)}; {would}saved {share(told.dollars, told.dollars_before)}"
        )
        known = f"{told.priced:,} of {told.counted:,} have a known price" if told.priced < told.counted else ""
        yield fact("cost of the input, cache counted", usd(told.dollars_after), without, known)
    else:
        yield fact("cost of the input, cache counted", NONE, "no request had a model with a known price")
    read = (
        f"{told.read:,} of {told.input:,} input tokens, as the providers say"
        if told.told
        else "no answer has said it yet"
    )
    yield fact("read from the cache", share(told.read, told.input) if told.told else NONE, read)
    yield fact(
        "added time, half of the requests below",
        time(told.overhead_p50),
        f"99 % below {time(told.overhead_p99)}" if told.overhead_p99 is not None else "",
    )
    yield fact(
        "the provider's first byte, half below",
        time(told.first_byte_p50),
        f"99 % below {time(told.first_byte_p99)}" if told.first_byte_p99 is not None else "",
    )
    answers = ", ".join(f"{shown(code)} {number:,}" for code, number in told.answers.items() if code != "2xx")
    left = ", ".join(f"{number:,} while {shown(phase)}" for phase, number in told.gone.items())
    notes = [f"others: {answers}" if answers else "", f"clients that left: {left}" if left else ""]
    again = f"{plural(told.retried, 'request')} refused and sent again as received" if told.retried else ""
    if any(notes) or again:
        yield fact("answers with success", f"{told.answers.get('2xx', 0):,}", *notes, again)


def _reasons(told: Figures) -> str:
    if not told.reasons:
        return ""
    whole = sum(told.reasons.values())
    rows = [
        (f"<code>{shown(reason)}</code>", f"{number:,}", share(number, whole), " ".join(map(said, advice(reason))))
        for reason, number in told.reasons.items()
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
    most = max((before for before, _ in pairs.values()), default=0.0)
    rows = [
        (
            f"<code>{shown(name)}</code>",
            f"{before:,.0f}",
            f"{after:,.0f}",
            share(before - after, before),
            bar(before, after, most),
        )
        for name, (before, after) in sorted(pairs.items(), key=lambda item: -item[1][0])
    ]
    caption = "Tokens by kind of text"
    heads = ("kind", "received", "sent", "saved", "")
    return f"<section id=kinds><h2>{caption}</h2>{table('kinds', caption, heads, rows)}</section>" if rows else ""


def _scorers(sight: Still) -> str:
    told = sight.scorers
    if not told:
        return ""
    number = {name: int(told.get(name) or 0) for name in ("ready", "restarts", "queue_tokens", "waiting", "in_flight")}
    facts = [
        fact("scorers up", f"{number['ready']:,}", f"{number['restarts']:,} started anew"),
        fact("breaker", shown(str(told.get("breaker", NONE)))),
        fact(
            "waiting",
            plural(number["waiting"], "request"),
            f"{number['queue_tokens']:,} of {sight.options.queue_tokens:,} tokens; {number['in_flight']:,} in work",
        ),
    ]
    trouble = str(told.get("trouble") or "")
    alarm = f"<p class=alarm><b>A scorer could not start:</b> {shown(trouble[:1000])}" if trouble else ""
    whose = "<p class=dim>Of the one of several processes that drew this page." if sight.shared else ""
    return f"<section id=scorers><h2>Scorers</h2>{whose}<dl class=facts>{''.join(facts)}</dl>{alarm}</section>"


def _recent(sight: Still, *, everything: bool) -> str:
    records = sight.recent
    if not records:
        return ""
    rows = [_request(record, sight.wall) for record in records[: None if everything else _ROWS]]
    heads = (
        "no.", "when", "what", "outcome", "tokens", "saved", "money saved", "added", "first byte", "in all", "answer",
        "from the cache",
    )  # fmt: skip
    listed = table("recent", "Recent requests, the newest first", heads, rows, text=(2, 3))
    more = f'<p><a href="/?requests=all#recent">All {len(records):,}</a>' if len(rows) < len(records) else ""
    whose = (
        "<p class=dim>Of the one of several processes that drew this page; the figures above are of all."
        if sight.shared
        else ""
    )
    return f"<section id=recent><h2>Recent requests</h2>{whose}{listed}{more}</section>"


def _request(record: Record, now: float) -> Sequence[str]:
    what = " ".join(filter(None, (shown(record.route), named(record.model))))
    part = " in part" if record.status == "applied" and record.reason else ""
    outcome = f"{record.status}{part}{': ' if record.reason else ''}{record.reason}"
    return (
        f'<a href="/requests/{record.number}" id=r{record.number}>{record.number}</a>',
        ago(max(0.0, now - record.started)),
        what,
        f"<span class=o-{'good' if record.saved else 'plain'}>{shown(outcome)}</span>",
        tokens(record),
        share(record.saved, record.before) if record.saved else NONE,
        dollars_saved(record),
        time(record.overhead),
        time(record.first_byte),
        time(record.total),
        shown(str(record.upstream or record.gone or NONE)),
        cached(record),
    )
