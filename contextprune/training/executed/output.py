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
class Ask:
    """A goal and the character ranges that answer it.

    key     a word without which a text cannot answer; None where the goal may mean something in any text
    plain   the goal repeats the words of what it needs
    """

    goal: str
    ranges: tuple[Range, ...]
    key: str | None = None
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Output:
    """What a tool printed, and how it was called.

    package   the package or subject that it was run on
    crop      "pipe": a part may be shown as if piped through head, tail or sed; "view": by offset and limit
    """

    kind: str
    tool: str
    call: Mapping[str, Any]
    text: str
    package: str
    asks: Sequence[Ask]
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
        """Whole lines, neighbours joined; empty lines at either end of a run are left out."""
        found: list[Range] = []
        for i in sorted(set(indices)):
            if not 0 <= i < len(self.lines) or not self.lines[i].strip():
                continue
            start, end = self.starts[i], self.starts[i] + len(self.lines[i])
            if found and not self.blank(found[-1][1], start):
                found.append((start, end))
            elif found:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
        return tuple(found)

    def blank(self, start: int, end: int) -> bool:
        """Nothing but empty lines lies between."""
        first = bisect_right(self.starts, start)
        last = bisect_right(self.starts, end) - 1
        return not any(self.lines[i].strip() for i in range(first, last))

    def having(self, pattern: str) -> Iterator[int]:
        """Indices of the lines in which the pattern is found."""
        look = re.compile(pattern)
        return (i for i, line in enumerate(self.lines) if look.search(line))


def length(rng: Random) -> int:
    """How many lines a reader would have asked for: widely spread, about a hundred and thirty in the middle."""
    return int(min(600, max(15, rng.lognormvariate(4.9, 0.8))))


def cropped(output: Output, rng: Random) -> tuple[Output, list[Ask]]:
    """A part of a long output, as an agent asks for one; and the goals whose answer was cut off."""
    lines = Lines(output.text)
    want = length(rng)
    if output.crop is None or len(lines) <= max(want, 15) * 1.15:
        return output, []
    first = rng.choice([0, 0, len(lines) - want, rng.randrange(len(lines) - want), rng.randrange(len(lines) - want)])
    start, end = lines.starts[first], lines.starts[first + want - 1] + len(lines.lines[first + want - 1])
    text = output.text[start:end]
    inside, outside = [], []
    for ask in output.asks:
        if all(start <= a and b <= end for a, b in ask.ranges):
            inside.append(replace(ask, ranges=tuple((a - start, b - start) for a, b in ask.ranges)))
        elif ask.key and all(b < start or a > end for a, b in ask.ranges):
            outside.append(ask)
    call = _shortened(output, first, want, len(lines))
    return replace(output, text=text, call=call, asks=inside), outside


def _shortened(output: Output, first: int, count: int, total: int) -> dict[str, Any]:
    call = dict(output.call)
    if output.crop == "view":
        return {**call, "offset": first + 1, "limit": count}
    if "command" not in call:
        return {**call, "head_limit": count, **({"skip": first} if first else {})}
    if first == 0:
        part = f"head -n {count}"
    elif first + count == total:
        part = f"tail -n {count}"
    else:
        part = f"sed -n '{first + 1},{first + count}p'"
    return {**call, "command": f"{call['command']} | {part}"}


@dataclass(slots=True)
class Asks:
    """Collects the goals of one text; what answers nothing, or half of the text, is left out."""

    lines: Lines
    most: int = 14
    found: list[Ask] = field(default_factory=list)

    def add(self, goal: str, indices: Iterable[int], key: str | None = None, *, plain: bool = True) -> None:
        """A goal that these lines answer."""
        rows = set(indices)
        if rows and len(rows) <= max(self.most, len(self.lines) // 8) and len(rows) < max(3, len(self.lines) // 2):
            ranges = self.lines.ranges(rows)
            if ranges:
                self.found.append(Ask(goal, ranges, key, plain))

    def nothing(self, goal: str) -> None:
        """A goal for which this text holds nothing, although it looks as if it might."""
        self.found.append(Ask(goal, (), None, plain=False))
