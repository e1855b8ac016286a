"""Files of samples from coding sessions: `python -m contextprune.training.labels.sessions DATA OUT`.

Repositories are held out whole, no repository takes more than its share, and kinds of result are balanced: most long
results of coding agents are views of files. A set that goes on in a second file is one set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from contextprune.interpreter import isolate_children, leave_interrupts_to_parent
from contextprune.training.labels import kit
from contextprune.training.labels.coding import views
from contextprune.training.labels.kit import Raw
from contextprune.training.mix import HELD_OUT_REPOSITORIES, balanced, capped
from contextprune.training.samples import Sample, read_samples, write_samples

SETS = (
    "entire_cli",
    "entire_gitsync",
    "entire_sem",
    "entire_skills",
    "entire_auth",
    "gatomia",
    "specstory",
    "dgm",
    "whowhen",
)
WITHOUT_NEEDS = 0.2  # of the samples with needs of a set: as many more of which nothing was used
MAX_DEV_SAMPLES = 400  # samples of a held-out repository


def write_sessions(data: Path, out: Path, processes: int = 1) -> Mapping[str, int]:
    """Write `coding_train.jsonl.gz` and `coding_dev.jsonl.gz` into `out`; returns counts by half, repository and kind.

    Each file of the kit is made once: its samples stay in `out/coding.pieces`.
    """
    train: list[Sample] = []
    dev: list[Sample] = []
    for path, name in session_files(data):
        piece = out / "coding.pieces" / path.name.replace("traj_", "")
        if not piece.exists():
            write_samples(piece, _of_set(path, name, processes))
        for sample in read_samples(piece):
            (dev if sample.groups[0] in HELD_OUT_REPOSITORIES else train).append(sample)

    halves = {"train": _in_hash_order(capped(balanced(train))), "dev": _few_of_each(dev)}
    counts: Counter[str] = Counter()
    for half, samples in halves.items():
        write_samples(out / f"coding_{half}.jsonl.gz", samples)
        counts.update(f"{half} {sample.groups[0]} {sample.kind.partition(':')[0]}" for sample in samples)
    return dict(sorted(counts.items()))


def session_files(data: Path) -> Iterator[tuple[Path, str]]:
    """Find the kit's files of coding sessions, parts of a set one after another: (file, name of the set)."""
    for name in SETS:
        for path in sorted(data.glob(f"traj_{name}.jsonl.gz")) + sorted(data.glob(f"traj_{name}_[0-9].jsonl.gz")):
            yield path, name


def _of_set(path: Path, name: str, processes: int) -> list[Sample]:
    """Make the samples of one file; of those without needs few are taken, by a hash."""
    work = ((raw, name) for raw in kit.read(path))
    if processes == 1:
        samples = [sample for job in work for sample in _of_session(job)]
    else:
        isolate_children()
        with get_context("spawn").Pool(processes, leave_interrupts_to_parent) as pool:
            samples = [sample for part in pool.imap(_of_session, work) for sample in part]

    ordered = _in_hash_order(samples)
    with_needs = [sample for sample in ordered if sample.needs]
    without = [sample for sample in ordered if not sample.needs]
    return with_needs + without[: int(WITHOUT_NEEDS * len(with_needs))]


def _of_session(job: tuple[Raw, str]) -> list[Sample]:
    return list(views(*job))


def _few_of_each(samples: Sequence[Sample]) -> list[Sample]:
    counts: Counter[str] = Counter()
    few = []
    for sample in _in_hash_order(samples):
        counts[sample.groups[0]] += 1
        if counts[sample.groups[0]] <= MAX_DEV_SAMPLES:
            few.append(sample)
    return few


def _in_hash_order(samples: Iterator[Sample] | Sequence[Sample]) -> list[Sample]:
    return sorted(samples, key=lambda sample: kit.digest(f"sessions:{sample.id}"))


def main(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="The data kit's folder with the files to train on.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write into.")],
    processes: Annotated[int, typer.Option(metavar="N", help="Processes that read sessions.")] = 1,
) -> None:
    """Write coding_train.jsonl.gz and coding_dev.jsonl.gz for the scorer."""
    console = Console(stderr=True)
    for name, count in write_sessions(data, out, processes).items():
        console.print(f"{name:60} {count:7,}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
