"""A whole training in small: samples whose needed line is told by its words, and a BERT of two tiny layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from contextprune.context import Context, Kind, Segment
from contextprune.training.fit.prepare import prepare
from contextprune.training.samples import Need, Sample, write_samples
from tests.scoring.folders import WORDS, write_encoder

_PLAIN = [word for word in WORDS[5:] if word.isalpha() and len(word) > 2]


def samples(count: int, start: int = 0) -> Iterator[Sample]:
    """Lines of which the one that holds the two words of the query is needed."""
    for number in range(start, start + count):
        lines = [" ".join(_PLAIN[(number + 5 * i + j) % len(_PLAIN)] for j in range(4)) for i in range(40)]
        at = number * 7 % 40
        lines[at] = "checkout fail"
        text = "\n".join(lines) + "\n"
        begin = sum(len(line) + 1 for line in lines[:at])
        context = Context((Segment(Kind.DOCUMENT, text, (0,)),), "why does checkout fail", asked=True)
        need = Need(0, begin, begin + len(lines[at]))
        yield Sample(f"s{number}", "small", "prose", (f"d{number}",), context, (0,), (need,))


def folders(root: Path) -> tuple[Path, Path, Path]:
    """(groups to train on, groups to judge by, the BERT), all under `root`."""
    start = write_encoder(root / "start")
    write_samples(root / "train.jsonl.gz", samples(60))
    write_samples(root / "dev.jsonl.gz", samples(12, start=60))
    for half in ("train", "dev"):
        tokens = start / "tokenizer.json"
        prepare([root / f"{half}.jsonl.gz"], root / half, tokens, dev=half == "dev", processes=1)
    return root / "train", root / "dev", start
