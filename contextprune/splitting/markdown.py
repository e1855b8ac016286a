"""Cut Markdown into its blocks, and each block by its kind: prose, list items, tables, code.

A fence and its closing line need one another and code needs its fence, so that fences stay balanced.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from contextprune.context import Cut, Syntax, Unit
from contextprune.splitting.code import cut_code
from contextprune.splitting.data import cut_json, cut_jsonl
from contextprune.splitting.pieces import LIMIT, append_cuts, rebase
from contextprune.splitting.prose import cut_prose
from contextprune.splitting.tables import cut_csv, cut_table

# One line by what it opens; the groups name the block, and a line of another block starts a new one.
_LINE = re.compile(
    r"(?P<fence>[ \t]*+(?P<ticks>`{3,50}+|~{3,50}+)[ \t]{0,9}+(?P<info>[\w+#-]{0,40}+)[^`\n]{0,200}+(?:\n|\Z))"
    r"|(?P<heading>[ ]{0,3}\#{1,6}(?:[ \t][^\n]*+)?(?:\n|\Z))"
    r"|(?P<item>[ \t]*+(?:[-*+]|\d{1,9}[.)])[ \t][^\n]*+\n?)"
    r"|(?P<row>[ \t]*+\|[^\n]*+\n?)"
    r"|(?P<blank>[^\S\n]*+\n)"
    r"|(?P<text>[^\n]*+\n|[^\n]++)"
)
_INDENTED = re.compile(r"[ \t]")

_CUTTERS: Mapping[str, Callable[[str], list[Cut]]] = {
    "json": cut_json,
    "jsonl": cut_jsonl,
    "ndjson": cut_jsonl,
    "csv": cut_csv,
    "text": cut_prose,
    "txt": cut_prose,
}


CutInner: TypeAlias = Callable[[str], list[Cut] | None]
"""Cuts what stands in a fence; None where only the fence tells what it is."""


def cut_markdown(text: str, cut_inner: CutInner | None = None) -> list[Cut]:
    """Headings, sentences, list items, table rows and lines of code as cuts, blank lines with what they follow."""
    cuts: list[Cut] = []
    start, block = 0, ""
    at = 0
    while line := _LINE.match(text, at):
        if line.end() == at:
            break
        kind = line.lastgroup or ""
        kind = "fence" if line["fence"] is not None else kind
        if _opens(text, block, kind, at):
            _close(cuts, text, start, at, block)
            start, block = at, kind
        at = line.end()
        if kind == "fence":
            at = _fence(cuts, text, line, cut_inner)
            start, block = at, ""
    _close(cuts, text, start, len(text), block)
    return cuts


def _opens(text: str, block: str, kind: str, at: int) -> bool:
    """Whether a line begins a new block; blank lines never do, and indented ones go on with their list item."""
    if kind == "blank":
        return False
    if kind == "text":
        if block == "item":
            return not _INDENTED.match(text, at) and text.endswith(("\n\n", "\n\r\n"), 0, at)
        return block != "text"
    return kind != "row" or block != "row"


def _close(cuts: list[Cut], text: str, start: int, end: int, block: str) -> None:
    """Append the cuts of a finished block."""
    if start == end:
        return
    base = len(cuts)
    if not block and cuts and end - cuts[-1].start <= LIMIT:  # blank lines behind a fence
        cuts[-1] = cuts[-1]._replace(end=end)
    elif block == "heading":
        append_cuts(cuts, text, Cut(start, end, Unit.LINE, Syntax.LINES))
    elif block == "row":
        cuts += rebase(cut_table(text[start:end]), start, base)
    else:
        cuts += rebase(cut_prose(text[start:end]), start, base)
        if block == "item":
            for index in range(base + 1, len(cuts)):
                cuts[index] = cuts[index]._replace(anchors=(base,))


def _fence(cuts: list[Cut], text: str, opening: re.Match[str], cut_inner: CutInner | None) -> int:
    """Append a fenced block: its fence, its code and, if it has one, its closing fence; returns its end."""
    start, body = opening.span()
    closing = _closing(opening["ticks"]).search(text, body)
    body_end, end = closing.span() if closing else (len(text), len(text))
    index = len(cuts)
    cuts.append(Cut(start, body, Unit.LINE, Syntax.LINES))
    language = opening["info"].lower()
    code = text[body:body_end]
    inner = _cut_fenced(code, language, cut_inner)
    cuts += rebase(inner, body, index + 1, (index,))
    if closing:
        cuts[index] = cuts[index]._replace(anchors=(len(cuts),))
        cuts.append(Cut(body_end, end, Unit.LINE, Syntax.LINES, (index,)))
    return end


def _cut_fenced(code: str, language: str, cut_inner: CutInner | None) -> list[Cut]:
    """A fenced block by what is in it; what its fence says decides where that is nothing unmistakable."""
    cuts = cut_inner(code) if cut_inner else None
    if cuts is not None:
        return cuts
    return _CUTTERS[language](code) if language in _CUTTERS else cut_code(code, language)


def _closing(ticks: str) -> re.Pattern[str]:
    """Matches the line that closes a fence, and the blank lines behind it."""
    blank = r"(?:[^\S\n]{0,80}\n){0,5}"
    return re.compile(rf"^[ \t]*+{ticks[0]}{{{len(ticks)},}}+[ \t]*+(?:\r?\n|\Z){blank}", re.MULTILINE)
