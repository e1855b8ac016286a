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
from contextprune.training.labels.kit import rng_for
from contextprune.training.labels.questions import Row
from contextprune.training.samples import Need, Sample

LINES_AROUND = 2  # lines on each side of a change
WEIGHT_AROUND = 0.5  # their weight
MAX_WHOLE_FILE = 600  # lines of a file that tools still show as a whole
SHARE_WITH_EARLIER_FILES = 0.4  # share of views with files read before
SHARE_OF_USELESS = 0.08  # share of arrivals that turn out to be of no use

_GOALS = (
    "{}",
    "{}",
    "We're currently solving the following issue within our repository.\nISSUE:\n{}",
    "Please make this change in the repository:\n\n{}",
    "{}\n\nImplement this and run the tests.",
)


class View(NamedTuple):
    """A tool's call and the text that it showed; `needs` are (start, end, weight) in the text."""

    tool: str
    arguments: Mapping[str, object]
    text: str
    needs: tuple[tuple[int, int, float], ...]


def views(rows: Sequence[Row], count: int, seed: int) -> Iterator[Sample]:
    """Make up to `count` samples, one of each row; some with other files of its repository."""
    rows = [row for row in rows if row.question and len(row.docs[0].text) >= 300]
    by_repository: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_repository[row.groups[0]].append(row)

    for row in rows[:count]:
        rng = rng_for(seed, row.id, "view")
        other_rows = _other_files(row, by_repository[row.groups[0]], rng)
        if other_rows and rng.random() < SHARE_WITH_EARLIER_FILES:
            shown = [_show_file(other_row, rng)._replace(needs=()) for other_row in other_rows]
        elif other_rows and rng.random() < SHARE_OF_USELESS:
            yield _sample(row, [_show_file(other_rows[0], rng)._replace(needs=())], rng, "#other")
            continue
        else:
            shown = []
        view = _show_file(row, rng)
        if view.needs:
            yield _sample(row, [*shown, view], rng, "#view")


def _other_files(row: Row, rows: Sequence[Row], rng: Random) -> list[Row]:
    """Draw one or two rows of other files and other commits."""
    drawn = rng.sample(rows, min(6, len(rows)))
    commit = row.id.rpartition("-")[0]
    candidates = {
        r.docs[0].title: r for r in drawn if r.docs[0].title != row.docs[0].title and not r.id.startswith(commit)
    }
    return list(candidates.values())[: rng.randint(1, 2)]


def _sample(row: Row, shown: Sequence[View], rng: Random, suffix: str) -> Sample:
    goal = rng.choice(_GOALS).format(row.question)
    segments = [Segment(Kind.USER, goal, (0,))]
    needs: list[Need] = []
    for turn, view in enumerate(shown, start=1):
        pair = f"call_{turn}"
        arguments = json.dumps(view.arguments, ensure_ascii=False)
        segments.append(Segment(Kind.TOOL_CALL, arguments, (len(segments),), turn, pair, view.tool))
        needs += (Need(len(segments), *need) for need in view.needs)
        segments.append(Segment(Kind.TOOL_RESULT, view.text, (len(segments),), turn, pair, view.tool))

    judged = tuple(i for i, segment in enumerate(segments) if segment.kind is Kind.TOOL_RESULT)
    context = Context(tuple(segments), goal)
    return Sample(row.id + suffix, "code_view", "code", row.groups, context, judged, tuple(needs))


def _show_file(row: Row, rng: Random) -> View:
    """Show the file of a row as one of the tools does."""
    doc = row.docs[0]
    lines = doc.text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    weights = _weights(doc.text, [(p.start, p.end) for p in row.evidence], len(lines))
    show = rng.choice(_WHOLE_FORMS if len(lines) <= MAX_WHOLE_FILE and rng.random() < 0.6 else _PARTIAL_FORMS)
    return show(doc.title, lines, weights, rng)


