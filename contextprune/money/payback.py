"""When rewriting what the provider's cache knows is worth it, and when it is safe.

It is paid from savings made already: a rewriting happens only if, were the session to end right after it, the bill
would still be no larger than without us, under every table of prices that may apply. So no session gets dearer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from contextprune.money.tariff import FAMILIES, Tariff, family_of
from contextprune.policy import Policy

TYPICAL = FAMILIES["anthropic"]  # by what a payback is reckoned where the model is not known
PATIENCE = 1.0  # turns still expected, as a share of those seen
SPACING = 20  # turns between two epochs
EVERY = 4  # turns between two looks for one: each costs some milliseconds


def tables(model: str, policy: Policy) -> tuple[Tariff, ...]:
    """The price tables under which no bill may grow; the first one tells whether a rewriting pays back."""
    name = policy.prices or model
    if name in policy.tariffs:
        return (policy.tariffs[name],)
    if name in FAMILIES:
        return (FAMILIES[name],)
    return (family_of(name),) if name else (TYPICAL, *FAMILIES.values())


def keeps_cacheable(before: int, after: int, least: int, cushion: float) -> bool:
    """Whether a prompt that shrinks to `after` tokens stays one that the provider caches, or gains enough.

    Below `least` nothing is cached, and each request pays in full for what would have been read. Losing `cushion` times
    as much makes up for that: 4 times under every table if each request adds a hundred tokens, once if it adds many.
    """
    return before < least or after >= least or before - after > cushion * least


@dataclass(slots=True)
class Meter:
    """What the requests so far cost, relative to the price of fresh input, with us and without.

    saved   what was saved so far under each table, in tokens of fresh input
    turns   requests so far; quiet: those since the last epoch

    A request that met a cold cache is counted as if the cache had known it: that understates what was saved.
    """

    tables: Sequence[Tariff]
    saved: list[float] = field(default_factory=list)
    turns: int = 0
    quiet: int = 0
    _plain: int = 0

    def __post_init__(self) -> None:
        self.saved = [0.0] * len(self.tables)

    def request(self, plain: int, sent: int, known: int) -> None:
        """A request of `plain` tokens went out as `sent`, of which the cache knew the first `known`."""
        self.saved = self._after(plain, sent, known)
        self._plain = plain
        self.turns += 1
        self.quiet += 1

    def affords(self, plain: int, sent: int, known: int) -> bool:
        """Whether the bill is no larger than without us, under every table, once this request has gone out."""
        return min(self._after(plain, sent, known), default=0.0) >= 0.0

    def gain(self, removed: int, rewritten: int) -> float:
        """What it is expected to save to take `removed` cached tokens out and write the `rewritten` ones behind them
        again, in tokens of fresh input.

        Above 0 where the payback of K* = rewritten (write - read) / (removed read) requests, this one counted, lies
        within those still expected.
        """
        typical = self.tables[0]
        kept = removed * typical.read * (1 + self.turns * PATIENCE)
        return (kept - rewritten * (typical.write - typical.read)) / (typical.input or 1.0)

    def rests(self) -> bool:
        """Whether it is too early for an epoch."""
        return self.quiet < SPACING or self.quiet % EVERY > 0

    def rewrote(self) -> None:
        """An epoch took place."""
        self.quiet = 0

    def _after(self, plain: int, sent: int, known: int) -> list[float]:
        """What would be saved under each table after one more request."""
        return [
            saved + (_paid(plain, self._plain, table) - _paid(sent, known, table)) / (table.input or 1.0)
            for table, saved in zip(self.tables, self.saved, strict=True)
        ]


def _paid(tokens: int, known: int, table: Tariff) -> float:
    """What `tariff.charge` makes of a prompt of which the cache knows the first `known` tokens."""
    if tokens < table.least:
        return tokens * table.input
    read = known if known >= table.least else 0
    return read * table.read + (tokens - read) * table.write
