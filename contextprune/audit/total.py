"""The audit of all sessions found, one after the other, and their sums."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from contextprune.audit.billed import Billed
from contextprune.audit.compare import Compared, Variant, compared, variants
from contextprune.audit.find import File, Skipped, find
from contextprune.audit.logged import Logged
from contextprune.audit.measure import Block, Flow, Session, audit_session, in_one_currency
from contextprune.audit.patience import Patience, forever
from contextprune.audit.recordings import Recording, read_recordings
from contextprune.audit.sight import Sight
from contextprune.context import Context
from contextprune.errors import ContextPruneError, PayloadError, SettingsError
from contextprune.money.tariff import FAMILIES, Bill, Tariff, tariff_of, unpriced
from contextprune.pruner import Pruner
from contextprune.scoring import remarks
from contextprune.session.identity import Link, chain, conversation_of
from contextprune.tokens import label_of

TYPICAL = FAMILIES["anthropic"]
"""Relative prices for sessions whose model has no known ones: many providers' reads cost a tenth."""

MOST_COMPARED = 60_000_000
"""Tokens sent in all by the sessions that are replayed under other settings, which takes four times as long: half a
minute on one core. A session that does not fit is left out of the table."""


@dataclass(frozen=True, slots=True)
class Audit:
    """All sessions, the newest first, and the files left out.

    counter, scorer   the token counter and the scorer, in words
    unpriced          why a model has no prices, one sentence for each such model
    remarks           what the scorer has to say about itself
    waits             how long a request waits for its decisions, in words; "" where it waits for all of them
    compared          what the newest sessions would have been under other settings
    """

    sessions: tuple[Session, ...]
    skipped: tuple[Skipped, ...]
    counter: str
    scorer: str
    unpriced: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    waits: str = ""
    compared: tuple[Compared, ...] = ()

    @property
    def priced(self) -> bool:
        """True where every session's prices are known, so that costs are dollars."""
        return all(session.priced for session in self.sessions)

    @property
    def comparable(self) -> tuple[Session, ...]:
        """The sessions in one currency: dollars, or millions of full-price tokens where some price is not known."""
        return in_one_currency(self.sessions)

    @property
    def cost(self) -> tuple[float, float]:
        """The cost of all input without and with contextprune, in that currency."""
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
        """Tool -> the flow of its results, over all sessions, the largest first."""
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
        """The usage that the providers reported, over the sessions that have it."""
        return sum((session.logged for session in self.sessions if session.logged), Logged())

    @property
    def billed(self) -> Billed:
        """What the providers billed for these requests, beside the cost model, in the currency of `cost`."""
        return sum((session.billed for session in self.comparable if session.billed), Billed())

    @property
    def sight(self) -> Sight:
        """What the agents used later, and what of it was in sight when they did."""
        return sum((session.sight for session in self.sessions), Sight())

    @property
    def late(self) -> int:
        """Requests whose decisions took longer than they may wait."""
        return sum(step.late for session in self.sessions for step in session.steps)


def audit(
    paths: Sequence[str],
    pruner: Pruner,
    model: str | None = None,
    limit: int | None = None,
    since: float | None = None,
    progress: Callable[[str], None] = lambda _: None,
    *,
    patience: Patience = forever,
    waits: str = "",
    compare: int = 0,
) -> Audit:
    """Replay the sessions at `paths`, the newest first.

    pruner     give it a store of its own: texts that it removes in a replay are nobody's originals
    model      the model whose prices count for all; by default each session's own
    limit      the largest number of sessions
    since      leave out files written before, in seconds since 1970
    progress   called with a description of each step
    patience   how long a request may wait for its decisions; what comes too late counts as sent whole
    waits      the same in words
    compare    so many of the sessions are replayed under other settings as well, fewer where they are long

    Files that hold no session are left out and listed. Raises ContextPruneError where a path leads nowhere or holds no
    session, SettingsError where the model has no known price.
    """
    replays = _Replays(pruner, variants(pruner), _tariff_of_choice(model), patience, compare, progress)
    files, skipped = find(paths, since)
    recordings = _recordings_of(files, skipped, progress, model)
    sessions = tuple(islice(replays.sessions(recordings, skipped), limit))
    if not sessions:
        raise ContextPruneError(_nothing(paths, skipped))

    counter, scorer = label_of(pruner.counter), pruner.scorer
    table, unpriced_models = compared(replays.rows, replays.table), tuple(replays.unpriced)
    return Audit(sessions, tuple(skipped), counter, scorer.name, unpriced_models, remarks(scorer), waits, table)


