"""Real usage of agent sessions, request by request, and what the cost model makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from contextprune.money.expiry import HOUR, lifetime_of
from contextprune.money.reuse import Expected, Given, Use, predict, use_of
from contextprune.money.tariff import Bill, Tariff, family_of, tariff_of
from contextprune.training.labels import kit

FILE = "usage_requests.jsonl.gz"
MAIN, SUB = "main agent", "sub-agents"


class AgentLine(NamedTuple):
    """The requests of one agent of a session, in order; `agent` is MAIN or SUB."""

    agent: str
    uses: tuple[Use, ...]

    @property
    def lifetime(self) -> float:
        """Seconds for which its cache is kept."""
        return HOUR if any(use.bill.hour for use in self.uses) else lifetime_of(self.uses[0].model)


@dataclass(frozen=True, slots=True)
class BilledSession:
    """A session with its lines: the main agent's, and one for each sub-agent."""

    id: str
    lines: tuple[AgentLine, ...]

    @property
    def model(self) -> str:
        """The model of its first request."""
        return self.lines[0].uses[0].model


@dataclass(frozen=True, slots=True)
class Request:
    """One request beside its prediction.

    lifetime           seconds for which its line's cache is kept
    billed, modelled   the input's cost, in tokens that would cost as much at the full input price
    usd                the same two in US dollars; None where the model has no known price
    """

    session: str
    family: str
    agent: str
    lifetime: float
    pause: float | None
    expected: Expected
    read: int
    billed: float
    modelled: float
    usd: tuple[float, float] | None


def find_usage(root: Path) -> Path | None:
    """The file of usage in a data kit; None where it has none."""
    return next(iter(sorted(root.rglob(FILE))), None)


def load_usage(path: Path, count: int | None = None) -> list[BilledSession]:
    """The sessions of a file; `count` of them by the hash of their ids, or all. Requests of no tokens are left out."""
    lines: dict[str, dict[str, list[Use]]] = {}
    for row in kit.read(path):
        use = _use(row)
        if use.bill.tokens:
            session = lines.setdefault(str(row["session"]), {})
            session.setdefault(str(row.get("stream") or ""), []).append(use)
    ids = sorted(lines, key=kit.digest)[:count]
    return [
        BilledSession(id_, tuple(AgentLine(SUB if name else MAIN, tuple(uses)) for name, uses in lines[id_].items()))
        for id_ in sorted(ids)
    ]


def compare(sessions: Sequence[BilledSession], given: Given) -> Iterator[Request]:
    """Each request of the sessions beside its prediction."""
    tariffs: dict[str, Tariff | None] = {}
    for session in sessions:
        for line in session.lines:
            for use, expected in zip(line.uses, predict(line.uses, given), strict=True):
                if use.model not in tariffs:
                    tariffs[use.model] = tariff_of(use.model)
                yield compared(session, line, use, expected, tariffs[use.model])


def compared(session: BilledSession, line: AgentLine, use: Use, expected: Expected, tariff: Tariff | None) -> Request:
    """A request beside its prediction; `tariff` where its model has a known price."""
    relative = family_of(use.model)
    return Request(
        session=session.id,
        family=family_name(session.model),
        agent=line.agent,
        lifetime=line.lifetime,
        pause=use.pause,
        expected=expected,
        read=use.bill.read,
        billed=use.bill.priced(relative),
        modelled=expected.bill.priced(relative),
        usd=(use.bill.dollars(tariff), expected.bill.dollars(tariff)) if tariff else None,
    )


def family_name(model: str) -> str:
    """The provider's family of a model, for a reader."""
    return next((name for name in ("claude", "gpt", "gemini") if name in model.lower()), "other")


def _use(row: Mapping[str, Any]) -> Use:
    hour = int(row.get("cache_creation_1h") or 0)
    counts = Bill(
        fresh=int(row["input"]),
        written=max(0, int(row["cache_creation"]) - hour),
        read=int(row["cache_read"]),
        hour=hour,
    )
    pause = row.get("gap_s")
    return use_of(str(row["model"]), counts, None if pause is None else float(pause))
