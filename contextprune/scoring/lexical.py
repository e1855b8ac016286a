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
from contextprune.text.identifiers import plain_words, words

K1 = 1.2  # how soon a repeated word stops counting: the customary value
B = 0.5  # spans are short and of like length: less correction than the customary 0.75
TITLE = 3  # times a word counts that stands in the title of a block

# A span's score: its own BM25, that of the better neighbour and of its anchor, as shares of the best span's ...
OWN, NEIGHBOUR, ANCHOR = 1.0, 0.5, 0.3
FOLLOWING = 0.8  # of the span behind it: headings and questions stand before what they belong to
# ... joined with that of its block, which counts for spans that share no word with the query, too.
BLOCK = 0.65
UNMATCHED = 0.3  # share of the block's score that such a span has
LARGEST = 1.65  # about the most that all of it comes to: what makes 1 of it
LEAD, LEAD_SPANS = 0.03, 4  # texts begin with their subject; decides where the query says nothing. Spans to its half

_WORD = re.compile(r"\w+")
_STOP = frozenset(
    _WORD.findall(
        "a an and are as at be been but by can could did do does for from had has have he her his how i if in into is "
        "it its me more most my no not of on or our she should so some such than that the their them then there these "
        "they this those to was we were what when where which who whom whose why will with would you your"
    )
)


class Likeness(NamedTuple):
    """BM25 of the query for each span by itself, and for each segment as a whole; all in 0..1."""

    spans: list[float]
    blocks: dict[int, float]


class Lexical:
    """BM25 with identifier-aware words and smoothing over neighbours; with no query every span scores 0."""

    name = "lexical.v1"

    def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:
        """One score for each span."""
        like = likeness(context, spans)
        return smoothed(spans, like) if like else [0.0] * len(spans)


def likeness(context: Context, spans: Sequence[Span]) -> Likeness | None:
    """Likeness to the query; None where there is no query, or nothing to compare it with."""
    terms = query_terms(context.query)
    if not terms or not spans:
        return None
    matched, lengths = _matches(spans, terms)
    by_span = _bm25(matched, lengths, _idf(matched, terms))
    titles = {i: segment.name or "" for i, segment in enumerate(context.segments)}
    return Likeness(by_span, _blocks(spans, matched, lengths, titles, terms))


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
    terms_of_word: dict[str, tuple[int, ...]] = {}
    initials = {term[0] for term in terms}
    matched: list[dict[int, int]] = []
    lengths: list[int] = []

    for span in spans:
        in_span = plain_words(span.text)
        counts: dict[int, int] = {}
        for word in in_span:
            hits = terms_of_word.get(word)
            if hits is None:
                stems = [stem(part) for part in words(word) if part[0] in initials]  # a stem begins as its word does
                hits = terms_of_word[word] = tuple({terms[s] for s in stems if s in terms})
            for hit in hits:
                counts[hit] = counts.get(hit, 0) + 1
        matched.append(counts)
        lengths.append(len(in_span))
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
            counts[segment][term] = counts[segment].get(term, 0) + TITLE

    all_counts = [counts[segment] for segment in order]
    scores = _bm25(all_counts, [sizes[segment] for segment in order], _idf(all_counts, terms))
    best = max(scores) or 1.0
    return {segment: score / best for segment, score in zip(order, scores, strict=True)}


def smoothed(spans: Sequence[Span], like: Likeness) -> list[float]:
    """Own score, the better neighbour's, the anchor's, the block's, and a little for standing early; all in 0..1."""
    by_span, blocks = like
    best = max(by_span) or 1.0
    scores = []
    first = 0
    for i, span in enumerate(spans):
        if span.segment != spans[first].segment:
            first = i
        before = by_span[i - 1] if i and spans[i - 1].segment == span.segment else 0.0
        after = by_span[i + 1] if i + 1 < len(spans) and spans[i + 1].segment == span.segment else 0.0
        anchor = max((by_span[a] for a in span.anchors), default=0.0)

        neighbour = 0.0 if span.unit in _APART else max(before, FOLLOWING * after)
        value = (OWN * by_span[i] + NEIGHBOUR * neighbour + ANCHOR * anchor) / best
        score = (value * (1 - BLOCK) + BLOCK * blocks[span.segment] * (UNMATCHED + value)) / LARGEST
        scores.append(score + LEAD / (1 + (i - first) / LEAD_SPANS))
    return [min(1.0, max(0.0, score)) for score in scores]


_APART = frozenset({Unit.ROW, Unit.RECORD, Unit.ITEM})
"""Units that stand for themselves: a row says nothing of the row beside it."""
