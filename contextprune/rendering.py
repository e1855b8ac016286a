"""Plan to text: kept spans verbatim, every gap a marker that fits the syntax it stands in.

A marker says what is missing and how much; the first one of a segment also carries the recall key of the whole original,
so that one short key serves all its gaps and `recall(key, lines="12-40")` gives back any of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from contextprune.context import Span, Syntax
from contextprune.plan import Action, Decision, Plan, Prices

KEY = re.compile(r"\brecall=([a-z2-7]{12})\b")
"""Where a marker names its recall key. A look-alike in a text is inert: only keys that the store knows count."""

_COMMENT = {Syntax.HASH_CODE: "# ", Syntax.SLASH_CODE: "// ", Syntax.DASH_CODE: "-- ", Syntax.DIFF: " "}
_JSON = frozenset({Syntax.JSON_ITEM, Syntax.JSON_PAIR})


class Gap(NamedTuple):
    """Consecutive spans that do not stay: their indices first..end, and whether each is a copy of something earlier."""

    first: int
    end: int
    copies: bool
    digest: tuple[str, ...]


def render(plan: Plan, key: Callable[[str], str] | None) -> dict[int, str]:
    """The new text of each segment that changes, by segment index.

    `key` mints recall keys. Without it gaps are bare ellipses and a segment with nothing left becomes "": for callers
    who hold the originals themselves.
    """
    texts: dict[int, str] = {}
    for segment, first, end in _segments(plan.spans):
        if any(plan.decisions[i].action is not Action.KEEP for i in range(first, end)):
            original = plan.context.segments[segment].text
            texts[segment] = _text(plan, original, first, end, key(original) if key else None)
    return texts


def gaps(decisions: Sequence[Decision], first: int, end: int) -> Iterator[Gap | int]:
    """Walk spans first..end in order: the index of each kept span, and each gap between them."""
    i = first
    while i < end:
        if decisions[i].action is Action.KEEP:
            yield i
            i += 1
            continue
        start = i
        while i < end and decisions[i].action is not Action.KEEP:
            i += 1
        inside = decisions[start:i]
        digest = tuple(dict.fromkeys(name for d in inside for name in d.digest))
        yield Gap(start, i, all(d.action is Action.MERGE for d in inside), digest)


def _segments(spans: Sequence[Span]) -> Iterator[tuple[int, int, int]]:
    """(segment, first span, end) for each segment that has spans."""
    first = 0
    for i in range(1, len(spans) + 1):
        if i == len(spans) or spans[i].segment != spans[first].segment:
            yield spans[first].segment, first, i
            first = i


def _text(plan: Plan, original: str, first: int, end: int, key: str | None) -> str:
    parts = []
    unnamed = key
    line, place = 1, 0
    for item in gaps(plan.decisions, first, end):
        if isinstance(item, int):
            parts.append(plan.spans[item].text)
            continue
        inside = plan.spans[item.first : item.end]
        start, stop = inside[0].start, inside[-1].end
        line += original.count("\n", place, start)
        place = start
        if key is None:
            whole = (item.first, item.end) == (first, end)
            note = "" if whole else _ellipsis(start, inside[0].syntax)
        else:
            note = _note(item, inside, original, line, unnamed)
            unnamed = None
        parts.append(_dress(note, inside, original, item.digest) if note else "")
    return "".join(parts)


def _ellipsis(start: int, syntax: Syntax) -> str:
    """The bare gap; members of an object need keys of their own."""
    return f"[… {start}]" if syntax is Syntax.JSON_PAIR else "[…]"


def _note(gap: Gap, inside: Sequence[Span], original: str, line: int, key: str | None) -> str:
    """What is missing, how much, and how to get it back."""
    start, stop = inside[0].start, inside[-1].end
    missing = original[start:stop]
    breaks = missing.count("\n")
    whole_lines = (start == 0 or original[start - 1] == "\n") and (missing.endswith("\n") or stop == len(original))
    if breaks and whole_lines:
        last = line + breaks - missing.endswith("\n")
        what = f"lines {line}-{last}" if last > line else f"line {line}"
    else:
        unit = inside[0].unit.value
        what = f"{len(inside)} {unit}s" if len(inside) > 1 else f"1 {unit}"
        if inside[0].syntax is Syntax.JSON_PAIR:
            what += f" at {start}"
    done = "as above" if gap.copies else "cut"
    recall = f", recall={key}" if key else ""
    names = " | " + " ".join(gap.digest) if gap.digest and inside[0].syntax is not Syntax.JSON_PAIR else ""
    return f"[{what} {done}{recall}{names}]"


def _dress(note: str, inside: Sequence[Span], original: str, digest: Sequence[str]) -> str:
    """Put the note into the syntax of its place."""
    first, last = inside[0].text, inside[-1].text
    syntax = inside[0].syntax
    lead = first[: len(first) - len(first.lstrip())]
    if syntax in _JSON:
        member = f'"{note}"' if syntax is Syntax.JSON_ITEM else f'"{note}": "{" ".join(digest)}"'
        return lead + member + ("," if last.rstrip().endswith(",") else "")
    if syntax is Syntax.JSON_STRING:
        return note + _escaped_break(last)
    start = inside[0].start
    at_line = start == 0 or original[start - 1] == "\n"
    tail = last[len(last.rstrip()) :]
    if syntax is Syntax.PROSE:
        return note + tail[:2]
    tail = "\r\n" if last.endswith("\r\n") else "\n" if last.endswith("\n") else ""
    if not at_line or not (tail or inside[-1].end == len(original)):
        return note + tail  # in the middle of a line a comment would swallow the rest
    if syntax is Syntax.JSON_LINE:
        return f'"{note}"{tail}'
    if syntax is Syntax.TABLE:
        return f"| {note} |{tail}"
    if syntax is Syntax.HTML:
        return f"<!-- {note} -->{tail}"
    if syntax in _COMMENT:
        indent = "" if syntax is Syntax.DIFF else lead.rpartition("\n")[2]
        return indent + _COMMENT[syntax] + note + tail
    return note + tail


def _escaped_break(text: str) -> str:
    r"""`\n` as JSON writes it, where `text` ends with one; a doubled backslash before an n is none."""
    body = text.removesuffix("\\n")
    slashes = len(body) - len(body.rstrip("\\"))
    return "\\n" if body != text and slashes % 2 == 0 else ""


def prices(count: Callable[[str], int], *, named: bool) -> Prices:
    """What markers cost under the counter `count`; `named` as in `render`: whether they carry counts and keys."""
    note = "[lines 1234-5678 cut |]" if named else "[…]"
    pair = '"[12 items at 12345 cut, ]": "",' if named else '"[… 12345]": "",'
    samples: Mapping[Syntax, str] = {
        **dict.fromkeys(Syntax, note + "\n"),
        **{syntax: f"        {mark}{note}\n" for syntax, mark in _COMMENT.items()},
        Syntax.PROSE: "[12 sentences cut |] " if named else "[…] ",
        Syntax.JSON_ITEM: f'    "{note}",\n',
        Syntax.JSON_PAIR: f"    {pair}\n",
        Syntax.JSON_LINE: f'"{note}"\n',
        Syntax.TABLE: f"| {note} |\n",
        Syntax.HTML: f"<!-- {note} -->\n",
    }
    key = ", recall=abcdefgh2345" if named else ""
    return Prices(
        gap={syntax: count(sample) + 1 for syntax, sample in samples.items()},
        gap_chars={syntax: len(sample.encode()) for syntax, sample in samples.items()},
        key=count(key) + 3 if named else 0,
        key_chars=len(key),
    )
