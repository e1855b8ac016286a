"""The same sessions under other settings: what a higher or lower `recall` saves, keeps in sight and takes in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import NamedTuple

from contextprune.audit.measure import Session, in_one_currency
from contextprune.audit.sight import Sight
from contextprune.policy import Policy
from contextprune.pruner import Pruner
from contextprune.storage.store import MemoryStore

RECALLS = 0.8, 0.95, 0.99
REPETITIONS = "repetitions only"


class Variant(NamedTuple):
    """A row of the table: its name, a pruner of its own, and whether its settings are those in force."""

    name: str
    pruner: Pruner
    in_force: bool

    @property
    def title(self) -> str:
        """The name by which the row can be told outside the table."""
        return self.name if self.name == REPETITIONS else f"recall {self.name}"


@dataclass(frozen=True, slots=True)
class Compared:
    """What some sessions would have been under one variant; `sessions` are in one currency."""

    name: str
    in_force: bool
    sessions: tuple[Session, ...]

    @property
    def label(self) -> str:
        """The name as the table has it."""
        return f"{self.name} (in force)" if self.in_force else self.name

    @property
    def priced(self) -> bool:
        """Whether costs are dollars; else they are millions of tokens at the full input price."""
        return all(session.priced for session in self.sessions)

    @property
    def cost(self) -> tuple[float, float]:
        """The cost of all input without and with contextprune."""
        return sum(each.cost_before for each in self.sessions), sum(each.cost_after for each in self.sessions)

    @property
    def sight(self) -> Sight:
        """What was used later, over all sessions."""
        return sum((session.sight for session in self.sessions), Sight())

    @property
    def seconds(self) -> tuple[float, float]:
        """Seconds that the decisions of a request took: the median, and the most."""
        seconds = [step.seconds for session in self.sessions for step in session.steps]
        return median(seconds), max(seconds)

    @property
    def late(self) -> int:
        """Requests whose decisions came too late."""
        return sum(step.late for session in self.sessions for step in session.steps)


def variants(pruner: Pruner) -> list[Variant]:
    """The rows of the table, from the lowest recall on, each with a pruner that has the parts of this one."""
    policy = pruner.policy
    recalls = sorted({*RECALLS, *(() if policy.repetitions_only else (policy.recall,))})
    policies = {f"{recall:g}": replace(policy, recall=recall, repetitions_only=False) for recall in recalls}
    policies[REPETITIONS] = replace(policy, repetitions_only=True)

    rows = []
    for name, varied in policies.items():
        rows.append(Variant(name, _with_policy(pruner, varied), policy == varied))
    return rows


def compared(rows: Sequence[Variant], sessions: Sequence[Sequence[Session]]) -> tuple[Compared, ...]:
    """The table: `sessions` holds for each session what it was under each of the `rows`."""
    if not sessions:
        return ()
    columns = (in_one_currency(column) for column in zip(*sessions, strict=True))
    return tuple(Compared(row.name, row.in_force, column) for row, column in zip(rows, columns, strict=True))


def _with_policy(pruner: Pruner, policy: Policy) -> Pruner:
    """A pruner of the same parts, with a memory of its own."""
    return Pruner(
        policy, pruner.scorer, pruner.counter, MemoryStore(), recallable=pruner.recallable, hints=pruner.resources.hints
    )
