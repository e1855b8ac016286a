"""The audit as text for a terminal or a file, and as JSON for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from contextprune.audit.compare import Compared
from contextprune.audit.measure import Block, Flow, Session
from contextprune.audit.total import Audit
from contextprune.audit.wording import (
    WAY_BACK,
    billed_over,
    brief,
    compared_over,
    later_use,
    notes,
    prices,
    reasons,
    scope,
    seconds,
    unseen,
    verdict,
)
from contextprune.display.amounts import money, plural, share
from contextprune.display.terminal import plain

ROWS = 10
"""Lines of each table; the page and the JSON have more."""

UNSEEN = 5
"""Things that were not in sight, listed one by one; the page and the JSON have more."""

_NAME = 28  # characters


def as_text(audit: Audit, width: int = 100, bold: Callable[[str], str] = str) -> str:
    """The headline, the tables and the notes, in lines of about `width` characters; `bold` marks headings."""
    blocks = [
        [bold(scope(audit)), *textwrap.wrap(verdict(audit), width)],
        [*_columns(_headline(audit), width), *textwrap.wrap(prices(audit), width)],
        [bold(billed_over(audit)), *_columns(_billed(audit), width)],
        [bold("What your agent used later"), *_used_later(audit, width)],
        [bold(f"By recall, {compared_over(audit)}"), *_columns(_compared(audit), width)],
        [bold("By tool, in tokens"), *_columns(_flows("tool", "results", audit.tools), width)],
        [bold("By kind, in tokens"), *_columns(_flows("kind", "blocks", audit.kinds), width)],
        [bold("Largest wasters, in tokens"), *_columns(_blocks(audit.largest), width, left=(4, 5), flexible=4)],
        [bold("Dearest sessions"), *_columns(_sessions(audit), width, left=(0, 5), flexible=5)],
        [bold("Notes"), *_listed((*notes(audit), *_left_out(audit)), width)],
    ]
    return "\n\n".join("\n".join(lines) for lines in blocks if len(lines) > 1) + "\n"


def as_json(audit: Audit) -> dict[str, Any]:
    """Every figure. Costs are US dollars where `priced`, else millions of tokens at the full input price."""
    before, after = audit.cost
    bills = dict(zip(("before", "after"), map(asdict, audit.bills), strict=True))

    return {
        "sessions": len(audit.sessions),
        "requests": audit.requests,
        "priced": audit.priced,
        "cost": {"before": before, "after": after, "saved": before - after},
        "tokens": bills,
        "logged": asdict(audit.logged),
        "billed": {**asdict(audit.billed), "difference": audit.billed.difference},
        "late": audit.late,
        "used_later": {
            "used": audit.sight.used,
            "in_sight": audit.sight.in_sight,
            "unseen": [asdict(each) for each in audit.sight.unseen],
        },
        "compared": [_compared_as_json(row) for row in audit.compared],
        "dearer": [session.name for session in audit.dearer],
        "tools": {name: asdict(flow) for name, flow in audit.tools.items()},
        "kinds": {name: asdict(flow) for name, flow in audit.kinds.items()},
        "largest": [asdict(block) for block in audit.largest],
        "each": [_session_as_json(session) for session in audit.sessions],
        "skipped": [each._asdict() for each in audit.skipped],
        "counter": audit.counter,
        "scorer": audit.scorer,
        "notes": list(notes(audit)),
    }


def _session_as_json(session: Session) -> dict[str, Any]:
    figures = asdict(session)
    del figures["largest"], figures["sight"]  # they stand in the lists of all
    return {
        **figures,
        "cost": {"before": session.cost_before, "after": session.cost_after},
        "steps": [step._asdict() for step in session.steps],
    }


def _compared_as_json(row: Compared) -> dict[str, Any]:
    before, after = row.cost
    typical, longest = row.seconds
    return {
        "recall": row.name,
        "in_force": row.in_force,
        "sessions": [session.name for session in row.sessions],
        "priced": row.priced,
        "cost": {"before": before, "after": after, "saved": before - after},
        "used_later": {"used": row.sight.used, "in_sight": row.sight.in_sight},
        "late": row.late,
        "seconds": {"median": typical, "most": longest},
    }


def _headline(audit: Audit) -> Iterator[Sequence[str]]:
    old, new = audit.bills
    before, after = audit.cost
    largest = [
        max((getattr(step, side) for session in audit.sessions for step in session.steps), default=0)
        for side in ("before", "after")
    ]

    yield "", "without", "with", "saved"
    yield "input tokens sent", f"{old.tokens:,}", f"{new.tokens:,}", share(old.tokens - new.tokens, old.tokens)
    name = "cost of the input" if audit.priced else "cost (full-price tokens)"
    costs = (money(cost, priced=audit.priced) for cost in (before, after))
    yield name, *costs, share(before - after, before)
    if not audit.priced and any(session.priced for session in audit.sessions):
        yield _dollars(audit.sessions)
    yield "read from the cache", share(old.read, old.tokens), share(new.read, new.tokens), ""
    logged = audit.logged
    if logged.tokens:
        yield "  as logged", share(logged.read, logged.tokens), "", ""
    yield "largest request", f"{largest[0]:,}", f"{largest[1]:,}", share(largest[0] - largest[1], largest[0])
    if audit.sight.used:
        yield "used later, in sight", f"{audit.sight.used:,}", f"{audit.sight.in_sight:,}", ""


def _billed(audit: Audit) -> Iterator[Sequence[str]]:
    """The bill beside the model's; only the headings where no log has usage."""
    yield "", "fresh", "entered the cache", "read from it", "cost"
    if not audit.billed.requests:
        return
    sides = ("billed", audit.billed.billed, audit.billed.cost_billed), (
        "modelled", audit.billed.modelled, audit.billed.cost_modelled,
    )  # fmt: skip
    for name, bill, cost in sides:
        tokens = (f"{number:,}" for number in (bill.fresh, bill.entered, bill.read))
        yield name, *tokens, money(cost, priced=audit.priced)
    yield "difference", "", "", "", f"{audit.billed.difference or 0.0:+.1%}"


