"""From files of samples to groups on disk: which sources, how many of each, which tools and packages are held out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from hashlib import blake2b
from multiprocessing import get_context
from pathlib import Path

from contextprune.interpreter import isolate_children
from contextprune.scoring.windows import Cutter
from contextprune.training.fit.groups import Group, group_of, write_groups
from contextprune.training.samples import Sample, read_samples

MOST: Mapping[str, int] = {
    "irc": 400, "ares_synth": 300, "ares_synth_call": 100, "kv": 80, "kv_call": 80, "mtragun": 100, "scitldr": 500,
    "qmsum": 400, "evinf": 700, "covidqa": 600, "lihua": 300, "fireact": 400, "intercode": 1000, "sgd": 1200,
    "nq20": 1600, "squad2": 3600, "hotpot500": 600, "selqa": 1300, "qed": 1000, "tau_airline": 900,
    "sweagent_demo": 400, "code_view": 2400, "tools": 11_000,
}  # fmt: skip
"""Samples of a source in the training half. IRC overlaps itself, long documents cost most and say least a token."""
OTHERS = 1500
DEV = 30
"""Samples of a source in the development half; a kind of tool counts as a source."""

Progress = Callable[[str, int], None]


def prepare(files: Collection[Path], out: Path, tokenizer: Path, *, dev: bool, processes: int = 2) -> Counter[str]:
    """Write the groups of a half to `out`; how many of each source."""
    counts = Counter(_label(sample, dev=dev) for path in files for sample in read_samples(path))
    isolate_children()
    with get_context("spawn").Pool(processes, _start, (tokenizer,)) as pool:  # fork would copy threads
        picked = _picked(files, counts, dev=dev)
        made = pool.imap(partial(_make, most=None if dev else 3), picked, chunksize=16)
        done: Counter[str] = Counter()

        def counted() -> Iterator[Group]:
            for group in made:
                if group is not None:
                    done[group.source] += 1
                    yield group

        write_groups(out, counted())
    return done


def _picked(files: Collection[Path], counts: Mapping[str, int], *, dev: bool) -> Iterator[Sample]:
    """Each source thinned to what is wanted of it, by a hash of the sample's id."""
    for path in files:
        for sample in read_samples(path):
            label = _label(sample, dev=dev)
            most = DEV if dev else MOST.get(label, OTHERS)
            draw = int.from_bytes(blake2b(sample.id.encode(), digest_size=4).digest()) / 2**32
            if draw < most / counts[label]:
                yield sample


def _label(sample: Sample, *, dev: bool) -> str:
    return f"tool:{sample.kind}" if dev and sample.source == "tools" else sample.source


_cutters: list[Cutter] = []  # one for each process of the pool


def _start(tokenizer: Path) -> None:
    from tokenizers import Tokenizer  # noqa: PLC0415 - only the pool's processes need it

    _cutters.append(Cutter(Tokenizer.from_file(str(tokenizer))))


def _make(sample: Sample, most: int | None) -> Group | None:
    return group_of(sample, _cutters[0], most)
