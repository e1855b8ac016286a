"""Figures of one recording: the cost of each request and the blocks it carried, without and with contextprune."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from contextprune.audit.billed import Billed, compare
from contextprune.audit.calls import LONGEST_CALL, call_in_words, one_line
from contextprune.audit.logged import Logged
from contextprune.audit.patience import InTime, Patience, forever
from contextprune.audit.recordings import Recording
from contextprune.audit.sight import Hindsight, Sight
from contextprune.context import MODEL_MADE, Context, Kind, Segment
from contextprune.money.tariff import Bill, Piece, Tariff, charge
from contextprune.pruner import Pruner
from contextprune.session.replay import Request, replay
from contextprune.session.requests import boundaries
from contextprune.text.harness import own_words

LARGEST = 30  # blocks that a session remembers by name
_TITLE = 70  # characters
_BROUGHT = frozenset(
    {Kind.TOOL_RESULT, Kind.IMAGE, Kind.DOCUMENT, Kind.EXAMPLE}
)  # written by neither people nor models
_ANSWERS = frozenset({Kind.TOOL_RESULT, Kind.IMAGE})


class Step(NamedTuple):
    """A request: input tokens and their price, without and with contextprune.

    cold      so much time had passed that the provider's cache was empty, on both sides
    epoch     contextprune decided old blocks anew; where the cache is cold, that rewrites nothing
    seconds   time that the decisions took
    late      they took longer than a request may wait, so that what was new in it counts as sent whole
    """

    before: int
    after: int
    cost_before: float
    cost_after: float
    cold: bool
    epoch: bool
    seconds: float = 0.0
    late: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """Tokens of some blocks: `brought` counts each block once, `before` and `after` each request that sent it."""

    blocks: int = 0
    brought: int = 0
    before: int = 0
    after: int = 0

    def __add__(self, other: Flow) -> Flow:
        return Flow(
            self.blocks + other.blocks,
            self.brought + other.brought,
            self.before + other.before,
            self.after + other.after,
        )

    @property
    def resent(self) -> int:
        """Tokens sent again after they had been sent once."""
        return self.before - self.brought

    @property
    def saved(self) -> int:
        """Tokens that contextprune would not have sent."""
        return self.before - self.after


@dataclass(frozen=True, slots=True)
class Block:
    """A block that cost much: its tokens, the requests that carried it, and the tokens of it that they sent in all."""

    session: str
    kind: Kind
    tool: str
    call: str
    tokens: int
    requests: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Session:
    """The figures of one recording.

    tariff    whose prices count; relative ones (input = 1) where `priced` is False
    before    the bill of all requests as recorded; `after`: with contextprune
    replies   tokens that the model wrote; they cost the same on both sides
    tools     tool -> the flow of its results
    largest   blocks that were carried the furthest, the largest first
    logged    the usage that the provider reported, over the calls that the recording has
    bound     signed reasoning forbids to touch older turns, so no epoch can happen
    sight     what the agent used later, and what of it was in sight when it did
    billed    the same requests as the provider billed them, beside the cost model; None where the log has no usage
    """

    name: str
    title: str
    format: str
    model: str
    tariff: Tariff
    priced: bool
    steps: tuple[Step, ...]
    before: Bill
    after: Bill
    replies: int
    tools: Mapping[str, Flow]
    kinds: Mapping[str, Flow]
    largest: tuple[Block, ...]
    logged: Logged | None
    bound: bool
    seconds: float
    sight: Sight = field(default_factory=Sight)
    billed: Billed | None = None

    @property
    def cost_before(self) -> float:
        """US dollars for the input without contextprune; millions of full-price tokens where not `priced`."""
        return sum(step.cost_before for step in self.steps)

    @property
    def cost_after(self) -> float:
        """The same unit for the input with contextprune."""
        return sum(step.cost_after for step in self.steps)


@dataclass(slots=True)
class _Sums:
    """What the requests of one recording add up to, one after the other; `end` of the last one, in segments.

    carried   of each segment: tokens when first sent, requests, tokens in all without and with contextprune
    hour      what enters the cache is paid for an hour
    """

    tariff: Tariff
    carried: list[list[int]]
    hour: bool = False
    steps: list[Step] = field(default_factory=list)
    before: Bill = field(default_factory=Bill)
    after: Bill = field(default_factory=Bill)
    seconds: float = 0.0
    end: int = 0
    _cached: tuple[Sequence[Piece], Sequence[Piece]] = ((), ())

    def add(self, request: Request, seconds: float, *, late: bool) -> None:
        """Bill one more request, whose provider has the last one cached unless too much time went by."""
        cached = ((), ()) if request.cold else self._cached  # a miss is paid for on both sides
        old = charge(cached[0], request.before, self.tariff, hour=self.hour)
        new = charge(cached[1], request.after, self.tariff, hour=self.hour)
        self.before, self.after = self.before + old, self.after + new

        costs = old.dollars(self.tariff), new.dollars(self.tariff)
        step = Step(old.tokens, new.tokens, *costs, request.cold, request.epoch, seconds, late)
        self.steps.append(step)
        _carry(self.carried, request.before, request.after)
        self.seconds += seconds
        self.end = request.end
        self._cached = request.before, request.after


def audit_session(
    recording: Recording,
    pruner: Pruner,
    tariff: Tariff,
    *,
    priced: bool,
    patience: Patience = forever,
    strict: bool = True,
    progress: Callable[[int], None] = lambda _: None,
) -> Session:
    """Replay a recording and add up; `progress` is called with the number of each request. Raises StoreError.

    patience   how long a request may wait for its decisions
    strict     what comes too late counts as sent whole; else it is only counted
    """
    segments = recording.context.segments
    sums, sight = _add_up(recording, InTime(pruner, patience, strict=strict), tariff, progress)
    flows = [Flow(1, tokens, sent, now) for tokens, _, sent, now in sums.carried]
    sent = [(segment, flow) for segment, flow in zip(segments, flows, strict=True)][: sums.end]

    return Session(
        name=recording.name,
        title=title(recording.context),
        format=recording.format,
        model=recording.context.model,
        tariff=tariff,
        priced=priced,
        steps=tuple(sums.steps),
        before=sums.before,
        after=sums.after,
        replies=sum(flow.brought for segment, flow in sent if segment.kind in MODEL_MADE),
        tools=_grouped((s.name or "(no name)", flow) for s, flow in sent if s.kind in _ANSWERS),
        kinds=_grouped((s.kind.value, flow) for s, flow in sent),
        largest=_largest(recording.name, segments, sums.carried),
        logged=recording.logged,
        bound=recording.context.bound,
        seconds=sums.seconds,
        sight=sight,
        billed=compare(recording.uses, tariff),
    )


def _add_up(
    recording: Recording, sender: InTime, tariff: Tariff, progress: Callable[[int], None]
) -> tuple[_Sums, Sight]:
    """Replay a recording: what its requests add up to, and what its answers used."""
    context = recording.context
    sums = _Sums(tariff, [[0, 0, 0, 0] for _ in context.segments], recording.hour)
    hindsight = Hindsight(recording.name, context)

    for number, request in enumerate(replay(context, sender, _cold(recording)), start=1):
        progress(number)
        sums.add(request, sender.seconds, late=sender.late)
        hindsight.add(request.end, request.edits)
    return sums, hindsight.sight


def title(context: Context) -> str:
    """The first words of a user, on one line; "" where there are none."""
    texts = (own_words(segment.text) for segment in context.segments if segment.kind is Kind.USER)
    return next((one_line(words, _TITLE) for words in texts if words), "")


def _cold(recording: Recording) -> frozenset[int]:
    """The ends of the requests before which more time passed than the provider keeps its cache."""
    cold = set()
    for last, end in pairwise(boundaries(recording.context)):
        earlier, later = recording.times[last - 1], recording.times[end - 1]
        if earlier is not None and later is not None and later - earlier > recording.lifetime:
            cold.add(end)
    return frozenset(cold)


def _carry(carried: list[list[int]], before: Sequence[Piece], after: Sequence[Piece]) -> None:
    for sums, (_, old), (_, new) in zip(carried, before, after, strict=False):
        sums[0] = sums[0] or old
        sums[1] += 1
        sums[2] += old
        sums[3] += new


def _grouped(pairs: Iterable[tuple[str, Flow]]) -> dict[str, Flow]:
    """Sums by name, the largest first."""
    groups: dict[str, Flow] = {}
    for name, flow in pairs:
        groups[name] = groups.get(name, Flow()) + flow
    return dict(sorted(groups.items(), key=lambda item: (-item[1].before, item[0])))


def _largest(session: str, segments: Sequence[Segment], carried: Sequence[Sequence[int]]) -> tuple[Block, ...]:
    """The blocks that came from outside and cost the most tokens over all requests."""
    calls = {segment.pair: segment.text for segment in segments if segment.kind is Kind.TOOL_CALL and segment.pair}
    movable = [i for i, segment in enumerate(segments) if segment.kind in _BROUGHT and carried[i][2]]
    movable.sort(key=lambda i: (-carried[i][2], i))
    blocks = []
    for i in movable[:LARGEST]:
        segment, (tokens, requests, sent, now) = segments[i], carried[i]
        call = call_in_words(calls.get(segment.pair, "")) if segment.pair else one_line(segment.text, LONGEST_CALL)
        blocks.append(Block(session, segment.kind, segment.name or "", call, tokens, requests, sent, now))
    return tuple(blocks)


def in_one_currency(sessions: Sequence[Session]) -> tuple[Session, ...]:
    """The sessions in dollars, or in millions of full-price tokens where some price is not known."""
    return tuple(sessions) if all(session.priced for session in sessions) else tuple(map(relative, sessions))


def relative(session: Session) -> Session:
    """The session in prices where the input costs 1: a currency that sessions of all models share."""
    price = session.tariff.input
    if not session.priced or not price:
        return session
    steps = tuple(
        step._replace(cost_before=step.cost_before / price, cost_after=step.cost_after / price)
        for step in session.steps
    )
    billed = session.billed.per(price) if session.billed else None
    return replace(session, steps=steps, priced=False, billed=billed)
