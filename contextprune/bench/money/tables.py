"""Tables of the money task: billed and modelled cost, over all and by session, and where the difference comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from contextprune.bench.money.odds import PAUSES, pause_of
from contextprune.bench.money.usage import Request
from contextprune.money.reuse import SHRUNK, Given, State

NEAR = 0.05
PAUSE_NAMES = [f"below {bound:g} s" for bound in PAUSES] + [f"{PAUSES[-1]:g} s and more"]
TARGETS = (0.02, 0.9)  # the difference over all, and the share of sessions within NEAR

WORDS: Mapping[Given, str] = {
    Given.SIZES: "sizes and times",
    Given.START: "and each first request",
    Given.BREAKS: "and breaks",
}
_NOTES = (
    "cost of the input, in millions of tokens that would cost as much at the full input price, and in dollars where",
    "the price is known; within 5 %: share of sessions",
    "sizes and times: nothing else is known, so a session's first request counts as cold, although other sessions may",
    "have left its beginning in the cache",
    "and each first request: as billed; from it and later ones the model learns how long a shared beginning is",
    "and breaks: as billed, too, where more than a tenth of what was expected was not read (the client changed an",
    "earlier part, or the provider let an entry go), or where an entry outlived its time: so this step predicts no",
    "misses, and checks prices, lifetimes and steps. What it adds to the step before is the residual that sizes cannot",
    "tell; of the two causes a proxy sees the first, in the bytes",
    "24 hours: no request here says that it asked for them",
)


def show_money(console: Console, results: Mapping[Given, Sequence[Request]], by_odds: Sequence[Request]) -> None:
    """Print all tables of the money task; `by_odds`: the requests beside what odds make of them."""
    console.print(_totals(results))
    console.print(
        f"sizes, times and odds learnt from the other half of the sessions: {difference(by_odds):+.1%} over all, "
        f"{near(by_odds):.1%} of sessions within 5 %",
        soft_wrap=True,
    )
    console.print(_table("by family and lifetime of the cache", ("family", "kept for"), results, _family_and_lifetime))
    console.print(_table("by agent", ("agent",), results, lambda request: (request.agent,)))
    console.print(_states(results[Given.START]))
    console.print(_misses(results[Given.START]))
    for note in _NOTES:
        console.print(f"[dim]{note}[/dim]", soft_wrap=True)


def difference(requests: Iterable[Request]) -> float:
    """The modelled cost over the billed one, minus 1."""
    rows = list(requests)
    billed = sum(row.billed for row in rows)
    return sum(row.modelled for row in rows) / billed - 1 if billed else 0.0


def near(requests: Iterable[Request]) -> float:
    """The share of sessions whose modelled cost is within NEAR of the billed one."""
    sums: dict[str, list[float]] = {}
    for row in requests:
        session = sums.setdefault(row.session, [0.0, 0.0])
        session[0] += row.billed
        session[1] += row.modelled
    close = [abs(modelled - billed) <= NEAR * billed for billed, modelled in sums.values()]
    return sum(close) / len(close) if close else 0.0


def _totals(results: Mapping[Given, Sequence[Request]]) -> Table:
    rows = next(iter(results.values()))
    table = _headed(
        f"{len({row.session for row in rows}):,} sessions, {len(rows):,} requests",
        (
            "the model is given",
            "billed",
            "modelled",
            "difference",
            "at most",
            "within 5 %",
            "at least",
            "$ billed",
            "$",
        ),
    )
    most, least = TARGETS

    for given, requests in results.items():
        usd = [row.usd for row in requests if row.usd]
        off, share = difference(requests), near(requests)
        table.add_row(
            WORDS[given],
            _millions(row.billed for row in requests),
            _millions(row.modelled for row in requests),
            _colored(f"{off:+.1%}", met=abs(off) <= most),
            f"{most:.0%}",
            _colored(f"{share:.1%}", met=share >= least),
            f"{least:.0%}",
            f"{sum(billed for billed, _ in usd):,.2f}",
            f"{sum(modelled for _, modelled in usd):,.2f}",
        )
    return table


def _table(
    title: str,
    headings: Sequence[str],
    results: Mapping[Given, Sequence[Request]],
    key: Callable[[Request], tuple[str, ...]],
) -> Table:
    """A row for each group, with the difference and the share of near sessions under each step."""
    steps = [heading for given in results for heading in (WORDS[given], "within 5 %")]
    table = _headed(title, (*headings, "sessions", "requests", "billed", *steps))
    for group in sorted({key(row) for row in next(iter(results.values()))}):
        grouped = [[row for row in requests if key(row) == group] for requests in results.values()]
        first = grouped[0]
        cells = [cell for rows in grouped for cell in (f"{difference(rows):+.1%}", f"{near(rows):.0%}")]
        counts = f"{len({row.session for row in first}):,}", f"{len(first):,}", _millions(row.billed for row in first)
        table.add_row(*group, *counts, *cells)
    return table


def _states(requests: Sequence[Request]) -> Table:
    """What sort of request the difference comes from, and what was read of what was expected."""
    table = _headed(
        "where the difference comes from, first requests as billed",
        (
            "the cache",
            "requests",
            "more read",
            "less read",
            "read, expected",
            "read, billed",
            "of the cost",
            "difference",
        ),
    )
    total = sum(row.billed for row in requests)

    for state in State:
        rows = [row for row in requests if row.expected.state is state]
        more = sum(row.read > 1.1 * row.expected.bill.read for row in rows)
        less = sum(row.read < 0.9 * row.expected.bill.read for row in rows)
        table.add_row(
            state.value,
            f"{len(rows):,}",
            f"{more:,}",
            f"{less:,}",
            _millions(row.expected.bill.read for row in rows),
            _millions(row.read for row in rows),
            f"{sum(row.billed for row in rows) / total:.1%}",
            f"{sum(row.modelled - row.billed for row in rows) / total:+.2%}",
        )
    return table


def _misses(requests: Sequence[Request]) -> Table:
    """How often a request misses what its line has left in the cache, by the pause before it."""
    table = _headed("requests that go on and miss the cache, by the pause before", ("family", *PAUSE_NAMES))
    for family in sorted({row.family for row in requests}):
        cells = []
        for pause in range(len(PAUSE_NAMES)):
            rows = [row for row in requests if row.family == family and _goes_on(row) and pause_of(row.pause) == pause]
            missed = sum(row.read < SHRUNK * row.expected.bill.read for row in rows)
            cells.append(f"{missed:,} of {len(rows):,} ({missed / len(rows):.1%})" if rows else "-")
        table.add_row(family, *cells)
    return table


def _goes_on(request: Request) -> bool:
    return request.expected.state is State.GOES_ON


def _family_and_lifetime(request: Request) -> tuple[str, ...]:
    return request.family, f"{request.lifetime / 60:g} min"


def _headed(title: str, headings: Sequence[str]) -> Table:
    table = Table(title=title)
    for heading in headings:
        left = heading in {"the model is given", "family", "agent", "the cache"}
        table.add_column(heading, justify="left" if left else "right")
    return table


def _millions(tokens: Iterable[float]) -> str:
    return f"{sum(tokens) / 1e6:,.2f}"


def _colored(text: str, *, met: bool) -> str:
    return f"[green]{text}[/green]" if met else f"[red]{text}[/red]"
