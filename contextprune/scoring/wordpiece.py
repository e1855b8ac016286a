"""WordPiece of the uncased BERT vocabulary in plain Python: the same pieces as `tokenizers` cuts, without that library.

Whole words are looked up in a memory of words, so a text costs little more than finding its words. Normalisation is a
table by character, filled as characters come: each becomes what it is in lower case without accents, a space, or
nothing; one that is a word by itself stands between spaces.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from contextprune.scoring.reading import shortened, silent

UNKNOWN = "[UNK]"
CONTINUING = "##"  # before a piece within a word
LONGEST = 100  # characters of a word; a longer one is unknown
REMEMBERED = 1 << 16  # words: about 15 MB
REMEMBERED_CHARACTERS = 1 << 13

_ASCII_MARKS = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
# `tokenizers` knows the categories of Unicode 8. What is a mark or punctuation since is a letter to it; in between
# stand letters, or nothing yet.
_SINCE = (
    "5c8-5c9 61d 7fd 890-8e2 9fd-9fe a76 afa-aff b53-b55 c04-c3c c77 c84 d00 d3b-d3c d81 eba ece 180f-1886 1abf-1af0 "
    "1b4e-1b4f 1b7d-1b7f 1df6-1dfb 2e43-2e63 a82c a8c5 a8ff a9bd 10d24-10f89 11070-11074 110c2-110cd 111cf 1123e-11241 "
    "1133b 113bb-1145e 11660-1166c 116b9 1182f-11fff 12ff1-1612f 16d6d-16f4f 16fe2-16fe4 1cf00-1d128 1d25b-1d25c "
    "1e000-1e6f5 1e944-1e95f"
)
_BEFORE = {0x166D: "Po", 0x1734: "Mn", 0x111C9: "Po", 0x1171E: "Mn"}  # categories that changed
_IDEOGRAPHS = (
    range(0x4E00, 0xA000), range(0x3400, 0x4DC0), range(0x20000, 0x2A6E0), range(0x2A700, 0x2B740),
    range(0x2B740, 0x2B820), range(0x2B920, 0x2CEB0), range(0xF900, 0xFB00), range(0x2F800, 0x2FA20),
)  # fmt: skip


class WordPiece:
    """Texts -> ids of their pieces. `vocabulary` gives the id of each piece; `special` ones are found as they are."""

    def __init__(self, vocabulary: Mapping[str, int], special: Iterable[str] = ()) -> None:
        """Raises ValueError where the vocabulary lacks a special piece, or the one for unknown words."""
        if missing := {UNKNOWN, *special}.difference(vocabulary):
            raise ValueError(f"its vocabulary lacks {', '.join(sorted(missing))}")
        self.vocabulary = dict(vocabulary)
        self._longest = max(map(len, vocabulary))
        self._silent = silent(vocabulary)
        by_length = sorted(map(re.escape, special), key=len, reverse=True)
        self._special = re.compile(f"({'|'.join(by_length)})") if by_length else None

        self._characters = _Characters()
        self._ascii = {code: chr(code).lower() if 32 <= code < 127 else None for code in range(128)}
        self._ascii |= dict.fromkeys(map(ord, "\t\n\r"), " ")
        heard = "".join(sorted(m for m in _ASCII_MARKS if vocabulary.get(m) not in self._silent))
        self._ascii_words = re.compile(f"[a-z0-9]+|[{re.escape(heard)}]" if heard else "[a-z0-9]+").findall
        self._begin()

    def _begin(self) -> None:
        self._said = _Remembered(self._heard_in)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but what is remembered."""
        return {key: value for key, value in vars(self).items() if key != "_said"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on in another process, or as a copy."""
        vars(self).update(state)
        self._begin()

    @classmethod
    def of(cls, tokenizer: str) -> WordPiece:
        """From the content of `tokenizer.json`. Raises ValueError where that is not the WordPiece that this is."""
        content = json.loads(tokenizer)
        try:
            model, normalizer = content["model"], content["normalizer"]
            fits = (
                model["type"] == "WordPiece"
                and (model["unk_token"], model["continuing_subword_prefix"]) == (UNKNOWN, CONTINUING)
                and model["max_input_chars_per_word"] == LONGEST
                and normalizer["type"] == "BertNormalizer"
                and normalizer["lowercase"] is True
                and content["pre_tokenizer"]["type"] == "BertPreTokenizer"
            )
            vocabulary: dict[str, int] = model["vocab"]
            fits = fits and set(map(type, vocabulary.values())) == {int}
            special = [str(token["content"]) for token in content["added_tokens"]]
        except (KeyError, TypeError, AttributeError) as exc:
            raise ValueError(f"its tokenizer lacks {exc}") from exc

        if not fits:
            raise ValueError("its tokenizer is not the WordPiece of an uncased BERT")
        return cls(vocabulary, special)

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text as training reads it, by `FastWordPiece`: those that say something, else the first."""
        return [self._heard(text) for text in texts]

    def pieces(self, text: str) -> list[int]:
        """All ids of a text, as `tokenizers` gives them without special tokens."""
        return list(chain.from_iterable(map(self._ids, self._words(_readable(text)))))

    def forget(self) -> None:
        """Drop the remembered words."""
        self._said.clear()

    def _heard(self, text: str) -> list[int]:
        text = shortened(text)
        if text.isascii() and not (self._special and self._special.search(text)):
            words = self._ascii_words(text.translate(self._ascii))
        else:
            text = _readable(text)
            words = list(self._words(text))
        ids = list(chain.from_iterable(map(self._said.__getitem__, words)))
        return ids or [i for word in self._words(text) for i in self._ids(word)][:1]

    def _heard_in(self, word: str) -> tuple[int, ...]:
        return tuple(i for i in self._ids(word) if i not in self._silent)

    def _words(self, text: str) -> Iterable[str]:
        """Words in lower case without accents, marks and ideographs each by itself, and special tokens as they are."""
        parts = self._special.split(text) if self._special else [text]
        for number, part in enumerate(parts):
            if number % 2:
                yield part
            else:
                yield from part.translate(self._characters).split(" ")

    def _ids(self, word: str) -> list[int]:
        """The longest piece that the word begins with, then the longest that follows, to its end; or unknown."""
        vocabulary = self.vocabulary
        if word in vocabulary and len(word) <= LONGEST:
            return [vocabulary[word]]
        if not word:
            return []
        if len(word) > LONGEST:
            return [vocabulary[UNKNOWN]]

        ids, start = [], 0
        while start < len(word):
            prefix = CONTINUING if start else ""
            for end in range(min(len(word), start + self._longest), start, -1):
                if (piece := vocabulary.get(prefix + word[start:end])) is not None:
                    ids.append(piece)
                    start = end
                    break
            else:
                return [vocabulary[UNKNOWN]]
        return ids


class _Remembered(dict[str, tuple[int, ...]]):
    """Words and their ids; all are dropped when they are too many."""

    def __init__(self, find: Any) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, word: str) -> tuple[int, ...]:
        ids: tuple[int, ...] = self._find(word)
        if len(word) <= LONGEST:
            if len(self) >= REMEMBERED:
                self.clear()
            self[word] = ids
        return ids


