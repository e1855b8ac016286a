"""A conversation as it is sent so far: the state of the fold. It grows by one segment at a time.

All of it follows from the segments and their records, so it can be built anew at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from contextprune import images as pictures
from contextprune.context import Context, Kind, Segment, Span
from contextprune.markers import recall_keys
from contextprune.money.payback import Meter
from contextprune.plan import Decision
from contextprune.selection import sameness
from contextprune.session.ledger import Record
from contextprune.text.failures import failing
from contextprune.text.identifiers import identifiers

BLOCKS = frozenset({Kind.TOOL_RESULT, Kind.DOCUMENT})
"""What is decided on; of everything else only what it shows counts."""


HELD = 16  # blocks whose spans are kept


class Look(NamedTuple):
    """What the texts of a block and of its call tell: a failure, a view of a file, and what may be recall keys."""

    failed: bool
    view: bool
    keys: frozenset[str]


@dataclass(slots=True)
class Past:
    """What was sent of each segment, and what is visible in it.

    split     cuts a context into spans
    texts     what is sent instead of a segment; None: it stands as it is
    before    tokens of each segment; after: of what is sent of it
    shown     identifiers that anything but results shows
    keys      recall keys that were sent
    looks     what blocks look like, as far as somebody asked
    told      what a plan says of a segment that is only replayed, by index, while it is editable or not
    redone    segments that an epoch changed
    known     segments that the last request sent
    ended     a request was taken to end at the last segment, so that only a reply may follow
    """

    split: Callable[[Context], list[Span]]
    meter: Meter
    segments: list[Segment] = field(default_factory=list)
    texts: list[str | None] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    looks: dict[int, Look] = field(default_factory=dict)
    told: dict[int, tuple[bool, Span, Decision]] = field(default_factory=dict)
    redone: set[int] = field(default_factory=set)
    known: int = 0
    ended: bool = False
    _pixels: dict[int, bytes] = field(default_factory=dict)
    _failures: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _cuts: dict[int, list[Span]] = field(default_factory=dict)  # of the few blocks that new ones were compared with
    _spans: list[tuple[str, ...] | None] = field(default_factory=list)  # of each block, where it was cut
    _places: dict[str, int] = field(default_factory=dict)
    _placed: int = 0  # segments that `_places` tells of

    def text(self, at: int) -> str:
        """What is sent of a segment."""
        new = self.texts[at]
        return self.segments[at].text if new is None else new

    def add(self, segment: Segment, record: Record, spans: Sequence[Span] = ()) -> None:
        """One more segment, as decided; `spans` are its own, where it was cut already."""
        self.segments.append(segment)
        self.texts.append(record.text)
        self.before.append(record.before)
        self.after.append(record.after)
        self._spans.append(_compared(spans) if spans and record.text is None else None)
        self.ended = False
        goes = segment.kind is Kind.REASONING and segment.editable  # an epoch empties it
        if segment.kind is not Kind.TOOL_RESULT and not goes:
            self.shown.update(identifiers(segment.text))
        if segment.kind in BLOCKS:
            self._note(self.text(len(self.texts) - 1))

    def end(self, changed: Sequence[tuple[int, str, int]]) -> None:
        """A request ends here; before it is sent, an epoch has `changed` these segments: (index, text, tokens)."""
        first = min((at for at, _, _ in changed), default=self.known)
        for at, text, tokens in changed:
            self.texts[at], self.after[at], self._spans[at] = text, tokens, None
            self._cuts.pop(at, None)
            self._note(text)
            self.redone.add(at)
        if changed:
            self._places.clear()
            self._placed = 0
            self.meter.rewrote()
        known = sum(self.after[: min(first, self.known)])
        self.meter.request(sum(self.before), sum(self.after), known)
        self.known, self.ended = len(self.texts), True

    def prepare(self, enough: Callable[[], bool]) -> None:
        """Cut what `places` needs beforehand, block by block, until `enough`."""
        for at in range(self._placed, len(self.texts)):
            if enough():
                return
            if self.segments[at].kind in BLOCKS:
                self._cut(at)

    @property
    def places(self) -> Mapping[str, int]:
        """What spans have in common with their copies -> the first block that still shows it.

        Blocks are cut when this is first asked for, so that what is only replayed need not be cut.
        """
        for at in range(self._placed, len(self.texts)):
            if self.segments[at].kind in BLOCKS:
                for key in self._cut(at):
                    self._places.setdefault(key, at)
        self._placed = len(self.texts)
        return self._places

    def cut(self, at: int) -> Sequence[Span]:
        """The spans of what is sent of a segment, as those of a context that holds nothing else.

        Those asked for last are kept: what a new block repeats, the next one often does, too.
        """
        spans = self._cuts.pop(at, None)
        if spans is None:
            spans = self.split(Context((shown_as(self.segments[at], self.text(at)),)))
        self._cuts[at] = spans
        if len(self._cuts) > HELD:
            del self._cuts[next(iter(self._cuts))]
        return spans

    def failures(self, at: int) -> Sequence[str]:
        """The failure lines of a result as it came; where it has none, all of it. Each is read once in its life."""
        if at not in self._failures:
            segment = self.segments[at]
            context = Context((shown_as(segment, segment.text),))
            spans = self.split(context)
            found = failing(context, spans)
            self._failures[at] = tuple(spans[i].text for i in found) if found else (segment.text,)
        return self._failures[at]

    def pixels(self, at: int, image: Segment) -> bytes:
        """What the image at a place shows, to the pixel; each is decoded once, in some 20 ms."""
        if at not in self._pixels:
            self._pixels[at] = pictures.pixels(image.source or "")
        return self._pixels[at]

    def _cut(self, at: int) -> tuple[str, ...]:
        spans = self._spans[at]
        if spans is None:
            block = shown_as(self.segments[at], self.text(at))
            spans = self._spans[at] = _compared(self.split(Context((block,))))
        return spans

    def _note(self, text: str) -> None:
        self.keys.update(recall_keys(text))


def shown_as(segment: Segment, text: str) -> Segment:
    """The segment with what is sent of it."""
    return Segment(segment.kind, text, segment.ref, segment.turn, segment.pair, segment.name)


def size(text: str) -> int:
    """Bytes of a text on the wire."""
    return len(text.encode("utf-8", "surrogatepass"))


def _compared(spans: Iterable[Span]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sameness(span.text) for span in spans))
