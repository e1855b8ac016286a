"""Samples from the user's own recorded sessions: hindsight tells what of a result was needed later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from contextprune.audit.find import File, Skipped, find
from contextprune.audit.recordings import Recording, read_recordings
from contextprune.errors import ContextPruneError, SettingsError
from contextprune.training.labels.coding import views_of
from contextprune.training.samples import Sample, write_samples

SOURCE = "own sessions"
HELD_OUT = 0.2  # of the files with sessions, by a hash of their names
LEAST_FILES = 5  # with samples: of fewer none can be held out that says anything
WITHOUT_NEEDS = 0.2  # of the samples with needs: as many more of which nothing was used

Report = Callable[[str], None]


class Halves(NamedTuple):
    """Files of samples to train on and to judge by, and the recordings that the latter come from."""

    train: Path
    dev: Path
    held_out: Sequence[Recording]


def write_halves(paths: Sequence[str], out: Path, report: Report) -> Halves:
    """Read the sessions at `paths`, and write the samples of both halves into `out`.

    A file is held out whole: sessions that were continued share their beginnings. Raises SettingsError where too few
    files have anything that was used later, ContextPruneError where a path leads nowhere.
    """
    files, skipped = find(paths)
    by_file: dict[str, list[Sample]] = {}
    recordings: dict[str, list[Recording]] = {}
    for number, file in enumerate(files, start=1):
        sessions = list(_readable(file, skipped))
        samples = [sample for session in sessions for sample in _samples(session)]
        if any(sample.needs for sample in samples):
            by_file[file.name], recordings[file.name] = samples, sessions
        if number % 20 == 0 or number == len(files):
            report(f"{number} of {len(files)} files read, {len(by_file)} of them with something that was used later")

    if len(by_file) < LEAST_FILES:
        raise SettingsError(
            f"{len(by_file)} of {len(files)} files have tool results of which something was used later, and training "
            f"needs {LEAST_FILES} at least: give more folders of sessions, as for `contextprune audit`"
        )
    held_out = _held_out(list(by_file))
    halves = Halves(
        out / "train.jsonl.gz", out / "dev.jsonl.gz", [r for name in sorted(held_out) for r in recordings[name]]
    )
    for path, of_dev in ((halves.train, False), (halves.dev, True)):
        chosen = [sample for name, samples in by_file.items() if (name in held_out) == of_dev for sample in samples]
        count = write_samples(path, _balanced(chosen))
        report(f"{count:,} samples {'to judge by' if of_dev else 'to train on'}")
    return halves


def _readable(file: File, skipped: list[Skipped]) -> Iterator[Recording]:
    try:
        yield from read_recordings(file)
    except ContextPruneError as exc:  # a file that holds no session is none of ours
        skipped.append(Skipped(file.name, str(exc)))


def _samples(recording: Recording) -> Iterator[Sample]:
    yield from views_of(recording.context, recording.name, SOURCE, recording.name)


def _held_out(names: Sequence[str]) -> frozenset[str]:
    """The names of the files to judge by: a fifth of them, one at least."""
    ordered = sorted(names, key=lambda name: blake2b(f"held out:{name}".encode(), digest_size=8).digest())
    return frozenset(ordered[: max(1, round(HELD_OUT * len(ordered)))])


def _balanced(samples: Sequence[Sample]) -> Sequence[Sample]:
    """All samples with needs, and few of the others, in the order of a hash."""
    ordered = sorted(samples, key=lambda sample: blake2b(sample.id.encode(), digest_size=8).digest())
    with_needs = [sample for sample in ordered if sample.needs]
    without = [sample for sample in ordered if not sample.needs]
    return [*with_needs, *without[: int(WITHOUT_NEEDS * len(with_needs))]]
