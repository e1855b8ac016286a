"""Changes of a diff that are more than the renaming that most of them share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

Substitution: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]

LEAST_CHANGES = 8  # below that nothing is common
COMMON = 3  # times that something is substituted, or more, before it is a renaming
COMMON_SHARE = 0.02  # of the changes, likewise
EXPLAINED = 0.6  # of the changes must be renamings before one that is none stands out
_LONGEST = 400  # characters of a line that are compared
_TOKEN = re.compile(r"\w+|[^\w\s]")
_PLACE = re.compile(r"\d{1,7}(?:,\d{1,7})?[acd]\d{1,7}(?:,\d{1,7})?$")


class Change(NamedTuple):
    """Lines that another few replace, and the numbers of the pieces of the diff that they stand in."""

    removed: list[str]
    added: list[str]
    pieces: list[int]


def is_plain_diff(rows: Sequence[str]) -> bool:
    """Whether rows are those of a diff that is not unified: places such as 12c14 before lines with < and >."""
    return sum(_PLACE.match(row) is not None for row in rows) >= LEAST_CHANGES


def changes(pieces: Iterable[tuple[int, str]], *, unified: bool) -> Iterator[Change]:
    """The changes of a diff in pieces, each with its number."""
    removed, added = "-+" if unified else "<>"
    change = Change([], [], [])
    for number, text in pieces:
        for row in text.removesuffix("\n").split("\n"):
            sign = row[:1]
            opens = not unified and _PLACE.match(row) is not None
            between = not unified and row == "---"
            ends = opens or (sign == removed and change.added) or (sign not in (removed, added) and not between)
            if ends and (change.removed or change.added):
                yield change
                change = Change([], [], [])
            if sign and sign in (removed, added):
                (change.removed if sign == removed else change.added).append(row[1:])
            if (opens or change.removed or change.added) and change.pieces[-1:] != [number]:
                change.pieces.append(number)
    if change.removed or change.added:
        yield change


def real_changes(all_changes: Sequence[Change]) -> tuple[list[int], list[int]]:
    """Numbers of the changes that are more than a common renaming, and of those that are one; none without one."""
    substituted = [_substitutions(change) for change in all_changes]
    counts = Counter(pair for pairs in substituted if pairs for pair in pairs)
    often = max(COMMON, COMMON_SHARE * len(substituted))
    common = {pair for pair, count in counts.items() if count >= often}
    explained = [pairs is not None and pairs <= common for pairs in substituted]
    if len(substituted) < LEAST_CHANGES or sum(explained) < EXPLAINED * len(substituted):
        return [], []
    numbers = range(len(substituted))
    return [i for i in numbers if not explained[i]], [i for i in numbers if explained[i]]


def _substitutions(change: Change) -> set[Substitution] | None:
    """What is replaced by what; None where lines come or go."""
    if len(change.removed) != len(change.added):
        return None
    substituted: set[Substitution] = set()
    for before, after in zip(change.removed, change.added, strict=True):
        removed, added = (tuple(_TOKEN.findall(line[:_LONGEST])) for line in (before, after))
        if len(before) > _LONGEST or len(after) > _LONGEST:
            substituted.add(((before,), (after,)))
        elif len(removed) == len(added):
            substituted.update(((a,), (b,)) for a, b in zip(removed, added, strict=True) if a != b)
        else:
            substituted.add(_middle(removed, added))
    return substituted


def _middle(removed: tuple[str, ...], added: tuple[str, ...]) -> Substitution:
    """What differs of two lines between what they begin and end with alike."""
    shorter = min(len(removed), len(added))
    start = next((i for i in range(shorter) if removed[i] != added[i]), shorter)
    end = next((i for i in range(shorter - start) if removed[-1 - i] != added[-1 - i]), shorter - start)
    return removed[start : len(removed) - end], added[start : len(added) - end]
