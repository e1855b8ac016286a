"""What a compression did, in numbers: tokens by kind, spans by action, time by stage, money. Nothing is decided here.

Money is what the provider asks for the whole prompt, cache reads and writes counted: a shorter prompt that breaks the
cache can cost more than a longer one that does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from contextprune.context import Kind
from contextprune.plan import Action, Plan
from contextprune.tariff import FAMILIES, Bill, Piece, Tariff, charge, shared, unpriced


@dataclass(frozen=True, slots=True)
class Cost:
    """What prompts cost without and with contextprune, in US dollars. What the model writes is not in it.

    before, after    without and with contextprune; both 0 where no price is known
    rewrites         part of `after`: sending again what the cache held before an epoch changed it
    markers          part of `after`: the text of markers
    recalls          part of `after`: requests that only exist because a marker was recalled
    tariff           names of the prices, "" where none is known
    note             why no price is known, "" where one is
    was, sent        the same prompts in tokens, without and with contextprune
    rewritten        tokens behind `rewrites`
    """

    before: float = 0.0
    after: float = 0.0
    rewrites: float = 0.0
    markers: float = 0.0
    recalls: float = 0.0
    tariff: str = ""
    note: str = ""
    was: Bill = field(default_factory=Bill)
    sent: Bill = field(default_factory=Bill)
    rewritten: int = 0

    @property
    def known(self) -> bool:
        """Whether there was a price."""
        return bool(self.tariff)

    @property
    def saved(self) -> float:
        """Net: what the bill is lower by. Negative where it is higher."""
        return self.before - self.after

    @property
    def gross(self) -> float:
        """What would be saved if rewrites, recalls and markers were free."""
        return self.saved + self.rewrites + self.recalls + self.markers

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            before=self.before + other.before,
            after=self.after + other.after,
            rewrites=self.rewrites + other.rewrites,
            markers=self.markers + other.markers,
            recalls=self.recalls + other.recalls,
            tariff=_joined(self.tariff, other.tariff, ", "),
            note=_joined(self.note, other.note, "; "),
            was=self.was + other.was,
            sent=self.sent + other.sent,
            rewritten=self.rewritten + other.rewritten,
        )

    def __str__(self) -> str:
        """One line, without a heading."""
        if not self.known:
            return f"unknown: {self.note or 'nothing was priced'}"
        without = f"; without what has no price: {self.note}" if self.note else ""
        counted = f"net (cache reads and writes counted; {self.tariff}{without})"
        return f"{_usd(self.after)} instead of {_usd(self.before)}, {counted}"


@dataclass(frozen=True, slots=True)
class Report:
    """The numbers of one compression; `str(report)` is a plain-text table.

    before, after   tokens of the whole payload
    by_kind         kind -> tokens before and after, for the kinds that occur
    actions         action -> spans, and the tokens that their text has
    seconds         stage -> seconds, in the order of the stages
    counter         label of what counted the tokens
    scorer          label of what scored the spans
    cost            money; None where nobody asked for prices
    notes           what a reader should know besides, one sentence each
    """

    before: int
    after: int
    by_kind: Mapping[Kind, tuple[int, int]]
    actions: Mapping[Action, tuple[int, int]]
    seconds: Mapping[str, float]
    counter: str
    scorer: str
    cost: Cost | None = None
    notes: tuple[str, ...] = ()

    @property
    def saved(self) -> int:
        """Tokens that are no longer sent."""
        return self.before - self.after

    @property
    def ratio(self) -> float:
        """Share of the tokens that remains, 1.0 where there were none."""
        return self.after / self.before if self.before else 1.0

    def __str__(self) -> str:
        """Totals, one row for each kind, then actions, money, time and notes."""
        rows = [("tokens", "before", "after", "saved", "kept")]
        rows += [_row(kind.value, *tokens) for kind, tokens in self.by_kind.items()]
        rows.append(_row("total", self.before, self.after))
        lines = _table(rows)
        rule = "-" * max(map(len, lines))
        facts = [("spans", _actions(self.actions)), ("cost", str(self.cost or "")), ("time", _times(self.seconds))]
        facts += [("counter", self.counter), ("scorer", self.scorer), *(("note", note) for note in self.notes)]
        return "\n".join([*lines[:-1], rule, lines[-1], "", *(f"{name:8} {said}" for name, said in facts if said)])


def summarise(
    plan: Plan,
    before: Sequence[int],
    after: Sequence[int],
    seconds: Mapping[str, float],
    counter: str,
    scorer: str,
    notes: tuple[str, ...] = (),
    cost: Cost | None = None,
) -> Report:
    """The report on a plan; `before` and `after` are the tokens of each segment of its context, in order."""
    by_kind: dict[Kind, tuple[int, int]] = {}
    for segment, old, new in zip(plan.context.segments, before, after, strict=True):
        was, is_now = by_kind.get(segment.kind, (0, 0))
        by_kind[segment.kind] = (was + old, is_now + new)
    actions: dict[Action, tuple[int, int]] = {}
    for decision in plan.decisions:
        spans, tokens = actions.get(decision.action, (0, 0))
        actions[decision.action] = (spans + 1, tokens + decision.cost)
    return Report(
        before=sum(before),
        after=sum(after),
        by_kind={kind: by_kind[kind] for kind in Kind if kind in by_kind},
        actions={action: actions[action] for action in Action if action in actions},
        seconds=dict(seconds),
        counter=counter,
        scorer=scorer,
        cost=cost,
        notes=notes,
    )


@dataclass(frozen=True, slots=True)
class Session:
    """The sum over the requests of a session, or of many.

    requests    how many were sent, recall turns included
    epochs      in how many of them old blocks were decided anew
    recalls     requests that only exist because a marker was recalled
    recalled    tokens that these requests sent
    unpriced    requests whose model has no known price; their tokens are counted, their dollars are not
    cost        dollars and tokens
    """

    requests: int = 0
    epochs: int = 0
    recalls: int = 0
    recalled: int = 0
    unpriced: int = 0
    cost: Cost = field(default_factory=Cost)

    def add(self, cost: Cost, *, epoch: bool = False, recall: bool = False) -> Session:
        """With one request more. What `recall` cost would not have been sent without contextprune, so all is loss."""
        if recall:
            cost = replace(cost, before=0.0, was=Bill(), rewrites=0.0, markers=0.0, recalls=cost.after)
        return self + Session(1, epoch, recall, cost.sent.tokens if recall else 0, not cost.known, cost)

    def __add__(self, other: Session) -> Session:
        return Session(
            self.requests + other.requests,
            self.epochs + other.epochs,
            self.recalls + other.recalls,
            self.recalled + other.recalled,
            self.unpriced + other.unpriced,
            self.cost + other.cost,
        )

    @property
    def before(self) -> Bill:
        """Tokens without contextprune, by how they are paid."""
        return self.cost.was

    @property
    def after(self) -> Bill:
        """Tokens with contextprune, by how they are paid."""
        return self.cost.sent

    @property
    def net(self) -> float:
        """Dollars saved in the end. Negative where the bill is higher."""
        return self.cost.saved

    @property
    def gross(self) -> float:
        """Dollars that would be saved if rewrites, recall turns and markers were free."""
        return self.cost.gross

    def __str__(self) -> str:
        """Requests, tokens by how they are paid, and money."""
        facts = [("requests", f"{self.requests:,}")]
        if self.epochs:
            facts.append(("epochs", f"{self.epochs:,} ({self.cost.rewritten:,} tokens sent again)"))
        if self.recalls:
            facts.append(("recalls", f"{self.recalls:,} ({self.recalled:,} tokens)"))
        facts += [("before", _paid(self.before)), ("after", _paid(self.after))]
        if self.cost.known:
            share = f" ({self.net / self.cost.before:.1%})" if self.cost.before else ""
            parts = ("rewrites", self.cost.rewrites), ("recalls", self.cost.recalls), ("markers", self.cost.markers)
            paid = ", ".join(f"{name} {_usd(dollars)}" for name, dollars in parts)
            facts.append(("cost", str(replace(self.cost, note=""))))
            facts.append(("saved", f"net {_usd(self.net)}{share}, gross {_usd(self.gross)} ({paid})"))
            if self.unpriced:
                facts.append(("unpriced", f"{self.unpriced:,} of the requests: {self.cost.note}"))
        else:
            facts.append(("cost", str(self.cost)))
        return "\n".join(f"{name:8} {said}" for name, said in facts)


def cost_of(
    previous: tuple[Sequence[Piece], Sequence[Piece]] | None,
    pieces_before: Sequence[Piece],
    pieces_after: Sequence[Piece],
    tariff: Tariff | None,
    *,
    model: str = "",
    markers: Sequence[int] = (),
) -> Cost:
    """What one request costs without and with contextprune.

    previous    the pieces of the session's request before this one, without and with; None for the first, or where
                the cache has gone cold
    pieces_*    one piece for each segment, in both the same number
    tariff      None where no price is known: tokens are counted all the same, and `model` is named in the note
    markers     tokens of markers in each piece of `pieces_after`, as `marker_tokens` counts them
    """
    was_before, was_after = previous or ((), ())
    prices = tariff or FAMILIES["uncached"]
    before, after = charge(was_before, pieces_before, prices), charge(was_after, pieces_after, prices)
    stable = shared(was_before, pieces_before)  # what the client itself sent again unchanged
    held = charge(pieces_after[:stable], pieces_after, prices)
    cost = Cost(was=before, sent=after, rewritten=max(0, held.read - after.read))
    if tariff is None:
        return replace(cost, note=unpriced(model))
    read = shared(was_after, pieces_after) if after.read else 0
    fresh, cached = sum(markers[read:]), sum(markers[:read])
    marked = Bill(fresh=fresh) if after.fresh else Bill(written=fresh, read=cached)
    return replace(
        cost,
        before=before.dollars(tariff),
        after=after.dollars(tariff),
        rewrites=max(0.0, after.dollars(tariff) - held.dollars(tariff)) if cost.rewritten else 0.0,
        markers=marked.dollars(tariff),
        tariff=tariff.name,
    )


def marker_tokens(plan: Plan, after: Sequence[int]) -> list[int]:
    """Tokens of the markers in each segment: what is sent of it, less the kept spans. `after` as for `summarise`.

    Where a block was left alone it is 0. Tokens do not add up exactly at the seams, so it may be off by a few.
    """
    kept = [0] * len(after)
    touched = set()
    for span, decision in zip(plan.spans, plan.decisions, strict=True):
        if decision.action is Action.KEEP:
            kept[span.segment] += decision.cost
        else:
            touched.add(span.segment)
    return [max(0, sent - kept[i]) if i in touched else 0 for i, sent in enumerate(after)]


def _row(name: str, before: int, after: int) -> tuple[str, str, str, str, str]:
    kept = f"{after / before:.1%}" if before else "-"
    return name, f"{before:,}", f"{after:,}", f"{before - after:,}", kept


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines with the first column aligned left and the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def _actions(actions: Mapping[Action, tuple[int, int]]) -> str:
    return ", ".join(f"{action.value} {spans:,} ({tokens:,} tokens)" for action, (spans, tokens) in actions.items())


def _times(seconds: Mapping[str, float]) -> str:
    """Each stage and their sum, in the unit that suits the whole."""
    total = sum(seconds.values())
    scale, unit = (1.0, "s") if total >= 1 else (1000.0, "ms")
    stages = ", ".join(f"{stage} {value * scale:.2f}" for stage, value in seconds.items())
    return f"{total * scale:.2f} {unit} ({stages})" if seconds else ""


def _joined(first: str, second: str, comma: str) -> str:
    """Both lists of names as one, each name once."""
    return comma.join(dict.fromkeys(name for name in (*first.split(comma), *second.split(comma)) if name))


def _usd(dollars: float) -> str:
    """Dollars with as many digits as they deserve."""
    size = abs(dollars)
    digits = 2 if size >= 100 or not size else 4 if size >= 0.01 else 6
    return f"{'-' if dollars < 0 else ''}${size:,.{digits}f}"


def _paid(bill: Bill) -> str:
    return f"{bill.tokens:,} tokens (fresh {bill.fresh:,}, written {bill.written:,}, read {bill.read:,})"
