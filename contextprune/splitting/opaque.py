"""Text that says nothing in part: base64, hexadecimal, PEM blocks, data URIs, minified code. It stays whole or goes.

A half of an image is a broken image, and half of a key or of an address is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_UNBROKEN = re.compile(r"[!-\[\]-~]*+(?:\\[nr/][!-\[\]-~]{48,}+)*+[!-\[\]-~]*+(?:\\[nr/][!-\[\]-~]*+)?(?:\\n)?")
_ATOM = re.compile(
    r"""data:[\w/+.;=-]{1,120},[\w%+/=.~-]*+          # an image in an address
    |[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s"'<>`]*+      # an address
    |\d[\d.,_:]*+[A-Za-z0-9+/=_.@-]*+                 # a number, a date, an id
    |[A-Za-z_+/][A-Za-z0-9+/=_.@-]*+                  # a word, a path, base64
    """,
    re.VERBOSE | re.ASCII,
)
_LEAST_ATOM = 2
_DATA_HEAD = 130  # characters of a data URI before its data
_MINIFIED = 1000  # characters of a line
_SAMPLE = 4000  # characters of it that are looked at

_BASE64_LINE = re.compile(r"[ \t]{0,40}(?=[^a-z\n]{0,60}+[a-z])(?=[^A-Z\n]{0,60}+[A-Z])[A-Za-z0-9+/_-]{48,}+={0,2}\s*$")
_HEX_LINE = re.compile(r"[ \t]{0,40}[0-9A-Fa-f]{48,}+\s*$")
_DIGESTS = frozenset({56, 64, 96, 128})  # hexadecimal digits of a SHA-2: a list of those is a list
_LAST_LINE = re.compile(r"[ \t]{0,40}[A-Za-z0-9+/_-]{1,200}+={0,2}\s*$")
_BLOCK_LINE = 48  # characters
_BLOCK = 3  # lines of base64 that are a block
_BEGIN, _END = "-----BEGIN ", "-----END "
_LONGEST_PEM = 400  # lines


def outside_words(text: str, at: int, point: int, end: int) -> int:
    """`point`, or where it lies in a word, a number, an address or base64: its start if behind `at`, else its end.

    Looks no further back than to the last blank behind `at`.
    """
    start = max(text.rfind(" ", at, point), text.rfind("\n", at, point)) + 1 or at
    last = start
    for atom in _ATOM.finditer(text, start, point):
        last = atom.start() if atom.end() == point else point
    data = text.rfind("data:", max(start, point - _DATA_HEAD), point)
    if data >= 0 and (match := _ATOM.match(text, data, end)) is not None and match.end() > point:
        last = data
    cut_into = _ATOM.match(text, last, end) if last < point else None
    if cut_into is None or cut_into.end() <= point or cut_into.end() - last < _LEAST_ATOM:
        return point
    return last if last > at else cut_into.end()


def is_opaque(text: str, start: int, end: int) -> bool:
    """Whether the content `text[start:end]` of a JSON string is one run: base64, also in lines, or an address."""
    opaque = _UNBROKEN.match(text, start, end)
    return opaque is not None and opaque.end() == end


def is_minified(line: str) -> bool:
    """Whether a line is code without its blanks. JSON, which has its own cutter even where it is torn, is not."""
    if len(line) < _MINIFIED:
        return False
    sample = line[:_SAMPLE]
    blanks = sample.count(" ") + sample.count("\t")
    marks = sum(map(sample.count, "(){};=:"))
    return 16 * blanks < len(sample) < 12 * marks and 50 * sample.count('":') < len(sample)


def may_be_block(line: str) -> bool:
    """Whether a block of base64 may begin with `line`: a cheap question before `block_length`."""
    if " " in line:
        line = line.lstrip()
        return line.startswith(_BEGIN) or (len(line) >= _BLOCK_LINE and " " not in line)
    return len(line) >= _BLOCK_LINE


def block_length(lines: Sequence[str], row: int) -> int:
    """Lines of the block of base64 or of hexadecimal digits that begins at `row`; 0 where none does.

    A PEM block reaches from its first line to its last one; any other has three lines or more.
    """
    line = lines[row]
    if line.lstrip().startswith(_BEGIN):
        last = next((at for at in range(row + 1, min(row + _LONGEST_PEM, len(lines))) if _END in lines[at]), row)
        return last + 1 - row if last > row else 0
    if len(line) < _BLOCK_LINE or not _is_block_line(line):
        return 0
    last = row + 1
    while last < len(lines) and len(lines[last].rstrip()) == len(line.rstrip()) and _is_block_line(lines[last]):
        last += 1
    if last - row < _BLOCK - 1:
        return 0
    if last < len(lines) and len(lines[last]) < len(line) and _LAST_LINE.match(lines[last]):
        last += 1
    return last - row if last - row >= _BLOCK else 0


def _is_block_line(line: str) -> bool:
    if _HEX_LINE.match(line):
        return len(line.strip()) not in _DIGESTS
    return _BASE64_LINE.match(line) is not None
