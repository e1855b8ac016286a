"""Results to files: in the input's own style, and never half-written.

Records that did not change keep their bytes; the others are written as their neighbours are, so that a diff of the two
files shows what was cut and nothing else. A file appears whole or not at all, whatever stops the process.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from contextprune.dialects import Lines
from contextprune.dialects.files import bytes_of
from contextprune.errors import ContextPruneError, PayloadError


def written(payload: Any, original: Any, data: bytes) -> bytes:
    """The bytes of `payload`, which came from `original`, which was read from `data`; raises PayloadError.

    Nothing changed: `data`. JSON lines: only the lines that changed are new. JSON: the input's indentation, spacing
    and way to write letters beyond ASCII.
    """
    if payload is original or (isinstance(payload, Lines) and all(map(_is, payload, original))):
        return data
    if isinstance(payload, str):
        return bytes_of(payload)
    text = data.decode("utf-8-sig")
    if isinstance(payload, Lines):
        rows = text.split("\n")
        if sum(map(bool, map(str.strip, rows))) == len(payload) + len(original.torn):
            return _rows(rows, payload, original)
        payload = payload[0]  # one record, spread over several lines
    tail = text[len(text.rstrip()) :]
    return _encoded(_packer(text, indent=_indent(text))(payload) + tail)


def save(path: str, data: bytes) -> None:
    """Write `data` to the file at `path`, whole or not at all; ContextPruneError where the disk does not allow it.

    A device or a pipe is written to, never replaced; a link keeps pointing to its file.
    """
    target = Path(path)
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
        else:
            _replace(Path(os.path.realpath(target)), data)
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
        raise ContextPruneError(f"{path} cannot be written: {getattr(exc, 'strerror', None) or exc}") from exc


def _replace(target: Path, data: bytes) -> None:
    """A temporary file in the same folder, safe on the disk, then renamed over the target in one step."""
    temporary = target.with_name(f".{target.name[:80]}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:  # noqa: PTH123 - the mode `x` is the point: nobody else's file
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _rows(rows: list[str], payload: Lines, original: Lines) -> bytes:
    """JSON lines: unchanged records, empty lines and torn ones keep their bytes."""
    records = iter(zip(payload, original, strict=True))
    for i, row in enumerate(rows):
        if row.strip() and i + 1 not in original.torn:
            new, old = next(records)
            if new is not old:
                rows[i] = _packer(row, indent=None)(new) + ("\r" if row.endswith("\r") else "")
    return _encoded("\n".join(rows))


def _packer(text: str, indent: str | None) -> Callable[[Any], str]:
    """A function that writes a value in the style of `text`."""
    escaped = text.isascii() and "\\u" in text
    spaced = indent is not None or '": ' in text
    separators = (", " if indent is None and spaced else ",", ": " if spaced else ":")

    def pack(value: Any) -> str:
        try:
            return json.dumps(value, ensure_ascii=escaped, indent=indent, separators=separators)
        except (TypeError, ValueError, RecursionError) as exc:
            raise PayloadError(f"the result cannot be written as JSON: {exc}") from exc

    return pack


def _indent(text: str) -> str | None:
    """The indentation of the first member of a JSON text; None where all stands on one line."""
    match = re.match(r"\s*[\[{][ \t\r]*\n([ \t]*)", text)
    return None if match is None else match[1]


def _encoded(text: str) -> bytes:
    """UTF-8; lone surrogates, which it cannot hold, as JSON escapes."""
    return text.encode("utf-8", "backslashreplace")


def _is(new: object, old: object) -> bool:
    return new is old
