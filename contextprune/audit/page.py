"""The audit as one HTML page that needs nothing but itself, in the manner of the page of a compression."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.resources import files

from contextprune.audit.calls import one_line
from contextprune.audit.measure import Block, Flow, Session, Step
from contextprune.audit.total import Audit
from contextprune.audit.wording import (
    WAY_BACK,
    brief,
    compared_over,
    later_use,
    notes,
    prices,
    reasons,
    scope,
    seconds,
    verdict,
)
from contextprune.display.amounts import money, plural, share
from contextprune.display.heatmap import shown, with_code
from contextprune.display.plots import bar, cumulated, curves

_BLOCKS, _SESSIONS, _PLOTS, _TOOLS, _UNSEEN = 25, 100, 12, 40, 50
_LONGEST = 80  # characters


def render_page(audit: Audit) -> str:
    """The page as text, to be written as UTF-8."""
    script, style = (
        _asset("page.js"),
        (files("contextprune.display") / "page.css").read_text("utf-8") + _asset("page.css"),
    )
    digest = b64encode(sha256(script.encode()).digest()).decode()

    return _PAGE.format(
        policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        style=style,
        script=script,
        scope=shown(scope(audit)),
        verdict=shown(verdict(audit)),
        facts="".join(_facts(audit)),
        prices=shown(prices(audit)),
        later=_used_later(audit),
        compared=_compared(audit),
        course=_cost_so_far(audit),
        tools=_flows("tool", "results", audit.tools),
        kinds=_flows("kind", "blocks", audit.kinds),
        blocks=_blocks(audit.largest[:_BLOCKS]),
        sessions="".join(_sessions(audit)),
        notes="".join(f"<li>{with_code(note)}" for note in notes(audit)),
        skipped="".join(_left_out(audit)),
    )


def _asset(name: str) -> str:
    return (files("contextprune.audit") / name).read_text("utf-8")


def _facts(audit: Audit) -> Iterator[str]:
    """The headline: each figure as it would have been, and below it as recorded."""
    old, new = audit.bills
    before, after = audit.cost
    name = "cost of the input" if audit.priced else "cost of the input, in full-price tokens"
    costs = [money(cost, priced=audit.priced) for cost in (before, after)]
    yield _fact(name, costs[0], costs[1], share(before - after, before))
    yield _fact("input tokens sent", f"{old.tokens:,}", f"{new.tokens:,}", share(old.tokens - new.tokens, old.tokens))
    largest = [max(_side(audit.sessions, side), default=0) for side in ("before", "after")]
    saved = share(largest[0] - largest[1], largest[0])
    yield _fact("largest request", f"{largest[0]:,}", f"{largest[1]:,}", saved)

    if audit.sight.used:
        share_in_sight = f"<dd>{audit.sight.in_sight:,} of {audit.sight.used:,}"
        yield f"<div><dt>used later, and in sight{share_in_sight}<dd>without contextprune all</div>"
    if (off := audit.billed.difference) is not None:
        billed, modelled = audit.billed.cost_billed, audit.billed.cost_modelled
        modelled_cost = f"<dd>as modelled {money(modelled, priced=audit.priced)} ({off:+.1%})"
        yield f"<div><dt>billed as recorded<dd>{money(billed, priced=audit.priced)}{modelled_cost}</div>"

    logged = audit.logged
    reported = f"; as logged {share(logged.read, logged.tokens)}" if logged.tokens else ""
    reads = [share(bill.read, bill.tokens) for bill in (old, new)]
    yield f"<div><dt>read from the cache<dd>{reads[1]}<dd>without contextprune {reads[0]}{reported}</div>"


def _fact(name: str, before: str, after: str, saved: str) -> str:
    return f"<div><dt>{name}<dd>{after}<dd>without contextprune {before}; saved {saved}</div>"


def _side(sessions: Sequence[Session], side: str) -> Iterator[int]:
    return (getattr(step, side) for session in sessions for step in session.steps)


def _cost_so_far(audit: Audit) -> str:
    """The cost of all requests until each of them, the oldest session first, as a plot."""
    steps = [step for session in reversed(audit.comparable) for step in session.steps]
    before, after = (cumulated(getattr(step, side) for step in steps) for side in ("cost_before", "cost_after"))
    unit = "US dollars" if audit.priced else "tokens at the full input price"
    caption = f"Cost of the input so far, in {unit}, over all requests, the oldest session first."
    return curves(caption, before, after, lambda cost: money(cost, priced=audit.priced)) if len(steps) > 1 else ""


def _used_later(audit: Audit) -> str:
    """What of the things used later was in sight, and the things that were not."""
    sight = audit.sight
    rows = [
        f"<tr><td class=t><code>{shown(one_line(use.text, _LONGEST))}</code><td>{use.request:,}"
        f"<td class=t>{shown(use.tool or 'the reply')}"
        f"<td class=t><code>{shown(use.source)}</code> {shown(use.call)}"
        f"<td>{use.line:,}<td>{use.since:,}<td class=t>{shown(brief(use.session))}"
        for use in sight.unseen[:_UNSEEN]
    ]
    heads = ("what", "request", "used by", "cut from", "line", "sent since", "session")
    more = len(sight.unseen) - _UNSEEN
    further = f"<p class=dim>and {more:,} more, which <code>--json</code> lists" if more > 0 else ""
    table = (
        f"{_table('unseen', heads, rows, text=(0, 2, 3, 6))}{further}<p class=dim>{with_code(WAY_BACK)}" if rows else ""
    )
    return f"<p>{shown(later_use(sight))}{table}"


def _compared(audit: Audit) -> str:
    """What the sessions would have been under other settings."""
    rows = []
    for row in audit.compared:
        (before, after), (typical, longest) = row.cost, map(seconds, row.seconds)
        rows.append(
            f"<tr{' class=here' if row.in_force else ''}><th scope=row>{shown(row.label)}"
            f"<td>{money(after, priced=row.priced)}<td>{share(before - after, before)}"
            f"<td>{row.sight.in_sight:,} of {row.sight.used:,}<td>{row.late:,}<td>{typical}<td>{longest}"
        )
    if not rows:
        return ""
    heads = ("recall", "cost", "saved", "in sight", "late requests", "time a request, median", "time at most")
    over = f"<p class=dim>What other settings would have done, {shown(compared_over(audit))}."
    return f"<section><h2>By recall</h2>{over}{_table('recalls', heads, rows, text=())}</section>"


def _flows(name: str, blocks: str, flows: Mapping[str, Flow]) -> str:
    largest = max((flow.before for flow in flows.values()), default=0)
    rows = [
        f"<tr><th scope=row><code>{shown(key)}</code><td>{flow.blocks:,}<td>{flow.brought:,}<td>{flow.resent:,}"
        f"<td>{flow.saved:,}<td>{share(flow.saved, flow.before)}<td class=bar>{bar(flow.before, flow.after, largest)}"
        for key, flow in list(flows.items())[:_TOOLS]
    ]
    heads = (blocks, "brought", "sent again", "would go", "of all sent")
    return _table("flows", (name, *heads, ""), rows, text=(6,))


def _blocks(blocks: Sequence[Block]) -> str:
    rows = [
        f"<tr><td class=t><code>{shown(block.tool or block.kind.value)}</code> {shown(block.call)}"
        f"<td>{block.tokens:,}<td>{block.requests:,}<td>{block.before:,}<td>{block.before - block.after:,}"
        f"<td class=t>{shown(brief(block.session))}"
        for block in blocks
    ]
    return _table("blocks", ("what", "tokens", "requests", "in all", "would go", "session"), rows, text=(0, 5))


def _table(name: str, heads: Sequence[str], rows: Sequence[str], text: Sequence[int]) -> str:
    """A table that scrolls by itself where the screen is narrow."""
    if not rows:
        return "<p class=dim>None."
    cells = "".join(f"<th scope=col{' class=t' if i in text else ''}>{head}" for i, head in enumerate(heads))
    return f"<div class='wide {name}' tabindex=0><table><thead><tr>{cells}<tbody>{''.join(rows)}</table></div>"


def _sessions(audit: Audit) -> Iterator[str]:
    """The dearest sessions, each to be unfolded into its plot."""
    for number, session in enumerate(audit.dearest[:_SESSIONS]):
        before, after = session.cost_before, session.cost_after
        costs = " → ".join(money(cost, priced=audit.priced) for cost in (before, after))
        head = (
            f"<b>{shown(brief(session.name))}</b> <span>{shown(session.title)}</span> "
            f"<span>{plural(len(session.steps), 'request')}</span> {costs} "
            f"<span>saved {share(before - after, before)}</span>"
        )
        if len(session.steps) > 1 and number < _PLOTS:
            yield f"<details{'' if number else ' open'}><summary>{head}</summary>{_tokens(session)}</details>"
        else:
            yield f"<p>{head}"
    if len(audit.sessions) > _SESSIONS:
        yield f"<p class=dim>and {len(audit.sessions) - _SESSIONS:,} more"


def _tokens(session: Session) -> str:
    source = f"{session.format}, {session.model or 'no model named'}, prices of {session.tariff.name}"
    before, after = [step.before for step in session.steps], [step.after for step in session.steps]
    caption = f"Input tokens of each request. {shown(source)}."
    return curves(caption, before, after, lambda tokens: f"{tokens:,.0f}", [_mark(step) for step in session.steps])


def _mark(step: Step) -> str:
    if step.epoch:
        return "free" if step.cold else "epoch"
    return "cold" if step.cold else ""


def _left_out(audit: Audit) -> Iterator[str]:
    for reason, number, example in reasons(audit):
        yield f"<li>Left out: {number} {shown(example)}: {shown(reason)}."


_PAGE = """<!doctype html>
<html lang=en><head><meta charset=utf-8><meta name=viewport content="width=device-width">
<meta name=color-scheme content="light dark">
<meta http-equiv=Content-Security-Policy content="{policy}">
<title>Audit - contextprune</title><style>{style}</style></head><body>
<header><h1>What these sessions cost, and would have cost</h1>
<p class=dim>{scope}<p class=big>{verdict}</p></header>
<main>
<dl class=facts>{facts}</dl>
<p class=dim>{prices}
<section><h2>What your agent used later</h2>
<p class=dim>Paths, ids and lines that only results of tools had shown, and of which a later call made use: each counts
once. In sight is what the shortened request would still have shown.</p>
{later}</section>
{compared}
<section><h2>Cost</h2>
<p class=key><span><i class=o></i>without contextprune</span><span><i class=n></i>with it</span></p>
{course}</section>
<section><h2>By tool</h2>
<p class=dim>Tokens that each tool's results brought, what was sent again in later requests, and how much of all that
would not have been sent. Bars: all that was sent, and in colour what would remain.</p>
{tools}</section>
<section><h2>By kind</h2>
{kinds}</section>
<section><h2>Largest wasters</h2>
<p class=dim>Blocks whose tokens, times the requests that carried them, are the most.</p>
{blocks}</section>
<section><h2>Dearest sessions</h2>
<p class=key><span><i class=o></i>without contextprune</span><span><i class=n></i>with it</span>\
<span><i class=e></i>epoch: old blocks decided anew</span><span><i class=c></i>the cache had expired</span></p>
{sessions}</section>
<section><h2>Notes</h2>
<ul>{notes}{skipped}
<li>This page holds the first words of your sessions and calls: mind whom you give it to.</ul></section>
</main><script>{script}</script></body></html>
"""
