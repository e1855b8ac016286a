"""Everything that was found, audited one session after the other, and summed up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from contextprune.audit.find import File, Skipped, find
from contextprune.audit.logged import Logged
from contextprune.audit.measure import Block, Flow, Session, measure, relative
from contextprune.audit.recordings import Recording, recordings
from contextprune.context import Context
from contextprune.errors import ContextPruneError, PayloadError, SettingsError
from contextprune.money.tariff import FAMILIES, Bill, Tariff, tariff_of, unpriced
from contextprune.pruner import Pruner
from contextprune.scoring import remarks
from contextprune.session.requests import boundaries

TYPICAL = FAMILIES["anthropic"]
"""Relative prices for sessions whose model has no known ones: many providers' reads cost a tenth."""


@dataclass(frozen=True, slots=True)
class Audit:
    """All sessions, the newest first, and what was left out.

    counter, scorer   what counted the tokens and what scored the spans, in words
    unpriced          why a model has no prices, one sentence for each such model
    remarks           what the scorer has to say about itself
    """

    sessions: tuple[Session, ...]
    skipped: tuple[Skipped, ...]
    counter: str
    scorer: str
    unpriced: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def priced(self) -> bool:
        """Whether every session's prices are known, so that costs are dollars."""
        return all(session.priced for session in self.sessions)

    @property
    def comparable(self) -> tuple[Session, ...]:
        """The sessions in one currency: dollars, or millions of full-price tokens where some price is not known."""
        return self.sessions if self.priced else tuple(map(relative, self.sessions))

    @property
    def cost(self) -> tuple[float, float]:
        """What all input costs without and with contextprune, in that currency."""
        sessions = self.comparable
        return sum(each.cost_before for each in sessions), sum(each.cost_after for each in sessions)

    @property
    def bills(self) -> tuple[Bill, Bill]:
        """Tokens without and with contextprune."""
        return (
            sum((session.before for session in self.sessions), Bill()),
            sum((session.after for session in self.sessions), Bill()),
        )

    @property
    def requests(self) -> int:
        """Calls of a model."""
        return sum(len(session.steps) for session in self.sessions)

    @property
    def dearer(self) -> tuple[Session, ...]:
        """The sessions that contextprune would have made dearer."""
        return tuple(each for each in self.sessions if each.cost_after > each.cost_before * (1 + 1e-9))

    @property
    def tools(self) -> Mapping[str, Flow]:
        """Tool -> what its results brought, over all sessions, the largest first."""
        return _summed([session.tools for session in self.sessions])

    @property
    def kinds(self) -> Mapping[str, Flow]:
        """Kind -> the same of all blocks."""
        return _summed([session.kinds for session in self.sessions])

    @property
    def largest(self) -> tuple[Block, ...]:
        """The blocks that cost the most tokens over all requests of their session."""
        return tuple(sorted((b for s in self.sessions for b in s.largest), key=lambda block: -block.before))

    @property
    def dearest(self) -> tuple[Session, ...]:
        """The sessions, the dearest first, in one currency."""
        return tuple(sorted(self.comparable, key=lambda session: -session.cost_before))

    @property
    def logged(self) -> Logged:
        """What the providers reported, over the sessions that have it."""
        return sum((session.logged for session in self.sessions if session.logged), Logged())


