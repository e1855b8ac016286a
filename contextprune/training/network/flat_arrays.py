"""Records of arrays on disk: many records a file, of each field one long array and where each record's part ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

Record = TypeVar("Record")

LABELS = ("source", "kind")
"""Fields of a record that are texts; all others are arrays."""


def write_records(folder: Path, records: Iterable[Any], fields: Sequence[str], per_file: int) -> int:
    """Write files `NNNN.npz` of `per_file` records to `folder`, in the place of those there; returns how many records.

    fields   names of the arrays of a record
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.npz"):
        stale.unlink()

    written = 0
    waiting = iter(records)
    while some := list(islice(waiting, per_file)):
        _write(folder / f"{written // per_file:04}.npz", some, fields)
        written += len(some)
    return written


def _write(path: Path, records: Sequence[Any], fields: Sequence[str]) -> None:
    arrays: dict[str, Any] = {f"{label}s": np.array([getattr(r, label) for r in records], "U") for label in LABELS}
    for name in fields:
        parts = [getattr(record, name) for record in records]
        arrays[name] = np.concatenate(parts)
        arrays[f"{name}_ends"] = np.cumsum([len(part) for part in parts])
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **arrays)
    partial.replace(path)


def read_records(folder: Path, make: Callable[..., Record], fields: Sequence[str]) -> Iterator[Record]:
    """Read all records of a folder, in order; `make` takes the labels and the arrays by name."""
    for path in sorted(folder.glob("[0-9]*.npz")):
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        for k, labels in enumerate(zip(*(arrays[f"{label}s"] for label in LABELS), strict=True)):
            parts = {}
            for name in fields:
                ends = arrays[f"{name}_ends"]
                parts[name] = arrays[name][ends[k - 1] if k else 0 : ends[k]]
            yield make(**dict(zip(LABELS, map(str, labels), strict=True)), **parts)
