"""Search results, directory listings and trees: every line is an entry, understood under its heading.

A heading is the file that ripgrep names above its matches, the `dir:` line of `ls -R`, a `total N` line, or the parent
directory in a drawn tree.
"""

from __future__ import annotations

import re

from contextprune.context import Cut, Syntax, Unit
from contextprune.splitting.lines import LONG, pieces

_ENTRY_OF_FILE = re.compile(r"[ \t]{0,8}\d{1,7}[:-]")
_PATH = re.compile(r"[^\s:]{1,300}:?\r?$")
_BRANCHES = ("── ", "-- ")


def cut_listing(text: str) -> list[Cut]:
    """One cut a line, anchored to its heading where there is one; blank lines end a heading. Cuts tile `text`."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()

    cuts: list[Cut] = []
    parents: list[tuple[int, int]] = []  # (depth in a tree, index of the cut)
    heading: tuple[int, ...] = ()
    start = at = 0
    for row, line in enumerate(lines):
        end = min(len(text), at + len(line) + 1)
        at = end
        if not line.strip():
            heading = ()
            if cuts:  # a blank line belongs to the entry before it
                cuts[-1] = cuts[-1]._replace(end=end)
                start = end
            continue

        depth = _depth(line)
        if depth >= 0:
            anchors = _parent(parents, depth) or heading
            parents.append((depth, len(cuts)))
        elif heads := _heads(line, lines[row + 1] if row + 1 < len(lines) else ""):
            anchors = heading if line.startswith("total ") else ()
            heading = heading if line.startswith("total ") and heading else (len(cuts),)
        else:
            anchors = heading if not heads else ()
        _append(cuts, text, start, end, anchors)
        start = end

    if start < len(text):
        _append(cuts, text, start, len(text), ())
    return cuts


def _depth(line: str) -> int:
    """Depth of an entry in a drawn tree; -1 outside one."""
    return max(line.find(branch, 0, 200) for branch in _BRANCHES) if line[:1] in "├└│ `|" else -1


def _parent(parents: list[tuple[int, int]], depth: int) -> tuple[int, ...]:
    while parents and parents[-1][0] >= depth:
        parents.pop()
    return (parents[-1][1],) if parents else ()


def _heads(line: str, following: str) -> bool:
    """Whether `line` is a heading, which holds for the lines after it."""
    if line.startswith("total "):
        return True
    if not _PATH.match(line):
        return False
    return line.rstrip().endswith(":") or _ENTRY_OF_FILE.match(following) is not None or _depth(following) >= 0


def _append(cuts: list[Cut], text: str, start: int, end: int, anchors: tuple[int, ...]) -> None:
    """Append a line as one cut, or the pieces of an endless one."""
    if end - start <= LONG:
        cuts.append(Cut(start, end, Unit.LINE, Syntax.LINES, anchors))
        return
    for point in (*pieces(text, start, end), end):
        cuts.append(Cut(start, point, Unit.LINE, Syntax.PROSE, anchors))
        start = point
