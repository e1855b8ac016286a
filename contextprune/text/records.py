"""What differs among alike records of JSON: rare values, rare keys, and records with other keys than most.

Keys are counted by name, wherever they stand: a text of many records has each of its keys many times over.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from math import log2
from typing import TypeAlias

from contextprune.text.columns import LEAST_ROWS, RARE, SELDOM, odd_values

Pair: TypeAlias = tuple[str, str]

_PAIR = re.compile(
    r'"((?:[^"\\\n]|\\.){1,60}+)"\s{0,40}+:\s{0,40}+'
    r'("(?:[^"\\\n]|\\.){0,80}+"|-?\d[\d.eE+-]{0,30}+|true|false|null|\{\s{0,80}+\}|\[\s{0,80}+\]|[\[{])'
)
"""A key and its value: a short scalar, an empty container, or the bracket that opens one."""
_PRINTED = re.compile(
    r"'((?:[^'\\\n]|\\.){1,60}+)':\s{0,40}+"
    r"""('(?:[^'\\\n]|\\.){0,80}+'|"(?:[^"\\\n]|\\.){0,80}+"|-?\d[\d.eE+-]{0,30}+|True|False|None|\{\}|\[\]|[\[{(])"""
)
"""The same as Python prints it."""
_SETTING = re.compile(r"[ \t]*+(?:- )*+[\"']?([\w./@-]{1,60}+)[\"']?[ \t]{0,20}+[:=][ \t]++(\S[^\n]{0,80})")
"""A line of YAML, TOML or the like: a key and its value."""
_NAMES = re.compile(r"(?i:(?:[\w.-]{0,40}[_-])?(?:name|id|key|title))|\w{0,40}(?:Name|Id|ID)")
READ = 2000  # characters of a record that are read


def pairs_of(text: str) -> list[Pair]:
    """The keys of a piece of JSON, or of what Python printed, with their values, as written; nested ones included."""
    return _PAIR.findall(text[:READ]) or _PRINTED.findall(text[:READ])


def settings_of(text: str) -> list[Pair]:
    """The key of a line of settings with its value; nothing of any other line."""
    line = _SETTING.match(text)
    return [(line[1], line[2].rstrip())] if line else []


def names_it(pairs: Sequence[Pair]) -> bool:
    """Whether one of these is what a record is called by."""
    return any(value[0] not in "{[" and _NAMES.fullmatch(key) for key, value in pairs)


def odd_records(records: Sequence[Sequence[Pair]]) -> dict[int, float]:
    """Record or piece of one -> bits of surprise; those that are like the others are left out."""
    values: dict[str, Counter[str]] = {}
    for (key, value), count in Counter(pair for pairs in records for pair in pairs).items():
        values.setdefault(key, Counter())[value] = count
    keys = {key: counts.total() for key, counts in values.items()}

    rare_keys = _rare_keys(keys)
    rare = {(key, v): bits for key, counts in values.items() for v, bits in _rare(counts, keys[key]).items()}
    odd: dict[int, float] = dict(_odd_forms(records))
    if rare or rare_keys:
        for i, pairs in enumerate(records):
            bits = sum(rare.get(pair, 0.0) + rare_keys.get(pair[0], 0.0) for pair in pairs)
            if bits:
                odd[i] = odd.get(i, 0.0) + bits
    return odd


def _rare(counts: Counter[str], total: int) -> dict[str, float]:
    """The values of a key that stand out."""
    if len(counts) == 1 or total < LEAST_ROWS:
        return {}
    values = list(counts.elements())
    odd, _ = odd_values([value.strip('"') for value in values], Counter(value.strip('"') for value in values))
    return {values[i]: bits for i, bits in odd.items()}


def _rare_keys(keys: dict[str, int]) -> dict[str, float]:
    """Keys that come once or twice where nearly all others come with each record."""
    total = sum(keys.values())
    seldom = {key: count for key, count in keys.items() if count < LEAST_ROWS / 2}
    usual = max(keys.values(), default=0)
    if usual < 2 * LEAST_ROWS or sum(seldom.values()) > RARE * total:
        return {}
    return {key: log2(usual / count) for key, count in seldom.items()}


def _odd_forms(records: Sequence[Sequence[Pair]]) -> Iterator[tuple[int, float]]:
    """Records that have other keys than nearly all others."""
    forms = [tuple(key for key, _ in pairs) for pairs in records]
    counts = Counter(form for form in forms if len(form) > 1)
    total = counts.total()
    rare = {form: count for form, count in counts.items() if count <= max(1, SELDOM * total)}
    if total >= 2 * LEAST_ROWS and sum(rare.values()) <= max(1, RARE * total):
        for i, form in enumerate(forms):
            if form in rare:
                yield i, log2(total / rare[form])
