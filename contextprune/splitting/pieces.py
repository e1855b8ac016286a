"""Break spans that are too long, and place the cuts of a part in the text that holds it.

Every cutter ends here, so that one endless line costs linear time. A cut falls behind a clause if there is one, else
between words, and where a script has no blanks between characters of another kind; never into a word, a number, an
address, base64, or a character with its accents.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from contextprune.context import Cut
from contextprune.splitting.opaque import outside_words

LIMIT = 600  # characters: a longer span would be an all-or-nothing choice about a whole paragraph

_CLAUSE_ENDS = ("\n", "; ", ", ", ";", "，", "、", ",", " ", "\t")  # noqa: RUF001 - full-width on purpose; best first
_BETWEEN_KINDS = re.compile(
    r"(?<=[\u3041-\u309f])(?=[\u4e00-\u9fff\u30a1-\u30fa])"  # Japanese: a phrase ends in hiragana
    r"|(?=[\u0e40-\u0e44\u0ec0-\u0ec4])|(?<=\u0e46)"  # Thai, Lao: vowels that open a syllable; the sign of repetition
    r"|(?<=[\u1780-\u17ff])(?=\u200b)|(?<=\u200b)"
)
_JOINER = "\u200d"  # glues the parts of one emoji
_LONGEST_CLUSTER = 32  # characters that belong together

_RUN_ON, _CLAUSE = 300, 160
"""Characters above which a sentence without punctuation is cut at weaker borders, and those of a piece then."""
_DENSE_SENTENCE, _DENSE_CLAUSE = 80, 40
"""The same for scripts whose characters say more: Thai, Chinese, Japanese and the like."""
_DENSE = 2.2  # UTF-8 bytes a character
_APART = 150  # characters a comma, colon, bracket or the like: with fewer of those it is speech, written down
_PAUSES = re.compile(r"[,;:()–—\n]")  # noqa: RUF001 - dashes


def break_points(text: str, start: int, end: int, limit: int = LIMIT) -> list[int]:
    """Ends of the pieces of `text[start:end]`, the last of which is `end`.

    Each has at most `limit` characters, but for words, addresses and the like that are longer by themselves.
    """
    points = []
    while end - start > limit:
        point = best_break(text, start + limit // 2, start + limit)
        start = outside_words(text, start, point, end)
        if start >= end:
            break
        points.append(start)
    points.append(end)
    return points


def best_break(text: str, low: int, high: int) -> int:
    """The best offset for a cut in `text[low:high]`: behind a clause, a word, or characters of one kind."""
    floor = low - (high - low) // 2  # no accent is parted from its character for the sake of `low`
    for mark in _CLAUSE_ENDS:
        index = text.rfind(mark, low, high)
        if index >= 0:
            return _whole_character(text, floor, index + len(mark))
    point = high
    for between in _BETWEEN_KINDS.finditer(text, low, high):
        point = between.start()
    return _whole_character(text, floor, point if point > low else high)


def _whole_character(text: str, low: int, point: int) -> int:
    """The nearest offset at or before `point` that does not part a character from its marks."""
    for at in range(point, max(low, point - _LONGEST_CLUSTER), -1):
        if at == len(text) or not continues(text[at - 1], text[at]):
            return at
    return point


def continues(before: str, after: str) -> bool:
    """Whether a cut between two characters would tear a line end, a pair of surrogates, or a cluster."""
    if after < "\u0300":
        return before == _JOINER or (before == "\r" and after == "\n")
    if _JOINER in (before, after) or "\U0001f3fb" <= after <= "\U0001f3ff":  # skin tones
        return True
    if "\udc00" <= after <= "\udfff":
        return "\ud800" <= before <= "\udbff"
    if "\U0001f1e6" <= after <= "\U0001f1ff":  # letters that make flags, in pairs
        return "\U0001f1e6" <= before <= "\U0001f1ff"
    return unicodedata.category(after)[0] == "M" or unicodedata.combining(before) == 9  # joins what follows


def append_cuts(cuts: list[Cut], text: str, cut: Cut, limit: int = LIMIT) -> None:
    """Append `cut`, or its pieces of up to `limit` characters with the same anchors where it is longer."""
    start, end, unit, syntax, anchors, group = cut
    if end - start <= limit:
        cuts.append(cut)
        return
    for point in break_points(text, start, end, limit):
        cuts.append(Cut(start, point, unit, syntax, anchors, group))
        start = point


def append_sentence(cuts: list[Cut], text: str, cut: Cut) -> None:
    """Append a sentence, or its clauses where it is too long: speech without punctuation, scripts without stops."""
    limit = LIMIT
    if cut.end - cut.start > _DENSE_SENTENCE:
        sentence = text[cut.start : cut.end]
        if len(sentence.encode("utf-8", "surrogatepass")) > _DENSE * len(sentence):
            limit = _DENSE_CLAUSE
        elif len(sentence) > _RUN_ON and _APART * len(_PAUSES.findall(sentence)) < len(sentence):
            limit = _CLAUSE
    append_cuts(cuts, text, cut, limit)


def rebase(cuts: Sequence[Cut], offset: int, base: int, anchors: tuple[int, ...] = ()) -> list[Cut]:
    """Cuts of a part, as cuts of the whole: `offset` characters and `base` cuts come first.

    `anchors` (indices in the whole) are added to every cut.
    """
    if not (offset or base or anchors):
        return list(cuts)
    return [
        Cut(start + offset, end + offset, unit, syntax, (*(anchor + base for anchor in within), *anchors), group)
        for start, end, unit, syntax, within, group in cuts
    ]
