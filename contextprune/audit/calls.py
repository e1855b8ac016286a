"""Calls of tools in words, short enough for a line of a table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

LONGEST_CALL = 90  # characters


def call_in_words(arguments: str) -> str:
    """The arguments of a call on one short line: the values alone where they are an object."""
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return one_line(arguments, LONGEST_CALL)
    values = value.values() if isinstance(value, Mapping) else [value]
    return one_line(", ".join(each if isinstance(each, str) else json.dumps(each) for each in values), LONGEST_CALL)


def one_line(text: str, length: int) -> str:
    """The beginning of a text on one line of at most `length` characters."""
    words = re.sub(r"\s+", " ", text[: length * 4]).strip()
    return words if len(words) <= length else words[: length - 1] + "…"
