"""Samples made ready for the network: ids, texts, features and labels, in flat arrays on disk.

An example is a whole context, so that its spans see one another; of one that is too long to train on, runs of spans
are drawn, those with needs first. Each run then counts as a block, since what stood between is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from contextprune.interpreter import isolate_children, leave_interrupts_to_parent
from contextprune.scoring.features import FEATURES, features
from contextprune.scoring.network_inputs import HEADER, Inputs, joined, texts_of
from contextprune.splitting import split
from contextprune.training.network.fast_wordpiece import FastWordPiece
from contextprune.training.network.flat_arrays import read_records, write_records
from contextprune.training.network.labels import labels_of
from contextprune.training.samples import Sample, read_samples

MAX_PIECES = 4000  # of an example to train on
RUN = 24  # spans of a run that is drawn whole
EXAMPLES_PER_FILE = 2000


@dataclass(frozen=True, slots=True)
class Example:
    """One context. N texts (goal, latest calls, headers, S spans) of P pieces in all.

    pieces    [P] ids, text after text, without gaps
    lengths   [N] pieces of each text
    blocks    [S] number of each span's block, rising from 0
    features  [S, FEATURES]
    label     [S] 0..1
    size      [S] characters
    judged    [S] True where the label counts
    """

    source: str
    kind: str
    pieces: Any
    lengths: Any
    blocks: Any
    features: Any
    label: Any
    size: Any
    judged: Any

    def inputs(self, gap: int) -> Inputs:
        """What the network reads of it."""
        return joined(self.pieces, self.lengths, self.blocks, self.features, gap)


_ARRAYS = ("pieces", "lengths", "blocks", "features", "label", "size", "judged")
Encode = Callable[[Sequence[str]], list[list[int]]]


def example_of(sample: Sample, encode: Encode, max_pieces: int | None = MAX_PIECES) -> Example | None:
    """Make the example of a sample with at most about `max_pieces` (None: all); None where no span is judged."""
    spans = split(sample.context)
    wanted = set(sample.judged)
    judged = np.array([span.segment in wanted for span in spans], bool)
    if not judged.any():
        return None

    texts, blocks = texts_of(sample.context, spans, range(len(spans)), encode)
    rows = np.array(features(sample.context, spans), np.float16).reshape(-1, FEATURES)
    label = np.array(labels_of(sample, spans), np.float16) * judged
    size = np.array([len(span.text) for span in spans], np.int32)
    keep = np.arange(len(spans))
    of_spans = texts[len(texts) - len(spans) :]
    headers = texts[HEADER : len(texts) - len(spans)]
    if max_pieces is not None and sum(map(len, texts)) > max_pieces:
        keep = _runs(label, blocks, [len(text) for text in of_spans], max_pieces, sample.id)
        cut = np.r_[True, (keep[1:] != keep[:-1] + 1) | (blocks[keep[1:]] != blocks[keep[:-1]])]
        headers = [headers[block] for block in blocks[keep[cut]]]
        blocks = np.cumsum(cut) - 1
    else:
        blocks = blocks.copy()

    chosen = [*texts[:HEADER], *headers, *(of_spans[i] for i in keep)]
    return Example(
        sample.source, sample.kind,
        pieces=np.array([piece for text in chosen for piece in text], "u2"),
        lengths=np.array([len(text) for text in chosen], "u2"),
        blocks=blocks.astype("u2"), features=rows[keep], label=label[keep], size=size[keep], judged=judged[keep],
    )  # fmt: skip


def _runs(label: Any, blocks: Any, lengths: Sequence[int], room: int, name: str) -> Any:
    """Indices of the spans of runs that fit into `room` pieces: those with needs first, then others by chance."""
    firsts = [0]
    for i in range(1, len(blocks)):
        if blocks[i] != blocks[i - 1] or i - firsts[-1] == RUN:
            firsts.append(i)
    runs = [range(a, b) for a, b in zip(firsts, [*firsts[1:], len(blocks)], strict=True)]
    rng = Random(name)  # noqa: S311 - a reproducible draw, no secret
    needed = [run for run in runs if label[run.start : run.stop].any()]
    without_needs = [run for run in runs if not label[run.start : run.stop].any()]
    rng.shuffle(needed)
    rng.shuffle(without_needs)

    kept: list[range] = []
    least_without_needs = room // 3
    for part, limit in ((needed, room - least_without_needs), (without_needs, room)):
        for run in part:
            if room <= 0 or (part is needed and room < limit // 3 and kept):
                break
            kept.append(run)
            room -= sum(lengths[i] for i in run)
    return np.array(sorted(i for run in kept for i in run))


def prepare(samples: Iterable[Sample], out: Path, tokenizer: Path, *, cut: bool, processes: int = 1) -> int:
    """Write the examples of samples to `out`, whole contexts or cut ones; returns how many."""
    make = partial(_example, tokenizer=tokenizer, max_pieces=MAX_PIECES if cut else None)
    if processes == 1:
        return write_examples(out, filter(None, map(make, samples)))
    isolate_children()
    with get_context("spawn").Pool(processes, leave_interrupts_to_parent) as pool:
        return write_examples(out, filter(None, pool.imap(make, samples, chunksize=16)))


def _example(sample: Sample, tokenizer: Path, max_pieces: int | None) -> Example | None:
    return example_of(sample, _wordpiece(tokenizer).encode, max_pieces)


@lru_cache(maxsize=1)
def _wordpiece(tokenizer: Path) -> FastWordPiece:
    """Load the tokenizer: once in each process, for it takes as long as many samples."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - only the pool's processes need it

    return FastWordPiece(Tokenizer.from_file(str(tokenizer)))


def write_examples(folder: Path, examples: Iterable[Example]) -> int:
    """Write the examples to `folder`, in the place of those there; returns how many."""
    return write_records(folder, examples, _ARRAYS, EXAMPLES_PER_FILE)


def read_examples(folder: Path) -> Iterator[Example]:
    """Read all examples of a folder, in order."""
    return read_records(folder, Example, _ARRAYS)


def samples_of(files: Sequence[Path]) -> Iterator[Sample]:
    """All samples of several files."""
    for path in files:
        yield from read_samples(path)
