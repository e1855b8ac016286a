"""Unified and git diffs: the file header, its hunks, and the text before them.

The numbers in a hunk's header say exactly how far its body reaches, so text after a diff is never taken for context.
Hunks stand in `Syntax.DIFF` (a marker there is a context line); headers and commit messages are plain lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from contextprune.context import Cut, Syntax, Unit

_HUNK_LINES = 40  # a hunk of more lines falls into pieces
_HUNK_CHARACTERS = 3000  # likewise
_PIECE_CHARACTERS = 1200
_PIECE_LINES = 8  # changes nearer than this stay together
_HUNK = re.compile(r"@@+ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")
_COMBINED = re.compile(r"@@@+ -")
_COMMIT = re.compile(r"commit [0-9a-f]{7,40}\b|From [0-9a-f]{40} ")
_HEADER = (
    "diff --",
    "index ",
    "--- ",
    "+++ ",
    "old mode ",
    "new mode ",
    "new file mode ",
    "deleted file mode ",
    "rename ",
    "copy ",
    "similarity index ",
    "dissimilarity index ",
    "Binary files ",
    "GIT binary patch",
    "Index: ",
    "=======",
)
_MESSAGE = (" ", "\t", "Author", "Date:", "Merge:", "Commit", "Subject:", "From:", "---")
_OPENERS = ("diff --", "--- ", "Index: ")
_FIELDS = ("Author", "Date:", "Merge:", "Commit", "Refs:", "Subject:", "From:")  # right below the line of a commit


def is_header(line: str) -> bool:
    """Whether `line`, outside a hunk, belongs to the header of a file."""
    return line.startswith(_HEADER)


def hunk_end(lines: Sequence[str], row: int) -> int:
    """The row after the hunk whose header is at `row`; `row` itself if there is no hunk."""
    header = _HUNK.match(lines[row])
    if header is None:
        return _combined_end(lines, row) if _COMBINED.match(lines[row]) else row
    old, new = int(header[1] or 1), int(header[2] or 1)
    last = row + 1
    while last < len(lines) and (old > 0 or new > 0):
        sign = lines[last][:1]
        if sign not in " +-\\\t\r":
            break
        old -= sign not in "+\\" or not sign
        new -= sign not in "-\\" or not sign
        last += 1
    while last < len(lines) and lines[last].startswith("\\"):
        last += 1
    return last


def diff_end(lines: Sequence[str], row: int) -> tuple[int, bool]:
    """The row after the text that opens like a diff at `row`, commit messages included, and whether it is one."""
    opened = lines[row].startswith("diff --") or _COMMIT.match(lines[row]) is not None
    message, last = False, row

    while last < len(lines):
        line = lines[last]
        if (end := hunk_end(lines, last)) > last:
            opened, message, last = True, False, end
        elif _COMMIT.match(line):
            message, last = True, last + 1
        elif is_header(line) or (message and line.startswith(_MESSAGE)):
            message, last = message and not line.startswith("diff --"), last + 1
        elif not line.strip():
            following = _next_solid(lines, last)
            if following == len(lines) or not (message or _continues(lines, following)):
                break
            last = following
        else:
            break
    return max(last, row + 1), opened


def cut_diff(text: str) -> list[Cut]:
    """Cut a diff into file headers, hunks and lines; the cuts tile `text`.

    A hunk is anchored to its file's header, a piece of a long hunk to the hunk's own header. What a commit did needs
    the commit: files and the lines of a message or a summary are anchored to its subject, and that to its head, which
    is the line that names it with author and date.
    """
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    cuts: list[Cut] = []
    at = row = 0
    file: tuple[int, ...] = ()
    commit: tuple[int, ...] = ()  # its head, then its subject
    headed = False  # then the next line is the subject

    while row < len(lines):
        # What begins at this row, and what it is anchored to.
        last, unit, syntax, anchors = row + 1, Unit.LINE, Syntax.LINES, commit
        if (end := hunk_end(lines, row)) > row:
            last, unit, syntax, anchors = end, Unit.HUNK, Syntax.DIFF, file
        elif is_header(lines[row]) and not lines[row].startswith("=="):
            last = _header_end(lines, row)
            file = (len(cuts),)
        elif _COMMIT.match(lines[row]):
            last, headed = _head_end(lines, row), True
            anchors = file = ()
            commit = (len(cuts),)
        elif headed and lines[row].strip():
            headed = False
            commit = (len(cuts),)
        last = _next_solid(lines, last)  # blank lines belong to the lines that they follow

        for first, stop in _parts(lines, row, last) if unit is Unit.HUNK else ((row, last),):
            end_at = min(len(text), at + sum(map(len, lines[first:stop])) + stop - first)
            cuts.append(Cut(at, end_at, unit, syntax, anchors))
            anchors = (len(cuts) - 1,) if first == row else anchors
            at = end_at
        row = last
    return cuts


def _next_solid(lines: Sequence[str], row: int) -> int:
    while row < len(lines) and not lines[row].strip():
        row += 1
    return row


def _continues(lines: Sequence[str], row: int) -> bool:
    """Whether a diff goes on at `row`, after blank lines."""
    return lines[row].startswith(_OPENERS) or lines[row].startswith("@@ ") or _COMMIT.match(lines[row]) is not None


def _head_end(lines: Sequence[str], row: int) -> int:
    """The row after the head of the commit at `row`: who made it, and when."""
    last = row + 1
    while last < len(lines) and lines[last].startswith(_FIELDS):
        last += 1
    return last


def _header_end(lines: Sequence[str], row: int) -> int:
    """The row after a file's header: it ends at the next file's, or where its lines end."""
    last = row + 1
    has_old = lines[row].startswith("--- ")
    while last < len(lines) and is_header(lines[last]):
        if lines[last].startswith("diff --") or (has_old and lines[last].startswith(_OPENERS)):
            break
        has_old = has_old or lines[last].startswith("--- ")
        last += 1
    return last


def _combined_end(lines: Sequence[str], row: int) -> int:
    """A merge's hunk has no usable counts: it goes on while its lines look like it."""
    last = row + 1
    while last < len(lines) and lines[last][:1] in (" ", "+", "-", "\\"):
        last += 1
    return last


def _parts(lines: Sequence[str], row: int, last: int) -> Iterator[tuple[int, int]]:
    """A short hunk is one part; of a long one the header is the first, then come groups of near changes."""
    if last - row <= _HUNK_LINES and sum(map(len, lines[row:last])) <= _HUNK_CHARACTERS:
        yield row, last
        return

    yield row, row + 1
    first, width = row + 1, 0
    for at in range(row + 2, last):
        before, length = lines[at - 1], at - first
        width += len(before)
        apart = before[:1] not in ("+", "-") and lines[at][:1] not in ("+", "-")
        least = _PIECE_LINES if apart else 2 * _PIECE_LINES if len(before.strip()) <= 1 else _HUNK_LINES
        if length >= least or width >= _PIECE_CHARACTERS:
            yield first, at
            first, width = at, 0
    if first < last:
        yield first, last