@dataclass(slots=True)
class _Replays:
    """Replays one recording after the other, the first ones under every variant, so that these can be compared.

    How many decisions come too late is chance, and would blur what the variants differ in: there it is only counted.

    rows       the variants
    chosen     the prices that count for all, and whether they are dollars; None: each session's own
    compare    the largest number of recordings that are replayed under every variant
    table      of each of these, what it was under each variant
    unpriced   why a model has no prices, each reason once
    """

    pruner: Pruner
    rows: Sequence[Variant]
    chosen: tuple[Tariff, bool] | None
    patience: Patience
    compare: int
    progress: Callable[[str], None]
    table: list[list[Session]] = field(default_factory=list)
    unpriced: dict[str, None] = field(default_factory=dict)

    def sessions(self, recordings: Iterable[tuple[Recording, str]], skipped: list[Skipped]) -> Iterator[Session]:
        """The figures of each recording; one that cannot be replayed is `skipped`. Positions are for the progress."""
        for recording, position in recordings:
            tariff, priced = self.chosen or _tariff_of_session(recording.context.model, self.unpriced)
            try:
                yield self._session(recording, position, tariff, priced=priced)
            except ContextPruneError as exc:
                skipped.append(Skipped(recording.name, str(exc)))

    def _session(self, recording: Recording, position: str, tariff: Tariff, *, priced: bool) -> Session:
        def replay(pruner: Pruner, title: str = "") -> Session:
            progress = _numbered(self.progress, f"{position}{title}: {recording.name}")
            return audit_session(
                recording, pruner, tariff, priced=priced, patience=self.patience, strict=not title, progress=progress
            )

        session = replay(self.pruner)
        in_time = not any(step.late for step in session.steps)
        tokens = sum(sessions[0].before.tokens for sessions in self.table) + session.before.tokens
        if len(self.table) < self.compare and tokens <= MOST_COMPARED:
            self.table.append(
                [session if row.in_force and in_time else replay(row.pruner, f", {row.title}") for row in self.rows]
            )
        return session


def _recordings_of(
    files: Sequence[File], skipped: list[Skipped], progress: Callable[[str], None], model: str | None
) -> Iterator[tuple[Recording, str]]:
    """The conversations to be counted, each with the position of its file; one file is in memory at a time.

    `model` takes the place of the one that each conversation names.
    """
    counted: set[bytes] = set()
    for number, file in enumerate(files, start=1):
        position = f"file {number:,} of {len(files):,}"
        progress(f"{position}: {file.name}")

        try:
            for recording in read_recordings(file):
                if recording.torn:
                    skipped.append(Skipped(file.name, "not whole", recording.torn))
                requests = _request_keys(recording.context)
                if not requests:
                    skipped.append(Skipped(recording.name, "no request in it"))
                elif requests[-1] in counted:
                    skipped.append(Skipped(recording.name, "an earlier state, or a copy, of a session counted already"))
                else:
                    counted.update(requests)
                    yield _with_model(recording, model), position
        except ContextPruneError as exc:
            skipped.append(Skipped(file.name, _reason(exc)))


def _with_model(recording: Recording, model: str | None) -> Recording:
    """The recording as if `model` had answered; a family's prices are for any model."""
    if model is None or model in FAMILIES:
        return recording
    return replace(recording, context=replace(recording.context, model=model))


def _numbered(progress: Callable[[str], None], label: str) -> Callable[[int], None]:
    return lambda number: progress(f"{label}, request {number:,}")


def _request_keys(context: Context) -> list[Link]:
    """A hash of each request; equal ones mean the same request of the same session."""
    conversation = conversation_of(context)
    links = chain(conversation.segments, seed="")
    return [links[end - 1] for end in conversation.ends if end]


def _reason(exc: ContextPruneError) -> str:
    """The trouble without the place of it: files with the same trouble are counted together."""
    where = exc.where if isinstance(exc, PayloadError) else ""
    return str(exc).removeprefix(f"{where}: ").partition(";")[0]


def _tariff_of_choice(model: str | None) -> tuple[Tariff, bool] | None:
    if model is None:
        return None
    if model in FAMILIES:
        return FAMILIES[model], False
    tariff = tariff_of(model)
    if tariff is None:
        raise SettingsError(f"{unpriced(model)}; known families with relative prices: {', '.join(FAMILIES)}")
    return tariff, True


def _tariff_of_session(model: str, reasons: dict[str, None]) -> tuple[Tariff, bool]:
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
