"""Texts that are made to be slow, in families: each is a form and what it is made of, and no tool prints any of them.

A text is made at the size that is asked for, in characters, so that time can be compared at two sizes.
"""

from __future__ import annotations

import json
from base64 import b32encode, b64encode
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from random import Random
from typing import Any, TypeAlias

Maker: TypeAlias = Callable[[int], str]
"""Makes a text of about so many characters."""
Messages: TypeAlias = list[dict[str, Any]]
MessagesMaker: TypeAlias = Callable[[int], Messages]


def repeated(unit: str, size: int) -> str:
    """`unit`, over and over, about `size` characters."""
    return unit * (size // len(unit))


def _nested(opening: str, closing: str, depth: int, tail: str, size: int) -> str:
    """Values nested `depth` levels deep, each level opened on a line of its own, around numbers."""
    depth = min(depth, size // (4 * len(opening + closing)))
    inner = ",".join(["1"] * ((size - depth * len(opening + closing)) // 2))
    return f"{opening * depth}[{inner}]{closing * depth}{tail}"


def _counted(line: Callable[[int], str], size: int) -> str:
    """Lines that are each made from their number."""
    lines: list[str] = []
    left = size
    while left > 0:
        lines.append(line(len(lines)))
        left -= len(lines[-1]) + 1
    return "\n".join(lines)


def _hash(number: int) -> str:
    return sha256(str(number).encode()).hexdigest()


def _names(kind: str, count: int, number: int) -> str:
    """A line of so many identifiers that no other line has."""
    shapes: Mapping[str, Callable[[str], str]] = {
        "hashes": lambda text: text[:16],
        "paths": lambda text: f"src/{text[:4]}/{text[4:9]}.py",
        "symbols": lambda text: f"get_{text[:6]}_{text[6:10]}",
        "numbers": lambda text: str(int(text[:11], 16)),
    }
    return " ".join(shapes[kind](_hash(number * count + k)) for k in range(count))


def _key(number: int) -> str:
    """What looks like a recall key."""
    return b32encode(bytes.fromhex(_hash(number)))[:12].decode().lower()


def _stairs(end: str, size: int) -> str:
    """Keys that are each indented further than the one before, over and over."""
    stairs = "".join(f"{' ' * column}key{column}{end}\n" for column in range(100))
    return repeated(stairs, size)


def _mixture(ends: str, size: int) -> str:
    """Short lines with line ends of several kinds, in no order."""
    random = Random(1)  # noqa: S311 - no secret
    pieces = [random.choice(["a line of text", "x", "", "key: 1"]) + random.choice(ends.split(" ")) for _ in range(500)]
    return repeated("".join(pieces), size)


def _spelled(size: int) -> str:
    return json.dumps({"output": repeated('{"a": "b\\n\\u00e9"}\n"x,\ty"\n', size * 3 // 4)})


def _wide_table(size: int) -> str:
    """A table of as many columns as rows."""
    side = int((size / 4) ** 0.5)
    return "\n".join(["|".join(["a"] * side), "|".join(["-"] * side), *["|".join([" 1 "] * side)] * side])


def _nesting() -> Iterator[tuple[str, Maker]]:
    for name, opening, closing in (("arrays", "[\n", "]"), ("objects", '{"a":\n', "}"), ("both", '[{"a":', "}]")):
        for depth in (90, 900, 20_000):
            for tail in ("", "x\n"):
                title = f"{name} {depth} deep" + (", a letter behind them" if tail else "")
                yield title, partial(_nested, opening, closing, depth, tail)


_UNITS: Mapping[str, str] = {
    "open brackets": "[",
    "objects that never close": '{"a":\n',
    "records of one key": '{"a": 1}\n',
    "records that are torn": '{"a": 1, "b": [1, 2\n',
    "quotes that never close": '"a\'b""" ',
    "indentation that alternates": "a:\n        b\n  c:\n",
    "colons": "- a: b: - c:\n- :\n",
    "dashes": "- - - - - - - a\n",
    "keys without values": "a:\nb:\n",
    "keys and values": "key: value\n  other: [1, 2]\n",
    "sections": "[a]\nb = 1\n",
    "colour codes": "\x1b[31m\x1b[0;1mred\x1b]0;t",
    "lines that redraw": "1%\r\r\n",
    "backspaces": "50%\b\b\b51%\b\b\b",
    "numbers": "1,234.5e6:7-8_",
    "numbered lines and paths": "1:\na/b.py:1:\n1|\n",
    "hunks without lines": "--- a\n+++ b\n@@ -1,99999 +1,99999 @@\n",
    "hunks of one line": "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
    "added lines": "+a\n-b\n",
    "places of a diff": "1c1\n< a\n---\n> b\n",
    "traces without frames": "Traceback (most recent call last):\ngoroutine 1 [running]:\n",
    "traces of one frame": 'Traceback (most recent call last):\n  File "a.py", line 1, in b\nKeyError: 1\n',
    "frames without a trace": "    at a.b.C.d(C.java:1)\nCaused by: x\n",
    "tables without rows": "A  B  C\n-- | -- | --\n| a |\n|-|\n",
    "headers of tables": "NAME   READY   STATUS\n",
    "rows of a table": "| a | b |\n|---|---|\n",
    "failures of one form": "ERROR: it broke\n",
    "expected and got": "expected 1 got 2 want 3\n",
    "marks of failures": "E   assert 1 == 2\n✗ a\nnot ok 1\n",
    "commands": "$ ls\n",
    "commands and output": "user@host:~$ ls\na\n",
    "headers of files": "[File: a]\n",
    "headings": "# a\n",
    "headings without text": "######\n",
    "underlined headings": "a\n===\n",
    "items": "* a\n1. b\n",
    "quotations": "> > > a\n",
    "elements that never close": "<a b='c><d>\n",
    "comments that never close": "<!-- <a> \n",
    "data in elements": "<![CDATA[ <a> \n",
    "elements of a page": "<div><li>a\n",
    "entities": "&lt;&#123;&amp\n",
    "records of nothing but quotes": '"",""","\n',
    "records with an open quote": '1,"a\n2,b\n',
    "records parted by tabs": 'a\t"b\tc\n',
    "records parted by semicolons": 'a;b;"c"";d\n',
    "statements": "if a:\n    b = [\n",
    "strings of three quotes": "a = '''b\nc = \"\"\"d\n",
    "braces": "{\n}\n{\n",
    "sentences without letters": ". ? ! … ",
    "sentences of one word": "No. Yes. ",
    "pronouns": "It was. He is. They do. ",
    "notices": "[12 lines truncated]\nshowing lines 1-2 of 3\n",
    "marks to keep": "<contextprune-keep>a</contextprune-keep>\n",
    "harness tags": "<system-reminder>a</system-reminder>\n",
    "lines of one letter": "x\n",
    "lines of one digit": "1\n",
    "lines of two words": "a b\n",
    "empty lines": "\n",
    "blank lines": " \t\n",
}
_LINES: Mapping[str, str] = {
    "words": "and then he went on ", "one letter": "x", "base64": "iVBORw0KGgoAAAANSUhEUgAA+/", "digits": "0123456789",
    "blanks": " ", "tabs": "\t", "nothing (NUL)": "\x00", "commas": ",", "stops": ".",
    "combining marks": "e\u0301\u0302", "Thai": "ที่สะพานเก่า", "Chinese": "这个函数返回一个列表",
    "Hindi": "यह फ़ंक्शन एक सूची ", "Arabic": "هذه الدالة تعيد ",
    "joined emoji": "👩‍👩‍👧‍👦", "addresses": "http://a.b/c?d=e&f ", "escapes": '\\n\\t\\u00e9\\"', "slashes": "a/b/c/",
    "minified code": "function(){return a.b(c,d)};", "half of pairs": "\ud83d",
}  # fmt: skip
_ENDS: Mapping[str, str] = {
    "CR LF": "\r\n \n", "CR": "\r \n", "LF CR": "\n\r", "CR CR LF": "\r\r\n \r\n", "vertical tabs": "\x0b \n \x0c",
    "next lines": "\x85 \u2028 \u2029 \n",
}  # fmt: skip
_FENCES: Mapping[str, Callable[[int], str]] = {
    "fences that never close": lambda number: f"{'`' * (3 + number % 40)}\n# {number}",
    "fences that grow": lambda number: "~" * (3 + number % 300),
    "fences with a language": lambda number: f"```lang{number}\ncode",
    "fences in items": lambda _: "- a\n  ```\n  b",
}
_COUNTED: Mapping[str, Callable[[int], str]] = {
    **_FENCES,
    "markers that look like ours": lambda number: f"[lines 1-9 cut, recall={_key(number)}] and a line of text",
    "failures of many forms": lambda number: f"ERROR {_hash(number)[: number % 30 + 3]} in {_hash(number)[:8]}.c:12",
    "lines that count": lambda number: f"{number}: x",
    "lines of other words": lambda number: " ".join(_hash(number)[k : k + 5] for k in range(0, 40, 5)),
    "keys that count": lambda number: f"key{number}: {number}",
    "records that count": lambda number: json.dumps({f"k{number % 97}": number, "id": _hash(number)[:12]}),
    "rows that count": lambda number: f"{number},{_hash(number)[:8]},x",
    "elements that count": lambda number: f"<a{number % 999} id='{number}'>",
    "lines of base64": lambda number: b64encode(bytes.fromhex(_hash(number)) * 2)[:76].decode(),
    "renamings": lambda number: f"-a_{number} = old(1)\n+a_{number} = new(1)",
}

TEXTS: Mapping[str, Maker] = {
    **dict(_nesting()),
    **{name: partial(repeated, unit) for name, unit in _UNITS.items()},
    **{f"one line of {name}": partial(repeated, unit) for name, unit in _LINES.items()},
    **{f"line ends: {name}": partial(_mixture, ends) for name, ends in _ENDS.items()},
    **{name: partial(_counted, line) for name, line in _COUNTED.items()},
    **{
        f"lines of {count} {kind}": partial(_counted, partial(_names, kind, count))
        for kind in ("hashes", "paths", "symbols", "numbers")
        for count in (1, 4)
    },
    "stairs of keys": partial(_stairs, ":"),
    "stairs of words": partial(_stairs, ""),
    "a table in a string": _spelled,
    "a table of many columns": _wide_table,
}
"""Texts by what is in them."""


def as_result(text: str) -> Messages:
    """A conversation that ends with a tool's result."""
    return [{"role": "user", "content": "Why does the parser fail?"}, *_turn(0, text)]


def _turn(number: int, text: str) -> Messages:
    call = {"id": f"call_{number}", "type": "function", "function": {"name": "run", "arguments": "{}"}}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"call_{number}", "content": text},
    ]


def _tiny_messages(size: int) -> Messages:
    roles = ("user", "assistant")
    return [{"role": roles[number % 2], "content": f"message {number}"} for number in range(size // 20)]


def _turns(length: int, size: int) -> Messages:
    """Turns with results of so many characters, all at once."""
    text = "".join(f"line {number} of a result\n" for number in range(length // 20))
    turns = (_turn(number, f"{number}\n{text}") for number in range(size // length))
    return [{"role": "user", "content": "Why does the parser fail?"}, *(message for turn in turns for message in turn)]


CONVERSATIONS: Mapping[str, MessagesMaker] = {
    "tiny messages": _tiny_messages,
    "turns of 500 characters at once": partial(_turns, 500),
    "turns of 4,000 characters at once": partial(_turns, 4_000),
}
"""Conversations by what is in them, made at about the size that is asked for, in characters."""
