"""Money: the cost of prompts without and with contextprune, request by request and in sum. Nothing is decided here.

It is the price of the whole prompt, cache reads and writes counted: a shorter prompt that breaks the
cache can cost more than a longer one that does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from contextprune.money.format import format_call_usd
from contextprune.money.tariff import FAMILIES, Bill, Piece, Tariff, charge, shared, tariff_of, unpriced


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of prompts without and with contextprune, in US dollars. Output of the model is not in it.

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
        """Whether there is a price."""
        return bool(self.tariff)

    @property
    def saved(self) -> float:
        """Net saving; negative where the bill is higher."""
        return self.before - self.after

    @property
    def gross(self) -> float:
        """The saving if rewrites, recalls and markers were free."""
        return self.saved + self.rewrites + self.recalls + self.markers

    def __add__(self, more: Cost) -> Cost:
        return Cost(
            before=self.before + more.before,
            after=self.after + more.after,
            rewrites=self.rewrites + more.rewrites,
            markers=self.markers + more.markers,
            recalls=self.recalls + more.recalls,
            tariff=_joined(self.tariff, more.tariff, ", "),
            note=_joined(self.note, more.note, "; "),
            was=self.was + more.was,
            sent=self.sent + more.sent,
            rewritten=self.rewritten + more.rewritten,
        )

    def __str__(self) -> str:
        """One line, without a heading."""
        if not self.known:
            return f"unknown: {self.note or 'nothing was priced'}"
        without = f"; without what has no price: {self.note}" if self.note else ""
        counted = f"net (cache reads and writes counted; {self.tariff}{without})"
        return f"{format_call_usd(self.after)} instead of {format_call_usd(self.before)}, {counted}"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request as the provider's cache sees it: enough to say at any time what it costs.

    Each part is a pair of tokens, without and with contextprune. They are counted from the beginning of the prompt.

    model    whose prices count
    same     what the session's request before this one sent in the same form
    redone   what that request sent, from the first block on that an epoch has changed since
    new      what it did not send
    markers  tokens of the markers in `new`
    tariffs  prices of your own, by name
    cold     the cache has expired since the request before, so all is written
    hour     the request asks that its cache be kept for an hour, so what enters it is dearer
    """

    model: str
    same: tuple[int, int]
    redone: tuple[int, int]
    new: tuple[int, int]
    markers: int = 0
    tariffs: Mapping[str, Tariff] = field(default_factory=dict, hash=False)
    cold: bool = False
    hour: bool = False

    @property
    def epoch(self) -> bool:
        """Whether old blocks were decided anew for this request."""
        return any(self.redone)

    def cost(self) -> Cost:
        """Tokens and dollars. The first price that is looked up takes a third of a second."""
        return self.cost_at(tariff_of(self.model, self.tariffs))

    def cost_at(self, tariff: Tariff | None) -> Cost:
        """The same at these prices; None: where there are none, tokens are counted all the same."""
        parts = {"same": self.same, "redone": self.redone, "new": self.new}
        before = [(name, tokens) for name, (tokens, _) in parts.items()]
        after = [(name, tokens) for name, (_, tokens) in parts.items()]
        previous = None if self.cold else (before[:2], [after[0], ("before the epoch", self.redone[1])])
        markers = (0, 0, self.markers)
        return cost_of(previous, before, after, tariff, model=self.model, markers=markers, hour=self.hour)


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
        """The sum with one request more. A `recall` would not have been sent without contextprune, so all is loss."""
        if recall:
            cost = replace(cost, before=0.0, was=Bill(), rewrites=0.0, markers=0.0, recalls=cost.after)
        return self + Session(1, epoch, recall, cost.sent.tokens if recall else 0, not cost.known, cost)

    def __add__(self, more: Session) -> Session:
        return Session(
            self.requests + more.requests,
            self.epochs + more.epochs,
            self.recalls + more.recalls,
            self.recalled + more.recalled,
            self.unpriced + more.unpriced,
            self.cost + more.cost,
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
            paid = ", ".join(f"{name} {format_call_usd(dollars)}" for name, dollars in parts)
            facts.append(("cost", str(replace(self.cost, note=""))))
            facts.append(
                ("saved", f"net {format_call_usd(self.net)}{share}, gross {format_call_usd(self.gross)} ({paid})")
            )
            if self.unpriced:
                facts.append(("unpriced", f"{self.unpriced:,} of the requests: {self.cost.note}"))
        else:
            facts.append(("cost", str(self.cost)))
        return "\n".join(f"{name:8} {value}" for name, value in facts)


def cost_of(
    previous: tuple[Sequence[Piece], Sequence[Piece]] | None,
    pieces_before: Sequence[Piece],
    pieces_after: Sequence[Piece],
    tariff: Tariff | None,
    *,
    model: str = "",
    markers: Sequence[int] = (),
    hour: bool = False,
) -> Cost:
    """The cost of one request without and with contextprune.

    previous    the pieces of the session's request before this one, without and with; None for the first, or where
                the cache has gone cold
    pieces_*    one piece for each segment, in both the same number
    tariff      None where no price is known: tokens are counted all the same, and `model` is named in the note
    markers     tokens of markers in each piece of `pieces_after`, as `marker_tokens` counts them
    hour        what enters the cache stays for an hour
    """
    was_before, was_after = previous or ((), ())
    prices = tariff or FAMILIES["uncached"]
    before = charge(was_before, pieces_before, prices, hour=hour)
    after = charge(was_after, pieces_after, prices, hour=hour)

    stable = shared(was_before, pieces_before)  # sent again unchanged by the client itself
    unrewritten = charge(pieces_after[:stable], pieces_after, prices, hour=hour)
    cost = Cost(was=before, sent=after, rewritten=max(0, unrewritten.read - after.read))
    if tariff is None:
        return replace(cost, note=unpriced(model))

    read = shared(was_after, pieces_after) if after.read else 0
    marked = _marked(sum(markers[read:]), sum(markers[:read]), after)
    return replace(
        cost,
        before=before.dollars(tariff),
        after=after.dollars(tariff),
        rewrites=max(0.0, after.dollars(tariff) - unrewritten.dollars(tariff)) if cost.rewritten else 0.0,
        markers=marked.dollars(tariff),
        tariff=tariff.name,
    )


def _marked(new: int, cached: int, prompt: Bill) -> Bill:
    """The bill for tokens of markers, new ones and cached ones, as those of their prompt are paid for."""
    if prompt.fresh:
        return Bill(fresh=new)
    return Bill(read=cached, hour=new) if prompt.hour else Bill(read=cached, written=new)


def _joined(first: str, second: str, comma: str) -> str:
    """Both lists of names as one, each name once."""
    return comma.join(dict.fromkeys(name for name in (*first.split(comma), *second.split(comma)) if name))


def _paid(bill: Bill) -> str:
    return f"{bill.tokens:,} tokens (fresh {bill.fresh:,}, written {bill.entered:,}, read {bill.read:,})"
