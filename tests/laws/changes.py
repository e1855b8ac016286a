"""What differs between a body and what was made of it, by a walk over both: no reader of the package is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.laws.talks import Free, Parts

PLAIN = {"type", "text", "cache_control"}
LEAST = 3  # texts, one after another, that may become one


@dataclass(frozen=True, slots=True)
class Change:
    """A place where the trees differ; `free` where that place may change, `wrong` where it is more than a text."""

    path: tuple[str | int, ...]
    old: str
    new: str
    free: Free | None
    wrong: str = ""


def changes(tree: Any, old: Any, new: Any, path: tuple[str | int, ...] = ()) -> Iterator[Change]:
    """All differences; `tree` is the body as it was generated, with its `Free` texts, `old` the same as it was read."""
    if isinstance(old, dict) and isinstance(new, dict):
        if list(old) != list(new):
            yield Change(path, str(list(old)), str(list(new)), None, "keys")
            return
        for key in old:
            yield from changes(_child(tree, key), old[key], new[key], (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_lists(tree, old, new, path)
    elif isinstance(old, str) and isinstance(new, str):
        if old != new:
            yield Change(path, old, new, tree if isinstance(tree, Free) else None)
    elif json.dumps(old) != json.dumps(new):
        yield Change(path, json.dumps(old)[:200], json.dumps(new)[:200], None, "type or value")


def texts(tree: Any) -> Iterator[str]:
    """All strings of a tree in order, without keys."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping):
        for item in tree.values():
            yield from texts(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from texts(item)


def frees_of(tree: Any) -> list[Free]:
    """The texts of a generated tree that may change."""
    return [text for text in texts(tree) if isinstance(text, Free)]


def _of_lists(tree: Any, old: list[Any], new: list[Any], path: tuple[str | int, ...]) -> Iterator[Change]:
    if len(old) == len(new):
        for at, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from changes(_child(tree, at), before, after, (*path, at))
        return
    at = there = 0
    while at < len(old) and there < len(new):
        end = _end_of_run(old, at)
        if end - at >= LEAST and isinstance(tree, Parts) and old[at:end] != new[there : there + end - at]:
            yield _of_run(tree, old[at:end], new[there], (*path, f"{at}:{end}"), at)
            at, there = end, there + 1
        else:
            yield from changes(_child(tree, at), old[at], new[there], (*path, at))
            at, there = at + 1, there + 1
    if at < len(old) or there < len(new):
        yield Change(path, str(len(old)), str(len(new)), None, "length")


def _of_run(tree: Parts, run: list[Any], part: Any, path: tuple[str | int, ...], at: int) -> Change:
    """A run of texts that became one part: the text of that is the new one, all else what the parts said."""
    beside: dict[str, Any] = {}
    for each in run:
        beside = {**each, **beside}
    del beside["text"]
    rest = {key: item for key, item in part.items() if key != "text"} if isinstance(part, dict) else None
    old = "".join(each["text"] + ("" if each["text"].endswith("\n") else "\n") for each in run[:-1]) + run[-1]["text"]
    free = tree[at]["text"]
    wrong = "" if rest == beside else f"a run became {part!r:.200}"
    return Change(
        path,
        old,
        part.get("text", "") if isinstance(part, dict) else "",
        free if isinstance(free, Free) else None,
        wrong,
    )


def _end_of_run(parts: list[Any], at: int) -> int:
    while (
        at < len(parts)
        and isinstance(parts[at], dict)
        and isinstance(parts[at].get("text"), str)
        and PLAIN.issuperset(parts[at])
    ):
        at += 1
    return at


def _child(tree: Any, key: Any) -> Any:
    try:
        return tree[key]
    except (KeyError, IndexError, TypeError):
        return None