class _Characters(dict[int, str]):
    """What each character becomes, by its code; all are dropped when they are too many."""

    def __missing__(self, code: int) -> str:
        if len(self) >= REMEMBERED_CHARACTERS:
            self.clear()
        replacement = self[code] = _replacement(chr(code))
        return replacement


def _replacement(character: str) -> str:
    category = _category(character)
    if character in "\t\n\r" or category in {"Zs", "Zl", "Zp"}:
        return " "
    if category in {"Cc", "Cf", "Co", "Cs"} or character == "\ufffd":
        return ""
    plain = "".join(c.lower() for c in unicodedata.normalize("NFD", character) if _category(c) != "Mn")
    if any(ord(character) in ideographs for ideographs in _IDEOGRAPHS):
        return f" {plain} "
    return "".join(f" {c} " if c in _ASCII_MARKS or _category(c)[0] == "P" else c for c in plain)


def _category(character: str) -> str:
    code = ord(character)
    if code < _FIRST[0]:
        return unicodedata.category(character)
    at = bisect_right(_FIRST, code) - 1
    return "Lo" if code <= _LAST[at] else _BEFORE.get(code) or unicodedata.category(character)


_FIRST, _LAST = zip(*((int(r.split("-")[0], 16), int(r.split("-")[-1], 16)) for r in _SINCE.split()), strict=True)


def _readable(text: str) -> str:
    """The text without lone surrogates, which are no text to a tokenizer."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
