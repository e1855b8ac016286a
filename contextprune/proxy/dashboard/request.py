"""The page of one request: its figures, and its context as it was sent where the operator wants content to be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from contextprune.display.amounts import share
from contextprune.display.heatmap import shown
from contextprune.display.plots import bar
from contextprune.money.format import format_usd
from contextprune.proxy.dashboard.blocks import context_html
from contextprune.proxy.dashboard.format import (
    NONE,
    advice_html,
    cached,
    dollars_saved,
    fact,
    named,
    table,
    time,
    tokens,
)
from contextprune.proxy.telemetry.record import RequestRecord


def request_page(record: RequestRecord, numbers: Sequence[int], *, content: bool) -> str:
    """The page's body. `numbers` are those of the requests that are remembered, the newest first."""
    sections = [
        _neighbours(record.number, numbers),
        f"<section id=figures><h2>Figures</h2><dl class=facts>{''.join(_facts(record))}</dl>{_why(record)}</section>",
        _kinds(record),
        _details(record),
        _text(record, content=content),
    ]
    return "\n".join(filter(None, sections))


def _neighbours(number: int, numbers: Sequence[int]) -> str:
    """Links to the overview and to the requests before and after."""
    newer = min((candidate for candidate in numbers if candidate > number), default=None)
    older = max((candidate for candidate in numbers if candidate < number), default=None)
    links = ['<a href="/">Overview</a>']
    links += [f'<a href="/requests/{near}">{word}</a>' for word, near in (("Newer", newer), ("Older", older)) if near]
    return f"<nav aria-label='Requests'>{''.join(links)}</nav>"


def _facts(record: RequestRecord) -> Iterator[str]:
    """The headline: outcome, tokens and money, times, the provider's answer and its own counts."""
    answer = record.answer
    yield fact("outcome", shown(answer.status), shown(answer.reason))
    saved = f"saved {share(record.saved, answer.before)}" if record.saved else ""
    epoch = "old blocks were decided anew (an epoch)" if answer.epoch else ""
    yield fact("input tokens", tokens(record), saved, epoch)
    if record.dollars:
        before, after = map(format_usd, record.dollars)
        yield fact(
            "cost of the input, cache counted",
            after,
            f"without contextprune {before}",
            f"saved {dollars_saved(record)}",
            _bill(record),
        )

    yield fact("added time", time(record.overhead))
    yield fact(
        "first byte", time(record.first_byte), f"in all {time(record.total)}", "streamed" if record.streamed else ""
    )

    status = str(record.upstream) if record.upstream else NONE
    again = "our version was refused, the original sent" if record.retried else ""
    yield fact("answer", status, f"the client left while {shown(record.gone)}" if record.gone else "", again)

    if record.usage:
        usage = record.usage
        from_cache = f"{usage.read:,} of {usage.input:,} input tokens; {usage.written:,} written to it"
        yield fact("read from the cache, as the provider says", cached(record), from_cache)
        reasoning = f"{usage.reasoning:,} of them reasoning" if usage.reasoning else ""
        yield fact("output tokens, as the provider says", f"{usage.output:,}", reasoning)


def _bill(record: RequestRecord) -> str:
    """The cost of what was sent, as modelled and as the provider's usage says; "" where it told nothing."""
    billing = record.billing
    if billing is None or billing.usd is None or billing.modelled is None or billing.billed is None:
        return ""
    modelled, billed = (format_usd(cost * billing.usd) for cost in (billing.modelled, billing.billed))
    loss = "; it read less from the cache than it should have" if billing.missed else ""
    return f"modelled {modelled}, billed {billed}{loss}"


def _why(record: RequestRecord) -> str:
    """A sentence on why nothing was taken out, and one on what helps."""
    if record.saved and not record.answer.reason:
        return ""
    reason = record.answer.reason or record.answer.status
    return f"<p>{advice_html(reason)}" if record.eligible else ""


def _kinds(record: RequestRecord) -> str:
    largest = max((before for before, _ in record.answer.kinds.values()), default=0)
    rows = [
        (named(kind), f"{before:,}", f"{after:,}", share(before - after, before), bar(before, after, largest))
        for kind, (before, after) in record.answer.kinds.items()
    ]
    caption = "Tokens by kind of text"
    listed = table("kinds", caption, ("kind", "received", "sent", "saved", ""), rows)
    return f"<section id=kinds><h2>{caption}</h2>{listed}</section>" if rows else ""


def _details(record: RequestRecord) -> str:
    begun = datetime.fromtimestamp(record.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    stages = ", ".join(f"{shown(stage)} {time(spent)}" for stage, spent in record.answer.seconds.items())
    rows = [
        ("begun", begun),
        ("route", shown(record.route)),
        ("provider", named(record.provider)),
        ("model", named(record.answer.model)),
        ("answered by", named(record.usage.model) if record.usage else ""),
        ("session", named(record.session)),
        ("mode", shown(record.mode)),
        ("bytes", f"{record.bytes_in:,} in, {record.bytes_out:,} out"),
        ("time in the scorer", stages),
        ("recall keys", " ".join(map(named, record.answer.keys[:100]))),
    ]
    listed = table("details", "Details", ("what", "value"), [row for row in rows if row[1]], text=(1,))
    return f"<section id=details><h2>Details</h2>{listed}</section>"


def _text(record: RequestRecord, *, content: bool) -> str:
    if record.answer.heat and content:
        return f"<h2 id=text>Context, as sent</h2>{context_html(record.answer.heat)}"
    if not record.eligible:
        return ""
    note = "Nothing of this request's text is kept."
    if not content:
        note += " To see here what was kept and dropped, start with <code>content = true</code> under [serve]"
        note += " (CONTEXTPRUNE_SERVE_CONTENT=true); it is held in memory only."
    return f"<section id=text><h2>Context</h2><p class=dim>{note}</section>"
