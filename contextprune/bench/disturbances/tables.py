"""The table of disturbances with its verdicts, and where a prefix changed first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from contextprune.bench.disturbances.disturbances import BUSY
from contextprune.bench.disturbances.measure import Exchanged, Outcome

DEARER = 1.0 + 1e-9  # sums of floats
KEPT = 0.9  # of what is saved undisturbed, or promised
SHOWN = 5  # broken prefixes of a disturbance

_HEADINGS = (
    "disturbance", "cost", "worst", "dearer", "prefix kept", "declared", "failed", "not in time", "saved",
    "of undisturbed", "worst added",
)  # fmt: skip
LEGEND = (
    "cost: of input, relative to the same requests without us; worst, dearer: by session",
    "prefix kept: requests whose beginning went up as before, byte for byte; declared: epochs, second chances",
    "not in time: requests of which something new was not decided when they went up",
    "saved: tokens of prompts; of undisturbed: beside the first row; worst added: beyond the provider's own time",
)


def show_disturbances(console: Console, rows: Sequence[Sequence[Outcome]], promised: int) -> None:
    """Print the table, what misses its aim, and the first requests with another prefix; `promised` by `audit`."""
    sessions, requests = len(rows[0]), sum(len(outcome.requests) for outcome in rows[0])
    table = Table(title=f"{sessions} sessions, {requests} requests, through the proxy with its defaults")
    for heading in _HEADINGS:
        table.add_column(heading, justify="left" if heading == "disturbance" else "right")
    undisturbed = saved(rows[0])
    for row in rows:
        table.add_row(*_cells(row, undisturbed))

    console.print(table)
    for line in (*verdicts(rows, promised), *(line for row in rows for line in _breaks(row))):
        console.print(line, highlight=False, soft_wrap=True)
    for note in LEGEND:
        console.print(f"[dim]{note}[/dim]", soft_wrap=True)


def verdicts(rows: Sequence[Sequence[Outcome]], promised: int) -> Iterator[str]:
    """A line for each aim that is missed, and one for what `audit` promised where all cores are busy."""
    undisturbed = saved(rows[0])
    for row in rows:
        name = row[0].disturbance
        dearer = sum(cost(outcome) > DEARER for outcome in row)
        if dearer:
            yield f"missed: {name}: {dearer} sessions cost more than direct"
        if kept(row) < 1:
            yield f"missed: {name}: the prefix is kept in {kept(row):.1%} of requests, not in all"
        if name != BUSY and saved(row) < KEPT * undisturbed:
            yield f"missed: {name}: {saved(row) / undisturbed:.2f} of the tokens saved undisturbed, not {KEPT}"
        if name == BUSY and promised:
            verdict = "met" if saved(row) >= KEPT * promised else "missed"
            share = saved(row) / promised
            yield f"{verdict}: {name}: {share:.2f} of the {promised:,} tokens that `audit` promises; aim: {KEPT}"


def cost(outcome: Outcome) -> float:
    """What a session cost relative to direct."""
    direct = sum(request.direct for request in outcome.requests)
    return sum(request.paid for request in outcome.requests) / direct if direct else 1.0


def saved(row: Sequence[Outcome]) -> int:
    """The tokens that were taken out of all prompts."""
    return sum(request.tokens - request.sent for request in _requests(row))


def kept(row: Sequence[Outcome]) -> float:
    """The share of requests whose prefix is as it was sent before, of those that did not declare an epoch."""
    requests = [request for request in _requests(row) if not request.failed and not _is_declared(request)]
    return sum(request.altered is None for request in requests) / len(requests) if requests else 1.0


def _cells(row: Sequence[Outcome], undisturbed: int) -> Iterator[str]:
    requests = list(_requests(row))
    direct = sum(request.direct for request in requests)
    tokens = sum(request.tokens for request in requests)
    costs = [cost(outcome) for outcome in row]

    yield row[0].disturbance
    yield f"{sum(request.paid for request in requests) / direct:.3f}"
    yield f"{max(costs):.3f}"
    yield str(sum(each > DEARER for each in costs))
    yield f"{kept(row):.1%}"
    yield str(sum(map(_is_declared, requests)))
    yield str(sum(request.failed for request in requests))
    yield str(sum(" " in request.outcome and not request.failed for request in requests))
    yield f"{saved(row):,} ({saved(row) / tokens:.1%})"
    yield f"{saved(row) / undisturbed:.2f}" if undisturbed else "-"
    yield f"{1000 * max(request.added for request in requests):,.0f} ms"


def _breaks(row: Sequence[Outcome]) -> Iterator[str]:
    """Where a prefix changed that no epoch declared, and who sent it."""
    broken = [
        (outcome.session, request)
        for outcome in row
        for request in outcome.requests
        if request.altered is not None and not _is_declared(request)
    ]
    for session, request in broken[:SHOWN]:
        yield f"{row[0].disturbance}: {session}, request {request.number}, {request.altered} ({request.outcome})"


def _is_declared(request: Exchanged) -> bool:
    """Tell whether an epoch or a second chance made old blocks shorter, and the log says so."""
    return request.altered is not None and request.altered.shortened and request.declared


def _requests(row: Sequence[Outcome]) -> Iterator[Exchanged]:
    yield from (request for outcome in row for request in outcome.requests)
