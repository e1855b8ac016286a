"""What of the things that an agent used later was in sight when it did: the risk of a shortened session, by hindsight.

A thing is an identifier (a path, a symbol, a number, an address) or a line of which a call of a tool makes use, and
which by then only results of tools had shown. It counts once, where it is used first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from contextprune.audit.calls import call_in_words
from contextprune.context import BLOCKS, MODEL_MADE, Context, Kind, Ref, Segment, call_before
from contextprune.session.requests import boundaries
from contextprune.text.later_use import leaves, needed


@dataclass(frozen=True, slots=True)
class Unseen:
    """A thing that the agent used and that what is sent would not have shown by then.

    text      the identifier, or the line
    session   the name of the session
    request   the request whose answer used it, from 1
    tool      the tool that it was used with
    source    the tool whose result held it last; call: the call of that tool in words
    line      its line there, from 1
    since     the request that first sent that result
    """

    text: str
    session: str
    request: int
    tool: str
    source: str
    call: str
    line: int
    since: int


@dataclass(frozen=True, slots=True)
class Sight:
    """Things that were used later, and those of them that were not in sight when they were."""

    used: int = 0
    unseen: tuple[Unseen, ...] = ()

    @property
    def in_sight(self) -> int:
        """Things that were in sight."""
        return self.used - len(self.unseen)

    def __add__(self, other: Sight) -> Sight:
        return Sight(self.used + other.used, (*self.unseen, *other.unseen))


@dataclass(slots=True)
class Hindsight:
    """Reads a recorded conversation request by request and notes what the answers use; see `Sight`."""

    session: str
    context: Context
    used: int = 0
    unseen: list[Unseen] = field(default_factory=list)
    _results: list[str] = field(default_factory=list)
    _elsewhere: list[str] = field(default_factory=list)
    _read: int = 0
    _ends: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._ends = boundaries(self.context)

    @property
    def sight(self) -> Sight:
        """The things noted so far."""
        return Sight(self.used, tuple(self.unseen))

    def add(self, end: int, edits: Mapping[Ref, str]) -> None:
        """Note what the answer to the request uses that sent the segments before `end`, under these `edits`."""
        segments = self.context.segments
        for segment in segments[self._read : end]:
            self._read_in(segment)
        self._read = end

        results, elsewhere = "\n".join(self._results), "\n".join(self._elsewhere)
        uses: dict[str, str] = {}
        for segment in self._actions(end):
            values, lines = needed(results, elsewhere, list(leaves(segment.text)))
            for text in (*values, *lines):
                uses.setdefault(text, segment.name or "")
        self.used += len(uses)
        if not uses or not edits:
            return

        shown = "\n".join(edits.get(s.ref, s.text) for s in segments[:end] if s.kind in BLOCKS)
        self.unseen += [self._unseen(text, tool, end) for text, tool in uses.items() if text not in shown]

    def _read_in(self, segment: Segment) -> None:
        if segment.kind in BLOCKS:
            self._results.append(segment.text)
            return
        self._elsewhere.append(segment.text)
        if segment.kind is Kind.TOOL_CALL:
            self._elsewhere += leaves(segment.text)

    def _actions(self, end: int) -> list[Segment]:
        """The calls in the answer to the request that ends here; what it says, in sessions without calls."""
        segments = self.context.segments
        kind = Kind.TOOL_CALL if any(s.kind is Kind.TOOL_CALL for s in segments) else Kind.ASSISTANT
        until = next((later for earlier, later in pairwise(self._ends) if earlier == end), len(segments))
        return [s for s in segments[end:until] if s.kind in MODEL_MADE and s.kind is kind]

    def _unseen(self, text: str, tool: str, end: int) -> Unseen:
        segments = self.context.segments
        at = next(i for i in reversed(range(end)) if segments[i].kind in BLOCKS and text in segments[i].text)
        source, call = segments[at], call_before(segments, at)
        line = source.text.count("\n", 0, source.text.index(text)) + 1
        since = next(number for number, last in enumerate(self._ends, start=1) if last > at)
        words = call_in_words(call.text) if call is not None and source.pair else ""
        return Unseen(
            text, self.session, self._ends.index(end) + 1, tool, source.name or source.kind.value, words, line, since
        )
