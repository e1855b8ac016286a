"""A script of twenty lines, as anybody would write it first: the lines that speak of errors, then the end."""

from __future__ import annotations

import re

from contextprune.tokens import open_counter

ERROR = re.compile(
    r"error|fail|exception|traceback|panic|fatal|denied|refused|cannot|not found|undefined", re.IGNORECASE
)
AROUND = 2


def keep_error_lines(text: str, share: float) -> str:
    """Lines with a word of errors and two lines around each, from the start; then lines from the end, while they fit.

    `share` is that of the text's tokens which may stay.
    """
    lines = text.splitlines(keepends=True)
    count = open_counter()
    costs = [count(line) for line in lines]
    room = int(share * sum(costs))

    near = {
        j
        for i, line in enumerate(lines)
        if ERROR.search(line)
        for j in range(max(0, i - AROUND), min(len(lines), i + AROUND + 1))
    }

    chosen: list[int] = []
    for i in [*sorted(near), *(i for i in reversed(range(len(lines))) if i not in near)]:
        room -= costs[i]
        if room < 0:
            break
        chosen.append(i)
    return "".join(lines[i] for i in sorted(chosen))
