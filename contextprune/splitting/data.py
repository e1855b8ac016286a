"""Cut JSON and JSON lines so that the rest can be made valid JSON again whichever spans are left out.

One scan without recursion. Containers worth cutting become an opening span, members and a closing span; opening and
closing need one another, members need the opening. Sizes are counted without white space, so a pretty and a minified
text of one value are cut alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from contextprune.context import Cut, Syntax, Unit
from contextprune.splitting.coarse import most_cuts
from contextprune.splitting.code import cut_code
from contextprune.splitting.literals import cut_spelled, literal_pieces
from contextprune.splitting.opaque import is_opaque
from contextprune.splitting.pieces import break_points, rebase
from contextprune.splitting.printed import PRINTED, may_be_printed

_SMALL, _RECORD = 120, 500
"""Characters without white space: a container up to this is one span; a record inside another stands for itself."""
_DEEPEST = 50_000  # levels: deeper is not data
_LONG_STRING = 400  # characters: a longer string value is cut inside
_QUOTES = "\"'"
_MISSES = 8  # values that are none before lines are taken as they are: each may cost the length of the text
_LONG_LINE = 1500  # characters: a longer line of JSON lines is cut inside
_MAY_BE_JOINED = 512  # cuts that a record may have had before it became one

_STRING = r'"[^"\\]*+(?:\\[\s\S][^"\\]*+)*+"'
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_SPACE = r"[ \t\n\r]*+"
_INDENT = re.compile(r"\ufeff?[ \t]*+")
# A closing bracket, or a member (its key, then a scalar or an opening bracket), each with its comma; else no JSON.
_TOKEN = re.compile(
    rf"{_SPACE}(?:(?P<close>[\]}}])(?:{_SPACE},)?"
    rf"|(?:(?P<key>{_STRING}){_SPACE}:)?{_SPACE}(?:(?P<open>[\[{{])"
    rf"|(?P<value>{_STRING}|{_NUMBER}|true|false|null|NaN|-?Infinity)(?:{_SPACE},)?)"
    r"|(?P<end>\Z)|(?P<bad>[\s\S]))"
)
_OF_SCHEMA = frozenset({'"required"', '"properties"', '"enum"'})
_MEMBER = {"[": Syntax.JSON_ITEM, "{": Syntax.JSON_PAIR, "(": Syntax.JSON_ITEM}
_CLOSING = {"[": "]", "{": "}", "(": ")"}


_DECODER = json.JSONDecoder(parse_int=len, parse_float=len, parse_constant=len)

CutInner: TypeAlias = Callable[[str], Sequence[Cut]]
"""Cuts what a string of several lines spells."""


def cut_json(text: str, cut_inner: CutInner | None = None) -> list[Cut]:
    """Members, brackets and pieces of long strings as cuts; text that is no JSON is cut as code is.

    So are lists and dicts cut that Python printed.
    """
    cuts = _scan(text, Syntax.LINES, cut_inner)
    if cuts is None and may_be_printed(text):
        cuts = _scan(text, Syntax.LINES, cut_inner, PRINTED)
    return cut_code(text) if cuts is None else cuts


def is_printed(text: str) -> bool:
    """Tell whether a text is a list or a dict that Python printed on one line."""
    return may_be_printed(text) and _scan(text, Syntax.LINES, None, PRINTED) is not None


def cut_jsonl(text: str, cut_inner: CutInner | None = None) -> list[Cut]:
    """One cut a line, or a value of several; what is very long is cut inside, as JSON if it is JSON."""
    cuts: list[Cut] = []
    start = misses = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        value = _INDENT.match(text, start).end()  # type: ignore[union-attr]  # it matches anything
        if text[value : value + 1] in _CLOSING and misses < _MISSES:
            value_end = _value_end(text, value)
            misses += value_end < 0
            end = max(end, value_end)

        if end - start > _LONG_LINE:
            line = text[start:end]
            inner = _scan(line, Syntax.JSON_LINE, cut_inner)
            cuts += rebase(_torn(line) if inner is None else inner, start, len(cuts))
        elif cuts and end - start <= 2 and text[start:end].isspace() and end - cuts[-1].start <= _LONG_LINE:
            cuts[-1] = cuts[-1]._replace(end=end)
        else:
            cuts.append(Cut(start, end, Unit.RECORD, Syntax.JSON_LINE))
        start = end
    return cuts


def _value_end(text: str, start: int) -> int:
    """The end of the line in which the value that begins at `start` ends; -1 where none does."""
    try:
        end = _DECODER.raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return -1
    return text.find("\n", end) + 1 or len(text)


def _torn(line: str) -> list[Cut]:
    """The pieces of a long line that is no JSON: they need its first."""
    points = [0, *break_points(line, 0, len(line))]
    return [Cut(start, end, Unit.RECORD, Syntax.LINES, (0,) if start else ()) for start, end in pairwise(points)]


class _Frame(NamedTuple):
    """A container that is not closed yet."""

    bracket: str
    at: int  # of the cut that opens it
    size: int  # characters seen before it
    anchors: tuple[int, ...]  # of its members


_VALUE_OR_CLOSE, _VALUE, _NOTHING_MORE = range(3)


class _Scanner:
    """Builds the cuts of one JSON text, token by token; each method says whether its token was allowed there."""

    def __init__(self, text: str, root: Syntax, cut_inner: CutInner | None) -> None:
        self.text, self.cut_inner = text, cut_inner
        self.cuts: list[Cut] = []
        self.start = 0  # of the next cut
        self.size = 0  # characters so far, white space left out
        self.frames = [_Frame("", -1, 0, ())]  # the outermost stands for the text itself
        self.of_schema: dict[int, dict[str, int]] = {}  # opening cut -> members that a schema is read by
        self.syntaxes = {**_MEMBER, "": root}
        self.awaits = _VALUE

    def member(self, token: re.Match[str]) -> bool:
        frame = self.frames[-1]
        key_start, key_end = token.span("key")
        if self.awaits == _NOTHING_MORE or (key_start >= 0) != (frame.bracket == "{"):
            return False

        self.size += key_end - key_start + 2  # with its colon and comma
        syntax = self.syntaxes[frame.bracket]
        if (key := token["key"]) in _OF_SCHEMA:
            self.of_schema.setdefault(frame.at, {})[key] = len(self.cuts)
        if token.lastgroup == "open":
            if len(self.frames) > _DEEPEST:
                return False
            index = len(self.cuts)
            self.frames.append(_Frame(token["open"], index, self.size, (index,)))
            self._append(token.end(), Unit.ITEM, syntax, frame.anchors)
            self.awaits = _VALUE_OR_CLOSE
            return True

        start, end = token.span("value")
        self.size += end - start
        if end - start > _LONG_STRING and self.text[start] in _QUOTES and not is_opaque(self.text, start + 1, end - 1):
            self._string(start, end, token.end(), syntax, frame.anchors)
        else:
            self._append(token.end(), Unit.ITEM, syntax, frame.anchors)
        return self._comma(token.end())

    def close(self, token: re.Match[str]) -> bool:
        frame = self.frames.pop()
        is_early = self.awaits == _VALUE and frame.bracket != "("  # tuples of one have a comma
        if is_early or not frame.bracket or token["close"] != _CLOSING[frame.bracket]:
            return False
        opening = self.cuts[frame.at]
        members = self.of_schema.pop(frame.at, None)
        if self.size - frame.size <= (_RECORD if len(self.frames) > 2 else _SMALL):
            del self.cuts[frame.at :]
            self.start = opening.start
            self._append(token.end(), Unit.ITEM, opening.syntax, opening.anchors)
        else:
            self.cuts[frame.at] = opening._replace(anchors=(len(self.cuts), *opening.anchors))
            self._schema(frame.at, members or {})
            self._append(token.end(), Unit.ITEM, opening.syntax, frame.anchors)
        return self._comma(token.end())

    def _schema(self, opening: int, members: Mapping[str, int]) -> None:
        """In a JSON schema, properties need what says which are required, and what has an enumeration needs that."""
        if '"required"' in members and '"properties"' in members:
            self._needs(members['"properties"'], members['"required"'])
        if '"enum"' in members:
            self._needs(opening, members['"enum"'])

    def _needs(self, index: int, needed: int) -> None:
        self.cuts[index] = self.cuts[index]._replace(anchors=(*self.cuts[index].anchors, needed))

    def end(self) -> bool:
        """Close the text: white space behind the value belongs to it."""
        if len(self.frames) > 1 or self.awaits != _NOTHING_MORE:
            return False
        self.cuts[-1] = self.cuts[-1]._replace(end=len(self.text))
        return True

    def _comma(self, end: int) -> bool:
        """Note whether the token that ends there has its comma, which only a member of a container may have."""
        comma = self.text[end - 1] == ","
        self.awaits = _VALUE if comma else _NOTHING_MORE
        return not comma or len(self.frames) > 1

    def _string(self, start: int, end: int, comma_end: int, syntax: Syntax, anchors: tuple[int, ...]) -> None:
        """A long string value: its key and quote, its pieces, its other quote with the comma."""
        index = len(self.cuts)
        spelled = cut_spelled(self.text, start + 1, end - 1, self.cut_inner) if self.cut_inner else None
        if spelled is None:
            points = [start + 1, *literal_pieces(self.text, start + 1, end - 1)]
            spelled = [Cut(first, last, Unit.LINE, Syntax.JSON_STRING) for first, last in pairwise(points)]
        self._append(start + 1, Unit.ITEM, syntax, (index + 1 + len(spelled), *anchors))
        self.cuts += rebase(spelled, 0, index + 1, (index,))
        self.start = end - 1
        self._append(comma_end, Unit.ITEM, syntax, (index,))

    def _append(self, end: int, unit: Unit, syntax: Syntax, anchors: tuple[int, ...]) -> None:
        self.cuts.append(Cut(self.start, end, unit, syntax, anchors))
        self.start = end


def _scan(
    text: str, root: Syntax, cut_inner: CutInner | None = None, tokens: re.Pattern[str] = _TOKEN
) -> list[Cut] | None:
    """The cuts of a JSON text, what stands at its root in the syntax `root`; None if it is none by its `tokens`.

    One that falls into too many pieces, and has no lines that could be joined, is one.
    """
    scanner = _Scanner(text, root, cut_inner)
    most = most_cuts(len(text))
    most = most + _MAY_BE_JOINED if text.count("\n") < most // 2 else len(text)

    for token in tokens.finditer(text, 1 if text.startswith("\ufeff") else 0):
        match token.lastgroup:
            case "value" | "open":
                allowed = scanner.member(token)
            case "close":
                allowed = scanner.close(token)
            case kind:
                return scanner.cuts if kind == "end" and scanner.end() else None
        if not allowed:
            return None
        if len(scanner.cuts) > most:
            return [Cut(0, len(text), Unit.WHOLE, root)]
    return None
