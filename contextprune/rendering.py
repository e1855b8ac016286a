"""Plan to text: kept spans verbatim, every gap a marker that fits the syntax it stands in.

A marker says what is missing and how much; the first one of a segment also names the recall key of the whole
original, so that one short key serves all its gaps and `recall(key, lines="12-40")` gives back any of them. None takes
more than a tenth of what it stands for, or 40 tokens, but for the shortest: `[3 lines cut]`, down to `[...]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from contextprune.context import Context, Span, Syntax, blocks_of
from contextprune.markers import EXAMPLES, alike_note, line_count, most_tokens, recall_note, short_marker
from contextprune.plan import Action, Decision, Plan
from contextprune.text.identifiers import condensed, identifiers
from contextprune.text.templates import templates
from contextprune.text.views import NUMBERED

_LISTED = re.compile(r"(?:^|[\s/])[\w.-]{0,200}[A-Za-z][\w-]{0,99}(?:\.[A-Za-z]\w{0,9}|/)\s*$")  # a listing is of names
TINY = 14  # tokens below which a gap is marked without words: such as "[1 line cut]" take some six
_INLINE = frozenset({Syntax.PROSE, Syntax.JSON_ITEM, Syntax.JSON_PAIR, Syntax.JSON_STRING})
LEAST_ALIKE = 3  # lines of one template, and tokens, before a marker shows one of them
SHOWN_ONE_IN = 20  # of what a marker stands for may the line take that it shows, or it stands in others' way
_COMMENT = {Syntax.HASH_CODE: "# ", Syntax.SLASH_CODE: "// ", Syntax.DASH_CODE: "-- ", Syntax.DIFF: " "}
_NINES = str.maketrans("0123456789", "9999999999")


class Gap(NamedTuple):
    """Consecutive spans that do not stay: indices first..end, whether all are copies, and the identifiers to carry."""

    first: int
    end: int
    copies: bool
    digest: tuple[str, ...]


class Markers:
    """Writes the marker of any gap of a context, and prices it before it is written (`plan.Prices`).

    costs   tokens of each span
    key     mints recall keys; without it gaps are bare ellipses and a segment with nothing left becomes "": for
            callers who hold the originals themselves
    bare    every marker is the shortest one and none has a key of its own: one key stands for all blocks
    examples   markers in place of alike lines show one of them, where identifiers leave room; it is in no price
    """

    def __init__(
        self,
        context: Context,
        spans: Sequence[Span],
        costs: Sequence[int],
        count: Callable[[str], int],
        key: Callable[[str], str] | None,
        *,
        bare: bool = False,
        examples: bool = True,
    ) -> None:
        self._context, self._spans, self._count, self._key, self._bare = context, spans, count, key, bare
        self._lines = list(_first_lines(spans))
        self._tokens = [0, *accumulate(costs)]
        self._goal: frozenset[str] | None = None
        self._alike = _Alike(spans) if examples else None
        self._examples: dict[int, list[tuple[int, str]]] = {}
        self._priced: dict[str, tuple[int, int]] = {}
        self._gaps: dict[tuple[int, int], tuple[int, int]] = {}  # each is asked for again when it closes
        self._rooms: dict[tuple[int, int], int] = {}

    def gap(self, first: int, end: int) -> tuple[int, int]:
        """Tokens and bytes of the marker in place of spans first..end; none where the whole text goes without one."""
        price = self._gaps.get((first, end))
        if price is None:
            price = self._gaps[first, end] = self._price_gap(first, end)
        return price

    def _price_gap(self, first: int, end: int) -> tuple[int, int]:
        if self._key is None and self._is_all(first, end):
            return 0, 0
        tokens, size = self._price(first, end, short=self._bare)
        if self._bare:
            return tokens, size
        return self._price(first, end, short=True) if tokens > self._ceiling(first, end) else (tokens, size)

    def room(self, first: int, end: int) -> int:
        """Tokens that identifiers may take in the marker in place of spans first..end, the recall key included."""
        room = self._rooms.get((first, end))
        if room is None:
            room = self._ceiling(first, end) - self._price(first, end, short=self._bare)[0]
            self._rooms[first, end] = room
        return room

    def _ceiling(self, first: int, end: int) -> int:
        """The most tokens that the marker in place of spans first..end may have, if it can."""
        return most_tokens(self._tokens[end] - self._tokens[first])

    def _price(self, first: int, end: int, *, short: bool) -> tuple[int, int]:
        """Tokens and bytes of a marker with the widest numbers that it may have."""
        text = self._dressed(self._words(first, end, short=short), first, end).translate(_NINES)
        price = self._priced.get(text)
        if price is None:
            price = self._priced[text] = self._count(text), len(text.encode("utf-8", "surrogatepass"))
        return price

    def key(self, segment: int) -> tuple[int, int]:
        """What naming the segment's recall key costs more."""
        if self._key is None or self._bare:
            return 0, 0
        text = recall_note(self._key(self._context.segments[segment].text))
        return self._count(text), len(text)

    def write(self, gap: Gap, recall: str = "") -> str:
        """The marker in place of a gap; `recall` is the note that names the key."""
        note, names = self._note(gap, recall)
        return self._dressed(note, gap.first, gap.end, names)

    def _dressed(self, note: str, first: int, end: int, names: str = "") -> str:
        """The note in the syntax of its place; `names` are the value of a member of an object."""
        if self._bare and self._is_all(first, end):
            return note
        spans = self._spans[first:end]
        return _dress(note, spans, self._context.segments[spans[0].segment].text, names)

    def exact(self, decisions: Sequence[Decision], first: int) -> int:
        """Tokens of the new text of the segment whose first span is `first`."""
        return self._count(self.segment_text(decisions, first))

    def segment_text(self, decisions: Sequence[Decision], first: int, key: str | None = None) -> str:
        """The new text of the segment whose first span is `first`, with `decisions` for just its spans.

        `key` is the recall key that it names; None for its own, where it names one.
        """
        original = self._context.segments[self._spans[first].segment].text
        if key is None:
            key = self._key(original) if self._key and not self._bare else ""
        recall = recall_note(key)
        parts = []
        for item in gaps(decisions, first):
            if isinstance(item, int):
                parts.append(self._spans[item].text)
            elif self._key or not self._is_all(item.first, item.end):
                parts.append(self.write(item, recall))
                recall = ""
        return "".join(parts)

    def _is_all(self, first: int, end: int) -> bool:
        text = self._context.segments[self._spans[first].segment].text
        return self._spans[first].start == 0 and self._spans[end - 1].end == len(text)

    def _note(self, gap: Gap, recall: str) -> tuple[str, str]:
        """What is missing, how much, how to get it back, and what it was: as much of that as there is room for.

        The identifiers come by themselves where they are a value of their own.
        """
        first, end = gap.first, gap.end
        if self._key is None:
            return self._words(first, end, short=True), ""
        if self._bare:
            return self._bare_note(gap, recall)
        room = (
            self._ceiling(first, end) - self._price(first, end, short=False)[0] - (self._count(recall) if recall else 0)
        )
        if room < 0 and self._is_tiny(first, end):
            return short_marker(self._member(first), recall, copies=gap.copies), ""
        if room < 0:
            return f"[{self._missing(first, end, numbers=False)} {'as above' if gap.copies else 'cut'}{recall}]", ""

        names = self._names(gap.digest, room)
        room -= self._count(f" | {names}") if names else 0
        example = "" if gap.copies else self._like(first, end, room)
        note = f"{self._missing(first, end)}{example} {'as above' if gap.copies else 'cut'}{recall}"
        if self._spans[first].syntax is Syntax.JSON_PAIR:
            return f"[{note}]", names
        return f"[{note} | {names}]" if names else f"[{note}]", ""

    def _bare_note(self, gap: Gap, recall: str) -> tuple[str, str]:
        """The shortest note, for copies as well, with as many identifiers as there is room for."""
        first, end = gap.first, gap.end
        names = self._names(gap.digest, self.room(first, end))
        is_member = self._spans[first].syntax is Syntax.JSON_PAIR and not self._is_all(first, end)
        note = short_marker(self._member(first) if is_member else "", recall, copies=False)
        if is_member or not names:
            return note, names
        return f"{note[:-1]} | {names}]", ""

    def _words(self, first: int, end: int, *, short: bool) -> str:
        """The note in place of spans first..end, without key and identifiers."""
        if self._key is None:  # members of an object need keys of their own
            return f"[…{self._member(first)}]"
        if short and self._is_tiny(first, end):
            return short_marker(self._member(first), "", copies=False)
        return f"[{self._missing(first, end, numbers=not short)} cut]"

    def _is_tiny(self, first: int, end: int) -> bool:
        """Whether spans first..end lie within a line and have so few tokens that words would cost about as many."""
        if self._bare:
            return True
        inline = self._spans[first].syntax in _INLINE
        return inline and self._tokens[end] - self._tokens[first] < TINY

    def _member(self, first: int) -> str:
        """What keeps the keys of an object's members apart: where the gap begins."""
        span = self._spans[first]
        return f" {span.start}" if span.syntax is Syntax.JSON_PAIR else ""

    def _missing(self, start: int, end: int, *, numbers: bool = True) -> str:
        """How much is missing: lines, with `numbers` by theirs where the text has none of its own, else units."""
        first, last = self._spans[start], self._spans[end - 1]
        original = self._context.segments[first.segment].text
        line = self._lines[start]
        breaks = self._lines[end - 1] - line + last.text.count("\n")
        ends_line = last.text.endswith("\n")
        if breaks and _starts_line(original, first.start) and (ends_line or last.end == len(original)):
            plain = not numbers or self._is_all(start, end) or NUMBERED.match(first.text) is not None
            return _line_range(line, line + breaks - ends_line, plain=plain)

        n = end - start
        missing = f"{n} {first.unit}s" if n > 1 else f"1 {first.unit}"
        return f"{missing} at {first.start}" if first.syntax is Syntax.JSON_PAIR else missing

    def _like(self, first: int, end: int, room: int) -> str:
        """One of the lines in place of many of one template; "" where they differ, or it takes more than `room`."""
        room = min(room, (self._tokens[end] - self._tokens[first]) // SHOWN_ONE_IN)
        if self._alike is None or room < LEAST_ALIKE or end - first < LEAST_ALIKE or not self._alike(first, end):
            return ""
        notes = self._examples.get(first)
        if notes is None:
            line = self._spans[first].text
            written = [] if _LISTED.search(line) else [alike_note(line, longest) for longest in EXAMPLES]
            notes = self._examples[first] = [(self._count(note), note) for note in written]
        return next((note for tokens, note in notes if tokens <= room), "")

    def _names(self, digest: Sequence[str], room: int) -> str:
        """Identifiers as a marker lists them: those that the goal names first, as many as `room` tokens hold."""
        if not digest or room <= 1:
            return ""
        if self._goal is None:
            self._goal = frozenset(identifiers(self._context.query))
        listed = condensed(digest)
        listed = [n for n in listed if n in self._goal] + [n for n in listed if n not in self._goal]

        fitting: list[str] = []
        room -= 1  # the bar before them
        for name in listed:
            tokens = self._count(f" {name}")
            if tokens <= room:
                room -= tokens
                fitting.append(name)
        return " ".join(fitting)


class _Alike:
    """Tells runs of lines of one template; the templates of a segment are worked out when it is first asked for."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._blocks = {spans[block.start].segment: block for block in blocks_of(spans)}
        self._ends: dict[int, list[int]] = {}

    def __call__(self, first: int, end: int) -> bool:
        """Whether spans first..end are lines of one template."""
        segment = self._spans[first].segment
        block = self._blocks[segment]
        if segment not in self._ends:
            self._ends[segment] = self._runs(block)
        return self._ends[segment][first - block.start] >= end

    def _runs(self, block: range) -> list[int]:
        """For each span the end of the run of its template: its own end where it is no line."""
        spans = [self._spans[i] for i in block]
        if not _has_run(span.syntax is Syntax.LINES for span in spans):
            return [block.start] * len(spans)
        keys = templates([span.text.strip().replace("\n", " ") for span in spans])
        ends = [block.stop] * len(spans)
        for k in range(len(spans) - 1, -1, -1):
            here = spans[k].syntax is Syntax.LINES and bool(keys[k])
            is_run = here and k + 1 < len(spans) and keys[k + 1] == keys[k]
            ends[k] = ends[k + 1] if is_run else block.start + k + here
        return ends


def _has_run(lines: Iterable[bool]) -> bool:
    """Whether as many lines follow one another as it takes to show one of them."""
    run = 0
    for is_line in lines:
        run = run + 1 if is_line else 0
        if run == LEAST_ALIKE:
            return True
    return False


def render(plan: Plan, markers: Markers) -> dict[int, str]:
    """The new text of each segment in which something does not stay, by segment index."""
    texts = {}
    for segment, first, end in _segments(plan.spans):
        decisions = plan.decisions[first:end]
        if any(decision.action is not Action.KEEP for decision in decisions):
            texts[segment] = markers.segment_text(decisions, first)
    return texts


def gaps(decisions: Sequence[Decision], first: int) -> Iterator[Gap | int]:
    """Walk one segment's decisions, whose first span is `first`: the index of each kept span, and the gaps between."""
    i = 0
    while i < len(decisions):
        if decisions[i].action is Action.KEEP:
            yield first + i
            i += 1
            continue
        start = i
        while i < len(decisions) and decisions[i].action is not Action.KEEP:
            i += 1
        removed = decisions[start:i]
        digest = tuple(dict.fromkeys(name for d in removed for name in d.digest))
        yield Gap(first + start, first + i, all(d.action is Action.MERGE for d in removed), digest)


def _segments(spans: Sequence[Span]) -> Iterator[tuple[int, int, int]]:
    """(segment, first span, end) for each segment that has spans."""
    first = 0
    for i in range(1, len(spans) + 1):
        if i == len(spans) or spans[i].segment != spans[first].segment:
            yield spans[first].segment, first, i
            first = i


def _first_lines(spans: Sequence[Span]) -> Iterator[int]:
    """The line, counted from 1, that each span starts on."""
    line = 1
    for i, span in enumerate(spans):
        if not i or span.segment != spans[i - 1].segment:
            line = 1
        yield line
        line += span.text.count("\n")


def _line_range(first: int, last: int, *, plain: bool) -> str:
    """How many lines, or which: beside a listing that has numbers of its own ours would only confuse."""
    if plain:
        return line_count(last - first + 1)
    return f"lines {first}-{last}" if last > first else f"line {first}"


def _starts_line(text: str, start: int) -> bool:
    return start == 0 or text[start - 1] == "\n"


def _dress(note: str, gap: Sequence[Span], original: str, names: str) -> str:
    """Put the note into the syntax of its place."""
    first, last, syntax = gap[0], gap[-1], gap[0].syntax
    lead = first.text[: len(first.text) - len(first.text.lstrip())]
    if syntax in (Syntax.JSON_ITEM, Syntax.JSON_PAIR):
        member = f'"{note}"' if syntax is Syntax.JSON_ITEM else f'"{note}": "{names}"'
        return lead + member + ("," if last.text.rstrip().endswith(",") else "")
    if syntax is Syntax.JSON_STRING:
        return note + _escaped_break(last.text)
    if syntax is Syntax.PROSE:
        return note + _space_after(last.text)
    tail = "\r\n" if last.text.endswith("\r\n") else "\n" if last.text.endswith("\n") else ""
    if not _starts_line(original, first.start) or not (tail or last.end == len(original)):
        return note + tail  # in the middle of a line a comment would swallow the rest
    if syntax in _COMMENT:
        indent = "" if syntax is Syntax.DIFF else lead.rpartition("\n")[2]
        return f"{indent}{_COMMENT[syntax]}{note}{tail}"
    return _FRAMES.get(syntax, "{}").format(note) + tail


_FRAMES = {Syntax.JSON_LINE: '"{}"', Syntax.TABLE: "| {} |", Syntax.HTML: "<!-- {} -->"}


def _space_after(text: str) -> str:
    """The blanks and line ends after a text, two at most, a line end among them where there is one."""
    tail = "".join(letter for letter in text[len(text.rstrip()) :] if letter in " \t\r\n")
    return (tail.lstrip(" \t") or tail)[:2]


def _escaped_break(text: str) -> str:
    r"""`\n` as JSON writes it, where `text` ends with one; a doubled backslash before an n is none."""
    body = text.removesuffix("\\n")
    slashes = len(body) - len(body.rstrip("\\"))
    return "\\n" if body != text and slashes % 2 == 0 else ""
