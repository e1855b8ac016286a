"""The state of a conversation: what was sent of each segment so far. It grows by one segment at a time.

All of it follows from the segments and their ledger entries, so it can be built anew at any time. What is no part of a
conversation (see `identity.is_aside`) is only counted, anew with each request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from contextprune import images
from contextprune.context import BLOCKS, Context, Kind, Segment, Span
from contextprune.markers import recall_keys
from contextprune.money.payback import Meter
from contextprune.plan import Decision
from contextprune.selection.dedupe import sameness
from contextprune.session.ledger import Entry
from contextprune.session.shown_lines import ShownLines
from contextprune.splitting import split
from contextprune.text.failure_lines import failure_lines
from contextprune.text.goal import Goal
from contextprune.text.identifiers import identifiers

CUTS_KEPT = 16  # blocks whose spans are remembered
CHANGING = BLOCKS | {Kind.IMAGE, Kind.REASONING}
"""What epochs change."""


class Look(NamedTuple):
    """What the texts of a block and of its call tell: a failure, what may be recall keys, a view and of which files."""

    failed: bool
    keys: frozenset[str]
    view: bool
    files: frozenset[str]


@dataclass(slots=True)
class Sources:
    """The earlier blocks that markers point to, "as above", as far as they were read; see `references`.

    needed    the segments that each block which refers to earlier ones needs, in order
    lines     of what was sent of the segments before `covered`
    looked    segments that were looked at for markers; last: the latest that has one
    """

    needed: dict[int, set[int]] = field(default_factory=dict)
    lines: ShownLines = field(default_factory=ShownLines)
    covered: int = 0
    looked: int = 0
    last: int = -1


@dataclass(slots=True)
class State:
    """What was sent of each segment, and what is visible in it.

    texts       what is sent instead of a segment; None: it stands as it is
    before      tokens of each segment; after: of what is sent of it
    goal        what the user asked so far
    asides      tokens of what stands before each segment and is no part of the conversation, and behind the last one
    late        blocks that stand as they are for want of time, and what they would be sent as, once that is known
    shown       identifiers that anything but results shows
    keys        recall keys that were sent
    calls       the latest call under each id
    signed      the last segment of reasoning that may not change; -1 where there is none
    looks       what blocks look like, as far as it was needed
    sources     what markers point to, as far as it was needed
    replayed    what a plan says of a segment that is only replayed, by index, while it is editable or not
    rewritten   segments that an epoch changed
    sent        segments that the last request sent; sent_before: the one before it
    ended       a request was taken to end at the last segment, so that only a reply may follow
    """

    meter: Meter
    segments: list[Segment] = field(default_factory=list)
    texts: list[str | None] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    goal: Goal = field(default_factory=Goal)
    asides: Sequence[int] = ()
    late: dict[int, Entry | None] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    calls: dict[str | None, int] = field(default_factory=dict)
    signed: int = -1
    looks: dict[int, Look] = field(default_factory=dict)
    sources: Sources = field(default_factory=Sources)
    replayed: dict[int, tuple[bool, Span, Decision]] = field(default_factory=dict)
    rewritten: set[int] = field(default_factory=set)
    sent: int = 0
    sent_before: int = 0
    ended: bool = False
    _pixels: dict[int, bytes] = field(default_factory=dict)
    _failures: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _cuts: dict[int, list[Span]] = field(default_factory=dict)  # of the few blocks that new ones were compared with
    _samenesses: list[tuple[str, ...] | None] = field(default_factory=list)  # of each block, where it was cut
    _places: dict[str, int] = field(default_factory=dict)
    _placed: int = 0  # segments that `_places` covers
    _shortened: dict[str, int] = field(default_factory=dict)
    _listed: int = 0  # segments that `_shortened` covers
    _lines: ShownLines = field(default_factory=ShownLines)
    _lined: int = 0  # segments that `_lines` covers
    _came: int = 0  # the sum of `before`
    _went: int = 0  # the sum of `after`
    _shortenable: int = 0  # the same, of blocks, images and reasoning
    _ends: list[int] = field(default_factory=list)
    _ended_with: Sequence[int] = ()  # the asides that `_ends` were reckoned with

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens of a request that ends here, without us and with us."""
        sent = self.ends[-1]
        return sent - self._went + self._came, sent

    @property
    def ends(self) -> Sequence[int]:
        """Tokens that are sent before each segment, and in all; it grows with the conversation."""
        if self._ended_with is not self.asides:
            self._ends, self._ended_with = [], self.asides
        ends = self._ends
        for at in range(len(ends), len(self.after) + 1):
            aside = self.asides[at] if at < len(self.asides) else 0
            ends.append(aside + (ends[-1] + self.after[at - 1] if at else 0))
        return ends

    @property
    def shortenable(self) -> int:
        """Tokens that are sent of blocks, images and reasoning: no epoch takes more."""
        return self._shortenable

    def text(self, at: int) -> str:
        """What is sent of a segment."""
        new = self.texts[at]
        return self.segments[at].text if new is None else new

    def add(self, segment: Segment, entry: Entry, spans: Sequence[Span] = ()) -> None:
        """Append one more segment, as decided; `spans` are its own, where it was cut already."""
        self.segments.append(segment)
        self.texts.append(entry.text)
        self.before.append(entry.before)
        self.after.append(entry.after)
        self._came += entry.before
        self._count(len(self.after) - 1, entry.after)
        self._samenesses.append(_samenesses(spans) if spans and entry.text is None else None)
        self.ended = False
        self.goal.add(segment)
        if entry.late:
            self.late[len(self.texts) - 1] = None
        if segment.kind is Kind.TOOL_CALL:
            self.calls[segment.pair] = len(self.texts) - 1
        if is_signed(segment):
            self.signed = len(self.texts) - 1

        emptied_at_epochs = segment.kind is Kind.REASONING and segment.editable
        if segment.kind is not Kind.TOOL_RESULT and not emptied_at_epochs:
            self.shown.update(identifiers(segment.text))
        if segment.kind in BLOCKS:
            self.keys.update(recall_keys(self.text(len(self.texts) - 1)))

    def renew(self, segments: Sequence[Segment]) -> None:
        """Go on with the same texts as another request brings them: breakpoints may have moved on."""
        self.segments[:] = segments
        self.signed = max((at for at, segment in enumerate(segments) if is_signed(segment)), default=-1)

    def until(self, at: int) -> State:
        """The state before segment `at` came, with what is sent now of those before it."""
        earlier = State(Meter(self.meter.tables), asides=self.asides)
        for i in range(at):
            earlier.add(self.segments[i], Entry(self.texts[i], self.before[i], self.after[i]))
        earlier._samenesses = self._samenesses[:at]  # so that they need not be cut again
        return earlier

    def end(self, changed: Sequence[tuple[int, str, int]]) -> None:
        """End a request here; before it is sent, an epoch has `changed` these segments: (index, text, tokens)."""
        first = min((at for at, _, _ in changed), default=self.sent)
        for at, text, tokens in changed:
            self._count(at, tokens - self.after[at])
            self.texts[at], self.after[at], self._samenesses[at] = text, tokens, None
            self._cuts.pop(at, None)
            self.keys.update(recall_keys(text))
            self.rewritten.add(at)
            self.late.pop(at, None)

        if changed:
            del self._ends[first + 1 :]
            self._places.clear()
            self._shortened.clear()
            self._lines, self.sources = ShownLines(), Sources()
            self._placed = self._lined = self._listed = 0
            self.meter.rewrote()
        self.meter.request(*self.tokens, self.ends[min(first, self.sent)])
        self.sent_before, self.sent, self.ended = self.sent, len(self.texts), True

    def prepare(self, is_enough: Callable[[], bool]) -> None:
        """Cut what `first_shown` needs beforehand, block by block, until `is_enough`."""
        for at in range(self._placed, len(self.texts)):
            if is_enough():
                return
            if self.segments[at].kind in BLOCKS:
                self._cut(at)
        if not is_enough():
            _ = self.shown_lines

    @property
    def shown_lines(self) -> ShownLines:
        """The lines of blocks as they were sent; read when this is first asked for."""
        for at in range(self._lined, len(self.texts)):
            if self.segments[at].kind in BLOCKS:
                self._lines.add(at, self.text(at))
        self._lined = len(self.texts)
        return self._lines

    @property
    def first_shown(self) -> Mapping[str, int]:
        """What spans have in common with their copies -> the first block that still shows it.

        Blocks are cut when this is first asked for, so that what is only replayed need not be cut.
        """
        for at in range(self._placed, len(self.texts)):
            if self.segments[at].kind in BLOCKS:
                for key in self._cut(at):
                    self._places.setdefault(key, at)
        self._placed = len(self.texts)
        return self._places

    @property
    def first_shortened(self) -> Mapping[str, int]:
        """The text of each block that was shortened -> the first one with that text."""
        for at in range(self._listed, len(self.texts)):
            if self.texts[at]:
                self._shortened.setdefault(self.segments[at].text, at)
        self._listed = len(self.texts)
        return self._shortened

    def call_of(self, segment: Segment) -> Segment | None:
        """The call that the segment behind the last one answers: the latest under its id; None without one."""
        at = self.calls.get(segment.pair)
        return None if at is None else self.segments[at]

    def cut(self, at: int) -> Sequence[Span]:
        """The spans of what is sent of a segment, as those of a context that holds nothing else.

        Those asked for last are kept: what a new block repeats, the next one often does, too.
        """
        spans = self._cuts.pop(at, None)
        if spans is None:
            spans = split(Context((shown_as(self.segments[at], self.text(at)),)))
        self._cuts[at] = spans
        if len(self._cuts) > CUTS_KEPT:
            del self._cuts[next(iter(self._cuts))]
        return spans

    def failures(self, at: int) -> Sequence[str]:
        """The failure lines of a result as it came; where it has none, all of it. Each is read once in its life."""
        if at not in self._failures:
            segment = self.segments[at]
            context = Context((shown_as(segment, segment.text),))
            spans = split(context)
            lines = failure_lines(context, spans)
            self._failures[at] = tuple(spans[i].text for i in lines) if lines else (segment.text,)
        return self._failures[at]

    def pixels(self, at: int, image: Segment) -> bytes:
        """The content of the image at a place, to the pixel; each is decoded once, in some 20 ms."""
        if at not in self._pixels:
            self._pixels[at] = images.pixels(image.source or "")
        return self._pixels[at]

    def _count(self, at: int, tokens: int) -> None:
        """Count tokens that are sent of a segment."""
        self._went += tokens
        if self.segments[at].kind in CHANGING:
            self._shortenable += tokens

    def _cut(self, at: int) -> tuple[str, ...]:
        spans = self._samenesses[at]
        if spans is None:
            block = shown_as(self.segments[at], self.text(at))
            spans = self._samenesses[at] = _samenesses(split(Context((block,))))
        return spans


def is_signed(segment: Segment) -> bool:
    """Whether a segment is reasoning that may not change; what may be edited is not signed."""
    return segment.kind is Kind.REASONING and not segment.editable


def shown_as(segment: Segment, text: str) -> Segment:
    """The segment with what is sent of it."""
    return Segment(segment.kind, text, segment.ref, segment.turn, segment.pair, segment.name)


def _samenesses(spans: Iterable[Span]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sameness(span.text) for span in spans))
