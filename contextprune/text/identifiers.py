"""Identifiers of a text, and its words, for everything that compares texts.

An identifier is what an agent copies from a result into its next action: a path, a symbol, a number, an address.
One definition serves the scorers, the digests and the benchmark. All expressions are linear in the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache

from contextprune.text.letters import MARKS, is_word

_TOKEN = re.compile(r"[\w./@-]{4,}")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[abfnrtv0\"'\\/])")
_WORD = re.compile(r"\w+")
_WORD_WITH_MARKS = re.compile(rf"\w[\w{MARKS}]*")
_PARTS = re.compile(r"[^\W\d_a-z]+(?![a-z])|[^\W\d_][a-z]*|[a-z]+|\d+|[^\W\d_]+")
_MARKS = frozenset("_/.@")

# What has digits and says nothing that anybody would copy.
_COLOUR = re.compile(
    r"(?:\x1b|\\(?:u001b|x1b|033|e))\[[0-9;?]{0,16}[A-Za-z]?|\\{2,4}[nrt]"
)  # and an escape of an escape
_MEASURE = re.compile(
    r"\d{4}-\d\d-\d\d[T_]\d\d|\d+Z"  # what a colon leaves of a time
    r"|(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?(?:[nuµμm]?s|secs?|min|[kKMGT]i?[bB](?:/s)?|B|px)"  # a duration, a size
)
_OF_A_TIME = re.compile(r"\d\d(?:\.\d+)?Z?(?:[+-]\d\d)?")  # behind a colon
_COLOURED = re.compile(r"(?=\d*[a-f])[\da-f]{6}(?:[\da-f]{2})?", re.IGNORECASE)  # behind #
_UNIT = re.compile(r" ?(?:%|(?:[nuµμm]?s|secs?|seconds?|min|minutes?|hours?|[kKMGT]i?[bB](?:/s)?|bytes?|B|px|it/s)\b)")
_UNITS = frozenset(" %nuµμmskKMGTbBp")
_PRICED = frozenset('"$€£')
_FEW_WORDS, _FEW_PRESENT = 200, 16  # that are looked for in all identifiers at once, and then in each; for speed
_RATE = re.compile(r"[kKMGT]?i?[bB]/s|it/s")


def identifiers(text: str) -> Iterator[str]:
    """Yield the identifiers of `text` in reading order, repeats included.

    Four characters or more, and a digit, one of `_ / . @`, or a capital inside.
    """
    if "\\" in text:  # an escape is no part of the word behind it
        text = _ESCAPE.sub(" ", text)
    return filter(None, map(_identifier, _TOKEN.findall(text)))


def names(text: str) -> Iterator[str]:
    """Yield those identifiers of `text` that name something, in reading order, repeats included.

    No times, durations, sizes, shares, decimals beside the values of keys, colours or rulers: a reader of a long text
    has no use for them by themselves. The scorers go by all identifiers, as they were trained.
    """
    if "\x1b" in text or "\\" in text:
        text = _ESCAPE.sub(" ", _COLOUR.sub(" ", text))
    for match in _TOKEN.finditer(text):
        token = _identifier(match[0])
        if token and not _says_nothing(token, text, match.start(), match.end()):
            yield token


def _says_nothing(token: str, text: str, start: int, end: int) -> bool:
    """Whether the identifier at start..end of `text` is part of a measure, a time, a colour or a ruler."""
    if not token[0].isdigit():
        return (token[-1] == "s" and _RATE.fullmatch(token) is not None) or not any(map(str.isalnum, token))
    before = text[start - 1 : start]
    if before == ":" and text[start - 2 : start - 1].isdigit() and _OF_A_TIME.fullmatch(token):
        return True
    if before == "#" and _COLOURED.fullmatch(token):
        return True
    if not token.replace(".", "", 1).isdigit():
        return _MEASURE.fullmatch(token) is not None
    if text[end : end + 1] in _UNITS and _UNIT.match(text, end):
        return True
    return "." in token and before not in _PRICED and text[max(0, start - 3) : start] != '": '


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


_LAST_NUMBER = re.compile(r"(?<![0-9])(?:0|[1-9][0-9]{0,14})$")


def numbered(name: str) -> tuple[str, int | None]:
    """A name that ends with a number, as what stands before it and the number; None where it ends otherwise."""
    match = _LAST_NUMBER.search(name, max(0, len(name) - 16))
    return (name[: match.start()], int(match[0])) if match else (name, None)


def condensed(listed: Sequence[str]) -> list[str]:
    """Names in order, three or more that count on as one range: 48001-48700, user_1-user_9."""
    by_number = {numbered(name): name for name in listed}
    ranges: dict[str, str] = {}
    inner: set[str] = set()
    for stem, number in by_number:
        if number is None or (stem, number - 1) in by_number:
            continue
        last = number
        while (stem, last + 1) in by_number:
            last += 1
        if last - number >= 2:
            run = [by_number[stem, k] for k in range(number, last + 1)]
            ranges[run[0]] = f"{run[0]}-{run[-1]}"
            inner.update(run)
    return [ranges.get(name, name) for name in dict.fromkeys(listed) if name in ranges or name not in inner]


_UNPARTED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+"  # Thai, Lao, Burmese, Khmer
    r"|[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"  # kana, Chinese characters
)


def plain_words(text: str) -> list[str]:
    """The words of a text as they stand: letters, digits, and the marks that belong to letters, as in Hindi.

    Scripts that part no words give each two neighbouring characters (Chinese, Japanese) or three (Thai and its like),
    the customary way to search in them.
    """
    if text.isascii():
        return _WORD.findall(text)
    grams: list[str] = []
    for run in _UNPARTED.findall(text):
        size = 2 if run[0] >= "\u3000" else 3
        grams += [run[i : i + size] for i in range(max(1, len(run) - size + 1))]
    return grams + _WORD_WITH_MARKS.findall(_UNPARTED.sub(" ", text) if grams else text)


def words(text: str) -> list[str]:
    """Lower-case words, with the parts of compound names beside the whole: `fooBar`, `foo_bar` and `foo-bar` meet."""
    in_order: list[str] = []
    for word in plain_words(text):
        low = word.lower()
        in_order.append(low)
        if "_" in word or (low != word and not word.istitle() and not word.isupper()) or not is_word(word):
            parts = [p.lower() for p in _PARTS.findall(word)]
            if len(parts) > 1:
                in_order.extend(parts)
    return in_order


def words_in(tokens: Sequence[str], looked_for: Collection[str]) -> dict[int, set[str]]:
    """Number of an identifier -> the words that it has of those that are looked for, where it has any.

    Of few words most stand in none of the identifiers, which is soon told of all at once.
    """
    candidates: Iterable[int] = range(len(tokens))
    if len(looked_for) <= _FEW_WORDS:
        together = " ".join(tokens).lower()
        present = [word for word in looked_for if word in together]
        if len(present) <= _FEW_PRESENT:
            candidates = [k for k, token in enumerate(tokens) if any(word in token.lower() for word in present)]

    shared = ((k, _words_of(tokens[k]).intersection(looked_for)) for k in candidates)
    return {k: set(common) for k, common in shared if common}


@lru_cache(maxsize=1 << 12)
def _words_of(token: str) -> frozenset[str]:
    """The words of an identifier: the same ones come back with each block of a session."""
    return frozenset(words(token))
