"""When rewriting what the provider's cache knows is worth it, and when it is safe.

It is paid from savings made already: a rewriting happens only if, were the session to end right after it, the bill
would still be no larger than without us, under every table of prices that may apply. So no session gets dearer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from contextprune.money.tariff import FAMILIES, Tariff, family_of

TYPICAL = FAMILIES["anthropic"]  # the prices by which a payback is reckoned where the model is not known
PATIENCE = 1.0  # turns still expected, as a share of those seen
SPACING = 20  # turns between two epochs
EVERY = 4  # turns between two looks for one: each costs some milliseconds
SEGMENTS_A_TURN = 512  # for each turn between two looks: these grow with a conversation, their number must not


def tables(model: str, prices: str, tariffs: Mapping[str, Tariff]) -> tuple[Tariff, ...]:
    """The price tables under which no bill may grow; the first one tells whether a rewriting pays back.

    Where a prompt may enter the cache for an hour, at a higher price, no bill may grow at that price either: what the
    client asks for is not known here.

    model     as the request names it, "" where it names none
    prices    a family, model or name of `tariffs` whose prices count instead, "" for those of the model
    tariffs   prices of the caller's own, by name
    """
    name = prices or model
    own = tariffs.get(name) or FAMILIES.get(name)
    usual = (own,) if own else (family_of(name),) if name else (TYPICAL, *FAMILIES.values())
    return (*usual, *(replace(table, write=table.hour) for table in usual if table.hour))


def keeps_cacheable(before: int, after: int, least: int, cushion: float) -> bool:
    """Whether a prompt that shrinks to `after` tokens stays one that the provider caches, or gains enough.

    Below `least` nothing is cached, and each request pays in full for what would have been read. Losing `cushion` times
    as much makes up for that: 4 times under every table if each request adds a hundred tokens, once if it adds many.
    """
    return before < least or after >= least or before - after > cushion * least


@dataclass(slots=True)
class Meter:
    """The cost of the requests so far, relative to the price of fresh input, with us and without.

    saved   saved so far under each table, in tokens of fresh input
    turns   requests so far; quiet: those since the last epoch

    A request that met a cold cache is counted as if the cache had known it: that understates what was saved.
    """

    tables: Sequence[Tariff]
    saved: list[float] = field(default_factory=list)
    turns: int = 0
    quiet: int = 0
    _plain: int = 0
    _sent: int = 0

    def __post_init__(self) -> None:
        self.saved = [0.0] * len(self.tables)

    def request(self, plain: int, sent: int, cached: int) -> None:
        """Count a request of `plain` tokens that went out as `sent`, the first `cached` of them in the cache.

        Without us the cache has what the last request sent, and with us no more than that either: what stands before
        the conversation is new in the first request.
        """
        self.saved = self._after(plain, sent, cached)
        self._plain, self._sent = plain, sent
        self.turns += 1
        self.quiet += 1

    def affords(self, plain: int, sent: int, cached: int) -> bool:
        """Whether the bill is no larger than without us, under every table, once this request has gone out."""
        return min(self._after(plain, sent, cached), default=0.0) >= 0.0

    def gain(self, removed: int, rewritten: int) -> float:
        """Expected saving, in tokens of fresh input, of taking `removed` cached tokens out and writing again the
        `rewritten` ones behind them.

        Above 0 where the payback of K* = rewritten (write - read) / (removed read) requests, this one counted, lies
        within those still expected.
        """
        typical = self.tables[0]
        kept = removed * typical.read * (1 + self.turns * PATIENCE)
        return (kept - rewritten * (typical.write - typical.read)) / (typical.input or 1.0)

    def reprice(self, tables: Sequence[Tariff]) -> None:
        """Go on under other tables, for another model: what was saved before says nothing of its bill."""
        self.tables = tables
        self.saved = [0.0] * len(tables)
        self._plain = self._sent = 0

    def rests(self, segments: int) -> bool:
        """Whether it is too early for an epoch of so many segments, or for a look for one."""
        return self.quiet < SPACING or not self.looks(segments, EVERY)

    def looks(self, segments: int, every: int = 1) -> bool:
        """Whether it is time for a look: every so many turns, but in very long conversations less often."""
        return self.quiet % max(every, segments // SEGMENTS_A_TURN) == 0

    def rewrote(self) -> None:
        """Count an epoch."""
        self.quiet = 0

    def _after(self, plain: int, sent: int, cached: int) -> list[float]:
        """Saved under each table after one more request."""
        cached = min(cached, self._sent)
        return [
            saved + (_cost(plain, self._plain, table) - _cost(sent, cached, table)) / (table.input or 1.0)
            for table, saved in zip(self.tables, self.saved, strict=True)
        ]


def _cost(tokens: int, cached: int, table: Tariff) -> float:
    """The price of `bill_of`, without the bill: at each request the blocks of a whole conversation ask for it."""
    if tokens < table.least:
        return tokens * table.input
    read = cached if cached >= table.least else 0
    return (tokens - read) * table.write + read * table.read
