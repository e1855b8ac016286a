"""A conversation as it is sent so far: the state of the fold. It grows by one segment at a time.

All of it follows from the segments and their records, so it can be built anew at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from contextprune.context import Context, Kind, Segment, Span
from contextprune.identifiers import identifiers
from contextprune.ledger import Record
from contextprune.rendering import KEY
from contextprune.selection import Meter, sameness

BLOCKS = frozenset({Kind.TOOL_RESULT, Kind.DOCUMENT})
"""What is decided on; of everything else only what it shows counts."""


@dataclass(slots=True)
class Past:
    """What was sent of each segment, and what is visible in it.

    split     cuts a context into spans
    texts     what is sent instead of a segment; None: it stands as it is
    before    tokens of each segment; after: of what is sent of it
    shown     identifiers that anything but results shows
    places    a span's text without white space at its ends -> the first segment that still shows it
    keys      recall keys that were sent
    ended     a request was taken to end at the last segment, so that only a reply may follow
    """

    split: Callable[[Context], list[Span]]
    meter: Meter
    segments: list[Segment] = field(default_factory=list)
    texts: list[str | None] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)
    places: dict[str, int] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    ended: bool = False
    _known: int = 0  # segments that the last request sent

    def text(self, at: int) -> str:
        """What is sent of a segment."""
        new = self.texts[at]
        return self.segments[at].text if new is None else new

    def add(self, segment: Segment, record: Record) -> None:
        """One more segment, as decided."""
        self.segments.append(segment)
        self.texts.append(record.text)
        self.before.append(record.before)
        self.after.append(record.after)
        self.ended = False
        if segment.kind is not Kind.TOOL_RESULT:
            self.shown.update(identifiers(segment.text))
        if segment.kind in BLOCKS:
            self._show(len(self.texts) - 1)

    def end(self, changed: Sequence[tuple[int, str, int]]) -> None:
        """A request ends here; before it is sent, an epoch has `changed` these segments: (index, text, tokens)."""
        first = min((at for at, _, _ in changed), default=self._known)
        for at, text, tokens in changed:
            self.texts[at], self.after[at] = text, tokens
        if changed:
            self.places.clear()
            for at, segment in enumerate(self.segments):
                if segment.kind in BLOCKS:
                    self._show(at)
            self.meter.rewrote()
        known = sum(self.after[: min(first, self._known)])
        self.meter.request(sum(self.before), sum(self.after), known)
        self._known, self.ended = len(self.texts), True

    def results(self) -> Iterator[int]:
        """Indices of the results of tools."""
        return (i for i, segment in enumerate(self.segments) if segment.kind is Kind.TOOL_RESULT)

    def _show(self, at: int) -> None:
        text = self.text(at)
        self.keys.update(KEY.findall(text) if "recall=" in text else ())
        for key in {sameness(span.text) for span in self.split(Context((shown_as(self.segments[at], text),)))}:
            self.places.setdefault(key, at)


def shown_as(segment: Segment, text: str) -> Segment:
    """The segment with what is sent of it."""
    return Segment(segment.kind, text, segment.ref, segment.turn, segment.pair, segment.name)
