"""Templates of lines: what stays of a line when numbers, ids, times, hashes, paths and names are masked.

Lines of one template are alike ("GET /v1/items 200 in 12 ms" many times over); what differs among them is found by
counting, after drain's idea (He et al. 2017) without its tree. Digits are made equal in the whole text first, so that
few distinct tokens are left, and each of these is looked at once: a regular expression for each line would cost more
than cutting and scoring it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

MASK = b"*"
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONGEST = 80  # bytes of a token that is looked at closely: longer ones are data, of which only the digits are masked

# A detail: what has a digit, the mark of a path or symbol, a dot inside, or a capital behind a small letter.
_CORE = re.compile(rb"[\w./@%~+:\\\[\]\x80-\xff-]+")
_DETAIL = re.compile(rb"[0_@\\/%~]|\.\w|::|[a-z][A-Z]")
_QUOTED = re.compile(rb"(?<![\w\x80-\xff])(['\"`])[^'\"`]+\1")
_COLOUR = re.compile(r"\x1b\[[0-?]{0,40}[ -/]{0,4}[@-~]?")
_PADDING = re.compile(rb"(?<=[\[(]) +")  # "[  5%]" beside "[100%]"
_QUOTES = re.compile(rb"['\"`]")
_NUMBERS = re.compile(rb"0+")
_PUNCTUATION = b".:-"  # at the end of a detail they belong to the sentence
_MERGED = 4  # distinct templates with as many fields before a field that differs in most of them is a name


class Dominant(NamedTuple):
    """The template that most of some lines share.

    example   the first line of it, without colours and without white space at its ends
    lines     how many lines have it
    share     0..1, of all lines that are not blank
    """

    example: str
    lines: int
    share: float


def plain(text: str) -> str:
    """`text` without a terminal's colours."""
    return _COLOUR.sub("", text) if "\x1b" in text else text


def templates(rows: Sequence[str]) -> list[bytes]:
    """The template of each row: details masked, single blanks; b"" for a blank row. Rows hold no line feed."""
    data = "\n".join(rows).encode("utf-8", "surrogatepass").translate(_ZEROS)
    data = _PADDING.sub(b"", data)
    mask = _Masks().__getitem__
    keys = [b" ".join(map(mask, row.split())) if row else row for row in data.split(b"\n")] if rows else []
    merged = _merged(set(keys))
    return [merged[key] for key in keys]


def dominant(lines: Iterable[str]) -> Dominant | None:
    """The template that most of `lines` have; None where no two share one. The earliest wins among equals."""
    rows = [plain(line).strip().replace("\n", " ") for line in lines]
    keys = templates(rows)
    counts = Counter(key for key in keys if key)
    if not counts:
        return None

    key, count = counts.most_common(1)[0]
    if count < 2:
        return None
    return Dominant(rows[keys.index(key)], count, count / counts.total())


def _merged(keys: Collection[bytes]) -> dict[bytes, bytes]:
    """Template -> the template with plain names masked, too: fields that differ in most templates of one length.

    Templates that begin with the same word are compared among themselves, those with a beginning of their own together.
    """
    fields = {key: key.split(b" ") for key in sorted(keys)}
    starts = Counter((len(words), words[0]) for words in fields.values())
    groups: dict[tuple[int, bytes], list[bytes]] = {}
    for key, words in fields.items():
        start = (len(words), words[0])
        groups.setdefault(start if starts[start] >= _MERGED else (len(words), b""), []).append(key)

    merged = {key: key for key in keys}
    for (length, _), group in groups.items():
        if len(group) >= _MERGED and length > 1:
            columns = [
                (MASK,) * len(group) if 2 * len(set(column)) > len(group) else column
                for column in zip(*(fields[key] for key in group), strict=True)
            ]
            if any(column[0] != MASK for column in columns):
                merged |= dict(zip(group, map(b" ".join, zip(*columns, strict=True)), strict=True))
    return merged


class _Masks(dict[bytes, bytes]):
    """Token -> the token masked, each worked out when it first comes up."""

    def __missing__(self, token: bytes) -> bytes:
        if len(token) > _LONGEST:
            masked = _NUMBERS.sub(b"0", token)
        elif token.isalnum():
            masked = token if _DETAIL.search(token) is None else MASK
        else:
            masked = _CORE.sub(_mask, _QUOTED.sub(MASK, token) if _QUOTES.search(token) else token)
        self[token] = masked
        return masked


def _mask(core: re.Match[bytes]) -> bytes:
    """`*` for a detail, the word itself for a word."""
    text = core[0]
    if _DETAIL.search(text) is None:
        return text
    return MASK + text[len(text.rstrip(_PUNCTUATION)) :]
