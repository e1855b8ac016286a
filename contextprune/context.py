"""What there is: segments of a context, the spans that they are cut into, documents and examples.

Pure values. They know nothing of wire formats, storage, clocks or policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias


class Kind(StrEnum):
    """What a segment is, and so who wrote it and whether it may be touched."""

    SYSTEM = "system"
    TOOLS = "tools"
    EXAMPLE = "example"
    DOCUMENT = "document"
    USER = "user"
    ASSISTANT = "assistant"
    REASONING = "reasoning"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    IMAGE = "image"


MODEL_MADE = frozenset({Kind.ASSISTANT, Kind.REASONING, Kind.TOOL_CALL})
"""Kinds that the model itself wrote."""


BLOCKS = frozenset({Kind.TOOL_RESULT, Kind.DOCUMENT})
"""Kinds that are decided as they arrive; of everything else only what it shows counts."""


class Reading(StrEnum):
    """How the results of tools in a context are weighed: by what they are there for."""

    DOCUMENTS = "documents"  # nothing but documents, read for a question
    CONVERSATION = "conversation"  # no result of a tool yet
    ARRIVAL = "arrival"  # one block of a session that goes on, as it arrives
    SINGLE_RESULT = "single result"  # one result, read for what it was called for
    TRACE = "trace"  # several results: work under way
    ASKED_TRACE = "asked trace"  # several results, and a question that the caller gave


class Unit(StrEnum):
    """What one span is, in words that a reader of a marker understands."""

    WHOLE = "block"
    SENTENCE = "sentence"
    LINE = "line"
    BLOCK = "code block"
    HUNK = "hunk"
    ITEM = "item"
    ROW = "row"
    RECORD = "record"


class Syntax(StrEnum):
    """Where a span sits, and so what a marker in its place must look like to keep the text well formed.

    A run of removed spans is marked in the syntax of its first span. JSON_* spans lie inside one container: their
    text starts after the previous comma or the opening bracket and ends with their own comma, if they have one.
    """

    PROSE = "prose"  # inline text: a bracketed note
    LINES = "lines"  # any line-based text: a bracketed line
    HASH_CODE = "hash code"  # code whose comments start with '#'
    SLASH_CODE = "slash code"  # code whose comments start with '//'
    DASH_CODE = "dash code"  # code whose comments start with '--'
    DIFF = "diff"  # inside a unified diff: a context line
    TABLE = "table"  # a Markdown table row
    HTML = "html"  # an HTML comment
    JSON_ITEM = "json item"  # an element of a JSON array
    JSON_PAIR = "json pair"  # a member of a JSON object
    JSON_STRING = "json string"  # inside a JSON string literal: text escaped as JSON wants it
    JSON_LINE = "json line"  # one record of JSON lines


Ref: TypeAlias = tuple[str | int, ...]
"""Where a segment's text lives in the caller's own object: a path of keys and indices, opaque to the stages."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One block of text of one turn.

    turn       counts the model's replies so far: it rises by one where a model-made segment follows one that is not
    pair       the tool-call id that joins a call and its result
    name       the tool or document that the text came from
    editable   False: read and counted, never rewritten
    cost       tokens, where the text cannot tell (images)
    failed     the provider's own flag that a tool result is an error
    marked     it carries a breakpoint of the provider's cache, which agents move along from turn to turn
    source     what an image is made of: base64 data or an address
    """

    kind: Kind
    text: str
    ref: Ref
    turn: int = 0
    pair: str | None = None
    name: str | None = None
    editable: bool = True
    cost: int | None = None
    failed: bool = False
    marked: bool = False
    source: str | None = None


class Cut(NamedTuple):
    """What a cutter returns for one span: offsets into its text, anchors as indices into the cutter's own list."""

    start: int
    end: int
    unit: Unit
    syntax: Syntax
    anchors: tuple[int, ...] = ()
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """The smallest piece that is kept or dropped.

    segment      index into `Context.segments`
    start, end   character offsets into the segment's text; the spans of a segment tile it
    anchors      indices (into the list that `split` returned) of the spans without which this one cannot be
                 understood; they may point forwards (an opening bracket needs its closing one) and form rings
    group        spans of one group repeat one another but for details (a log template)
    """

    segment: int
    start: int
    end: int
    unit: Unit
    text: str
    syntax: Syntax = Syntax.LINES
    anchors: tuple[int, ...] = ()
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """Segments in reading order, and what they are needed for.

    query   "" where nothing was said
    asked   the caller gave the query; otherwise it is what the user asked, which on traces tells little
    model   the name of the model that the context is for, "" where it is not said
    bound   an edit of what was sent before would make signed reasoning after it invalid
    arriving  it is one block of a session that goes on, seen as it arrives
    """

    segments: tuple[Segment, ...]
    query: str = ""
    asked: bool = False
    model: str = ""
    bound: bool = False
    arriving: bool = False

    @property
    def reading(self) -> Reading:
        """How to weigh the results of tools: one rule for scorers and selection alike."""
        if self.arriving:
            return Reading.ARRIVAL
        results = sum(segment.kind is Kind.TOOL_RESULT for segment in self.segments)
        if results > 1:
            return Reading.ASKED_TRACE if self.asked else Reading.TRACE
        if results == 1:
            return Reading.SINGLE_RESULT
        documents = all(segment.kind is Kind.DOCUMENT for segment in self.segments)
        return Reading.DOCUMENTS if documents else Reading.CONVERSATION

    def call_of(self, at: int) -> Segment | None:
        """The tool call that segment `at` answers: the latest one before it under the same id; None without one."""
        return call_before(self.segments, at)


def call_before(segments: Sequence[Segment], at: int) -> Segment | None:
    """The tool call that `segments[at]` answers: the latest one before it under the same id; None without one."""
    pair = segments[at].pair
    earlier = (segments[i] for i in range(at - 1, -1, -1))
    return next((segment for segment in earlier if segment.kind is Kind.TOOL_CALL and segment.pair == pair), None)


def blocks_of(spans: Sequence[Span]) -> list[range]:
    """The spans of each segment that has any, as ranges of indices, in order."""
    starts = [i for i, span in enumerate(spans) if not i or span.segment != spans[i - 1].segment]
    return [range(start, end) for start, end in pairwise([*starts, len(spans)])]


def rebased(spans: Sequence[Span], segments: int, first: int) -> list[Span]:
    """The spans as part of a longer list, in which `segments` segments and `first` spans stand before theirs."""
    return [
        Span(
            span.segment + segments, span.start, span.end, span.unit, span.text, span.syntax,
            tuple([anchor + first for anchor in span.anchors]) if span.anchors else (), span.group,
        )
        for span in spans
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """A retrieved document. Results of `prune_documents` fill the last two fields.

    kept     [(start, end)] character offsets into the original text, in order
    merged   ids of documents whose text was merged into this one
    """

    text: str
    id: str | None = None
    title: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    score: float | None = None
    kept: tuple[tuple[int, int], ...] = ()
    merged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """One in-context example; it is chosen or left out whole."""

    input: str
    output: str
    id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