def _dollars(sessions: Sequence[Session]) -> Sequence[str]:
    with_prices = [session for session in sessions if session.priced]
    before, after = (sum(getattr(each, side) for each in with_prices) for side in ("cost_before", "cost_after"))
    name = f"cost of {plural(len(with_prices), 'session')}"
    return name, money(before, priced=True), money(after, priced=True), share(before - after, before)


def _used_later(audit: Audit, width: int) -> Iterator[str]:
    """What of the things used later was in sight, and the things that were not."""
    sight = audit.sight
    yield from textwrap.wrap(later_use(sight), width)
    yield from _listed(map(plain, map(unseen, sight.unseen[:UNSEEN])), width)
    if len(sight.unseen) > UNSEEN:
        yield f"- and {len(sight.unseen) - UNSEEN:,} more, which --json lists"
    if sight.unseen:
        yield from textwrap.wrap(WAY_BACK, width)


def _compared(audit: Audit) -> Iterator[Sequence[str]]:
    """What the sessions would have been under other settings."""
    yield "recall", "with", "saved", "in sight", "late", "time a request"
    for row in audit.compared:
        before, after = row.cost
        sight = f"{row.sight.in_sight:,} of {row.sight.used:,}"
        typical, longest = map(seconds, row.seconds)
        saved = share(before - after, before)
        cost = money(after, priced=row.priced)
        yield row.label, cost, saved, sight, f"{row.late:,}", f"{typical}, at most {longest}"


def _flows(name: str, blocks: str, flows: Mapping[str, Flow]) -> Iterator[Sequence[str]]:
    yield name, blocks, "brought", "sent again", "would go", "of all sent"
    for each, flow in list(flows.items())[:ROWS]:
        numbers = (flow.blocks, flow.brought, flow.resent, flow.saved)
        yield plain(each)[:_NAME], *(f"{number:,}" for number in numbers), share(flow.saved, flow.before)
    if len(flows) > ROWS:
        yield f"and {len(flows) - ROWS:,} more", *[""] * 5


def _blocks(blocks: Sequence[Block]) -> Iterator[Sequence[str]]:
    yield "tokens", "requests", "in all", "would go", "what", "session"
    for block in blocks[:ROWS]:
        numbers = (block.tokens, block.requests, block.before, block.before - block.after)
        block_name = ": ".join(part for part in (block.tool or block.kind.value, block.call) if part)
        yield *(f"{number:,}" for number in numbers), plain(block_name), _tail(block.session)


def _sessions(audit: Audit) -> Iterator[Sequence[str]]:
    yield "session", "requests", "without", "with", "saved", "begins with"
    for session in audit.dearest[:ROWS]:
        old, new = session.cost_before, session.cost_after
        costs = (money(cost, priced=audit.priced) for cost in (old, new))
        yield _tail(session.name), f"{len(session.steps):,}", *costs, share(old - new, old), plain(session.title)


def _left_out(audit: Audit) -> Iterator[str]:
    for reason, number, example in reasons(audit)[:ROWS]:
        yield f"Left out: {number} {_tail(example)}: {plain(reason)[:160]}."


def _columns(
    rows: Iterable[Sequence[str]], width: int, left: Sequence[int] = (0,), flexible: int | None = None
) -> list[str]:
    """Aligned lines; the flexible column gives way where they would be too long. No lines for a table of headings."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    if flexible is not None:
        widths[flexible] = max(12, min(widths[flexible], width - sum(widths) - 2 * len(widths) + 2 + widths[flexible]))
    lines = [
        "  ".join(
            _cut(cell, size).ljust(size) if i in left else cell.rjust(size)
            for i, (cell, size) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    return lines if len(lines) > 1 else []


def _listed(notes: Iterable[str], width: int) -> Iterator[str]:
    for note in notes:
        yield from textwrap.wrap(note, width, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _tail(name: str) -> str:
    """The end of a long name, where names of one folder differ."""
    name = plain(brief(name))
    return name if len(name) <= _NAME else "…" + name[1 - _NAME :]
