"""What a user or a call named: ids, order numbers, file and function names, addresses, quoted strings.

Only what cannot be a plain word counts; whether it says anything of a text is for the text to show: what stands in many
of its lines names none of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from contextprune.text.identifiers import identifiers

MOST_WORDS = 12  # words of a goal that are looked for where no name tells more; the first ones count
MOST = 40  # names that are looked for; the first ones count
_SHORTEST, _LONGEST = 3, 120  # characters
_QUOTED = re.compile(r"(?<![\w\"'`])(?:\"([^\"\n]{3,80})\"|'([^'\n]{3,80})'|`([^`\n]{3,80})`)(?![\w])")
_PLAIN = re.compile(r"(?<![\w./-])[A-Za-z]{5,40}(?![\w/-])")
_NUMBERED = re.compile(r"(?<![\w.])(?:#(\d{1,12})|([A-Za-z]{1,8}-\d{1,12}|\d{3}))(?![\w-])(?!\.\d)")  # #42, A-17, 404


def names_of_goal(goal: str) -> list[str]:
    """What a user's words name, in order, each once."""
    return _distinct(_names(goal))


def words_of_goal(goal: str) -> list[str]:
    """The plain words of a user's that may be somebody's or something's name, in small letters, each once."""
    return list(dict.fromkeys(word.lower() for word in _PLAIN.findall(goal)))[:MOST_WORDS]


def names_of_call(arguments: str) -> list[str]:
    """What the arguments of a call name: the values of its JSON, or the text where it is none."""
    try:
        values = list(_leaves(json.loads(arguments)))
    except (ValueError, RecursionError):
        values = [arguments]
    return _distinct(name for value in values for name in _value_names(value))


def _value_names(value: str) -> Iterator[str]:
    """A value of one word is a name by itself; what a longer one holds, as in the user's words."""
    if len(value.split(None, 1)) == 1:
        yield value
    yield from _names(value)


def _names(text: str) -> Iterator[str]:
    for match in _QUOTED.finditer(text):
        yield next(filter(None, match.groups()))
    yield from identifiers(text)
    for match in _NUMBERED.finditer(text):
        yield next(filter(None, match.groups()))


def _distinct(names: Iterator[str]) -> list[str]:
    wanted = dict.fromkeys(name for name in names if _SHORTEST <= len(name) <= _LONGEST or name.isdigit())
    return list(wanted)[:MOST]


def _leaves(value: Any) -> Iterator[str]:
    """The strings and numbers of a JSON value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _leaves(member)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def offsets_of(text: str, name: str, most: int) -> list[int]:
    """Offsets in `text` at which `name` stands by itself; none where that is more often than `most`.

    A word may have its version behind it: `libicu` is named by `libicu72`.
    """
    word = name.isalpha()
    offsets: list[int] = []
    at = text.find(name)
    while at >= 0:
        end = at + len(name)
        if _apart(text, at - 1, name[0]) and (_apart(text, end, name[-1]) or (word and text[end].isdigit())):
            offsets.append(at)
            if len(offsets) > most:
                return []
        at = text.find(name, end)
    return offsets


def _apart(text: str, at: int, edge: str) -> bool:
    """Whether the character at `at` does not go on with a word that ends, or begins, with `edge`."""
    if not 0 <= at < len(text):
        return True
    return not (text[at].isalnum() or text[at] == "_") or not (edge.isalnum() or edge == "_")
