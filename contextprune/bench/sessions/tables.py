"""Tables of the sessions task: survival, costs under each price table, each set by itself, and the worst sessions.

The worst session is shown beside every mean: a bill that is smaller on average and larger for someone is not enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, median, quantiles

from rich.console import Console
from rich.table import Table

from contextprune.bench.sessions.bill import SessionResult, Tally
from contextprune.money.tariff import FAMILIES

LONG, LONGER = 10_000, 30_000  # tokens of the last request: sessions in which saving matters
DEARER = 1.0 + 1e-9  # sums of floats
BY_SET = "anthropic"  # the price table that sets are compared under
WORST = 5


def show_sessions(console: Console, results: Sequence[SessionResult], notes: Sequence[str]) -> None:
    """Print all tables of the sessions task."""
    console.print(_survival_table("what survives, and how steady it is, all sets pooled", results))
    for names in _same_prices():
        console.print(_cost_table(names, results))
    for name in dict.fromkeys(r.set for r in results):
        console.print(_set_table(name, [r for r in results if r.set == name]))
    for arm in _arms(results):
        if arm.startswith("ours"):
            _show_worst(console, arm, results)

    legend = (
        "cost: of input, relative to the recorded session; net: with calls that fetch what is missed, gross: without",
        f"saving: median of 1 - net in sessions whose last request exceeds {LONG:,} or {LONGER:,} tokens",
        "next: used by the next action; later: by all that follow, at 50, 75, 90 % of the replies; epochs: after them",
        "stable: requests that begin with the one before, outside epochs; the milliseconds are of the arm alone",
    )
    for note in (*notes, *legend):
        console.print(f"[dim]{note}[/dim]", soft_wrap=True)


def _survival_table(title: str, results: Sequence[SessionResult]) -> Table:
    table = _table(
        title,
        ("next values", "mean", "next lines", "mean", "later values", "lines", "epochs: values", "lines"),
        ("tokens left", "recalls/20", "epochs/20", "stable", "p50 ms", "p99 ms"),
    )

    for arm in _arms(results):
        rows = [r for r in results if r.arm == arm]
        tallies = [r.next for r in rows]
        low, high = _percentiles([1000 * s for r in rows for s in r.seconds])
        table.add_row(
            arm,
            _share(_values(tallies)),
            _mean_share(_values([tally]) for tally in tallies),
            _share(_lines(tallies)),
            _mean_share(_lines([tally]) for tally in tallies),
            _share(_values(r.later for r in rows)),
            _share(_lines(r.later for r in rows)),
            _share(_values(r.after for r in rows)),
            _share(_lines(r.after for r in rows)),
            f"{sum(r.sent for r in rows) / max(1, sum(r.tokens for r in rows)):.2f}",
            f"{20 * sum(r.recalls for r in rows) / max(1, sum(r.requests for r in rows)):.2f}",
            f"{median(20 * r.epochs / max(1, r.requests) for r in rows):.2f}",
            _share((sum(r.turns for r in rows), sum(r.stable for r in rows))),
            f"{low:.1f}",
            f"{high:.1f}",
        )

    counts = [r.next for r in results if r.arm == results[0].arm]
    table.caption = f"{len(counts)} sessions; needed next: {_values(counts)[0]} values, {_lines(counts)[0]} lines"
    return table


def _cost_table(names: Sequence[str], results: Sequence[SessionResult]) -> Table:
    tariff = FAMILIES[names[0]]
    title = f"cost under {', '.join(names)} (read {tariff.read}x, write {tariff.write}x)"
    table = _table(
        title,
        ("mean", "median", "worst", "dearer", "all together", "gross median", "gross worst"),
        (f"saving > {LONG // 1000}k", f"saving > {LONGER // 1000}k", "sessions"),
    )

    for arm in _arms(results):
        rows = [r for r in results if r.arm == arm]
        net, gross = [r.net[names[0]] for r in rows], [r.gross[names[0]] for r in rows]
        table.add_row(
            arm,
            f"{fmean(net):.3f}",
            f"{median(net):.3f}",
            f"{max(net):.3f}",
            f"{sum(cost > DEARER for cost in net) / len(net):.1%}",
            f"{sum(r.net[names[0]] * r.paid[names[0]] for r in rows) / sum(r.paid[names[0]] for r in rows):.3f}",
            f"{median(gross):.3f}",
            f"{max(gross):.3f}",
            _saving(rows, names[0], LONG),
            _saving(rows, names[0], LONGER),
            f"{len(rows)}, {sum(r.tokens > LONG for r in rows)}, {sum(r.tokens > LONGER for r in rows)}",
        )
    return table


def _set_table(name: str, results: Sequence[SessionResult]) -> Table:
    first = [r for r in results if r.arm == results[0].arm]
    title = f"{name}: {len(first)} sessions, median of {median(r.tokens for r in first):,.0f} tokens"
    table = _table(
        f"{title}; cost under {BY_SET}",
        ("net median", "worst", "dearer", "uncached", "next values", "lines", "later values", "lines", "of", "of"),
        ("tokens left", "recalls/20"),
    )

    for arm in _arms(results):
        rows = [r for r in results if r.arm == arm]
        net = [r.net[BY_SET] for r in rows]
        table.add_row(
            arm,
            f"{median(net):.3f}",
            f"{max(net):.3f}",
            f"{sum(cost > DEARER for cost in net) / len(net):.1%}",
            f"{median(r.net['uncached'] for r in rows):.3f}",
            _share(_values(r.next for r in rows)),
            _share(_lines(r.next for r in rows)),
            _share(_values(r.later for r in rows)),
            _share(_lines(r.later for r in rows)),
            str(_values(r.later for r in rows)[0]),
            str(_lines(r.later for r in rows)[0]),
            f"{sum(r.sent for r in rows) / max(1, sum(r.tokens for r in rows)):.2f}",
            f"{20 * sum(r.recalls for r in rows) / max(1, sum(r.requests for r in rows)):.2f}",
        )
    return table


def _show_worst(console: Console, arm: str, results: Sequence[SessionResult]) -> None:
    rows = [r for r in results if r.arm == arm]
    costs = sorted(((cost, r.set, r.id, name) for r in rows for name, cost in r.net.items()), reverse=True)[:WORST]
    dearest = ", ".join(f"{id_} ({set_}, {name}) {cost:.3f}" for cost, set_, id_, name in costs)
    console.print(f"{arm}, dearest sessions: {dearest}", soft_wrap=True)

    missed = sorted(((_missed(r.next), r.set, r.id) for r in rows), reverse=True)[:WORST]
    lost = ", ".join(f"{id_} ({set_}) {count}" for count, set_, id_ in missed if count)
    console.print(f"{arm}, most not seen by the next action: {lost or 'nothing'}", soft_wrap=True)


def _table(title: str, *headings: Iterable[str]) -> Table:
    table = Table(title=title)
    table.add_column("arm")
    for heading in (each for group in headings for each in group):
        table.add_column(heading, justify="right")
    return table


def _same_prices() -> list[list[str]]:
    """Names of price tables, those with the same prices together, since their figures are the same."""
    alike: dict[tuple[float, ...], list[str]] = {}
    for name, t in FAMILIES.items():
        alike.setdefault((t.input, t.read, t.write, t.least), []).append(name)
    return list(alike.values())


def _arms(results: Iterable[SessionResult]) -> list[str]:
    return list(dict.fromkeys(r.arm for r in results))


def _values(tallies: Iterable[Tally]) -> tuple[int, int]:
    return _summed(tallies, lambda t: (t.values, t.seen_values))


def _lines(tallies: Iterable[Tally]) -> tuple[int, int]:
    return _summed(tallies, lambda t: (t.lines, t.seen_lines))


def _summed(tallies: Iterable[Tally], pair: Callable[[Tally], tuple[int, int]]) -> tuple[int, int]:
    pairs = [pair(tally) for tally in tallies]
    return sum(needed for needed, _ in pairs), sum(visible for _, visible in pairs)


def _missed(tally: Tally) -> int:
    return tally.values + tally.lines - tally.seen_values - tally.seen_lines


def _share(counts: tuple[int, int]) -> str:
    return f"{counts[1] / counts[0]:.3f}" if counts[0] else "-"


def _mean_share(counts: Iterable[tuple[int, int]]) -> str:
    shares = [visible / needed for needed, visible in counts if needed]
    return f"{fmean(shares):.3f}" if shares else "-"


def _saving(results: Sequence[SessionResult], name: str, above: int) -> str:
    saved = [1 - r.net[name] for r in results if r.tokens > above]
    return f"{median(saved):.1%}" if saved else "-"


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < 2:
        return (values[0], values[0]) if values else (0.0, 0.0)
    cuts = quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]
