"""Identifiers of a text, and its words, for everything that compares texts.

An identifier is what an agent copies from a result into its next action: a path, a symbol, a number, an address.
One definition serves the scorers, the digests and the benchmark. All expressions are linear in the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_TOKEN = re.compile(r"[\w./@-]{4,}")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[abfnrtv0\"'\\/])")
_WORD = re.compile(r"\w+")
_PARTS = re.compile(r"[^\W\d_a-z]+(?![a-z])|[^\W\d_][a-z]*|[a-z]+|\d+|[^\W\d_]+")
_MARKS = frozenset("_/.@")


def identifiers(text: str) -> Iterator[str]:
    """Yield the identifiers of `text` in reading order, repeats included.

    Four characters or more, and a digit, one of `_ / . @`, or a capital inside.
    """
    if "\\" in text:  # an escape is no part of the word behind it
        text = _ESCAPE.sub(" ", text)
    return filter(None, map(_identifier, _TOKEN.findall(text)))


@lru_cache(maxsize=1 << 16)
def _identifier(token: str) -> str:
    """The token without punctuation at its ends where it is an identifier, else ""."""
    token = token.strip(".-")
    return token if len(token) >= 4 and is_identifier(token) else ""


def is_identifier(token: str) -> bool:
    """Whether `token` (already cut out of its text) looks like an identifier rather than a word."""
    if not token.isalpha():
        return not _MARKS.isdisjoint(token) or any(c.isdigit() for c in token)
    inner = token[1:]
    return inner != inner.lower() and token != token.upper()


def words(text: str) -> list[str]:
    """Lower-case words, with the parts of compound names beside the whole: `fooBar`, `foo_bar` and `foo-bar` meet."""
    in_order: list[str] = []
    for word in _WORD.findall(text):
        low = word.lower()
        in_order.append(low)
        if "_" in word or (low != word and not word.istitle() and not word.isupper()) or not word.isalpha():
            parts = [p.lower() for p in _PARTS.findall(word)]
            if len(parts) > 1:
                in_order.extend(parts)
    return in_order
