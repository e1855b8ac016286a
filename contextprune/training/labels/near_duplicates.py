"""Near-duplicates between the halves: a training sample that shows a text of the dev half would flatter its scores.

Documents tell halves apart by name; this looks at their words, for the same text goes by several names. MinHash finds
candidates, their exact Jaccard similarity decides.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from contextprune.training.samples import Sample

MIN_SIMILARITY = 0.8
CHARS = 1500  # of each block: two texts that begin alike are one
WORDS = 8  # in a row

_BANDS, _IN_BAND = 8, 4  # a pair at 0.8 is found with 98 %, one at 0.5 costs a look with 40 %
_WORD = re.compile(r"\w+")
_ODD = np.random.default_rng(20).integers(1, 2**63, size=(_BANDS * _IN_BAND, 2), dtype=np.uint64) | np.uint64(1)
_FACTORS = np.array([pow(0x9E3779B97F4A7C15, k + 1, 2**64) for k in range(WORDS)], dtype=np.uint64)

Hashes = NDArray[np.uint64]


class NearDuplicateIndex:
    """Texts, to be asked whether one is nearly among them."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._hashes: list[Hashes] = []
        self._bands: dict[tuple[int, bytes], list[int]] = defaultdict(list)
        for text in dict.fromkeys(texts):
            hashes = shingles(text)
            if len(hashes):
                for band in _bands(hashes):
                    self._bands[band].append(len(self._hashes))
                self._hashes.append(hashes)

    def contains_near_duplicate(self, text: str) -> bool:
        """Whether a text among these shares nearly all its runs of words with this one."""
        hashes = shingles(text)
        if not len(hashes) or not self._hashes:
            return False
        candidates = {i for band in _bands(hashes) for i in self._bands.get(band, ())}
        return any(similarity(hashes, self._hashes[i]) >= MIN_SIMILARITY for i in candidates)


def without_leaks(train: Iterable[Sample], dev: Iterable[Sample]) -> tuple[list[Sample], Counter[str]]:
    """Drop training samples that teach a text of the dev half; returns the others, and how many of each source went."""
    index = NearDuplicateIndex(text for sample in dev for text in blocks(sample))
    is_near = lru_cache(maxsize=1 << 16)(index.contains_near_duplicate)
    clean: list[Sample] = []
    dropped: Counter[str] = Counter()
    for sample in train:
        if any(map(is_near, blocks(sample))):
            dropped[sample.source] += 1
        else:
            clean.append(sample)
    return clean, dropped


def blocks(sample: Sample) -> Iterator[str]:
    """Beginnings of the texts that a sample teaches: those with something needed, or its only one.

    Several of which nothing is needed are distractors: both halves may draw the same.
    """
    needed = sorted({need.segment for need in sample.needs})
    for i in needed or sample.judged[: len(sample.judged) == 1]:
        yield sample.context.segments[i].text[:CHARS]


def shingles(text: str) -> Hashes:
    """Hashes of the runs of words; of the words as a whole where they are few, and none where they say nothing."""
    tokens = _WORD.findall(text[:CHARS])
    if len(tokens) < WORDS:
        return np.empty(0, dtype=np.uint64)
    words = np.fromiter(map(_hash, tokens), dtype=np.uint64, count=len(tokens))
    runs = len(words) - WORDS + 1
    mixed = sum((words[k : k + runs] * _FACTORS[k] for k in range(WORDS)), np.zeros(runs, dtype=np.uint64))
    return np.unique(mixed ^ (mixed >> np.uint64(29)))


def similarity(a: Hashes, b: Hashes) -> float:
    """Jaccard's: what both have by what either has."""
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / (len(a) + len(b) - both)


@lru_cache(maxsize=1 << 18)
def _hash(word: str) -> int:
    code = word.lower().encode("utf-8", "surrogatepass")
    return crc32(code) << 32 | crc32(code, 0x5BD1E995)


def _bands(hashes: Hashes) -> list[tuple[int, bytes]]:
    signature = (hashes[None, :] * _ODD[:, :1] + _ODD[:, 1:]).min(axis=1)
    return [(i, signature[i * _IN_BAND : (i + 1) * _IN_BAND].tobytes()) for i in range(_BANDS)]