def audit(
    paths: Sequence[str],
    pruner: Pruner,
    model: str | None = None,
    limit: int | None = None,
    since: float | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Audit:
    """Replay the sessions at `paths`, the newest first.

    pruner   give it a store of its own: what it removes in a replay is nobody's original
    model    whose prices count for all; by default each session's own
    limit    the most sessions
    since    leave out files written before, in seconds since 1970
    tell     hears what is being done

    What is no session is left out and listed. Raises ContextPruneError where a path leads nowhere or nothing is a
    session, SettingsError where the model has no known price.
    """
    chosen = None if model is None else _asked(model)
    files, skipped = find(paths, since)
    sessions: list[Session] = []
    reasons: dict[str, None] = {}
    for recording, place in _each(files, skipped, tell):
        if limit is not None and len(sessions) >= limit:
            break
        if model is not None and model not in FAMILIES:
            recording = replace(recording, context=replace(recording.context, model=model))  # noqa: PLW2901 - as asked
        found, priced = chosen or _own(recording.context.model, reasons)
        try:
            session = measure(
                recording, pruner, found, priced=priced, tell=_numbered(tell, f"{place}: {recording.name}")
            )
        except ContextPruneError as exc:
            skipped.append(Skipped(recording.name, str(exc)))
        else:
            sessions.append(session)
    if not sessions:
        raise ContextPruneError(_nothing(paths, skipped))
    counter = getattr(pruner.counter, "label", pruner.counter.name)
    return Audit(tuple(sessions), tuple(skipped), counter, pruner.scorer.name, tuple(reasons), remarks(pruner.scorer))


def _each(
    files: Sequence[File], skipped: list[Skipped], tell: Callable[[str], None]
) -> Iterator[tuple[Recording, str]]:
    """Each conversation that is to be counted, and how far along its file is; one file is in memory at a time."""
    seen: set[bytes] = set()
    for number, file in enumerate(files, start=1):
        place = f"file {number:,} of {len(files):,}"
        tell(f"{place}: {file.name}")
        try:
            for recording in recordings(file):
                prefixes = _prefixes(recording.context)
                if not prefixes:
                    skipped.append(Skipped(recording.name, "no request in it"))
                elif prefixes[-1] in seen:
                    skipped.append(Skipped(recording.name, "an earlier state, or a copy, of a session counted already"))
                else:
                    seen.update(prefixes)
                    yield recording, place
        except ContextPruneError as exc:
            skipped.append(Skipped(file.name, _reason(exc)))


def _numbered(tell: Callable[[str], None], label: str) -> Callable[[int], None]:
    return lambda number: tell(f"{label}, request {number:,}")


def _prefixes(context: Context) -> list[bytes]:
    """A hash of what each request sent; equal ones mean the same request of the same session."""
    chain = blake2b(digest_size=16)
    ends = set(boundaries(context))
    found = []
    for end, segment in enumerate(context.segments, start=1):
        text = segment.text or segment.source or str(segment.cost)
        chain.update(f"{segment.kind.value}\0{len(text)}\0{text}".encode("utf-8", "surrogatepass"))
        if end in ends:
            found.append(chain.digest())
    return found


def _reason(exc: ContextPruneError) -> str:
    """What is wrong, without the place where it is: files with the same trouble are counted together."""
    where = exc.where if isinstance(exc, PayloadError) else ""
    return str(exc).removeprefix(f"{where}: ").partition(";")[0]


def _asked(model: str) -> tuple[Tariff, bool]:
    if model in FAMILIES:
        return FAMILIES[model], False
    tariff = tariff_of(model)
    if tariff is None:
        raise SettingsError(f"{unpriced(model)}; known families with relative prices: {', '.join(FAMILIES)}")
    return tariff, True


def _own(model: str, reasons: dict[str, None]) -> tuple[Tariff, bool]:
    tariff = tariff_of(model) if model else None
    if tariff is None:
        reasons[unpriced(model)] = None
        return TYPICAL, False
    return tariff, True


def _nothing(paths: Sequence[str], skipped: Sequence[Skipped]) -> str:
    reasons = "; ".join(dict.fromkeys(f"{each.name}: {each.reason}" for each in skipped[:3]))
    more = f"; and {len(skipped) - 3:,} more" if len(skipped) > 3 else ""
    return f"no session in {', '.join(paths)}" + (f" ({reasons}{more})" if reasons else "")


def _summed(tables: Sequence[Mapping[str, Flow]]) -> dict[str, Flow]:
    total: dict[str, Flow] = {}
    for table in tables:
        for name, flow in table.items():
            total[name] = total.get(name, Flow()) + flow
    return dict(sorted(total.items(), key=lambda item: (-item[1].before, item[0])))
