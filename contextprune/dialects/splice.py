"""New text for a request in flight: the received bytes with only the edited string literals written anew.

Parsing and dumping would respell numbers and escapes, drop keys that stand twice and so break the provider's prompt
cache. So the body is scanned once, as far as the refs lead, and cut where a text changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from contextprune.context import Ref
from contextprune.dialects.base import apply, where
from contextprune.dialects.text_runs import as_part, bounds
from contextprune.errors import PayloadError

# All loops are possessive and none begins as another may go on: no byte is looked at more often than levels are nested.
_SPACE = rb"[ \t\n\r]*+"
_OPEN_STRING = rb'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*+)*+'
_STRING = _OPEN_STRING + rb'"'
_NUMBER = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
_KEY = rb"(" + _STRING + rb")" + _SPACE + rb":" + _SPACE

_BLANK = re.compile(_SPACE)
_TEXT = re.compile(_OPEN_STRING)
_SIMPLE = re.compile(_STRING + rb"|" + _NUMBER + rb"|true|false|null|NaN|-?Infinity")
_FIRST_KEY = re.compile(rb"\{" + _SPACE + rb"(?:\}|" + _KEY + rb")")
_NEXT_KEY = re.compile(_SPACE + rb"(?:\}|," + _SPACE + _KEY + rb")")
_FIRST_ITEM = re.compile(rb"\[" + _SPACE + rb"(\])?+")
_NEXT_ITEM = re.compile(_SPACE + rb"(?:(\])|," + _SPACE + rb")")
_CLOSING = {ord("{"): ord("}"), ord("["): ord("]")}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ENCODER = json.JSONEncoder(ensure_ascii=False)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


def _nested(levels: int) -> bytes:
    """A pattern of the text between brackets, with so many levels of brackets within."""
    deeper = rb"\[%b\]|\{%b\}|" % ((_nested(levels - 1),) * 2) if levels else b""
    return rb'[^"\[\]{}]*+(?:(?:' + deeper + _STRING + rb')[^"\[\]{}]*+)*+'


_STRETCH = re.compile(_nested(3))


@dataclass(slots=True)
class _Node:
    """A value that refs lead through or to; bytes at which it last began and ended, -1 where it is not in the body."""

    children: dict[str | int, _Node] = field(default_factory=dict)
    start: int = -1
    end: int = -1


def splice(body: bytes, edits: Mapping[Ref, str]) -> bytes:
    """`body`, a JSON text in UTF-8, with the new text in the string literal at each ref; every other byte is as it was.

    The result reads as `apply(json.loads(body), edits)`, and is `body` itself where no text differs. As for Python's
    reader, the last of equal keys counts. An image part becomes a text part, which keeps the bytes of the image's cache
    breakpoint, and a run of text parts becomes one. A literal that spelt letters beyond ASCII as escapes goes on doing
    so; else the shortest spelling is taken. Takes linear time, and any depth. Values beside the refs are checked for
    closed strings and brackets alone. Raises PayloadError naming the byte that is not UTF-8 or not JSON, or the ref
    that leads to neither a text nor an image part in a list.
    """
    if not edits:
        return body
    root = _tree(edits)

    _locate(body, root)
    changes = []
    for ref, text in edits.items():
        node = _node_at(root, ref)
        new = _new(body, node, ref, text)
        if new is not None:
            changes.append((node.start, node.end, new))
    return _cut(body, sorted(changes)) if changes else body


def value_spans(body: bytes, refs: Iterable[Ref]) -> dict[Ref, tuple[int, int]]:
    """Start and end of the value at each ref in `body`, a JSON text; a ref that leads nowhere is left out.

    Raises PayloadError as `splice` does.
    """
    root = _tree(refs := list(refs))
    _locate(body, root)
    spans = {}
    for ref in refs:
        with suppress(PayloadError):
            node = _node_at(root, ref)
            spans[ref] = node.start, node.end
    return spans


def _tree(refs: Iterable[Ref]) -> _Node:
    """The tree of the values that the refs lead through."""
    root = _Node()
    for ref in refs:
        node = root
        for step in ref:
            child = node.children.get(step)
            if child is None:
                child = node.children[step] = _Node()
                for edge in _edges(step):
                    node.children.setdefault(edge, _Node())
            node = child
    return root


def _edges(step: str | int) -> tuple[int, ...]:
    """The first and the last part of a run; nothing for any other step."""
    run = bounds(step)
    return () if run is None else (run[0], run[1] - 1)


def _locate(body: bytes, root: _Node) -> None:
    """Set the starts and ends of the tree, in one pass and without recursion. A later equal key overwrites."""
    try:
        body.decode()
    except UnicodeDecodeError as exc:
        raise PayloadError(f"not UTF-8: {exc.reason}", f"byte {exc.start}") from exc

    scanner = _Scanner(body, len(_BYTE_ORDER_MARK) if body.startswith(_BYTE_ORDER_MARK) else 0)
    scanner.blank()
    root.start = scanner.at
    trail = [(root, scanner.steps())]  # the containers that are open, from the outermost

    while trail:
        node, steps = trail[-1]
        for step in steps:
            child = node.children.get(step)
            if child is None:
                scanner.skip()
                continue
            child.start = scanner.at
            if child.children:
                trail.append((child, scanner.steps()))
                break
            scanner.skip()
            child.end = scanner.at
        else:
            node.end = scanner.at
            trail.pop()

    scanner.blank()
    if scanner.at < len(body):
        raise scanner.broken("the end")


def _node_at(root: _Node, ref: Ref) -> _Node:
    """The node at the end of a ref.

    A child that begins before its parent was read in an earlier value of an equal key, which no reader sees.
    """
    node = root
    for step in ref:
        child = node.children[step]
        edges = [node.children[edge] for edge in _edges(step)]
        if edges and child.start <= node.start < min(edge.start for edge in edges):
            child = _Node(start=edges[0].start, end=edges[1].end)
        if child.start <= node.start:
            raise PayloadError("no such place in the payload", where(ref))
        node = child
    return node


def _new(body: bytes, node: _Node, ref: Ref, text: str) -> bytes | None:
    """The bytes that replace the value; None where it says the same already."""
    if not ref or body[node.start] not in b'"{':
        raise _not_replaceable(ref)
    text = _paired(text)
    if bounds(ref[-1]) is not None and body[node.start] == ord("{"):
        return _as_one_part(body[node.start : node.end], text)
    if body[node.start] == ord("{"):
        return _as_text_part(body, node, ref, text)
    literal = body[node.start : node.end]
    old = _decoded(literal)
    if old == text:
        return None
    return _literal(text, escaped=b"\\u" in literal and literal.isascii() and _is_beyond_ascii(old))


def _as_one_part(run: bytes, text: str) -> bytes:
    """The part for a run of text parts, in the style of the run."""
    parts = json.loads(b"[%b]" % run)
    escaped = b"\\u" in run and run.isascii() and any(_is_beyond_ascii(part["text"]) for part in parts)
    members = (
        _literal(key) + b":" + (_literal(value, escaped=escaped) if isinstance(value, str) else _compact(value))
        for key, value in as_part(parts, text).items()
    )
    return b"{" + b",".join(members) + b"}"


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _as_text_part(body: bytes, node: _Node, ref: Ref, text: str) -> bytes | None:
    """The text part for an image part, by the rule of `apply`, to which the values may as well be bytes."""
    if not isinstance(ref[-1], int):
        raise _not_replaceable(ref)

    part: dict[str, Any] = {}
    scanner = _Scanner(body, node.start)
    for key in scanner.steps():
        start = scanner.at
        scanner.skip()
        value = body[start : scanner.at]
        part[str(key)] = None if value == b"null" else value
    kind = part.get("type")
    part["type"] = _decoded(kind) if kind and kind.startswith(b'"') else None

    try:
        [new] = apply([part], {(0,): text})
    except PayloadError as exc:
        raise _not_replaceable(ref) from exc
    if new is part:
        return None
    if node.children:
        raise PayloadError("an image part is replaced whole or not at all", where(ref))
    members = (
        _literal(key) + b":" + (value if isinstance(value, bytes) else _literal(value)) for key, value in new.items()
    )
    return b"{" + b",".join(members) + b"}"


def _cut(body: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    pieces, at = [], 0
    for start, end, new in changes:
        pieces += [body[at:start], new]
        at = end
    return b"".join((*pieces, body[at:]))


def _not_replaceable(ref: Ref) -> PayloadError:
    return PayloadError("only a text or an image inside the payload can be replaced", where(ref))


def _decoded(literal: bytes) -> str:
    """The text of a literal that the scanner has passed, which leaves nothing to be refused."""
    return literal[1:-1].decode() if b"\\" not in literal else str(json.loads(literal.decode()))


def _is_beyond_ascii(text: str) -> bool:
    """Whether a text has letters that may be escaped or not; lone surrogates are escapes in every style."""
    return not text.encode("utf-8", "ignore").isascii()


def _literal(text: str, *, escaped: bool = False) -> bytes:
    """The shortest JSON string of a text; `escaped` spells what is beyond ASCII as escapes."""
    quoted = _ENCODER.encode(text)
    if escaped:  # dumps alone would escape DEL, too, which need not be
        quoted = _NOT_ASCII.sub(lambda run: json.dumps(run[0])[1:-1], quoted)
    return quoted.encode("utf-8", "backslashreplace")  # lone surrogates, as JSON spells them


def _paired(text: str) -> str:
    """`text` as JSON can say it: two surrogates side by side are one character."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


