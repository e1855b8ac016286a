"""Several texts that are one result: servers of MCP answer a list with one part for each of its items.

No part of such a list reaches the size from which on a text is shortened, so they are read as one text, a part a line
at least, and one part takes the place of them all. A ref leads to a run by a step such as `3:203`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

LEAST = 3
"""Parts of a list; two texts beside one another are rather a text and a remark."""

PLAIN = frozenset({"type", "text", "cache_control", "prompt_cache_breakpoint"})
"""Keys of a part that is nothing but a text; where the cache is cut moves from request to request."""


def runs(parts: Sequence[Any], *, keys: Collection[str] = PLAIN, least: int = LEAST) -> Iterator[tuple[int, int]]:
    """Start and end of each run of text parts in the content of a result, and of each part that stands by itself.

    keys    those that a part of a run may have
    least   parts of a run
    """
    first = 0
    while first < len(parts):
        end = first
        while end < len(parts) and _is_text(parts[end], keys):
            end += 1
        if end - first >= least:
            yield first, end
        else:
            end = max(end, first + 1)
            yield from ((at, at + 1) for at in range(first, end))
        first = end


def joined(texts: Sequence[str]) -> str:
    """The texts of a run as one text, in which each begins a line."""
    lines = [text if text.endswith("\n") else f"{text}\n" for text in texts[:-1]]
    return "".join((*lines, *texts[-1:]))


def as_step(first: int, end: int) -> str:
    """The step of a ref that leads to the parts from `first` to before `end`."""
    return f"{first}:{end}"


def bounds(step: str | int) -> tuple[int, int] | None:
    """The run that a step of a ref leads to; None for any other step."""
    first, colon, end = step.partition(":") if isinstance(step, str) else ("", "", "")
    return (int(first), int(end)) if colon and first.isdecimal() and end.isdecimal() else None


def as_part(parts: Sequence[Mapping[str, Any]], text: str) -> dict[str, Any]:
    """The part that stands in place of a run: a new `text`, and what the parts say beside their texts."""
    beside: dict[str, Any] = {}
    for part in parts:
        beside |= {key: value for key, value in part.items() if key not in beside and key != "text"}
    return {**{key: beside[key] for key in beside if key == "type"}, "text": text, **beside}


def _is_text(part: Any, keys: Collection[str]) -> bool:
    if not isinstance(part, Mapping) or not isinstance(part.get("text"), str):
        return False
    return part.get("type", "text") in ("text", "input_text") and all(key in keys for key in part)
