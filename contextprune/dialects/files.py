"""Files of contexts: bytes in, payload out, and back.

JSON, or JSON lines: one record of a session, one message or one request body a line. An error names the line or the
byte of the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from contextprune.errors import PayloadError

_LOGS = frozenset({"claude-code", "codex"})
"""Formats of a file that grows line by line."""


_BINARY = 1 << 16  # bytes of a file's beginning in which no text has a NUL


class Lines(list[Any]):
    """A list that stood one item a line in its file, and is written back so.

    `torn` are numbers of lines, from 1, that are not whole: a process was stopped while it wrote them.
    """

    torn: tuple[int, ...] = ()


def parse(data: bytes) -> Any:
    """The JSON value of a file, or its `Lines`. Raises PayloadError naming the line or byte that cannot be read."""
    text = _decoded(data)
    if not text.strip():
        raise PayloadError("the file is empty")
    try:
        return _value(text)
    except json.JSONDecodeError as exc:
        if _is_object(text.lstrip().split("\n", 1)[0]):
            return _lines(text)
        raise PayloadError(f"not JSON: {exc.msg}", f"line {exc.lineno} column {exc.colno}") from exc


def text_of(data: bytes) -> str:
    """The text of a file; bytes that are no UTF-8 come back from `bytes_of`. Raises PayloadError for other data.

    UTF-16 with its mark, which PowerShell writes, is text as well.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as exc:
            raise PayloadError(f"not UTF-16: {exc.reason}", f"byte {exc.start}") from exc
    if b"\0" in data[:_BINARY]:
        raise PayloadError("this is neither JSON nor text, but binary data", f"byte {data.index(0)}")
    return data.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """The bytes of a text from `text_of`, in UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # surrogates that no bytes stand behind
        return text.encode("utf-8", "backslashreplace")


def dump(payload: Any, name: str) -> bytes:
    """The bytes of a file that `load` reads as `payload`: JSON lines where the format has them, else JSON.

    Lone surrogates, which UTF-8 cannot hold, are written as JSON escapes. Raises PayloadError for what JSON cannot say.
    """
    if isinstance(payload, str):
        return bytes_of(payload)
    try:
        if isinstance(payload, Lines) or name in _LOGS:
            text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in payload)
        else:
            text = json.dumps(payload, ensure_ascii=False) + "\n"
    except (TypeError, ValueError, RecursionError) as exc:
        raise PayloadError(f"this payload cannot be written as JSON: {exc}") from exc
    return text.encode("utf-8", "backslashreplace")


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise PayloadError(f"not UTF-8: {exc.reason}", f"byte {exc.start}") from exc


def _value(text: str, position: str = "") -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except RecursionError as exc:
        raise PayloadError("nested too deeply", position) from exc
    except ValueError as exc:  # an integer with more digits than Python converts
        raise PayloadError(str(exc), position) from exc


def _is_object(line: str) -> bool:
    try:
        return isinstance(_value(line, "line 1"), dict)
    except json.JSONDecodeError:
        return False


def _lines(text: str) -> Lines:
    """The records of JSON lines, without those that are torn. Raises PayloadError where most of them are."""
    torn: dict[int, PayloadError] = {}
    lines = Lines(_records(text, torn))
    if len(torn) > len(lines):
        raise next(iter(torn.values()))
    lines.torn = tuple(torn)
    return lines


def _records(text: str, torn: dict[int, PayloadError]) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), start=1):  # not splitlines: JSON strings may hold U+2028
        if not line.strip():
            continue
        try:
            record = _value(line, f"line {number}")
        except json.JSONDecodeError as exc:
            torn[number] = PayloadError(f"not JSON: {exc.msg}", f"line {number} column {exc.colno}")
            continue
        if not isinstance(record, dict):
            raise PayloadError("each line of a JSON-lines file is an object", f"line {number}")
        yield record
