"""A JSON tree as bytes, in spellings that few writers use, and the reading of such bytes as tokens."""

from __future__ import annotations

import json
import random
import re
from typing import Any

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[^"]+', re.DOTALL)


def spelled(rng: random.Random, tree: Any) -> bytes:
    """`tree` as JSON: as dumps writes it, or with odd spaces, escapes, numbers and keys that stand twice."""
    match rng.randint(0, 4):
        case 0:
            return json.dumps(tree).encode()
        case 1:
            return _utf8(json.dumps(tree, ensure_ascii=False, separators=(",", ":")))
        case 2:
            return _utf8(json.dumps(tree, ensure_ascii=False, indent=rng.choice((1, "\t"))) + "\r\n")
    odd = _utf8(_odd(rng, tree))
    if isinstance(tree, dict) and rng.random() < 0.5:
        key = rng.choice(sorted(tree, key=repr))
        odd = b"{" + json.dumps(key).encode() + b': [{"role": 3}], ' + odd.lstrip()[1:]  # the later one counts
    return (b"\xef\xbb\xbf" if rng.random() < 0.1 else b"") + odd


def tokens(body: bytes) -> list[bytes]:
    """The strings of a JSON text, and all that stands between them."""
    return _TOKENS.findall(body)


def _utf8(text: str) -> bytes:
    """UTF-8, with lone surrogates as JSON spells them."""
    return text.encode("utf-8", "backslashreplace")


def _odd(rng: random.Random, tree: Any) -> str:
    space = rng.choice(("", " ", "\n", "\t\r\n"))
    if isinstance(tree, dict):
        members = (f"{_quoted(rng, key)}{space}:{space}{_odd(rng, item)}" for key, item in tree.items())
        return "{" + space + f"{space},{space}".join(members) + space + "}"
    if isinstance(tree, list):
        return "[" + space + f",{space}".join(_odd(rng, item) for item in tree) + space + "]"
    if isinstance(tree, str):
        return _quoted(rng, tree)
    if isinstance(tree, float) and tree == 1000.0:
        return "1.0E+3"
    return json.dumps(tree)


def _quoted(rng: random.Random, text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=rng.random() < 0.5)
    match rng.randint(0, 5):
        case 0:
            return quoted.replace("/", "\\/")
        case 1:
            return quoted.replace("e", "\\u0065") if "\\" not in quoted else quoted
    return quoted
