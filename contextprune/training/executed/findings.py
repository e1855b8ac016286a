"""Findings: what compilers, checkers and test runs report, by the lines of each and the place that it names.

How a tool prints is a value, `Form`; so a new tool is a row of a table, not a parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from contextprune.training.executed.output import Lines

MAX_ROWS = 24  # lines of one finding
_NEVER = r"(?!)"
_NAMES = re.compile(r"[`'\"\u2018\u201c]([A-Za-z_]\w{3,})[`'\"\u2019\u201d]")


@dataclass(frozen=True, slots=True)
class Form:
    """How a tool prints its findings; every expression is matched at the beginning of a line.

    start     the first line of a finding; groups by name: file, line, code, level, name; alone: needs no heading
    more      lines below it that belong to it
    last      the line below those that ends it and belongs to it
    idle      those among them that say nothing of their own: rulers, empty lines
    frame     the head of a frame of a stack; below a frame that is no `user_frame` all is idle, as it is itself
    user_frame  a frame of the program itself
    before    lines straight above `start` that belong to it
    heading   a line that the findings below it cannot be understood without; group: file
    location  a line of a finding that names its place, where `start` does not; groups: file, line
    summary   how the run ended
    """

    start: str
    more: str = r"\s+\S"
    last: str = _NEVER
    idle: str = _NEVER
    frame: str = _NEVER
    user_frame: str = _NEVER
    before: str = _NEVER
    heading: str = _NEVER
    location: str = _NEVER
    summary: str = _NEVER


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: its lines, its heading included, and what they name ("" or 0 where they name nothing)."""

    rows: tuple[int, ...]
    file: str = ""
    line: int = 0
    code: str = ""
    level: str = ""
    name: str = ""
    names: tuple[str, ...] = ()

    @property
    def is_mild(self) -> bool:
        """Whether the tool itself calls it less than an error."""
        return self.level.lower().startswith(("warn", "info", "note", "style", "hint", "low"))


def find(lines: Lines, form: Form) -> list[Finding]:
    """Find all findings in a tool's output, in order."""
    start, heading = _compiled(form.start), _compiled(form.heading)
    collected: list[Finding] = []
    above: tuple[int, ...] = ()
    file = ""

    at = 0
    while at < len(lines):
        line = lines.lines[at]
        if match := start.match(line):
            end = _end(lines, form, at)
            rows = [*_before(lines, form, at), at, *_meaningful(lines, form, range(at + 1, end))]
            named = match.groupdict().get("file")
            if match.groupdict().get("alone") or (named and file and not _same_file(named, file)):
                above, file = (), ""
            collected.append(_finding(lines, form, (*above, *rows), match, file))
            at = end
            continue
        if match := heading.match(line):
            above, file = (at,), match.groupdict().get("file") or ""
        at += 1
    return collected


def _same_file(left: str, right: str) -> bool:
    return left.rpartition("/")[2] == right.rpartition("/")[2]


def summary_rows(lines: Lines, form: Form) -> list[int]:
    """Find the lines that say how the run ended."""
    summary = _compiled(form.summary)
    return [i for i, line in enumerate(lines.lines) if summary.match(line)]


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _end(lines: Lines, form: Form, at: int) -> int:
    """Find where the finding that starts at `at` ends."""
    start, more, before = _compiled(form.start), _compiled(form.more), _compiled(form.before)
    end = at + 1
    while end < len(lines) and more.match(lines.lines[end]) and not start.match(lines.lines[end]):
        end += 1
    while end > at + 1 and end < len(lines) and start.match(lines.lines[end]) and before.match(lines.lines[end - 1]):
        end -= 1  # it belongs to the next finding
    return end + int(end < len(lines) and _compiled(form.last).match(lines.lines[end]) is not None)


def _before(lines: Lines, form: Form, at: int) -> list[int]:
    before = _compiled(form.before)
    first = at
    while first > 0 and before.match(lines.lines[first - 1]):
        first -= 1
    return list(range(first, at))


def _meaningful(lines: Lines, form: Form, rows: Sequence[int]) -> Iterable[int]:
    """Choose the lines of a finding that say something; of very many the first and the last."""
    idle, frame, user_frame = _compiled(form.idle), _compiled(form.frame), _compiled(form.user_frame)
    kept: list[int] = []
    foreign = False
    for i in rows:
        line = lines.lines[i]
        if frame.match(line):
            foreign = user_frame.match(line) is None
        elif not line.startswith("    "):
            foreign = False
        if line.strip() and not foreign and not idle.match(line):
            kept.append(i)
    return kept if len(kept) <= MAX_ROWS else kept[: MAX_ROWS // 2] + kept[-MAX_ROWS // 2 :]


def _finding(lines: Lines, form: Form, rows: tuple[int, ...], match: re.Match[str], file: str) -> Finding:
    parts = {name: text or "" for name, text in match.groupdict().items()}
    location = _compiled(form.location)
    for i in rows:
        if not parts.get("line") and (located := location.match(lines.lines[i])):
            parts.update({name: text for name, text in located.groupdict().items() if text})

    names = dict.fromkeys(name for i in rows for name in _NAMES.findall(lines.lines[i]))
    return Finding(
        rows,
        (parts.get("file") or file).rpartition("/")[2],
        int(parts.get("line") or 0),
        parts.get("code", ""),
        parts.get("level", ""),
        parts.get("name") or parts.get("name2") or "",
        tuple(names),
    )
