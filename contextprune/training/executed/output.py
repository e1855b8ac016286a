"""One run of a tool and the many goals that it answers, before they become samples.

A family of tools is a function from a `Bench` to an endless iterator of outputs; the driver takes what it needs.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, TypeAlias

Range: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal in words, and the character ranges that answer it.

    key     a word without which a text cannot answer; None where the goal may mean something in any text
    plain   the goal repeats the words of what it needs
    """

    text: str
    ranges: tuple[Range, ...]
    key: str | None = None
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Output:
    """Text that a tool printed, and the call.

    package   the package or subject that it was run on
    crop      "pipe": a part may be shown as if piped through head, tail or sed; "view": by offset and limit
    """

    kind: str
    tool: str
    call: Mapping[str, Any]
    text: str
    package: str
    goals: Sequence[Goal]
    crop: str | None = "pipe"
    failed: bool = False


class Lines:
    """A text by its lines: from indices of lines to character ranges."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.starts: list[int] = []
        at = 0
        for line in self.lines:
            self.starts.append(at)
            at += len(line) + 1

    def __len__(self) -> int:
        return len(self.lines)

    def ranges(self, indices: Iterable[int]) -> tuple[Range, ...]:
        """Character ranges of whole lines, neighbours joined; empty lines at either end of a run are left out."""
        runs: list[Range] = []
        for i in sorted(set(indices)):
            if not 0 <= i < len(self.lines) or not self.lines[i].strip():
                continue
            start, end = self.starts[i], self.starts[i] + len(self.lines[i])
            if runs and not self.blank_between(runs[-1][1], start):
                runs.append((start, end))
            elif runs:
                runs[-1] = (runs[-1][0], end)
            else:
                runs.append((start, end))
        return tuple(runs)

    def blank_between(self, start: int, end: int) -> bool:
        """Whether nothing but empty lines lies between two characters."""
        first = bisect_right(self.starts, start)
        last = bisect_right(self.starts, end) - 1
        return not any(self.lines[i].strip() for i in range(first, last))

    def matching(self, pattern: str) -> Iterator[int]:
        """Indices of the lines in which the pattern occurs."""
        regex = re.compile(pattern)
        return (i for i, line in enumerate(self.lines) if regex.search(line))


def draw_length(rng: Random) -> int:
    """Draw how many lines a reader asks for: log-normal, with a median of about 130."""
    return int(min(600, max(15, rng.lognormvariate(4.9, 0.8))))


def crop(output: Output, rng: Random) -> tuple[Output, list[Goal]]:
    """Crop a long output as an agent would; returns it with the goals whose answers were cut off."""
    lines = Lines(output.text)
    count = draw_length(rng)
    if output.crop is None or len(lines) <= max(count, 15) * 1.15:
        return output, []

    first = rng.choice([0, 0, len(lines) - count, rng.randrange(len(lines) - count), rng.randrange(len(lines) - count)])
    start, end = lines.starts[first], lines.starts[first + count - 1] + len(lines.lines[first + count - 1])
    text = output.text[start:end]

    within, cut_off = [], []
    for goal in output.goals:
        if all(start <= a and b <= end for a, b in goal.ranges):
            within.append(replace(goal, ranges=tuple((a - start, b - start) for a, b in goal.ranges)))
        elif goal.key and all(b < start or a > end for a, b in goal.ranges):
            cut_off.append(goal)

    call = _cropped_call(output, first, count, len(lines))
    return replace(output, text=text, call=call, goals=within), cut_off


def _cropped_call(output: Output, first: int, count: int, total: int) -> dict[str, Any]:
    call = dict(output.call)
    if output.crop == "view":
        return {**call, "offset": first + 1, "limit": count}
    if "command" not in call:
        return {**call, "head_limit": count, **({"skip": first} if first else {})}
    if first == 0:
        filter_command = f"head -n {count}"
    elif first + count == total:
        filter_command = f"tail -n {count}"
    else:
        filter_command = f"sed -n '{first + 1},{first + count}p'"
    return {**call, "command": f"{call['command']} | {filter_command}"}


@dataclass(slots=True)
class GoalCollector:
    """Goals of one text; one that needs no line, too many lines or half of the text is left out."""

    lines: Lines
    max_lines: int = 14
    collected: list[Goal] = field(default_factory=list)

    def add(self, text: str, indices: Iterable[int], key: str | None = None, *, plain: bool = True) -> None:
        """Add a goal that these lines answer."""
        rows = set(indices)
        if rows and len(rows) <= max(self.max_lines, len(self.lines) // 8) and len(rows) < max(3, len(self.lines) // 2):
            ranges = self.lines.ranges(rows)
            if ranges:
                self.collected.append(Goal(text, ranges, key, plain))

    def add_unanswerable(self, text: str) -> None:
        """Add a goal that this text cannot answer, although it looks as if it might."""
        self.collected.append(Goal(text, (), None, plain=False))