@dataclass(slots=True)
class _Scanner:
    """A position in a JSON text. Each method moves it past what it names, or raises PayloadError with the byte."""

    body: bytes
    at: int

    def blank(self) -> None:
        """White space, if there is any."""
        self.at = self._past(_BLANK)

    def skip(self) -> None:
        """One value of any kind."""
        simple = _SIMPLE.match(self.body, self.at)
        if simple is not None:
            self.at = simple.end()
        elif self._stands(b"{", b"["):
            self._container()
        else:
            self._string("a value")

    def steps(self) -> Iterator[str | int]:
        """The keys or indices of one value; the caller passes the value there before it takes the next one."""
        if self._stands(b"{"):
            return self._keys()
        if self._stands(b"["):
            return self._indices()
        self.skip()
        return iter(())

    def broken(self, expected: str) -> PayloadError:
        """The error at this position."""
        return PayloadError(f"not JSON: {expected} was expected", f"byte {self.at}")

    def _keys(self) -> Iterator[str]:
        mark, key = b"{", _FIRST_KEY.match(self.body, self.at)
        while True:
            if key is None:
                raise self._no_key(mark)
            self.at = key.end()
            if key[1] is None:
                return
            yield _decoded(key[1])
            mark, key = b",", _NEXT_KEY.match(self.body, self.at)

    def _no_key(self, mark: bytes) -> PayloadError:
        """The error where no key follows."""
        self.blank()
        if not self._stands(mark):
            return self.broken("a comma or }")
        self.at += 1
        self.blank()
        self._string("a key")
        self.blank()
        return self.broken("a colon")

    def _indices(self) -> Iterator[int]:
        item = _FIRST_ITEM.match(self.body, self.at)
        for index in count():
            if item is None:
                self.blank()
                raise self.broken("a comma or ]")
            self.at = item.end()
            if item[1] is not None:
                return
            yield index
            item = _NEXT_ITEM.match(self.body, self.at)

    def _container(self) -> None:
        closing = bytearray()  # the brackets that are open, beside those that one stretch holds
        body, at = self.body, self.at

        while True:
            bracket = body[at] if at < len(body) else -1
            if bracket in _CLOSING:
                closing.append(_CLOSING[bracket])
            elif bracket != closing[-1]:
                self.at = at
                self._string(f"{chr(closing[-1])} or a string")
            elif len(closing) == 1:
                self.at = at + 1
                return
            else:
                closing.pop()
            self.at = at + 1
            at = self._past(_STRETCH)

    def _string(self, expected: str) -> None:
        if not self._stands(b'"'):
            raise self.broken(expected)
        self.at = self._past(_TEXT)
        if not self._stands(b'"'):
            raise self.broken("a letter, an escape or the end of the string")
        self.at += 1

    def _stands(self, *signs: bytes) -> bool:
        return self.body.startswith(signs, self.at)

    def _past(self, pattern: re.Pattern[bytes]) -> int:
        """The end of a pattern that matches everywhere."""
        match = pattern.match(self.body, self.at)
        assert match is not None
        return match.end()
