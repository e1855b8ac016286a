"""From files of samples to groups on disk: which sources, how many of each, which tools and packages are held out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache, partial
from hashlib import blake2b
from multiprocessing import get_context
from pathlib import Path

from contextprune.interpreter import isolate_children
from contextprune.scoring.windows import Cutter
from contextprune.training.fit.groups import MAX_WINDOWS, Group, group_of, write_groups
from contextprune.training.samples import Sample, read_samples

MAX_SAMPLES: Mapping[str, int] = {
    "irc": 400, "ares_synth": 300, "ares_synth_call": 100, "kv": 80, "kv_call": 80, "mtragun": 100, "scitldr": 500,
    "qmsum": 400, "evinf": 700, "covidqa": 600, "lihua": 300, "fireact": 400, "intercode": 1000, "sgd": 1200,
    "nq20": 1600, "squad2": 3600, "hotpot500": 600, "selqa": 1300, "qed": 1000, "tau_airline": 900,
    "sweagent_demo": 400, "code_view": 2400, "tools": 11_000,
}  # fmt: skip
"""Most samples of a source in the training half. IRC overlaps itself; long documents cost most and say least."""
DEFAULT_MAX_SAMPLES = 1500
MAX_DEV_SAMPLES = 30
"""Most samples of a source in the development half; a kind of tool counts as a source."""


def prepare(files: Collection[Path], out: Path, tokenizer: Path, *, dev: bool, processes: int = 2) -> Counter[str]:
    """Write the groups of a half to `out`; returns how many of each source."""
    counts = Counter(_source_of(sample, dev=dev) for path in files for sample in read_samples(path))
    isolate_children()
    make_group = partial(_group, tokenizer=tokenizer, max_windows=None if dev else MAX_WINDOWS)
    with get_context("spawn").Pool(processes) as pool:  # fork would copy threads
        groups = pool.imap(make_group, _subsample(files, counts, dev=dev), chunksize=16)
        written: Counter[str] = Counter()

        def counted() -> Iterator[Group]:
            for group in groups:
                if group is not None:
                    written[group.source] += 1
                    yield group

        write_groups(out, counted())
    return written


def _subsample(files: Collection[Path], counts: Mapping[str, int], *, dev: bool) -> Iterator[Sample]:
    """Draw from each source the number wanted of it, by a hash of the sample's id."""
    for path in files:
        for sample in read_samples(path):
            source = _source_of(sample, dev=dev)
            wanted = MAX_DEV_SAMPLES if dev else MAX_SAMPLES.get(source, DEFAULT_MAX_SAMPLES)
            position = int.from_bytes(blake2b(sample.id.encode(), digest_size=4).digest()) / 2**32
            if position < wanted / counts[source]:
                yield sample


def _source_of(sample: Sample, *, dev: bool) -> str:
    return f"tool:{sample.kind}" if dev and sample.source == "tools" else sample.source


def _group(sample: Sample, tokenizer: Path, max_windows: int | None) -> Group | None:
    return group_of(sample, _cutter(tokenizer), max_windows)


@lru_cache(maxsize=1)
def _cutter(tokenizer: Path) -> Cutter:
    """Load the tokenizer: once in each process, for it takes as long as many samples."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - only the pool's processes need it

    return Cutter(Tokenizer.from_file(str(tokenizer)))
