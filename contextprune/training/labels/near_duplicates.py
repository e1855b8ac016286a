"""Near-duplicates between the halves: a training sample that shows a text of the dev half would flatter its scores.

Documents tell halves apart by name; this looks at their words, for the same text goes by several names. MinHash finds
candidates, their exact Jaccard similarity decides.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from zlib import crc32

import numpy as np
from datasketch import MinHash, MinHashLSH
from numpy.typing import NDArray

from contextprune.training.samples import Sample

MIN_SIMILARITY = 0.8
CHARS = 1500  # of each block: two texts that begin alike are one
WORDS = 8  # in a row

_BANDS, _ROWS = 8, 4  # of the hash table: a pair at 0.8 is found with 98 %, one at 0.5 costs a look with 40 %
_WORD = re.compile(r"\w+")

Hashes = NDArray[np.uint32]


class NearDuplicateIndex:
    """Index of texts by their MinHash (Broder 1997), to look up whether a text is nearly among them."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._empty = MinHash(_BANDS * _ROWS, hashfunc=int)  # its permutations, which are slow to draw, serve all texts
        self._table = MinHashLSH(num_perm=_BANDS * _ROWS, params=(_BANDS, _ROWS))
        self._hashes: list[Hashes] = []
        for text in dict.fromkeys(texts):
            hashes = shingles(text)
            if len(hashes):
                self._table.insert(len(self._hashes), self._minhash(hashes))
                self._hashes.append(hashes)

    def contains_near_duplicate(self, text: str) -> bool:
        """Whether a text among these shares nearly all its runs of words with this one."""
        hashes = shingles(text)
        if not len(hashes):
            return False
        candidates = self._table.query(self._minhash(hashes))
        return any(similarity(hashes, self._hashes[i]) >= MIN_SIMILARITY for i in candidates)

    def _minhash(self, hashes: Hashes) -> MinHash:
        minhash = self._empty.copy()
        minhash.update_batch(hashes)
        return minhash


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
    """Hash the runs of words, in rising order and each once; none of a text with fewer than WORDS words."""
    words = [word.lower() for word in _WORD.findall(text[:CHARS])]
    runs = (" ".join(words[i : i + WORDS]) for i in range(len(words) - WORDS + 1))
    return np.unique(np.fromiter((crc32(run.encode("utf-8", "surrogatepass")) for run in runs), dtype=np.uint32))


def similarity(a: Hashes, b: Hashes) -> float:
    """Compute Jaccard's similarity: what both have by what either has."""
    common = len(np.intersect1d(a, b, assume_unique=True))
    return common / (len(a) + len(b) - common)
