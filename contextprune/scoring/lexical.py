"""lexical.v1: BM25 of spans against the query, with the words of compound identifiers and the span's surroundings.

A sentence rarely repeats the question's words itself: its document, its heading and its neighbours do. So a span's own
BM25 score (Robertson and Walker 1994; k1 = 1.2, b = 0.75 by default) is joined by that of its block and of what
stands beside it, and everything is divided by the best score the query could reach, which puts it in 0..1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import log
from typing import NamedTuple

from contextprune.context import Context, Span, Unit
from contextprune.text.identifiers import words

K1 = 1.2
B = 0.5  # spans are short and of like length: less correction than the customary 0.75
OWN, NEAR, BLOCK, ANCHOR = 1.0, 0.5, 0.65, 0.3
LEAD = 0.03  # texts say first what they are about; decides where the query says nothing

_WORD = re.compile(r"\w+")
_STOP = frozenset(
    _WORD.findall(
        "a an and are as at be been but by can could did do does for from had has have he her his how i if in into is "
        "it its me more most my no not of on or our she should so some such than that the their them then there these "
        "they this those to was we were what when where which who whom whose why will with would you your"
    )
)


class Likeness(NamedTuple):
    """How the query's words lie over the spans: of each span itself, and of each segment as a whole; all in 0..1."""

    own: list[float]
    blocks: dict[int, float]


class Lexical:
    """BM25 with identifier-aware words and smoothing over neighbours; with no query every span scores 0."""

    name = "lexical.v1"

    def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:
        """One score for each span."""
        found = likeness(context, spans)
        return smoothed(spans, found) if found else [0.0] * len(spans)


def likeness(context: Context, spans: Sequence[Span]) -> Likeness | None:
    """None where there is no query, or nothing to compare it with."""
    terms = query_terms(context.query)
    if not terms or not spans:
        return None
    matched, lengths = _matches(spans, terms)
    own = _bm25(matched, lengths, _idf(matched, terms))
    titles = {i: segment.name or "" for i, segment in enumerate(context.segments)}
    return Likeness(own, _blocks(spans, matched, lengths, titles, terms))


def query_terms(query: str) -> dict[str, int]:
    """The query's stems with their ranks; words that carry no content are left out, unless nothing else is there."""
    stems = [stem(w) for w in words(query) if w not in _STOP] or [stem(w) for w in words(query)]
    return {term: i for i, term in enumerate(dict.fromkeys(stems))}


def stem(word: str) -> str:
    """A light English stem: plurals, -ing, -ed, -er and -ly meet; anything with a digit stays."""
    if len(word) < 4 or not word.isalpha():
        return word
    for suffix, put in _PLURALS:
        if word.endswith(suffix):
            word = word[: -len(suffix)] + put
            break
    for suffix, put in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)] + put
            break
    return word[:-1] if len(word) >= 4 and word.endswith("e") else word


_PLURALS = (
    ("sses", "ss"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("ies", "y"),
    ("ss", "ss"), ("us", "us"), ("is", "is"), ("s", ""),
)  # fmt: skip
_SUFFIXES = (
    ("ational", "ate"), ("ization", "ize"), ("ation", "ate"), ("ness", ""), ("ied", "y"), ("ing", ""), ("edly", ""),
    ("ed", ""), ("er", ""), ("ly", ""),
)  # fmt: skip


def _matches(spans: Sequence[Span], terms: Mapping[str, int]) -> tuple[list[dict[int, int]], list[int]]:
    """For each span: how often each query term occurs, and how many words there are.

    Each distinct word is looked at once, however often it occurs.
    """
    known: dict[str, tuple[int, ...]] = {}
    matched: list[dict[int, int]] = []
    lengths: list[int] = []
    for span in spans:
        found = _WORD.findall(span.text)
        counts: dict[int, int] = {}
        for word in found:
            hits = known.get(word)
            if hits is None:
                hits = known[word] = tuple({terms[s] for s in map(stem, words(word)) if s in terms})
            for hit in hits:
                counts[hit] = counts.get(hit, 0) + 1
        matched.append(counts)
        lengths.append(len(found))
    return matched, lengths


def _idf(matched: Sequence[Mapping[int, int]], terms: Mapping[str, int]) -> list[float]:
    having = [0] * len(terms)
    for counts in matched:
        for term in counts:
            having[term] += 1
    return [log(1 + (len(matched) - n + 0.5) / (n + 0.5)) for n in having]


def _bm25(matched: Sequence[Mapping[int, int]], lengths: Sequence[int], idf: Sequence[float]) -> list[float]:
    """Scores in 0..1: each span's BM25 as a share of the sum over all query terms of their greatest gain."""
    mean = sum(lengths) / len(lengths) or 1.0
    best = sum(idf) * (K1 + 1) or 1.0
    return [
        sum(idf[t] * n * (K1 + 1) / (n + K1 * (1 - B + B * length / mean)) for t, n in counts.items()) / best
        for counts, length in zip(matched, lengths, strict=True)
    ]


def _blocks(
    spans: Sequence[Span],
    matched: Sequence[Mapping[int, int]],
    lengths: Sequence[int],
    titles: Mapping[int, str],
    terms: Mapping[str, int],
) -> dict[int, float]:
    """The score of each segment as a whole, its title included; where there is one segment only, 0 for it."""
    order = list(dict.fromkeys(span.segment for span in spans))
    if len(order) < 2:
        return dict.fromkeys(order, 0.0)
    counts: dict[int, dict[int, int]] = {segment: {} for segment in order}
    sizes = dict.fromkeys(order, 0)
    for span, hits, length in zip(spans, matched, lengths, strict=True):
        total = counts[span.segment]
        sizes[span.segment] += length
        for term, n in hits.items():
            total[term] = total.get(term, 0) + n
    for segment in order:
        for term in (terms[s] for s in map(stem, words(titles[segment])) if s in terms):
            counts[segment][term] = counts[segment].get(term, 0) + 3
    all_counts = [counts[segment] for segment in order]
    scores = _bm25(all_counts, [sizes[segment] for segment in order], _idf(all_counts, terms))
    top = max(scores) or 1.0
    return {segment: score / top for segment, score in zip(order, scores, strict=True)}


def smoothed(spans: Sequence[Span], found: Likeness) -> list[float]:
    """Own score, the better neighbour's, the anchor's, the block's, and a little for standing early; all in 0..1."""
    own, blocks = found
    top = max(own) or 1.0
    scores = []
    first = 0
    for i, span in enumerate(spans):
        if span.segment != spans[first].segment:
            first = i
        before = own[i - 1] if i and spans[i - 1].segment == span.segment else 0.0
        after = own[i + 1] if i + 1 < len(spans) and spans[i + 1].segment == span.segment else 0.0
        anchor = max((own[a] for a in span.anchors), default=0.0)
        near = 0.0 if span.unit in _APART else max(before, 0.8 * after)
        value = (OWN * own[i] + NEAR * near + ANCHOR * anchor) / top
        score = (value * (1 - BLOCK) + BLOCK * blocks[span.segment] * (0.3 + value)) / 1.65
        scores.append(score + LEAD / (1 + (i - first) / 4))
    return [min(1.0, max(0.0, score)) for score in scores]


_APART = frozenset({Unit.ROW, Unit.RECORD, Unit.ITEM})
"""Units that stand for themselves: a row says nothing about the row beside it."""
