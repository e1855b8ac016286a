"""The stage of a tree of stages that takes the most time by itself: of a query's plan, of a build, of a profile.

The time of a stage holds that of the stages under it, and is said for one of its loops: so neither the longest time nor
the last line tells which stage is slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LEAST = 4  # stages, or it is no tree
NESTED = 0.6  # of the stages stand under another one
AROUND = 2  # stages above the slowest that stay with it
SAID = 6  # lines under a stage, up to the next one, that belong to it

_STAGE = re.compile(
    r"([ \t]*+)[^\n]{0,300}?\b(?:time|elapsed|took)\b[\s=:]{1,3}(?:\d[\d.]{0,15}?\.\.)?"
    r"(\d{1,12}(?:\.\d{1,9})?)(?:[^\n]{0,80}?\bloops[=:]\s?(\d{1,12}))?"
)
"""The start of a line that is indented as a tree is, its time, and how often it took that time."""


@dataclass(slots=True)
class _Stage:
    """A stage at a line, how far in it stands, the time of all its loops, and which stage stands around it."""

    line: int
    depth: int
    total: float
    parent: int | None
    under: float = 0.0


def slowest_stage(lines: Sequence[str]) -> list[int]:
    """Numbers of the lines of the stage with the most time of its own, of those around it, and what they say.

    Empty where the lines are no tree of stages.
    """
    stages = list(_stages(lines))
    nested = [stage for stage in stages if stage.parent is not None]
    if len(stages) < LEAST or len(nested) < NESTED * len(stages):
        return []
    for stage in nested:
        assert stage.parent is not None
        stages[stage.parent].under += stage.total

    at: int | None = max(range(len(stages)), key=lambda k: stages[k].total - stages[k].under)
    starts = {stage.line for stage in stages}
    chosen: list[int] = []
    for _ in range(AROUND + 1):
        if at is not None:
            chosen += _said(lines, stages[at], starts)
            at = stages[at].parent
    return sorted(chosen)


def _stages(lines: Sequence[str]) -> Iterator[_Stage]:
    """The stages in order, each with the number of the one that it stands under."""
    open_stages: list[tuple[int, int]] = []  # depth and number of those around
    number = 0
    for k, line in enumerate(lines):
        match = _STAGE.match(line)
        if match:
            depth = len(match[1])
            while open_stages and open_stages[-1][0] >= depth:
                open_stages.pop()
            parent = open_stages[-1][1] if open_stages else None
            yield _Stage(k, depth, float(match[2]) * float(match[3] or 1), parent)
            open_stages.append((depth, number))
            number += 1


def _said(lines: Sequence[str], stage: _Stage, starts: set[int]) -> Iterator[int]:
    """The line of a stage and the lines under it that are no stage."""
    yield stage.line
    for k in range(stage.line + 1, min(len(lines), stage.line + 1 + SAID)):
        depth = len(lines[k]) - len(lines[k].lstrip(" \t"))
        if k in starts or depth <= stage.depth:
            return
        yield k