def _weights(text: str, changed: Iterable[tuple[int, int]], count: int) -> dict[int, float]:
    """Weigh lines by number: 1 where a change touches them, WEIGHT_AROUND for the LINES_AROUND beside it."""
    starts = [0, *(i + 1 for i, char in enumerate(text) if char == "\n")]
    weights: dict[int, float] = {}
    for start, end in changed:
        for line in range(bisect_right(starts, start) - 1, bisect_right(starts, end - 1)):
            weights[line] = 1.0
    for line in [line for line, weight in weights.items() if weight == 1]:
        for neighbour in range(line - LINES_AROUND, line + LINES_AROUND + 1):
            weights.setdefault(neighbour, WEIGHT_AROUND)
    return {line: weight for line, weight in weights.items() if 0 <= line < count}


def _write_lines(
    lines: Sequence[str], first: int, weights: Mapping[int, float], mark: Callable[[int], str], head: str = ""
) -> tuple[str, tuple[tuple[int, int, float], ...]]:
    """Write lines from number `first` (from 0) on, each behind its mark: (text, ranges with a weight)."""
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


def _window(lines: Sequence[str], weights: Mapping[int, float], longest: int, rng: Random) -> range:
    """Draw a window of lines around a change, for an agent that searched looks at the right place."""
    changed = [line for line, weight in weights.items() if weight == 1]
    at = rng.choice(changed) if changed else 0
    first = max(0, min(at - rng.randint(5, longest - 5), len(lines) - longest))
    return range(first, min(len(lines), first + longest))


def _bare(_: int) -> str:
    return ""


def _cat_n(number: int) -> str:
    return f"{number:6}\t"


def _plain_file(path: str, lines: Sequence[str], weights: Mapping[int, float], rng: Random) -> View:
    tool, arguments = rng.choice(
        (("read_file", {"path": path}), ("bash", {"command": f"cat {path}"}), ("view_file", {"file_path": path}))
    )
    return View(tool, arguments, *_write_lines(lines, 0, weights, _bare))


def _numbered_file(path: str, lines: Sequence[str], weights: Mapping[int, float], rng: Random) -> View:
    if rng.random() < 0.4:
        full_path = f"/testbed/{path}"
        head = f"Here's the result of running `cat -n` on {full_path}:\n"
        arguments = {"command": "view", "path": full_path}
        return View("str_replace_editor", arguments, *_write_lines(lines, 0, weights, _cat_n, head))
    tool, arguments = rng.choice((("bash", {"command": f"cat -n {path}"}), ("Read", {"file_path": f"/repo/{path}"})))
    mark = _cat_n if tool == "bash" else _arrow
    return View(tool, arguments, *_write_lines(lines, 0, weights, mark))


def _arrow(number: int) -> str:
    return f"{number:6}→"


def _opened_window(path: str, lines: Sequence[str], weights: Mapping[int, float], rng: Random) -> View:
    """SWE-agent's window."""
    window = _window(lines, weights, 100, rng)
    head = f"[File: /repo/{path} ({len(lines)} lines total)]\n"
    if window.start:
        head += f"({window.start} more lines above)\n"
    text, needs = _write_lines(lines[window.start : window.stop], window.start, weights, lambda n: f"{n}:", head)
    if window.stop < len(lines):
        text += f"({len(lines) - window.stop} more lines below)\n"
    text += f"(Open file: /repo/{path})\n(Current directory: /repo)\nbash-$"
    command = f"open {path} {window.start + 1}" if window.start else f"open {path}"
    return View("bash", {"command": command}, text, needs)


def _line_range(path: str, lines: Sequence[str], weights: Mapping[int, float], rng: Random) -> View:
    """A range of lines."""
    window = _window(lines, weights, rng.randint(40, 220), rng)
    span, chosen = f"{window.start + 1},{window.stop}", lines[window.start : window.stop]
    if rng.random() < 0.5:
        return View(
            "bash", {"command": f"sed -n '{span}p' {path}"}, *_write_lines(chosen, window.start, weights, _bare)
        )
    if rng.random() < 0.5:
        command = {"command": f"cat -n {path} | sed -n '{span}p'"}
        return View("bash", command, *_write_lines(chosen, window.start, weights, _cat_n))
    arguments = {"path": path, "offset": window.start + 1, "limit": len(window)}
    return View("read_file", arguments, *_write_lines(chosen, window.start, weights, _arrow))


_WHOLE_FORMS = (_plain_file, _plain_file, _numbered_file, _numbered_file)
_PARTIAL_FORMS = (_opened_window, _opened_window, _line_range, _line_range)
