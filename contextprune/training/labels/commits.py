"""Commits as sessions of a coding agent: it reads a file, and will change the lines that the commit changed.

Recorded sessions of coding agents are scarce; commits are not. A file is shown as agents' tools show it: whole, with
line numbers, or as a window; what the commit changed is needed, and a little what stands around it.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

from contextprune.context import Context, Kind, Segment
from contextprune.training.labels.kit import dice
from contextprune.training.labels.questions import Row
from contextprune.training.samples import Need, Sample

AROUND = 2  # lines on each side of a change
BESIDE = 0.5  # their weight
WHOLE = 600  # lines of a file that tools still show as a whole
UNDER_BUDGET = 0.4  # share of views with files read before
NOTHING = 0.08  # share of arrivals that turn out to be of no use

_GOALS = (
    "{}",
    "{}",
    "We're currently solving the following issue within our repository.\nISSUE:\n{}",
    "Please make this change in the repository:\n\n{}",
    "{}\n\nImplement this and run the tests.",
)


class View(NamedTuple):
    """What a tool was asked and what it showed; `needs` are (start, end, weight) in the text."""

    tool: str
    arguments: Mapping[str, object]
    text: str
    needs: tuple[tuple[int, int, float], ...]


def views(rows: Sequence[Row], count: int, seed: int) -> Iterator[Sample]:
    """Up to `count` samples, one of each row, with files of its repository that other commits changed beside it."""
    rows = [row for row in rows if row.question and len(row.docs[0].text) >= 300]
    by_repository: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_repository[row.groups[0]].append(row)
    for row in rows[:count]:
        roll = dice(seed, row.id, "view")
        others = _others(row, by_repository[row.groups[0]], roll)
        if others and roll.random() < UNDER_BUDGET:
            shown = [_show(other, roll)._replace(needs=()) for other in others]
        elif others and roll.random() < NOTHING:
            yield _sample(row, [_show(others[0], roll)._replace(needs=())], roll, "#other")
            continue
        else:
            shown = []
        view = _show(row, roll)
        if view.needs:
            yield _sample(row, [*shown, view], roll, "#view")


def _others(row: Row, rows: Sequence[Row], roll: Random) -> list[Row]:
    """One or two rows of other files and other commits."""
    drawn = roll.sample(rows, min(6, len(rows)))
    commit = row.id.rpartition("-")[0]
    fair = {r.docs[0].title: r for r in drawn if r.docs[0].title != row.docs[0].title and not r.id.startswith(commit)}
    return list(fair.values())[: roll.randint(1, 2)]


def _sample(row: Row, shown: Sequence[View], roll: Random, suffix: str) -> Sample:
    goal = roll.choice(_GOALS).format(row.question)
    segments = [Segment(Kind.USER, goal, (0,))]
    needs: list[Need] = []
    for turn, view in enumerate(shown, start=1):
        pair = f"call_{turn}"
        called = json.dumps(view.arguments, ensure_ascii=False)
        segments.append(Segment(Kind.TOOL_CALL, called, (len(segments),), turn, pair, view.tool))
        needs += (Need(len(segments), *need) for need in view.needs)
        segments.append(Segment(Kind.TOOL_RESULT, view.text, (len(segments),), turn, pair, view.tool))
    judged = tuple(i for i, segment in enumerate(segments) if segment.kind is Kind.TOOL_RESULT)
    context = Context(tuple(segments), goal)
    return Sample(row.id + suffix, "code_view", "code", row.groups, context, judged, tuple(needs))


def _show(row: Row, roll: Random) -> View:
    """The file of a row as one of the tools shows it."""
    doc = row.docs[0]
    lines = doc.text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    weights = _weights(doc.text, [(p.start, p.end) for p in row.evidence], len(lines))
    form = roll.choice(_WHOLE if len(lines) <= WHOLE and roll.random() < 0.6 else _PARTS)
    return form(doc.title, lines, weights, roll)


def _weights(text: str, changed: Iterable[tuple[int, int]], count: int) -> dict[int, float]:
    """By line number: 1 where a change touches it, less beside."""
    starts = [0, *(i + 1 for i, char in enumerate(text) if char == "\n")]
    weights: dict[int, float] = {}
    for start, end in changed:
        for line in range(bisect_right(starts, start) - 1, bisect_right(starts, end - 1)):
            weights[line] = 1.0
    for line in [line for line, weight in weights.items() if weight == 1]:
        for beside in range(line - AROUND, line + AROUND + 1):
            weights.setdefault(beside, BESIDE)
    return {line: weight for line, weight in weights.items() if 0 <= line < count}


def _written(
    lines: Sequence[str], first: int, weights: Mapping[int, float], mark: Callable[[int], str], head: str = ""
) -> tuple[str, tuple[tuple[int, int, float], ...]]:
    """Lines from number `first` (from 0) on, each behind its mark, and the ranges of those that have a weight."""
    text = [head]
    needs: list[tuple[int, int, float]] = []
    at = len(head)
    for number, line in enumerate(lines, start=first):
        shown = f"{mark(number + 1)}{line}\n"
        weight = weights.get(number, 0)
        if weight:
            if needs and needs[-1][1] == at and needs[-1][2] == weight:
                needs[-1] = (needs[-1][0], at + len(shown), weight)
            else:
                needs.append((at, at + len(shown), weight))
        text.append(shown)
        at += len(shown)
    return "".join(text), tuple(needs)


def _window(lines: Sequence[str], weights: Mapping[int, float], longest: int, roll: Random) -> range:
    """Lines that hold a change: an agent that searched looks at the right place."""
    changed = [line for line, weight in weights.items() if weight == 1]
    at = roll.choice(changed) if changed else 0
    first = max(0, min(at - roll.randint(5, longest - 5), len(lines) - longest))
    return range(first, min(len(lines), first + longest))


def _bare(_: int) -> str:
    return ""


def _cat_n(number: int) -> str:
    return f"{number:6}\t"


def _plain_file(path: str, lines: Sequence[str], weights: Mapping[int, float], roll: Random) -> View:
    tool, arguments = roll.choice(
        (("read_file", {"path": path}), ("bash", {"command": f"cat {path}"}), ("view_file", {"file_path": path}))
    )
    return View(tool, arguments, *_written(lines, 0, weights, _bare))


def _numbered_file(path: str, lines: Sequence[str], weights: Mapping[int, float], roll: Random) -> View:
    if roll.random() < 0.4:
        place = f"/testbed/{path}"
        head = f"Here's the result of running `cat -n` on {place}:\n"
        arguments = {"command": "view", "path": place}
        return View("str_replace_editor", arguments, *_written(lines, 0, weights, _cat_n, head))
    tool, arguments = roll.choice((("bash", {"command": f"cat -n {path}"}), ("Read", {"file_path": f"/repo/{path}"})))
    mark = _cat_n if tool == "bash" else _arrow
    return View(tool, arguments, *_written(lines, 0, weights, mark))


def _arrow(number: int) -> str:
    return f"{number:6}→"


def _opened(path: str, lines: Sequence[str], weights: Mapping[int, float], roll: Random) -> View:
    """SWE-agent's window."""
    window = _window(lines, weights, 100, roll)
    head = f"[File: /repo/{path} ({len(lines)} lines total)]\n"
    if window.start:
        head += f"({window.start} more lines above)\n"
    text, needs = _written(lines[window.start : window.stop], window.start, weights, lambda n: f"{n}:", head)
    if window.stop < len(lines):
        text += f"({len(lines) - window.stop} more lines below)\n"
    text += f"(Open file: /repo/{path})\n(Current directory: /repo)\nbash-$"
    command = f"open {path} {window.start + 1}" if window.start else f"open {path}"
    return View("bash", {"command": command}, text, needs)


def _part(path: str, lines: Sequence[str], weights: Mapping[int, float], roll: Random) -> View:
    """A range of lines."""
    window = _window(lines, weights, roll.randint(40, 220), roll)
    span, chosen = f"{window.start + 1},{window.stop}", lines[window.start : window.stop]
    if roll.random() < 0.5:
        return View("bash", {"command": f"sed -n '{span}p' {path}"}, *_written(chosen, window.start, weights, _bare))
    if roll.random() < 0.5:
        command = {"command": f"cat -n {path} | sed -n '{span}p'"}
        return View("bash", command, *_written(chosen, window.start, weights, _cat_n))
    arguments = {"path": path, "offset": window.start + 1, "limit": len(window)}
    return View("read_file", arguments, *_written(chosen, window.start, weights, _arrow))


_WHOLE = (_plain_file, _plain_file, _numbered_file, _numbered_file)
_PARTS = (_opened, _opened, _part, _part)
