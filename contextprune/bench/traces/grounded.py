"""Grounded edits: of the edits that quote what an earlier result showed, those whose quoted lines are still in sight.

An agent that edits a file repeats lines of it to the letter; where the result that showed them was shortened, it has to
read the file again, or guesses, unless it wrote the lines itself: its own calls stay in the request. Sessions are sent
once as their blocks arrive, and once with an epoch half-way, brought about by a pause in which the provider's cache
expires.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import contextprune as cp
from contextprune.bench.data import Message, Session
from contextprune.bench.ours import SCORERS
from contextprune.context import BLOCKS, Context, Kind, Ref
from contextprune.dialects import read
from contextprune.pruner import Pruned
from contextprune.report import marker_tokens
from contextprune.session.requests import boundaries
from contextprune.text.later_use import LINE
from contextprune.text.quotes import quoted_lines

PAUSE = 0.5  # of the requests
AGES = ((1, "1"), (3, "2 to 3"), (7, "4 to 7"), (15, "8 to 15"))
OLDER = "16 or more"


@dataclass(frozen=True, slots=True)
class Quoted:
    """An edit that quotes earlier results.

    tool     that it was made with; source: the tool whose result showed the quoted line that is furthest back
    age      model's replies since that result
    lines    quoted lines that earlier results show; in_sight: those of them that the request as sent on arrival shows,
             in a result or in what the model and the user wrote
    epoch    the same after the epoch; None before it
    """

    tool: str
    source: str
    age: int
    lines: int
    in_sight: int
    epoch: int | None


@dataclass(frozen=True, slots=True)
class GroundedResult:
    """The edits of one session under one arm, and its tokens.

    tokens      as recorded; arrived: as sent on arrival; after_epoch: as sent with the epoch
    shortened   what is left, on arrival, of the blocks that were shortened; markers: those of their markers
    """

    set: str
    id: str
    arm: str
    agent: str
    edits: tuple[Quoted, ...]
    tokens: int
    arrived: int
    after_epoch: int
    shortened: int
    markers: int


def age_of(edit: Quoted) -> str:
    """The age of an edit's quotes in words."""
    return next((name for most, name in AGES if edit.age <= most), OLDER)


def measure_grounded(session: Session, arm: str) -> GroundedResult:
    """Send a session under one of our arms and look at each of its edits; what a compaction left behind is gone."""
    borders = [0, *session.compactions, len(session.messages)]
    parts = [_measure(session.messages[first:last], arm) for first, last in pairwise(borders)]
    edits = tuple(edit for part in parts for edit in part[0])
    tokens = [sum(column) for column in zip(*(part[1] for part in parts), strict=True)]
    return GroundedResult(session.set, session.id, arm, session.agent, edits, *tokens)


def _measure(messages: Sequence[Message], arm: str) -> tuple[list[Quoted], tuple[int, ...]]:
    """The edits of a conversation without compactions, and its tokens; of one without edits that quote, neither."""
    context = read({"messages": list(messages)}, "", "openai-chat")
    quotes = list(_edits(context))
    if not quotes:
        return [], (0, 0, 0, 0, 0)

    arrived = _pruner(arm, epochs=False)(context)
    ends = boundaries(context)
    pause = ends[int(len(ends) * PAUSE)]
    pruner = _pruner(arm, epochs=True)
    pruner(_until(context, pause), cold=True)

    edits: list[Quoted] = []
    for at, lines in quotes:
        end = max((end for end in ends if end <= at), default=0)
        shown = {line: block for line in lines if (block := _latest(context, end, line)) is not None}
        if not shown:
            continue
        after = pruner(_until(context, end)).edits if end >= pause else None
        edits.append(_quoted(context, at, end, shown, arrived.edits, after))

    paused = pruner(context)
    plain, short, shorter = (
        sum(sizes[k] for sizes in sent.sizes) for sent, k in ((arrived, 0), (arrived, 1), (paused, 1))
    )
    return edits, (plain, short, shorter, *_shortened(arrived))


def _shortened(sent: Pruned) -> tuple[int, int]:
    """Tokens that are left of the blocks that were shortened, and those of their markers."""
    left = [after if after < before else 0 for before, after in sent.sizes]
    markers = marker_tokens(sent.plan, [after for _, after in sent.sizes])
    return sum(left), sum(tokens for tokens, after in zip(markers, left, strict=True) if after)


def _until(context: Context, end: int) -> Context:
    """The conversation as the request sends it that ends here."""
    return replace(context, segments=context.segments[:end])


def _edits(context: Context) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The calls that quote, and the lines that they do."""
    for at, segment in enumerate(context.segments):
        if segment.kind is Kind.TOOL_CALL:
            lines = tuple(line for line in quoted_lines(segment.text) if len(line) >= LINE)
            if lines:
                yield at, lines


def _quoted(
    context: Context,
    at: int,
    end: int,
    shown: Mapping[str, int],
    arrived: Mapping[Ref, str],
    after: Mapping[Ref, str] | None,
) -> Quoted:
    """What is in sight of an edit, whose request ends at `end`: `shown` gives the latest result of each quoted line."""
    segments = context.segments
    first = min(shown.values())

    def in_sight(edits: Mapping[Ref, str]) -> int:
        return sum(
            _is_in_sight(context, latest, line, edits) or _is_written(context, end, line)
            for line, latest in shown.items()
        )

    return Quoted(
        segments[at].name or "",
        segments[first].name or "",
        segments[at].turn - segments[first].turn,
        len(shown),
        in_sight(arrived),
        None if after is None else in_sight(after),
    )


def _latest(context: Context, end: int, line: str) -> int | None:
    """The latest result before `end` that shows a line."""
    segments = context.segments
    return next((i for i in reversed(range(end)) if segments[i].kind in BLOCKS and line in segments[i].text), None)


def _is_in_sight(context: Context, latest: int, line: str, edits: Mapping[Ref, str]) -> bool:
    """Whether what is sent of a result shows a line, of which `latest` is the last that shows it as it came."""
    blocks = (segment for segment in context.segments[latest::-1] if segment.kind in BLOCKS)
    return any(line in edits.get(block.ref, block.text) for block in blocks)


def _is_written(context: Context, end: int, line: str) -> bool:
    """Whether what the model or the user wrote before `end` holds a line, as it stands or inside of JSON."""
    forms = {line, json.dumps(line)[1:-1], json.dumps(line, ensure_ascii=False)[1:-1]}
    written = (segment.text for segment in context.segments[:end] if segment.kind not in BLOCKS)
    return any(form in text for text in written for form in forms)


@cache
def _scorer(name: str | None) -> cp.Scorer:
    return cp.load_scorer(name) if name else cp.load_scorer()


def _pruner(arm: str, *, epochs: bool) -> cp.Pruner:
    return cp.Pruner(cp.Policy(epochs=epochs), _scorer(SCORERS[arm]), store=cp.MemoryStore())
