"""When rewriting what the provider's cache knows is worth it, and when it is safe.

It is paid from savings made already: a rewriting happens only if, were the session to end right after it, the bill
would still be no larger than without us, under every table of prices that may apply. So no session gets dearer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from contextprune.policy import Policy
from contextprune.tariff import FAMILIES, Tariff, family_of

TYPICAL = FAMILIES["anthropic"]  # by what a payback is reckoned where the model is not known
PATIENCE = 1.0  # turns still expected, as a share of those seen
SPACING = 20  # turns between two epochs


def tables(model: str, policy: Policy) -> tuple[Tariff, ...]:
    """The price tables under which no bill may grow; the first one tells whether a rewriting pays back."""
    name = policy.prices or model
    if name in FAMILIES:
        return (FAMILIES[name],)
    return (family_of(name),) if name else (TYPICAL, *FAMILIES.values())


@dataclass(slots=True)
class Meter:
    """What the requests so far cost, relative to the price of fresh input, with us and without.

    saved   what was saved so far under each table, in tokens of fresh input
    turns   requests so far; quiet: those since the last epoch
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
        for k, table in enumerate(self.tables):
            without = self._plain * table.read + (plain - self._plain) * table.write
            self.saved[k] += (without - known * table.read - (sent - known) * table.write) / table.input
        self._plain = plain
        self.turns += 1
        self.quiet += 1

    def pays(self, removed: int, rewritten: int) -> bool:
        """Whether to take `removed` cached tokens out, and so write the `rewritten` ones behind them again.

        The payback of K* = rewritten (write - read) / (removed read) turns must lie within the turns still expected.
        """
        return not self.rests() and self.gain(removed, rewritten) > 0 and self.affords(removed, rewritten)

    def rests(self) -> bool:
        """Whether it is too early for an epoch."""
        return self.quiet < SPACING

    def gain(self, removed: int, rewritten: int) -> float:
        """What the rewriting is expected to save, in tokens of fresh input."""
        typical = self.tables[0]
        later = removed * typical.read * self.turns * PATIENCE / typical.input
        return later - _dearer(typical, removed, rewritten)

    def affords(self, removed: int, rewritten: int) -> bool:
        """Whether what was saved so far covers the rewriting under every table."""
        return all(
            saved >= _dearer(table, removed, rewritten) for table, saved in zip(self.tables, self.saved, strict=True)
        )

    def rewrote(self) -> None:
        """An epoch took place."""
        self.quiet = 0


def _dearer(table: Tariff, removed: int, rewritten: int) -> float:
    """What the rewriting costs in the request that does it, in tokens of fresh input."""
    return (rewritten * (table.write - table.read) - removed * table.read) / table.input
